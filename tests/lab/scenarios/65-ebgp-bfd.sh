# shellcheck shell=bash
# topology: ebgp
# long: boots a spoke again, and so tools/test has six minutes for the rest
# eBGP with TTL 1 over the tunnel, in both directions, and BFD beside it (TTL 255): who loses power is gone from
# the workers long before BGP's hold time (15 s) or NHRP's is over.

bfd_up() { # SPOKE
	node_ids "$1"
	frr_exec -c 'show bfd peers json' | jq -e --arg tun "$TUN" \
		'.[] | select(.peer == $tun) | .status == "up" and .multihop == false' > /dev/null
}
# Such a packet passes the tunnel's twin; keep-alives come every 5 s.
passes() { # PCAP-FILTER
	timeout 10 ip netns exec "$NS_HUB" tcpdump -nli Tunnel100 -c 1 "$1" 2> "$LAB_RUN/tcpdump" | grep . ||
		fail "no packet of: $1: $(tr '\n' ' ' < "$LAB_RUN/tcpdump")"
}

# "session-down" of all sessions: the hub's, the spokes'
bfd_downs() {
	local spoke
	frr_exec -c 'show bfd peers counters json' | jq -c 'map(."session-down")'
	for spoke in $LAB_SPOKES; do
		spoke_exec "$spoke" "vtysh -c 'show bfd peers counters json'" | jq -c 'map(."session-down")'
	done
}

wait_bgp 30
wait_routes 20
for spoke in $LAB_SPOKES; do wait_for 15 "BFD with $spoke is up" bfd_up "$spoke"; done
# spoke2 is a neighbour by name; spoke1 is one of the listen range, to whom FRR 8.4 sends with TTL 255
node_ids spoke2
for direction in "src $TUN and dst $HUB_TUN" "src $HUB_TUN and dst $TUN"; do
	passes "$direction and tcp port 179 and ip[8] == 1"
	passes "$direction and udp dst port 3784 and ip[8] == 255"
done
ping_lans 50

wait_for 5 "the hub has the LAN of spoke2" hub_routes_to 10.1.12.0/24 10.255.0.12
start=$(now_ms)
spoke_stop spoke2
wait_for 6 "the LAN of spoke2 is gone from the workers" no hub_fib_via 10.1.12.0/24 10.255.0.12
echo "spoke2 lost power: its LAN was gone from the workers after $(fmt_secs $(($(now_ms) - start))) s"
assert "NHRP still waits for spoke2" hub_knows spoke2
assert "spoke1 has its session" bgp_up spoke1
ping_exact lan 10.1.11.10 20

spoke_start spoke2
spoke_wait spoke2
wait_bgp 40
wait_routes 20
for spoke in $LAB_SPOKES; do wait_for 15 "BFD with $spoke is up again" bfd_up "$spoke"; done
ping_lans 20
wait_for 5 "the hub is drained" hub_drained

# A hub that is killed and is back before the detection time is over: no BFD session notices, as its state file has the
# registrations.  How long it takes to start depends on the machine: one of three times must be quick enough.
for _ in 1 2 3; do
	downs=$(bfd_downs)
	away=$(now_ms)
	hub_stop KILL
	hub_start
	away=$(($(now_ms) - away))
	for spoke in $LAB_SPOKES; do node_ids "$spoke" && wait_for 2 "$spoke is reached" reaches lan "$LAN.10"; done
	echo "killed: the hub was away for $(fmt_secs "$away") s"
	[ "$away" -ge 2000 ] || break
	for spoke in $LAB_SPOKES; do wait_for 15 "BFD with $spoke is up again" bfd_up "$spoke"; done
	wait_bgp 30
done
[ "$away" -lt 2000 ] || fail "the hub needs $away ms to start: nothing is said about BFD"
for spoke in $LAB_SPOKES; do node_ids "$spoke" && passes "src $TUN and dst $HUB_TUN and udp dst port 3784"; done
[ "$(bfd_downs)" = "$downs" ] || fail "BFD: sessions that went down: before: $downs; now: $(bfd_downs)"
wait_for 5 "the hub is drained" hub_drained
