#!/usr/bin/env bash
# Spokes without a kernel's GRE: dmvpn-spokes plays them in ns $WAN. They register, their traffic hairpins through the hub,
# everything is counted, and who falls silent expires.
. "$(dirname "$0")/_init.sh"

SPOKES_N=20
HOLD=6

# Spoke i: underlay 192.0.2.(110+i), overlay 10.255.0.(11+i), LAN 10.128.i.0/24.
SPOKES_CMD=(ip netns exec "$WAN" "$SPOKES" --interface eth0 --count "$SPOKES_N" --hub-nbma 192.0.2.1
	--hub-protocol 10.255.0.1 --nbma-base 192.0.2.110 --protocol-base 10.255.0.11 --lan-base 10.128.0.0/24
	--stats-period 0 --json)

spokes() {
	"${SPOKES_CMD[@]}" "$@"
}

# Not by the function: in the background it is a shell of its own, and its pid would not be the program's.
start_spokes() {
	"${SPOKES_CMD[@]}" "$@" >"$TMP/spokes.json" 2>"$TMP/spokes.err" &
	SPOKES_PID=$!
	children+=("$SPOKES_PID")
}

stop_spokes() { # its status: 0 only when nothing was lost, doubled or corrupt
	kill -TERM "$SPOKES_PID"
	wait "$SPOKES_PID" || { sed 's/^/    /' "$TMP/spokes.err" "$TMP/spokes.json"; return 1; }
}

report_is() {
	jq -e "$1" "$TMP/spokes.json" >/dev/null || { sed 's/^/    /' "$TMP/spokes.json"; return 1; }
}

host_routes() {
	ip -n "$HUB" route show dev Tunnel42 | grep -cE '^10\.255\.0\.[0-9]+ '
}

has_host_routes() {
	[ "$(host_routes)" -eq "$1" ]
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

drops_grew() { # REASON BEFORE BY
	[ "$(drops "$1")" -ge $(($2 + $3)) ]
}

hairpinned() {
	hub_is worker.list "[.workers[].hairpin_pkts] | add >= $1"
}

draw_topology
write_config "redirect: true, install-routes: true"
{
	echo "routes:"
	for ((i = 0; i < SPOKES_N; i++)); do
		echo "  - {prefix: 10.128.$i.0/24, via: 10.255.0.$((11 + i))}"
	done
	echo "  - {prefix: 10.129.0.0/24, via: 10.255.0.200}"
} >>"$HUB_CONF"
need "the daemon starts" start_hub

start_spokes --key 42 --holdtime "$HOLD" --rate 400 --ping-hub=20
need "$SPOKES_N spokes register" within 10 spokes_up "$SPOKES_N"
check "nhrp.list has each" hub_is nhrp.list "[.entries[]] | length == $SPOKES_N"
eventually "each has a host route in the kernel" 3 has_host_routes "$SPOKES_N"
check "the protocol of these routes is ours" equal \
	"$(ip -n "$HUB" -j route show dev Tunnel42 | jq -r '[.[] | select(.dst | test("^10.255.0.[0-9]+$")) | .protocol] | unique | length')" 1
eventually "their traffic hairpins" 20 hairpinned 500
eventually "the LAN behind the hub reaches a spoke's LAN" 5 in_lan ping -q -c 1 -W 1 10.128.3.1
check "20 of 20 of the LAN's pings come back, once each" grep -q ' 20 received, 0% packet loss' \
	<(in_lan ping -q -c 20 -i 0.05 -W 2 10.128.7.1)
check "the hub's own kernel reaches a spoke through the twin" in_hub ping -q -c 3 -i 0.1 -W 2 10.255.0.12

before=$(drops no-binding)
refuse "a next hop without a binding is not reached" in_lan ping -q -c 3 -i 0.1 -W 1 10.129.0.1
eventually "... and is a drop with a name" 3 drops_grew no-binding "${before:-0}" 3

refreshed() { # a third holding time after: nobody expired
	hub_is event.list '[.events[] | select(.kind == "registration-expired")] | length == 0' && spokes_up "$SPOKES_N"
}
check "refreshes keep all registered" refreshed
check "traffic ended without loss, doubles or damage" stop_spokes
# The emulator's packets to the hub and the answers: the hub has counted at least what the spokes have seen.
check "the report says so too" report_is '.registered == '$SPOKES_N' and .traffic.sent > 500'
check "per-spoke counters moved for each spoke" hub_is spoke.list '[.spokes[] | .rx_pkts > 0 and .tx_pkts > 0] | all'
check_balance

# ---- silence
eventually "who falls silent expires after its holding time" $((HOLD + 4)) spokes_up 0
check "each expiry is an event" hub_is event.list \
	"[.events[] | select(.kind == \"registration-expired\")] | length == $SPOKES_N"
eventually "the host routes go" 3 has_host_routes 0
check "nhrp.list is empty" hub_is nhrp.list '.entries | length == 0'

# ---- other GRE headers
check "GRE with a checksum: no loss" spokes --key 42 --gre-checksum --rate 200 --duration 1
check "GRE with sequence numbers: no loss" spokes --key 42 --gre-sequence --rate 200 --duration 1
check "spokes behind NAT register" spokes --key 42 --nat --rate 200 --duration 1
check "one-way UDP: no loss" spokes --key 42 --traffic udp --rate 500 --duration 1
check "packets as large as the tunnel's MTU: no loss" spokes --key 42 --size 1400 --rate 200 --duration 1

before=$(drops gre-no-tunnel)
refuse "a wrong key is not registered" spokes --key 43 --register-timeout 3
check "... and is a drop with a name" drops_grew gre-no-tunnel "${before:-0}" "$SPOKES_N"
before=$(drops gre-no-tunnel)
refuse "no key is not registered" spokes --key none --register-timeout 3
check "... and is a drop with a name" drops_grew gre-no-tunnel "${before:-0}" "$SPOKES_N"
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
