#!/usr/bin/env bash
# The word of the cloud: spokes that have it register; those that have another or none get an error indication (code 11) and
# nothing else happens. The hub tells the word nobody.
. "$(dirname "$0")/_init.sh"

WORD=Aut.h3n
N=3

# spokes BASE OPTIONS...: overlay 10.255.0.BASE, underlay 192.0.2.BASE
spokes() {
	local base=$1
	shift
	ip netns exec "$WAN" "$SPOKES" --interface eth0 --count "$N" --key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 \
		--nbma-base "192.0.2.$base" --protocol-base "10.255.0.$base" --lan-base "10.$base.0.0/24" --stats-period 0 \
		--json "$@" >"$TMP/spokes.json" 2>"$TMP/spokes.err"
}

report_is() {
	jq -e "$1" "$TMP/spokes.json" >/dev/null || { sed 's/^/    /' "$TMP/spokes.json"; return 1; }
}

traffic_is() { # COUNTER VALUE
	equal "$(hub_ctl -j show traffic | jq -r ".counters[] | select(.counter == \"$1\") | .pkts")" "$2"
}

entries() {
	hub_value nhrp.list '.entries | length'
}

# refused BASE COUNTER SUM OPTIONS...: one try of each spoke; SUM is what the counter says then
refused() {
	local base=$1 counter=$2 sum=$3
	shift 3
	refuse "$counter: none registers" spokes "$base" --register-timeout 1 --register-burst "$@"
	check "... each is told so" report_is ".nhrp.errors == $N and .nhrp.error_code == 11 and .registration.replies == 0"
	check "... each is counted" traffic_is "dropped-$counter" "$sum"
	check "... and nothing else happened" equal "$(entries)" "$N"
}

draw_topology
write_config "authentication: $WORD, redirect: true"
need "the daemon starts" start_hub
capture_start wire "$WAN" eth0 "proto gre"
check "with the word they register" spokes 10 --authentication "$WORD" --duration 0
check "... and get it back in every packet" report_is ".registered == $N and .registration.unauthenticated == 0"
refused 20 authentication-missing "$N"
refused 30 authentication-wrong "$N" --authentication Aut.h3m
refused 40 authentication-wrong $((2 * N)) --authentication Aut.h3
check "each error is counted" traffic_is error-tx-authentication-failure $((3 * N))

has_word() { # FILTER: some captured packet
	tcpdump -n -x -r "$TMP/wire.pcap" "$1" 2>/dev/null | sed -n 's/^\t0x[0-9a-f]*: *//p' | tr -d ' \n' |
		grep -q "$(printf %s "$WORD" | od -An -tx1 | tr -d ' \n')"
}
eventually "the capture has the errors" 3 captured wire "src 192.0.2.1 and dst 192.0.2.42" 1
check "the hub's replies have the word" has_word "src 192.0.2.1 and dst 192.0.2.10"
refuse "its errors to others do not" has_word "src 192.0.2.1 and (net 192.0.2.16/28 or net 192.0.2.32/27)"
refuse "the log does not have it" grep -qF "$WORD" "$HUB_LOG"
refuse "the API does not have it" grep -qF "$WORD" <(for noun in system tunnels events nhrp traffic; do hub_ctl -j show "$noun"; done)
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
