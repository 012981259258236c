#!/usr/bin/env bash
# What senders are told: ping, traceroute and tracepath through the hub see its addresses, its MTU and its reasons.
. "$(dirname "$0")/_init.sh"

SPOKES_N=4

# Spoke i: underlay 192.0.2.(110+i), overlay 10.255.0.(11+i), LAN 10.128.i.0/24.
start_spokes() {
	ip netns exec "$WAN" "$SPOKES" --interface eth0 --count "$SPOKES_N" --key 42 --hub-nbma 192.0.2.1 \
		--hub-protocol 10.255.0.1 --nbma-base 192.0.2.110 --protocol-base 10.255.0.11 \
		--lan-base 10.128.0.0/24 --stats-period 0 >"$TMP/spokes.out" 2>"$TMP/spokes.err" &
	SPOKES_PID=$!
	children+=("$SPOKES_PID")
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

says() { # REGEX COMMAND...: its output has such a line, whatever its status
	local regex=$1
	shift
	"$@" >"$TMP/said" 2>&1
	grep -qE "$regex" "$TMP/said" || { sed 's/^/    /' "$TMP/said"; return 1; }
}

# udp_frame TO_MAC SRC DST TTL [OUTER_SRC]: 100 bytes of UDP as a frame in hex, in GRE when there is an outer source
udp_frame() {
	python3 - "$@" <<-'EOF'
		import socket, struct, sys

		def ip(src, dst, ttl, protocol, payload):
		    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0,
		                    socket.inet_aton(src), socket.inet_aton(dst))
		    s = sum(struct.unpack("!10H", h))
		    s = (s & 0xffff) + (s >> 16)
		    return h[:10] + struct.pack("!H", ~((s & 0xffff) + (s >> 16)) & 0xffff) + h[12:] + payload

		mac, src, dst, ttl, outer = (sys.argv[1:] + [None])[:5]
		packet = ip(src, dst, int(ttl), 17, bytes(80))
		if outer:
		    packet = ip(outer, "192.0.2.1", 64, 47, struct.pack("!HHI", 0x2000, 0x0800, 42) + packet)
		print(mac.replace(":", "") + "0200000001000800" + packet.hex())
	EOF
}

# spoke_sends DST TTL: in the tunnel of spoke 0
spoke_sends() {
	send_frame "$WAN" eth0 "$(udp_frame "$(mac_of "$HUB" wan0)" 10.128.0.1 "$1" "$2" 192.0.2.110)"
}

spoke_hears() { # REGEX: an ICMP error in the tunnel to spoke 0
	tcpdump -n -r "$TMP/gre.pcap" 'src 192.0.2.1 and dst 192.0.2.110' 2>/dev/null | grep -qE "$1"
}

# of all workers
total() { # COUNTER
	hub_value worker.list "[.workers[].$1] | add"
}

draw_topology
write_config "install-routes: true"
{
	echo "routes:"
	for ((i = 0; i < SPOKES_N; i++)); do
		echo "  - {prefix: 10.128.$i.0/24, via: 10.255.0.$((11 + i))}"
	done
	echo "  - {prefix: 10.129.0.0/24, via: 10.255.0.200}"
	echo "  - {prefix: 10.66.0.0/16, blackhole: true}"
} >>"$HUB_CONF"
need "the daemon starts" start_hub
start_spokes
need "$SPOKES_N spokes register" within 10 spokes_up "$SPOKES_N"
need "the LAN reaches a spoke" within 10 in_lan ping -q -c 1 -W 1 10.128.1.1

# ---- the way
check "traceroute shows the hub's LAN address first" says '^ 1  10\.1\.1\.1 ' \
	in_lan traceroute -n -I -q 1 -w 2 -m 3 10.128.1.1
check "... and the spoke's host behind it" grep -qE '^ 2  10\.128\.1\.1 ' "$TMP/said"
check "traceroute by UDP shows it, too" says '^ 1  10\.1\.1\.1 ' in_lan traceroute -n -q 1 -w 1 -m 1 10.128.1.1
check "and by TCP" says '^ 1  10\.1\.1\.1 ' in_lan traceroute -n -T -q 1 -w 1 -m 1 10.128.1.1
capture_start gre "$WAN" eth0 'ip proto 47'
spoke_sends 10.128.1.1 1
eventually "a spoke sees the hub's overlay address" 5 spoke_hears \
	'10\.255\.0\.1 > 10\.128\.0\.1: ICMP time exceeded in-transit'

# ---- the MTU
check "1400 bytes with DF pass" in_lan ping -q -c 1 -W 2 -M 'do' -s 1372 10.128.1.1
check "1401 do not: the hub says why, and the MTU" says 'From 10\.1\.1\.1 .*Frag needed and DF set \(mtu = 1400\)' \
	in_lan ping -c 1 -W 2 -M 'do' -s 1373 10.128.2.1
check "the sender has learned it" says 'mtu 1400' ip -n "$LAN" route get 10.128.2.1
check "tracepath finds the hub and the MTU" says '^ *1: +10\.1\.1\.1 ' in_lan tracepath -n -m 2 10.128.3.1
check "... of the tunnel" grep -q 'pmtu 1400' "$TMP/said"

# ---- what cannot be reached
check "no route" says 'From 10\.1\.1\.1 .*Destination Net Unreachable' in_lan ping -c 1 -W 2 203.0.113.9
check "a next hop without a binding" says 'From 10\.1\.1\.1 .*Destination Host Unreachable' in_lan ping -c 1 -W 2 10.129.0.1
check "a blackhole is silent" says '1 packets transmitted, 0 received, 100% packet loss' in_lan ping -c 1 -W 1 10.66.0.1
spoke_sends 10.1.1.99 64
eventually "a LAN host that does not answer ARP" 8 spoke_hears \
	'10\.255\.0\.1 > 10\.128\.0\.1: ICMP host 10\.1\.1\.99 unreachable'
check "the hub's own kernel is told, too" says 'From 10\.255\.0\.99 .*Destination Host Unreachable' in_hub ping -c 1 -W 2 10.255.0.99
ip -n "$HUB" address add 10.1.1.3/24 dev lan0
ip -n "$HUB" address del 10.1.1.1/24 dev lan0
errors_come_from() {
	says "^ 1  $1 " in_lan traceroute -n -I -q 1 -w 1 -m 1 10.128.1.1
}
ip -n "$LAN" route replace default via 10.1.1.3
eventually "another address on the interface: errors come from that" 5 errors_come_from '10\.1\.1\.3'

# ---- how many
suppressed() {
	[ $(($(total icmp_sent) + $(total icmp_suppressed))) -ge $((before + 2000)) ]
}
before=$(($(total icmp_sent) + $(total icmp_suppressed)))
sent=$(total icmp_sent)
start=$(date +%s)
send_frame "$LAN" eth0 "$(udp_frame "$(mac_of "$HUB" lan0)" 10.1.1.10 10.128.1.1 1)" 6000
eventually "2000 packets expire" 5 suppressed
seconds=$(($(date +%s) - start + 1))
check "at most 100 answers per second go out" [ $(($(total icmp_sent) - sent)) -le $((100 * seconds + 50)) ]
check "the others are counted" hub_is worker.list '[.workers[].icmp_suppressed] | add > 1000'
check "each made packet is counted" hub_is worker.list '[.workers[] | .generated_pkts == .icmp_sent] | all'

kill -TERM "$SPOKES_PID"
wait "$SPOKES_PID"
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
