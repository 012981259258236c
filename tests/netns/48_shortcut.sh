#!/usr/bin/env bash
# Phase 3 between emulated spokes: traffic that hairpins is answered with traffic indications, the spokes resolve the
# way by the hub and take it; then the hub forwards none of it, and nothing was lost. A binding moves: whoever was told
# the old way gets a purge request and comes back to the hub.
. "$(dirname "$0")/_init.sh"

COUNT=4
HUB_OF=(--key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 --interface eth0 --json)

# spokes_start NAME OPTIONS...: spoke i has 192.0.2.(11+i), 10.255.0.(11+i) and 10.11.i.0/24 unless they say otherwise
spokes_start() {
	local name=$1
	shift
	ip netns exec "$WAN" "$SPOKES" "${HUB_OF[@]}" --nbma-base 192.0.2.11 --protocol-base 10.255.0.11 \
		--lan-base 10.11.0.0/24 --stats-period 0.2 "$@" >"$TMP/$name.json" 2>"$TMP/$name.err" &
	SPOKES_PID=$!
	children+=("$SPOKES_PID")
}

spokes_stop() { # PID: its status
	kill -TERM "$1"
	wait "$1"
}

report_is() { # NAME JQ
	jq -e "$2" "$TMP/$1.json" >/dev/null || { sed 's/^/    /' "$TMP/$1.json"; tail -n 3 "$TMP/$1.err"; return 1; }
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

hairpins() {
	hub_value worker.list '[.workers[].hairpin_pkts] | add'
}

hairpins_more() { # SINCE
	[ "$(hairpins)" -gt "$1" ]
}

sent() { # NAME
	local n
	n=$(grep -o 'sent [0-9]*' "$TMP/$1.err" | tail -n 1 | cut -d ' ' -f 2)
	echo "${n:-0}"
}

sent_more() { # NAME SINCE
	[ "$(sent "$1")" -ge $(($2 + 200)) ]
}

# Two hundred packets are sent, and the hub has forwarded none of them.
goes_direct() { # NAME
	local hairpin since
	hairpin=$(hairpins)
	since=$(sent "$1")
	within 10 sent_more "$1" "$since" && [ "$(hairpins)" -eq "$hairpin" ]
}

binding_is_at() { # PROTOCOL NBMA
	hub_is nhrp.list ".entries[] | select(.protocol | startswith(\"$1\")) | .nbma == \"$2\""
}

draw_topology
write_config "redirect: true, redirect-interval: 2"
need "the hub starts" start_hub
for ((i = 0; i < COUNT; i++)); do
	ip -n "$HUB" route add "10.11.$i.0/24" via "10.255.0.$((11 + i))" dev Tunnel42 onlink
done

spokes_start all --count $COUNT --shortcut --rate 400
eventually "$COUNT spokes register" 10 spokes_up $COUNT
eventually "their traffic hairpins at the hub" 10 hairpins_more 0
eventually "they find their ways: the hub forwards nothing more of it" 20 goes_direct all
check "they stop" spokes_stop "$SPOKES_PID"
# Each spoke sends to the one behind it, and answers the one in front.
check "... without a loss, each with two shortcuts" report_is all \
	".ok and .traffic.lost == 0 and .shortcuts.now == 2 * $COUNT and .traffic.direct > 0 and .nhrp.traffic_indications > 0"
check "... each by a resolution that the other spoke has answered" report_is all \
	".nhrp.resolution_replies == 2 * $COUNT and .nhrp.resolutions_answered >= 2 * $COUNT and .nhrp.resolutions_wrong == 0"

spokes_start pair --count 2 --shortcut --rate 400 --max-loss 100 --holdtime 600
pair=$SPOKES_PID
eventually "two spokes have found each other" 20 goes_direct pair
before=$(hairpins)
# Somebody else has the second one's tunnel address and LAN now.
spokes_start moved --count 1 --nbma-base 192.0.2.50 --protocol-base 10.255.0.12 --lan-base 10.11.1.0/24
eventually "the second one's binding moves" 10 binding_is_at 10.255.0.12 192.0.2.50
eventually "the first one comes back to the hub" 10 hairpins_more "$before"
check "the spokes stop" spokes_stop "$pair"
check "... it had got a purge request for its shortcut" report_is pair '.ok and .nhrp.purges >= 1 and .shortcuts.purged >= 1'
check "... and the new one its packets" eval 'spokes_stop "$SPOKES_PID" && report_is moved ".ok and .inner.echo_answered > 0"'
eventually "the hub's purge requests were answered" 10 eval \
	'hub_ctl -j show traffic | jq -e ".counters[] | select(.counter == \"purge-answered\") | .pkts >= 1" >/dev/null'
check_balance
check "the hub stops" stop_hub
finish
