#!/usr/bin/env bash
# After a power cut: all spokes register at the same instant, twice: first as strangers, then as registered ones. Each is
# answered within 5 s, what did not get through at once has a counter, and who is there already goes on forwarding.
. "$(dirname "$0")/_init.sh"

N=${STORM_SPOKES:-10000} # limits.spokes takes 20,000 at most; one spoke is there before
ANSWERED_MS=5000
HOLD=300 # refreshed every 100 s

# Spoke i: underlay 100.64.0.10 + i behind the router 192.0.2.254, overlay 10.64.0.10 + i.
STORM_CMD=(ip netns exec "$WAN" "$SPOKES" --interface eth0 --router 192.0.2.254 --count "$N" --key 42 --hub-nbma 192.0.2.1
	--hub-protocol 10.64.0.1 --nbma-base 100.64.0.10 --protocol-base 10.64.0.10 --lan-base 172.16.0.0/30 --holdtime "$HOLD"
	--unique --register-burst --stats-period 0 --json)
# The one that is there before.
OLD_CMD=(ip netns exec "$WAN" "$SPOKES" --interface eth0 --count 1 --key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.64.0.1
	--nbma-base 192.0.2.150 --protocol-base 10.64.255.1 --lan-base 10.128.0.0/24 --stats-period 0)

# storm NAME: all at once; the report is $TMP/NAME.json
storm() {
	"${STORM_CMD[@]}" --duration 0 >"$TMP/$1.json" 2>"$TMP/$1.err" ||
		{ sed 's/^/    /' "$TMP/$1.err" "$TMP/$1.json"; return 1; }
}

report() { # NAME JQ
	jq "$2" "$TMP/$1.json"
}

nhrp_counter() {
	hub_ctl -j show traffic | jq "[.counters[] | select(.counter == \"$1\") | .pkts] | add // 0"
}

answered_in_time() { # NAME
	local ms
	ms=$(report "$1" '.all_registered_ms | round')
	echo "    $1: $N registered after $ms ms, $(report "$1" .registration.retries) repeats"
	[ "$ms" -le "$ANSWERED_MS" ]
}

# What hub and kernel say that came and did not come; each request is in one of them.
arrived() {
	echo $(($(nhrp_counter rx-registration-request) + $(drops policed-nhrp) + $(drops punt-full) +
		$(hub_value port.list '.ports[] | select(.name == "wan0") | .rx_missed') +
		$(ip -n "$WAN" -s -j link show eth0 | jq '.[0].stats64.tx.dropped')))
}

# accounted NAME ARRIVED_BEFORE REPLIES_BEFORE
accounted() {
	local sent got replies
	sent=$(report "$1" '.registration.requests')
	got=$(($(arrived) - $2))
	replies=$(($(nhrp_counter tx-registration-reply) - $3))
	echo "    $1: $sent requests, $got accounted for, $replies replies"
	[ "$got" -ge "$sent" ] && [ "$got" -le $((sent + 2)) ] && # the old one's refresh may be among them
		[ "$replies" -ge "$N" ] && [ "$replies" -le $((got)) ]
}

# storm_and_look NAME
storm_and_look() {
	local before replies
	before=$(arrived)
	replies=$(nhrp_counter tx-registration-reply)
	in_lan ping -q -c 100 -i 0.02 -W 2 10.128.0.1 >"$TMP/$1.ping" &
	local ping=$!
	check "$1: all register" storm "$1"
	wait "$ping"
	check "... each is answered within $ANSWERED_MS ms" answered_in_time "$1"
	check "... nothing was lost without a counter" accounted "$1" "$before" "$replies"
	check "... forwarding went on: $(grep -o '[0-9]* received, [0-9]*% packet loss' "$TMP/$1.ping")" \
		grep -qE ' (9[5-9]|100) received' "$TMP/$1.ping"
}

all_there() {
	hub_is system.info ".tables.nhrp.used == $((N + 1)) and .tables.spokes.used == $((N + 1))"
}

draw_topology
write_config "max-bindings-per-spoke: 1"
sed -i "s|10.255.0.1/24|10.64.0.1/16|; s|idle: sleep|idle: sleep, limits: {spokes: $((N + 1)), nexthops: $((N + 1))}|" "$HUB_CONF"
sed -i 's|role: underlay|role: underlay, descriptors: 4096|' "$HUB_CONF"
cat >>"$HUB_CONF" <<-'EOC'
	routes:
	  - {prefix: 100.64.0.0/10, via: 192.0.2.254}
	  - {prefix: 10.128.0.0/24, via: 10.64.255.1}
EOC
need "the daemon starts" start_hub
"${OLD_CMD[@]}" >"$TMP/old.out" 2>&1 &
children+=($!)
need "one spoke is there before" within 10 in_lan ping -q -c 1 -W 1 10.128.0.1
storm_and_look strangers
check "... all are in the tables" all_there
storm_and_look refreshes
check "... all are in the tables" all_there
check "no table was full" hub_is system.info '[.tables[].full] | add == 0'
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
