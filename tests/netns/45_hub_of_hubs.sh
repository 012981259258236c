#!/usr/bin/env bash
# Hubs under hubs: three levels of one cloud, all dmvpnd and dmvpn-spokes, on one underlay.
#
#        central 192.0.2.1, 10.255.0.1        backup 192.0.2.2, 10.255.0.2
#              |                 \                  |
#        east 192.0.2.11, 10.255.1.1          west 192.0.2.12, 10.255.2.1
#              |                                    |
#        10 spokes 192.0.2.110.., 10.255.1.11..   10 spokes 192.0.2.130.., 10.255.2.11..
#        LANs 10.128.0.0/24..                     LANs 10.129.0.0/24..
#
# Behind each region's hub is also one nhrp_peer.py, which asks and answers after RFC 2332: apeer 192.0.2.150 at east,
# bpeer 192.0.2.160 at west.
#
# east is a client of central, and of backup while central is silent (priorities); west of both at once (dual hub).
. "$(dirname "$0")/_init.sh"

N=10
declare -A PID
for name in central backup east west espokes wspokes apeer bpeer; do
	namespaces+=("ht-$$-$name")
done

ns_of() {
	echo "ht-$$-$1"
}

# plug NAME MAC: a namespace on the underlay's bridge
plug() {
	local ns
	ns=$(ns_of "$1")
	ip netns add "$ns" || die "$TEST: no network namespace $ns"
	ip -n "$ns" link set lo up
	ip -n "$WAN" link add "p-$1" type veth peer name v-wan netns "$ns" || die "$TEST: no veth pair"
	ip -n "$ns" link set v-wan address "$2"
	quiet_interface "$ns" v-wan
	quiet_interface "$WAN" "p-$1"
	ip -n "$WAN" link set "p-$1" master br0 up
	ip -n "$ns" link set v-wan up
}

draw_clouds() {
	is_root || die "$TEST: needs root for network namespaces"
	ip netns add "$WAN" || die "$TEST: no network namespace $WAN"
	ip -n "$WAN" link add br0 type bridge
	ip netns exec "$WAN" sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
	ip -n "$WAN" link set br0 up
	plug central 02:00:00:00:00:01
	plug backup 02:00:00:00:00:02
	plug east 02:00:00:00:00:11
	plug west 02:00:00:00:00:12
	plug espokes 02:00:00:00:01:00
	plug wspokes 02:00:00:00:02:00
	plug apeer 02:00:00:00:03:00
	plug bpeer 02:00:00:00:04:00
	ip -n "$(ns_of apeer)" address add 192.0.2.150/24 dev v-wan
	ip -n "$(ns_of bpeer)" address add 192.0.2.160/24 dev v-wan
}

# conf NAME NBMA PROTOCOL NHRP: its routes come on stdin
conf() {
	cat >"$TMP/$1.yaml" <<-EOC
		dataplane: {control-lcore: $CONTROL_CPU, worker-lcores: [$WORKER_CPU], huge-pages: off, idle: sleep}
		control: {socket: $TMP/$1.sock}
		ports:
		  - {name: wan0, device: "net_af_packet0,iface=v-wan", role: underlay, mtu: 1500, addresses: [$2/24]}
		tunnels:
		  - name: Tunnel42
		    source: wan0
		    key: 42
		    addresses: [$3/16]
		    mtu: 1400
		    nhrp: {network-id: 42, holdtime: 60, registration-timeout: 2, $4}
		routes:
		$(cat)
	EOC
}

lan_routes() { # NETWORK VIA: one for each of its spokes
	local i
	for ((i = 0; i < N; i++)); do
		echo "  - {prefix: 10.$1.$i.0/24, via: 10.255.$2.$((11 + i))}"
	done
}

write_configs() {
	cpus
	printf '  - {prefix: %s, via: %s}\n' 10.128.0.0/16 10.255.1.1 10.255.1.0/24 10.255.1.1 \
		10.129.0.0/16 10.255.2.1 10.255.2.0/24 10.255.2.1 |
		tee >(conf central 192.0.2.1 10.255.0.1 "redirect: true") | conf backup 192.0.2.2 10.255.0.2 "redirect: true"
	{ lan_routes 128 1; printf '  - {prefix: 10.129.0.0/16, via: 10.255.0.1}\n  - {prefix: 10.128.99.0/24, via: 10.255.1.99}\n'; } | conf east 192.0.2.11 10.255.1.1 \
		"redirect: true, nhs: [{nbma: 192.0.2.1, protocol: 10.255.0.1}, {nbma: 192.0.2.2, protocol: dynamic, priority: 1}]"
	{ lan_routes 129 2; printf '  - {prefix: 10.128.0.0/16, via: 10.255.0.1}\n  - {prefix: 10.129.99.0/24, via: 10.255.2.99}\n'; } | conf west 192.0.2.12 10.255.2.1 \
		"redirect: true, nhs: [{nbma: 192.0.2.1, protocol: 10.255.0.1}, {nbma: 192.0.2.2, protocol: 10.255.0.2}]"
}

# ---- one of the daemons

ctl() { # NAME ARGUMENTS of dmvpnctl
	SOCK=$TMP/$1.sock hub_ctl "${@:2}"
}

is() { # NAME METHOD JQ
	SOCK=$TMP/$1.sock hub_is "$2" "$3"
}

serves() {
	is_gone "${PID[$1]}" || ctl "$1" -j show system >/dev/null 2>&1
}

start() {
	ip netns exec "$(ns_of "$1")" "$DMVPND" -c "$TMP/$1.yaml" >>"$HUB_LOG" 2>&1 &
	PID[$1]=$!
	children+=($!)
	within 10 serves "$1" && ! is_gone "${PID[$1]}"
}

stop() { # by signal $2, TERM without
	kill "-${2:-TERM}" "${PID[$1]}"
	within 10 is_gone "${PID[$1]}" || return 1
	wait "${PID[$1]}" 2>/dev/null
	equal $? "$([ "${2:-TERM}" = KILL ] && echo 137 || echo 0)"
}

nhs_is() { # NAME NBMA STATE
	is "$1" nhs.list ".nhs[] | select(.nbma == \"$2\") | .state == \"$3\""
}

has_entry() { # NAME PROTOCOL TYPE
	is "$1" nhrp.list "[.entries[] | select(.protocol == \"$2\" and .type == \"$3\")] | length == 1"
}

has_no_entry() { # NAME PROTOCOL
	is "$1" nhrp.list "[.entries[] | select(.protocol == \"$2\")] | length == 0"
}

flag_is() { # NAME PROTOCOL FLAG
	is "$1" nhrp.list ".entries[] | select(.protocol == \"$2\") | .flags | index(\"$3\") != null"
}

hub_json() { # nhs.list has a noun of its own
	local noun=${1%%.*}
	case $1 in
	nhrp.traffic) noun=traffic ;;
	system.info | nhrp.list | nhs.list) ;;
	*) noun+=s ;;
	esac
	hub_ctl -j show "$noun"
}

spokes() { # NAME NBMA_BASE PROTOCOL_BASE LAN_BASE HUB_NBMA HUB_PROTOCOL
	ip netns exec "$(ns_of "$1")" "$SPOKES" --interface v-wan --count "$N" --hub-nbma "$5" --hub-protocol "$6" \
		--nbma-base "$2" --protocol-base "$3" --lan-base "$4" --key 42 --holdtime 30 --rate 50 --stats-period 0 \
		--json >"$TMP/$1.json" 2>"$TMP/$1.err" &
	children+=($!)
}

up() { # NAME COUNT
	is "$1" spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $2"
}

ping_from() { # NAME ADDRESS
	ip netns exec "$(ns_of "$1")" ping -q -c 1 -W 1 "$2" >/dev/null
}

# peer NAME NUMBER LOCAL HUB PROTOCOL HUB_PROTOCOL LAN: what it is told comes by file descriptor NUMBER
peer() {
	mkfifo "$TMP/$1.in"
	eval "exec $2<>$TMP/$1.in"
	ip netns exec "$(ns_of "$1")" "$TEST_DIR/nhrp_peer.py" "$3" "$4" 42 "$5" "$6" "$7" <"$TMP/$1.in" \
		>"$TMP/$1.out" 2>"$TMP/$1.err" &
	children+=($!)
}

got() { # NAME JQ, of the array of the packets that it has received
	jq -se "$2" "$TMP/$1.out" >/dev/null
}

# ---- they find each other

draw_clouds
write_configs
for name in central backup east west; do
	need "$name starts" start "$name"
done
eventually "east is registered at central" 10 nhs_is east 192.0.2.1 responding
check "... and not at backup, which has the lower priority" nhs_is east 192.0.2.2 waiting
eventually "west is registered at both" 10 nhs_is west 192.0.2.1 responding
eventually "... at backup too" 10 nhs_is west 192.0.2.2 responding
check "central has them as any client" has_entry central 10.255.1.1 dynamic
check "... both" has_entry central 10.255.2.1 dynamic
check "backup has west" has_entry backup 10.255.2.1 dynamic
check "... and not east" has_no_entry backup 10.255.1.1
check "that is an event" is east event.list '[.events[] | select(.kind == "nhs-up")] | length == 1'
check "show nhs names it" grep -q 'Tunnel42 *192.0.2.1 *10.255.0.1 .*responding' <(ctl east show nhs)
spokes espokes 192.0.2.110 10.255.1.11 10.128.0.0/24 192.0.2.11 10.255.1.1
spokes wspokes 192.0.2.130 10.255.2.11 10.129.0.0/24 192.0.2.12 10.255.2.1
eventually "the spokes of east register" 10 up east $((N + 1))
eventually "the spokes of west register" 10 up west $((N + 2))

# ---- traffic from region to region: east, central, west, spoke, and back
eventually "east reaches a LAN behind west" 20 ping_from east 10.129.3.1
check "20 of 20 of its pings come back" grep -q ' 20 received, 0% packet loss' \
	<(ip netns exec "$(ns_of east)" ping -q -c 20 -i 0.05 -W 2 10.129.7.1)
eventually "its way is used" 20 flag_is east 10.255.0.1 used

# ---- a next hop that nobody registered at west: central is asked, east and the spoke answer
refuse "a spoke of east is not known at west" has_entry west 10.255.1.15 dynamic
ping_from west 10.255.1.15
eventually "it is asked for, and told: the NBMA address of the spoke itself" 10 is west nhrp.list \
	'.entries[] | select(.protocol == "10.255.1.15") | .type == "dynamic" and .nbma == "192.0.2.114"'
eventually "so is east, which central's packets came from" 5 has_entry west 10.255.1.1 dynamic
refuse "an address that nobody has is not reached" ping_from west 10.255.9.9
eventually "... it is incomplete" 5 has_entry west 10.255.9.9 incomplete

# ---- from region to region: a request goes east, central, west, bpeer, and the answer back
peer apeer 7 192.0.2.150 192.0.2.11 10.255.1.99 10.255.1.1 10.128.99.0/24
peer bpeer 8 192.0.2.160 192.0.2.12 10.255.2.99 10.255.2.1 10.129.99.0/24
eventually "apeer registers at east" 10 got apeer 'any(.type == 4 and .cies[0].code == 0)'
eventually "bpeer registers at west" 10 got bpeer 'any(.type == 4 and .cies[0].code == 0)'
echo "resolve 10.129.99.7" >&7
eventually "apeer learns where bpeer's LAN is" 10 got apeer \
	'any(.type == 2 and .cies[0].nbma == "192.0.2.160" and .cies[0].protocol == "10.255.2.99" and .cies[0].prefix == 24)'
check "bpeer was asked by way of west, with two hops less" got bpeer 'any(.type == 1 and .from == "192.0.2.12" and .hops == 61)'
check "west knows whom it told" is west nhrp.list \
	'[.entries[] | select(.protocol == "10.255.2.99") | .requesters[] | select(.protocol == "10.255.1.99")] | length > 0'
check "show nhrp names them" grep -q 'Requester: 10.255.1.99 Request ID: [0-9]' <(ctl west show nhrp)

# ---- and a redirect: central sees apeer's packet turn round, tells east, and east tells apeer
echo "send 10.129.99.7" >&7
eventually "apeer hears of the shorter way from its own hub" 10 got apeer 'any(.type == 8 and .from == "192.0.2.11")'
check "... which central had told" is central nhrp.traffic \
	'.counters[] | select(.counter == "tx-traffic-indication") | .pkts > 0'

# ---- and back: what bpeer takes back, apeer hears from west, by way of central and east
echo "purge 10.255.2.99" >&8
eventually "bpeer's purge is answered" 5 got bpeer 'any(.type == 6)'
check "west has forgotten it" has_no_entry west 10.255.2.99
eventually "apeer is told" 10 got apeer \
	'any(.type == 5 and .from == "192.0.2.11" and .src == "10.255.2.1" and .cies[0].protocol == "10.129.99.0" and .cies[0].prefix == 24)'
eventually "its answer comes back to west" 10 is west nhrp.traffic \
	'.counters[] | select(.counter == "purge-answered") | .pkts > 0'

# ---- fall-back
check "central dies" stop central KILL
eventually "east falls back to backup" 30 nhs_is east 192.0.2.2 responding
check "central is expected" nhs_is east 192.0.2.1 expecting
check "backup's address in the tunnel was learned" has_entry east 10.255.0.2 static
eventually "backup has east now" 5 has_entry backup 10.255.1.1 dynamic
eventually "west has backup only" 30 nhs_is west 192.0.2.1 expecting
check "... as before" nhs_is west 192.0.2.2 responding
check "that is an event" is east event.list '[.events[] | select(.kind == "nhs-down")] | length == 1'
need "central comes back" start central
eventually "east comes back to central" 70 nhs_is east 192.0.2.1 responding
eventually "... and leaves backup" 5 nhs_is east 192.0.2.2 waiting
eventually "... which has forgotten it" 5 has_no_entry backup 10.255.1.1
eventually "west has both" 70 nhs_is west 192.0.2.1 responding
eventually "east reaches a LAN behind west again" 20 ping_from east 10.129.3.1

for name in central backup east west; do
	check "$name stops with status 0" stop "$name"
done
check "no mbuf leaked" equal "$(grep -c 'no mbuf leaked' "$HUB_LOG")" 4
finish
