#!/usr/bin/env bash
# Routes, addresses and next-hop objects that others put into the kernel: the workers forward by them, and at once.
#
#   70_routes.sh [--long]     --long: 999,000 routes instead of 100,000
. "$(dirname "$0")/_init.sh"

MANY=100000
[ "${1:-}" != --long ] || MANY=999000 # the limit is a million, and there are others
MANY_SECONDS=5
ROUTE_CPU_US=5 # of the control core, for each of many
WITHDRAW_MS=100

in_kernel() { ip -n "$HUB" "$@"; }

# route_is PREFIX JQ: the workers' route for exactly that prefix
route_is() {
	hub_is route.list ".routes[] | select(.prefix == \"$1\") | $2"
}

no_route() { # PREFIX
	hub_is route.list "[.routes[] | select(.prefix == \"$1\")] | length == 0"
}

routes_used() {
	hub_value route.list .routes_used
}

kernel_total_is() { # NAME VALUE
	hub_is route.list ".kernel.$1 == $2"
}

is_refused() { # PREFIX REASON
	hub_is route.list "[.refused[] | select(.prefix == \"$1\" and .reason == \"$2\")] | length == 1"
}

event_count() { # KIND OBJECT
	hub_value event.list "[.events[] | select(.kind == \"$1\" and .object == \"$2\")] | length"
}

has_event() {
	[ "$(event_count "$@")" -gt 0 ]
}

kernel_has() { # PREFIX
	[ -n "$(in_kernel route show "$1")" ]
}

pings_from() { # LAN|WAN ADDRESS [OPTION...]
	ip netns exec "${!1}" ping -q -c 1 -W 1 "${@:3}" "$2" >/dev/null
}

lan_pings() {
	pings_from LAN "$1"
}

is_neighbour() { # ADDRESS DEV: one that may be sent to
	in_kernel neigh show "$1" dev "$2" | grep -qE 'REACHABLE|STALE|DELAY|PROBE'
}

no_neighbour() {
	! is_neighbour "$@"
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

drops_grew() { # REASON BEFORE
	[ "$(drops "$1")" -gt "$2" ]
}

draw_topology
write_config "install-routes: true"
# Transit over wan0, too; a static route; room for many.
sed -i -e 's/role: underlay/role: both/' \
	-e "s/idle: sleep/idle: sleep, limits: {routes: $((MANY + 1000)), tbl8: 256, spokes: 64, nexthops: 64}/" "$HUB_CONF"
cat >>"$HUB_CONF" <<-EOC
	routes:
	  - {prefix: 172.16.0.0/12, via: 192.0.2.100}
	  - {prefix: 10.128.0.0/24, via: 10.255.0.11}
EOC
ip -n "$WAN" route add 10.1.0.0/16 via 192.0.2.1
for address in 198.51.100.1/32 198.51.100.2/32 198.51.101.1/32; do
	ip -n "$WAN" address add $address dev lo
done
in_kernel link add mgmt0 type bridge
in_kernel link set mgmt0 up
in_kernel address add 198.18.0.1/24 dev mgmt0

need "the daemon starts" start_hub

# ---- routes
check "the configuration's routes came through the kernel" route_is 172.16.0.0/12 '.gateway == "192.0.2.100"'
check "and so did the subnets of our addresses" route_is 192.0.2.0/24 '.type == "connected" and .interface == "wan0"'
refuse "before: no way to a host behind the WAN" lan_pings 198.51.100.1
in_kernel route add 198.51.100.0/24 via 192.0.2.100
eventually "ip route add: the workers have it" 1 route_is 198.51.100.0/24 '.type == "gateway" and .interface == "wan0"'
eventually "and forward by it" 3 lan_pings 198.51.100.1
in_kernel route add blackhole 198.51.100.2/32
eventually "a blackhole inside: it is one" 1 route_is 198.51.100.2/32 '.type == "blackhole"'
before=$(drops blackhole)
refuse "and nothing passes" lan_pings 198.51.100.2
check "but a count" drops_grew blackhole "$before"
in_kernel route replace 198.51.100.2/32 via 192.0.2.100
eventually "replaced by a gateway: it passes" 3 lan_pings 198.51.100.2
in_kernel route del 198.51.100.2/32
eventually "deleted: gone" 1 no_route 198.51.100.2/32
check "the shorter one serves" lan_pings 198.51.100.2

in_kernel route add 198.51.100.0/24 via 192.0.2.77 metric 50
in_kernel route add 198.51.100.0/24 via 192.0.2.78 metric 30
check "worse metrics wait" route_is 198.51.100.0/24 '.gateway == "192.0.2.100"'
in_kernel route del 198.51.100.0/24 via 192.0.2.100
eventually "the best one goes: the next one steps in" 1 route_is 198.51.100.0/24 '.gateway == "192.0.2.78"'
in_kernel route del 198.51.100.0/24 metric 30
eventually "and the next" 1 route_is 198.51.100.0/24 '.gateway == "192.0.2.77"'
in_kernel route del 198.51.100.0/24 metric 50
eventually "and none" 1 no_route 198.51.100.0/24

in_kernel route add 203.0.113.0/24 via 198.18.0.9 dev mgmt0
eventually "over an interface that is not ours: counted" 1 kernel_total_is ignored 2
check "and not forwarded" no_route 203.0.113.0/24
in_kernel route add unreachable 203.0.113.0/25
eventually "unreachable: dropped" 1 route_is 203.0.113.0/25 '.type == "blackhole"'
in_kernel route add 203.0.113.0/26 via 10.9.9.9 dev wan0 onlink
eventually "a gateway outside every subnet, onlink" 1 route_is 203.0.113.0/26 '.gateway == "10.9.9.9"'
in_kernel route add 203.0.113.0/27 via 192.0.2.100 table 100
in_kernel route flush root 203.0.113.0/24
eventually "flushed" 1 no_route 203.0.113.0/26

# ---- several ways
in_kernel route add 198.51.101.0/24 nexthop via 192.0.2.100 weight 3 nexthop via 10.255.0.11 dev Tunnel42 weight 1 \
	nexthop via 198.18.0.9 dev mgmt0
eventually "ECMP: the gateways that are ours, with weights" 1 route_is 198.51.101.0/24 '.type == "multipath" and
	(.paths | map({gateway, weight})) == [{gateway: "192.0.2.100", weight: 3}, {gateway: "10.255.0.11", weight: 1}]'
in_kernel route del 198.51.101.0/24
in_kernel nexthop add id 7 via 192.0.2.99 dev wan0
in_kernel nexthop add id 8 via 192.0.2.98 dev wan0
in_kernel nexthop add id 9 group 7,5/8,2
in_kernel route add 198.51.101.0/24 nhid 9
eventually "a group of next-hop objects" 1 route_is 198.51.101.0/24 '(.paths | map(.weight)) == [5, 2]'
in_kernel nexthop replace id 7 via 192.0.2.100 dev wan0
eventually "a member is replaced: the route follows" 1 route_is 198.51.101.0/24 '.paths[0].gateway == "192.0.2.100"'
in_hub sysctl -qw net.ipv4.nexthop_compat_mode=0
in_kernel nexthop replace id 9 group 7
eventually "the group has one left: without a message about the route" 1 route_is 198.51.101.0/24 \
	'.type == "gateway" and .gateway == "192.0.2.100"'
eventually "traffic goes there" 3 lan_pings 198.51.101.1
in_kernel nexthop del id 9
eventually "the object is deleted: its route with it" 1 no_route 198.51.101.0/24
check "no more next-hop objects than in the kernel" kernel_total_is nexthop_objects 2

# ---- addresses
ip -n "$LAN" address add 10.1.2.10/24 dev eth0
in_kernel address add 10.1.2.1/24 dev lan0
eventually "an address added by hand is ours" 1 route_is 10.1.2.1/32 '.type == "local" and .interface == "lan0"'
check "so is its broadcast address" route_is 10.1.2.255/32 '.type == "local"'
check "its subnet is connected" route_is 10.1.2.0/24 '.type == "connected"'
eventually "it answers" 3 pings_from LAN 10.1.2.1 -I 10.1.2.10
eventually "and the hub forwards into it" 3 pings_from WAN 10.1.2.10
in_kernel address del 10.1.2.1/24 dev lan0
for prefix in 10.1.2.1/32 10.1.2.255/32 10.1.2.0/24; do
	eventually "removed: $prefix is gone" 1 no_route $prefix
done
in_kernel address add 10.99.0.1/32 dev lo
eventually "an address of the loopback interface is ours" 3 lan_pings 10.99.0.1

# ---- neighbours
in_kernel route add 198.51.102.0/24 via 192.0.2.77
eventually "a gateway that nobody is" 1 route_is 198.51.102.0/24 '.gateway == "192.0.2.77"'
before=$(drops neigh-unresolved)
refuse "nothing passes" lan_pings 198.51.102.1
eventually "and drops have a name" 3 drops_grew neigh-unresolved "$before"
in_kernel route del 198.51.102.0/24
# The kernel is to forget, and to ask, sooner than it usually does.
for setting in base_reachable_time_ms=300 delay_first_probe_time=0 retrans_time_ms=200; do
	in_hub sysctl -qw net.ipv4.neigh.lan0.$setting
done
capture_start arp "$LAN" eth0 "arp[6:2] == 1 and ether dst 02:00:00:00:02:00 and src host 10.1.1.1"
lan_pings 10.1.1.1
eventually "a host of the LAN is kept fresh, by unicast ARP" 20 captured arp arp 2
check "and stays in use" is_neighbour 10.1.1.10 lan0
ip -n "$LAN" link set eth0 arp off
eventually "it does not answer any more: FAILED" 20 no_neighbour 10.1.1.10 lan0
before=$(drops neigh-unresolved)
refuse "it is not reached" pings_from WAN 10.1.1.10
eventually "and drops have a name" 3 drops_grew neigh-unresolved "$before"
ip -n "$LAN" link set eth0 arp on
ip -n "$LAN" route replace default via 10.1.1.1
eventually "and back" 5 lan_pings 10.1.1.1

# ---- a withdrawn route
withdrawn_after() {
	"$TEST_DIR/routes.py" withdraw "$LAN" "$WAN" 198.51.100.1 ip -n "$HUB" route del 198.51.100.0/24
}
in_kernel route add 198.51.100.0/24 via 192.0.2.100
eventually "a route to withdraw" 3 lan_pings 198.51.100.1
ms=$(withdrawn_after)
check "withdrawn: the workers forget it within $WITHDRAW_MS ms (last packet after ${ms:-?} ms)" \
	test "$(awk -v ms="${ms:-9999}" -v max=$WITHDRAW_MS 'BEGIN { print (ms < max) }')" = 1

# ---- twins set down
check "the tunnel's static route" route_is 10.128.0.0/24 '.gateway == "10.255.0.11"'
in_kernel route add 10.129.0.0/24 via 10.255.0.12
eventually "and one of others" 1 route_is 10.129.0.0/24 '.gateway == "10.255.0.12"'
in_kernel link set Tunnel42 down
eventually "a twin set down: its routes are gone, though the kernel does not say so" 1 no_route 10.128.0.0/24
check "all of them" no_route 10.129.0.0/24
check "... and not the others" route_is 172.16.0.0/12 true
in_kernel link set Tunnel42 up
eventually "up again: ours are back in the kernel" 2 kernel_has 10.128.0.0/24
eventually "and with the workers" 1 route_is 10.128.0.0/24 true
check "others' are theirs to put back" no_route 10.129.0.0/24

# ---- spokes: their host routes, their underlay
ip netns exec "$WAN" "$SPOKES" --interface eth0 --count 3 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 --nbma-base 192.0.2.110 \
	--protocol-base 10.255.0.11 --lan-base 10.128.0.0/24 --key 42 --holdtime 60 --stats-period 0 >"$TMP/spokes.log" 2>&1 &
spokes_pid=$!
children+=("$spokes_pid")
need "3 spokes register" within 10 spokes_up 3
eventually "their host routes come back from the kernel: recognised" 2 kernel_total_is own_hosts 3
check "and are not with the workers" no_route 10.255.0.11/32
eventually "a spoke's LAN is reached" 5 lan_pings 10.128.0.1
in_kernel link set Tunnel42 down
eventually "the tunnel's twin down: host routes are gone" 2 kernel_total_is own_hosts 0
in_kernel link set Tunnel42 up
eventually "up again: they are back" 2 kernel_total_is own_hosts 3
eventually "and a spoke's LAN is reached" 5 lan_pings 10.128.0.1

in_kernel route add blackhole 192.0.2.110/32
eventually "the way to a spoke's NBMA address is closed: an event" 2 has_event route-refused "Tunnel42 192.0.2.110"
before=$(drops no-underlay-route)
refuse "its LAN is not reached" lan_pings 10.128.0.1
check "drops have a name" drops_grew no-underlay-route "$before"
in_kernel route del 192.0.2.110/32
eventually "the way is open again: so is the LAN" 5 lan_pings 10.128.0.1

in_kernel route add 192.0.2.110/32 via 10.255.0.12 dev Tunnel42
eventually "a route that sends a spoke's outer packets into the tunnel is refused" 2 is_refused 192.0.2.110/32 recursive
check "the workers do not have it" no_route 192.0.2.110/32
check "an event says so" has_event route-refused 192.0.2.110/32
check "the spoke's LAN is reached all the same" lan_pings 10.128.0.1
in_kernel route add default via 10.255.0.12 metric 5
eventually "one that the underlay does not need is not" 1 route_is 0.0.0.0/0 '.gateway == "10.255.0.12"'
in_kernel route del default
in_kernel route del 192.0.2.110/32
eventually "deleted: nothing is refused" 1 hub_is route.list '.refused == []'

# ---- many, and lost messages
wan0=$(in_kernel -j link show dev wan0 | jq '.[0].ifindex')
many() { # VERB COUNT
	in_hub "$TEST_DIR/routes.py" "$1" "$2" "$wan0" 192.0.2.100 >"$TMP/many.$1" || return 1
	kernel_seconds=$(cat "$TMP/many.$1")
}

cpu_ms() { # of the control core so far
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$HUB_PID/task/$HUB_PID/stat"
}

hub_follows() { # COUNT SECONDS
	read -r seconds silent_ms <<<"$("$TEST_DIR/routes.py" wait "$SOCK" "$1" $(($2 * FACTOR_DEADLINE)))" && [ -n "${seconds:-}" ]
}

base=$(routes_used)
cpu=$(cpu_ms)
"$TEST_DIR/routes.py" wait "$SOCK" $((base + MANY)) $((60 * FACTOR_DEADLINE)) >"$TMP/wait" &
waiter=$!
many add $MANY
wait $waiter
check "$MANY routes: the workers have them" test $? -eq 0
cpu=$(($(cpu_ms) - cpu))
check "the control core took $cpu ms of CPU for them" test $cpu -lt $((MANY * ROUTE_CPU_US * FACTOR_DEADLINE / 1000))
read -r seconds silent_ms <"$TMP/wait"
echo "    the kernel took $kernel_seconds s, with the hub $seconds s; the control socket was silent for at most $silent_ms ms"
check "the control loop was never held up" test "${silent_ms%.*}" -lt $((200 * FACTOR_DEADLINE))
check "none was refused" kernel_total_is failed 0
echo "    resident: $(awk '/VmRSS/ { print $2 }' "/proc/$HUB_PID/status") kB"

resyncs=$(event_count netlink-resync kernel)
kill -STOP "$HUB_PID"
many del $((MANY * 3 / 4))
in_kernel route add 198.51.100.0/24 via 192.0.2.100
start=$(now_ms)
kill -CONT "$HUB_PID"
check "more than its socket holds was lost while it slept: it finds out" hub_follows $((base + MANY / 4 + 1)) $MANY_SECONDS
echo "    after $(($(now_ms) - start)) ms"
check "by an event" test "$(event_count netlink-resync kernel)" -gt "$resyncs"
check "what came meanwhile is there" route_is 198.51.100.0/24 true
check "what went is gone" no_route 20.0.0.0/24
check "nothing else was lost" hub_is route.list '.kernel.failed == 0 and .kernel.full == 0'
eventually "the spokes' LANs are reached" 5 lan_pings 10.128.0.1

many add $MANY
need "and there are $MANY again" hub_follows $((base + MANY + 1)) 60
kill_hub
start=$(now_ms)
need "after a kill -9 it starts on what the kernel has" start_hub
ms=$(($(now_ms) - start))
check "all of it, before anything is forwarded" equal "$(routes_used)" $((base + MANY + 1))
sed -n 's/^.*\(kernel: [0-9]* routes.*ms\)$/    \1/p' "$HUB_LOG" | tail -n 1
eventually "the routes of others, too" 3 lan_pings 198.51.100.1
many del $MANY
check "$MANY routes are withdrawn" hub_follows $((base + 1)) 60
echo "    the kernel took $kernel_seconds s, then the hub $seconds s"

kill -TERM "$spokes_pid"
wait "$spokes_pid"
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
