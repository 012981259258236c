#!/usr/bin/env bash
# Dual hub, one cloud: ten spokes register at two hubs. While both are there the first one forwards; it is killed, and
# what the spokes send goes by the second one; it comes back, and gets its spokes and their packets again.
#
#   ns $WAN   ┌─ br0 ─┬─ eth0 ── v-wan in $HUB     dmvpnd  192.0.2.1  10.255.0.1
#   spokes ───┘       └─ eth1 ── v-wan in $HUB2    dmvpnd  192.0.2.2  10.255.0.2
. "$(dirname "$0")/_init.sh"

COUNT=10
HUB2=ht-$$-hub2
SOCK2=$TMP/control2.sock

draw_second_hub() {
	namespaces+=("$HUB2")
	ip netns add "$HUB2" || die "$TEST: no network namespace $HUB2"
	ip -n "$HUB2" link set lo up
	ip -n "$HUB2" link add v-wan type veth peer name eth1 netns "$WAN" || die "$TEST: no veth pair"
	ip -n "$WAN" link add spokes type veth peer name sw-spokes
	ip -n "$WAN" link add br0 type bridge mcast_snooping 0
	ip -n "$WAN" address flush dev eth0
	for dev in eth0 eth1 sw-spokes; do
		quiet_interface "$WAN" $dev
		ip -n "$WAN" link set $dev master br0 up
	done
	quiet_interface "$WAN" spokes
	quiet_interface "$HUB2" v-wan
	ip -n "$WAN" link set spokes up
	ip -n "$WAN" link set br0 up
	ip -n "$HUB2" link set v-wan up
}

write_second_config() {
	sed -e "s|$SOCK|$SOCK2|; s|192\.0\.2\.1/24|192.0.2.2/24|; s|10\.255\.0\.1/24|10.255.0.2/24|; /name: lan0/d" \
		"$HUB_CONF" >"$TMP/hub2.yaml"
}

on_hub2() { # COMMAND...: a statement about the second hub
	local SOCK=$SOCK2
	"$@"
}

start_second_hub() {
	ip netns exec "$HUB2" "$DMVPND" -c "$TMP/hub2.yaml" >"$TMP/hub2.log" 2>&1 &
	HUB2_PID=$!
	children+=("$HUB2_PID")
	within 10 on_hub2 hub_json system.info >/dev/null 2>&1
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $COUNT"
}

hairpins() {
	hub_value worker.list '[.workers[].hairpin_pkts] | add'
}

forwards() { # SINCE: a hundred packets more
	[ "$(hairpins)" -ge $(($1 + 100)) ]
}

report_is() { # JQ
	jq -e "$1" "$TMP/spokes.json" >/dev/null || { sed 's/^/    /' "$TMP/spokes.json" "$TMP/spokes.err"; return 1; }
}

# Their LANs, as a routing daemon would have them.
routes_add() { # NS
	for ((i = 0; i < COUNT; i++)); do
		ip -n "$1" route replace "10.11.$i.0/24" via "10.255.0.$((11 + i))" dev Tunnel42 onlink || return 1
	done
}

draw_topology
draw_second_hub
write_config
write_second_config
need "the first hub starts" start_hub
need "the second hub starts" start_second_hub
ip netns exec "$WAN" "$SPOKES" --interface spokes --count $COUNT --key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 \
	--hub 192.0.2.2,10.255.0.2 --nbma-base 192.0.2.11 --protocol-base 10.255.0.11 --lan-base 10.11.0.0/24 \
	--holdtime 10 --rate 200 --max-loss 100 --stats-period 0 --json >"$TMP/spokes.json" 2>"$TMP/spokes.err" &
SPOKES_PID=$!
children+=("$SPOKES_PID")
eventually "$COUNT spokes register at the first hub" 10 spokes_up
eventually "... and at the second" 10 on_hub2 spokes_up
check "the first hub has routes to their LANs" routes_add "$HUB"
check "... and the second" routes_add "$HUB2"
before=$(on_hub2 hairpins)
eventually "the first hub forwards" 10 forwards "$(hairpins)"
check "... the second one does not" equal "$(on_hub2 hairpins)" "$before"
kill_hub
eventually "without the first hub the second one forwards" 20 on_hub2 forwards "$before"
need "the first hub is back" start_hub
eventually "... with its spokes" 40 spokes_up
check "... and their routes" routes_add "$HUB"
eventually "... and forwards again" 10 forwards "$(hairpins)"
kill -TERM "$SPOKES_PID"
wait "$SPOKES_PID"
check "the spokes are at both hubs, and got nothing twice or wrong" report_is \
	".ok and .registered == $COUNT and (.hubs | length == 2 and all(.registered == $COUNT))"
check_balance
check "the first hub stops" stop_hub
on_hub2 check_balance
kill -TERM "$HUB2_PID"
wait "$HUB2_PID"
check "the second hub stops" grep -q "no mbuf leaked" "$TMP/hub2.log"
finish
