#!/usr/bin/env bash
# The kernel must not answer beside us: exactly one reply per ping, none while the worker stands still, and nothing that
# comes in from the WAN is forwarded by anybody but the dataplane.
. "$(dirname "$0")/_init.sh"

PINGS=20

# one_reply_each NS DEV ADDRESS: PINGS requests, PINGS replies, counted on the wire too
one_reply_each() {
	local out ns=$1 dev=$2 address=$3
	capture_start "reply-$dev-$ns" "$ns" "$dev" "icmp and host $address"
	out=$(ip netns exec "$ns" ping -c "$PINGS" -i 0.05 -W 2 "$address")
	check "$address answers each of $PINGS pings" grep -q " $PINGS received" <<<"$out"
	refuse "$address: no ping has two answers (ping)" grep -qE 'DUP|duplicates' <<<"$out"
	# A second answer would come at the same time as the first or just after it: one more exchange closes the window.
	ip netns exec "$ns" ping -q -c 1 -W 2 "$address" >/dev/null
	eventually "$address: the wire shows the last reply" 3 captured "reply-$dev-$ns" 'icmp[0] = 0' $((PINGS + 1))
	check "$address: no ping has two answers (wire)" equal \
		"$(capture_count "reply-$dev-$ns" 'icmp[0] = 0')" "$(capture_count "reply-$dev-$ns" 'icmp[0] = 8')"
}

draw_topology
write_config
# A kernel that would like to be a router, as on a machine that has other duties too.
in_hub sysctl -qw net.ipv4.ip_forward=1
need "the daemon starts" start_hub
eventually "the WAN's first ping is answered" 5 in_wan ping -q -c 1 -W 1 192.0.2.1
eventually "the LAN's first ping is answered" 5 in_lan ping -q -c 1 -W 1 10.1.1.1
one_reply_each "$WAN" eth0 192.0.2.1
one_reply_each "$LAN" eth0 10.1.1.1
check_balance

# ---- transit from the WAN, with kernel forwarding on: someone turns it on, for every interface, after our start

twins_do_not_forward() {
	local dev
	for dev in wan0 lan0 Tunnel42; do
		[ "$(in_hub sysctl -n "net.ipv4.conf.$dev.forwarding")" = 0 ] || return 1
	done
}
in_hub sysctl -qw net.ipv4.ip_forward=0
in_hub sysctl -qw net.ipv4.ip_forward=1
eventually "forwarding is off on the twins again" 5 twins_do_not_forward
hub_mac=$(mac_of "$HUB" wan0)
ip -n "$WAN" route add 10.1.1.0/24 via 192.0.2.1
ip -n "$WAN" route add 198.51.100.0/24 via 192.0.2.1
ip -n "$WAN" neigh replace 192.0.2.1 lladdr "$hub_mac" nud permanent dev eth0
transit_before=$(drops transit-underlay)
capture_start transit-lan "$LAN" eth0 "not arp"
capture_start transit-wan "$WAN" eth0 "not arp"
refuse "transit to the LAN is not answered" in_wan ping -q -c 5 -i 0.05 -W 1 10.1.1.10
refuse "transit to the WAN is not answered" in_wan ping -q -c 5 -i 0.05 -W 1 198.51.100.1
transit_dropped() {
	[ "$(drops transit-underlay)" -ge $((transit_before + 10)) ]
}
eventually "transit on the WAN is a drop with a name" 3 transit_dropped
# What should not come cannot be waited for: a packet that does come closes the window.
check "the hub still answers" in_wan ping -q -c 1 -W 2 192.0.2.1
in_lan ping -q -c 1 -W 2 10.1.1.1 >/dev/null
eventually "the LAN's capture is alive" 3 captured transit-lan 'host 10.1.1.1' 2
check "nothing of it came out on the LAN" equal "$(capture_count transit-lan 'src net 192.0.2.0/24')" 0
eventually "the WAN's capture is alive" 3 captured transit-wan 'src 192.0.2.1 and icmp[0] = 0' 1
check "each of the ten went to the hub" equal \
	"$(capture_count transit-wan "ether dst $hub_mac and (dst net 10.1.1.0/24 or dst net 198.51.100.0/24)")" 10
check "nothing of it came back on the WAN" equal \
	"$(capture_count transit-wan "ether src $hub_mac and not src 192.0.2.1")" 0
check "and no ICMP error or redirect of the kernel" equal \
	"$(capture_count transit-wan "ether src $hub_mac and icmp and icmp[0] != 0")" 0
check_balance

# ---- nobody home: the daemon stands still, the kernel is alive

kill -STOP "$HUB_PID"
is_stopped() {
	[[ $(<"/proc/$HUB_PID/stat") == *') T '* ]]
}
eventually "the daemon stands still" 3 is_stopped
capture_start stopped "$WAN" eth0 ""
refuse "a ping of the WAN address is not answered" in_wan ping -q -c 5 -i 0.1 -W 1 192.0.2.1
refuse "nor one of the LAN address from the WAN" in_wan ping -q -c 3 -i 0.1 -W 1 10.1.1.1
refuse "nor one of the LAN address from the LAN" in_lan ping -q -c 3 -i 0.1 -W 1 10.1.1.1
ip -n "$WAN" neigh del 192.0.2.1 dev eth0
refuse "nor is ARP" in_wan ping -q -c 2 -i 0.1 -W 1 192.0.2.1
check "the requests were on the wire" captured stopped 'icmp[0] = 8 and dst 192.0.2.1' 5
check "ARP was on the wire" captured stopped 'arp and dst 192.0.2.1' 1
check "not one frame came from the hub" equal "$(capture_count stopped 'not ether src 02:00:00:00:01:00')" 0
kill -CONT "$HUB_PID"
eventually "going on, it answers again" 5 in_wan ping -q -c 1 -W 1 192.0.2.1
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
