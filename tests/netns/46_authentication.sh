#!/usr/bin/env bash
# The word of the cloud (Cisco's NHRP authentication): with the right one spokes register and take their registrations
# back, with a wrong one or none they get an error indication and nothing else. The peer is the emulator of this project.
. "$(dirname "$0")/_init.sh"

WORD=cisco42

# spokes OPTIONS...: ten of them, until all are registered or the time is over; the report is in spokes.json
spokes() {
	ip netns exec "$WAN" "$SPOKES" --interface eth0 --count 10 --key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 \
		--nbma-base 192.0.2.11 --protocol-base 10.255.0.11 --lan-base 10.11.0.0/24 --stats-period 0 --duration 0 \
		--register-timeout 2 --json "$@" >"$TMP/spokes.json" 2>"$TMP/spokes.err"
}

report_is() {
	jq -e "$1" "$TMP/spokes.json" >/dev/null || { sed 's/^/    /' "$TMP/spokes.json"; return 1; }
}

entries_are() {
	hub_is nhrp.list ".entries | length == $1"
}

counted() { # COUNTER: at least 10
	hub_ctl -j show traffic | jq -e ".counters[] | select(.counter == \"$1\") | .pkts >= 10" >/dev/null
}

# has_word CAPTURE: some packet of the hub's
has_word() {
	tcpdump -n -x -r "$TMP/$1.pcap" "src 192.0.2.1" 2>/dev/null | sed -n 's/^\t0x[0-9a-f]*: *//p' | tr -d ' \n' |
		grep -q "$(printf %s "$WORD" | od -An -tx1 | tr -d ' \n')"
}

draw_topology
write_config "authentication: $WORD"
need "the hub starts" start_hub
capture_start right "$WAN" eth0 "proto gre"
check "spokes with the right word register" spokes --authentication $WORD
check "... each answer has it, too" report_is '.ok and .registered == 10 and .nhrp.bad_authentication == 0'
check "the hub knows them" entries_are 10
check "they come again and take their registrations back" spokes --authentication $WORD --purge
check "... each purge is answered" report_is '.nhrp.purges_sent == 10 and .nhrp.purge_replies == 10'
check "... and the hub knows nobody" entries_are 0

for word in wrong ${WORD^^} ${WORD}x ''; do
	refuse "spokes with '$word' do not register" spokes ${word:+--authentication "$word"}
	check "... but are told why, at the rate of strangers" report_is '.registered == 0 and .nhrp.errors > 0 and .nhrp.error_code == 11'
	check "... and nothing else has happened" entries_are 0
done
eventually "the hub's word is in its answers" 3 has_word right
capture_start none "$WAN" eth0 "proto gre"
refuse "those without a word" spokes
eventually "... get errors" 3 captured none "src 192.0.2.1" 10
refuse "... that do not tell it" has_word none
check "each is counted: another word" counted dropped-authentication-wrong
check "... and none" counted dropped-authentication-missing
refuse "the word is not in the log" grep -q $WORD "$HUB_LOG"
check_balance
check "the hub stops" stop_hub
finish
