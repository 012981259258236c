#!/usr/bin/env bash
# Registrations survive the hub: after SIGTERM and after kill -9 it forwards at once, and no spoke has to do anything. A
# state file that is not what it should be is kept aside, whole; entries that do not fit any more are dropped by name.
. "$(dirname "$0")/_init.sh"

N=20
HOLD=600 # the next refresh is minutes away
STATE=$TMP/state.json

spokes() { # BASE COUNT OPTIONS...: overlay 10.255.0.BASE, underlay 192.0.2.(100+BASE), LANs 10.128.BASE.0/24 and on
	local base=$1 count=$2
	shift 2
	exec ip netns exec "$WAN" "$SPOKES" --interface eth0 --count "$count" --key 42 --hub-nbma 192.0.2.1 \
		--hub-protocol 10.255.0.1 --nbma-base "192.0.2.$((100 + base))" --protocol-base "10.255.0.$base" \
		--lan-base "10.128.$base.0/24" --holdtime $HOLD --stats-period 0 "$@"
}

one_more() { # BASE
	(spokes "$1" 1 --duration 0) >"$TMP/one_more.log" 2>&1
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

has_host_routes() {
	[ "$(ip -n "$HUB" route show dev Tunnel42 | grep -cE '^10\.255\.0\.[0-9]+ ')" -eq "$1" ]
}

# JQ is true of all bindings in the file, as a list
file_has() {
	[ -e "$STATE" ] && jq -es "[.[].binding // empty] | $1" "$STATE" >/dev/null
}

state_is() {
	hub_is system.info ".state_file | $1"
}

nobody_registered() {
	hub_ctl -j show traffic | jq -e '[.counters[] | select(.counter == "rx-registration-request") | .pkts] == [0]' >/dev/null
}

lan_pings() {
	in_lan ping -q -c 1 -W 1 "$1" >/dev/null
}

hub_pings() {
	in_hub ping -q -c 1 -W 1 "$1" >/dev/null
}

# What holds right after a start that found N registrations.
check_restored() { # WHEN COUNT
	check "$1: $2 spokes are up, before anything was heard of them" spokes_up "$2"
	check "$1: the LAN reaches a spoke's LAN at once" lan_pings 10.128.13.1
	check "$1: each packet of the LAN is answered, once" grep -q ' 50 received, 0% packet loss' \
		<(in_lan ping -q -c 50 -i 0.01 -W 2 10.128.17.1)
	check "$1: the hub's kernel reaches a spoke" hub_pings 10.255.0.12
	check "$1: no spoke registered" nobody_registered
	check "$1: they have host routes" has_host_routes "$2"
	check "$1: the time that they have is what was left" hub_is nhrp.list \
		"[.entries[] | .holding_s == $HOLD and .expires_s < $HOLD and .expires_s > $HOLD / 2] | all"
	check "$1: the hub says how many it took over" state_is ".restored == $2 and .expired == 0 and .dropped == {}"
	check "$1: by an event" hub_is event.list '[.events[] | select(.kind == "state-restored")] | length == 1'
}

draw_topology
write_config "install-routes: true"
sed -i "s|control: {|control: {state-file: $TMP/none/state.json, |" "$HUB_CONF"
check "without its directory the daemon does not start" hub_fails -c "$HUB_CONF"
check "... and says why" grep -q "control.state-file: $TMP/none/state.json: its directory: No such file" "$HUB_LOG"
sed -i "s|$TMP/none/|$TMP/|" "$HUB_CONF"
{
	echo "routes:"
	for ((i = 11; i < 11 + N; i++)); do
		echo "  - {prefix: 10.128.$i.0/24, via: 10.255.0.$i}"
	done
} >>"$HUB_CONF"
need "the daemon starts without a file" start_hub
(spokes 11 $N) >"$TMP/spokes.log" 2>&1 &
SPOKES_PID=$!
children+=("$SPOKES_PID")
need "$N spokes register" within 10 spokes_up $N
eventually "they are in the file" 5 file_has "length == $N"
check "only root may read it" equal "$(stat -c %a "$STATE")" 600
check "as they registered" file_has "[.[] | select(.protocol == \"10.255.0.12\")] == [.[] | select(.tunnel == \"Tunnel42\" and
	.nbma == \"192.0.2.112\" and .port == 0 and .holding == $HOLD and (.flags | index(\"registered\") != null))]"

kill_hub
need "it starts after kill -9" start_hub
check_restored "kill -9" $N
check "a spoke registers" one_more 50
check "SIGTERM: it stops with status 0 and no leak" stop_hub
check "the file has all, written at the end" file_has "length == $N + 1"
need "it starts again" start_hub
check_restored "SIGTERM" $((N + 1))
check "nothing is left beside the file" equal "$(cd "$TMP" && echo state.json*)" state.json
kill_hub

# ---- files that are not what they should be
refused() { # WHAT MESSAGE
	need "$1: the daemon starts" start_hub
	check "$1: the log says where" grep -q "control.state-file: $STATE: $2; nothing of it is used, kept as $STATE.bad-1" "$HUB_LOG"
	check "$1: nothing of it is used" hub_is nhrp.list '.entries | length == 0'
	check "$1: it is kept aside, as it was" cmp "$STATE.bad-1" "$TMP/given"
	check "$1: it is not in the way" test ! -e "$STATE"
	check "$1: by an event" hub_is event.list '[.events[] | select(.kind == "state-refused")] | length == 1'
	kill_hub
	rm -f "$STATE.bad-1"
	: >"$HUB_LOG"
}
give() {
	cat >"$TMP/given"
	cp "$TMP/given" "$STATE"
}
cp "$STATE" "$TMP/good"
head -c -100 "$TMP/good" | give
refused "cut off" "line [0-9]*, column [0-9]*: cut off: no end of line"
sed 's/"10.255.0.12"/"10.255.0.99"/' "$TMP/good" | give
refused "changed by a digit" 'line [0-9]*: "checksum" is not that of the lines before'
"$TEST_DIR/state_make.py" 0 Tunnel42 10.255.0.11 192.0.2.111 300 | give
refused "of an older version" "line 1: version 0 (this daemon reads 1 only)"
give </dev/null
refused "empty" "line 1: cut off: the end is missing"

# ---- entries that do not fit any more
"$TEST_DIR/state_make.py" 1 Tunnel42 10.255.0.11 192.0.2.111 300 Tunnel42 10.255.0.12 192.0.2.112 -1 \
	Tunnel42 10.9.9.9 192.0.2.113 300 Tunnel43 10.255.0.14 192.0.2.114 300 Tunnel42 10.255.0.1 192.0.2.115 300 \
	Tunnel42 10.255.0.16 203.0.113.1 300 Tunnel42 10.255.0.17 192.0.2.117 9999 >"$STATE"
need "a file of a hub that was configured otherwise: it starts" start_hub
check "those that fit are there" hub_is nhrp.list '[.entries[].protocol] | sort == ["10.255.0.11", "10.255.0.16", "10.255.0.17"]'
check "nobody gets more time than was granted" hub_is nhrp.list '[.entries[].expires_s <= 600] | all'
check "the others are counted by name" state_is '.restored == 3 and .expired == 1 and .dropped == {"no-tunnel": 1,
	"refused-outside-tunnel": 1, "refused-our-address": 1}'
check "... and told" grep -q "Tunnel43 10.255.0.14 is not taken over: no such tunnel" "$HUB_LOG"
check "one that cannot be reached is told" hub_is event.list \
	'[.events[] | select(.kind == "route-refused" and .object == "Tunnel42 203.0.113.1")] | length == 1'
capture_start gre "$WAN" eth0 "proto 47 and dst host 203.0.113.1"
sent_to_it() {
	lan_pings 10.128.16.1
	captured gre "" 1
}
refuse "... nor is anything sent to it" sent_to_it
ip -n "$WAN" address add 203.0.113.1/32 dev eth0
ip -n "$HUB" route add 203.0.113.1 dev wan0
eventually "a route to it comes: now it is" 5 sent_to_it

# ---- a disk that refuses
rm -f "$STATE"
mkdir "$STATE"
check "a spoke registers" one_more 60
eventually "it cannot be written: an event" 10 hub_is event.list '[.events[] | select(.kind == "state-failed")] | length == 1'
check "the hub serves on" spokes_up 4
rmdir "$STATE"
eventually "it can again: it is" 30 file_has "length == 4"
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
