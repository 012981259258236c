#!/usr/bin/env bash
# Ports and their twins: what the kernel shows of us, how long it stays, and what a start refuses.
. "$(dirname "$0")/_init.sh"

link_has() { # NS DEV JQ over the link's object
	local link # jq 1.6 says yes to an empty input
	link=$(ip -n "$1" -d -j link show dev "$2" 2>/dev/null) && jq -e ".[0] | $3" >/dev/null <<<"$link"
}

has_address() { # DEV PREFIX
	ip -n "$HUB" -j address show dev "$1" 2>/dev/null |
		jq -e --arg p "$2" '[.[0].addr_info[] | "\(.local)/\(.prefixlen)"] | index($p)' >/dev/null
}

setting_is() { # NAME VALUE DEV...
	local name=$1 value=$2 dev status=0
	shift 2
	for dev in "$@"; do
		equal "$dev $(in_hub sysctl -n "net.ipv4.conf.$dev.$name")" "$dev $value" || status=1
	done
	return $status
}

has_event() { # KIND OBJECT
	hub_is event.list "[.events[] | select(.kind == \"$1\" and .object == \"$2\")] | length > 0"
}

twins_exist() {
	link_has "$HUB" wan0 . && link_has "$HUB" lan0 . && link_has "$HUB" Tunnel42 .
}

log_has() {
	grep -qE "$1" "$HUB_LOG" || { echo "    the log does not have: $1"; return 1; }
}

draw_topology
write_config
# The kernel of a router: forwarding is on everywhere before we start.
in_hub sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1

need "the daemon starts" start_hub
check "a port's twin is a persistent TAP" link_has "$HUB" wan0 \
	'.linkinfo.info_data.type == "tap" and .linkinfo.info_data.persist'
check "a tunnel's twin is a persistent TUN" link_has "$HUB" Tunnel42 \
	'.linkinfo.info_data.type == "tun" and .linkinfo.info_data.persist'
check "wan0's twin has the port's MAC" equal "$(mac_of "$HUB" wan0)" "$(mac_of "$HUB" v-wan)"
check "lan0's twin has the port's MAC" equal "$(mac_of "$HUB" lan0)" "$(mac_of "$HUB" v-lan)"
check "the tunnel's twin has the tunnel's MTU" link_has "$HUB" Tunnel42 '.mtu == 1400'
check "wan0 has its address" has_address wan0 192.0.2.1/24
check "lan0 has its address" has_address lan0 10.1.1.1/24
check "Tunnel42 has its address" has_address Tunnel42 10.255.0.1/24
for name in forwarding send_redirects accept_redirects; do
	check "$name is off on twins" setting_is "$name" 0 wan0 lan0 Tunnel42
done
# The kernel takes the larger of "all" (strict here) and the interface's: 2, any route back will do, wins over strict.
check "rp_filter is not strict on twins" setting_is rp_filter 2 wan0 lan0 Tunnel42
check "port.list names driver and link" hub_is port.list \
	'.ports | map({(.name): .}) | add | .wan0.driver == "net_af_packet" and .wan0.link == "up" and .lan0.link == "up"'
check "the raw interface has no IPv6" equal "$(ip -n "$HUB" -6 -o address show dev v-wan)" ""

vlan_before=$(drops vlan)
send_frame "$WAN" eth0 "$(mac_of "$HUB" wan0) 02:00:00:00:01:00 8100 0005 0800 $(printf '00%.0s' {1..46})" 3
vlan_dropped() {
	[ "$(drops vlan)" -ge $((vlan_before + 3)) ]
}
eventually "a VLAN-tagged frame is a drop with a name" 3 vlan_dropped

carrier_is() { # DEV up|down
	link_has "$HUB" "$1" "(.flags | index(\"LOWER_UP\")) $([ "$2" = up ] && echo '!=' || echo '==') null"
}
check "wan0 has carrier" carrier_is wan0 up
ip -n "$WAN" link set eth0 down
eventually "link down: the twin loses its carrier" 5 carrier_is wan0 down
eventually "link down: an event" 3 has_event link-down wan0
check "link down: lan0 is not concerned" carrier_is lan0 up
ip -n "$WAN" link set eth0 up
eventually "link up: the twin has its carrier again" 5 carrier_is wan0 up
eventually "link up: an event" 3 has_event link-up wan0
eventually "the hub answers again after the flap" 5 in_wan ping -q -c 1 -W 1 192.0.2.1

check_balance
check "SIGTERM ends it with status 0 and no leak" stop_hub
check "the twins stay after SIGTERM" twins_exist
check "and so do their addresses" has_address Tunnel42 10.255.0.1/24
index=$(ip -n "$HUB" -j link show dev Tunnel42 | jq '.[0].ifindex')
need "the daemon starts on the twins that are there" start_hub
check "it took the twin over, not a new one" link_has "$HUB" Tunnel42 ".ifindex == $index"
check "it stops again" stop_hub

check "--remove-twins succeeds" in_hub "$DMVPND" -c "$HUB_CONF" --remove-twins
refuse "wan0 is gone" link_has "$HUB" wan0 .
refuse "lan0 is gone" link_has "$HUB" lan0 .
refuse "Tunnel42 is gone" link_has "$HUB" Tunnel42 .
check "the raw interface is not" link_has "$HUB" v-wan .

sed 's/iface=v-wan/iface=v-none/' "$HUB_CONF" >"$TMP/no-iface.yaml"
check "a port whose interface does not exist ends the start" hub_fails -c "$TMP/no-iface.yaml"
check "... by name" log_has 'wan0.*v-none|v-none.*wan0'
sed 's/net_af_packet0,/net_nonsense0,/' "$HUB_CONF" >"$TMP/no-driver.yaml"
check "a vdev that fails to probe ends the start" hub_fails -c "$TMP/no-driver.yaml"
check "... by name" log_has 'wan0.*net_nonsense0|net_nonsense0.*wan0'
ip -n "$HUB" address add 203.0.113.1/24 dev v-wan
check "a raw interface with an address ends the start" hub_fails -c "$HUB_CONF"
check "... by name" log_has 'v-wan.*203\.0\.113\.1|203\.0\.113\.1.*v-wan'
finish
