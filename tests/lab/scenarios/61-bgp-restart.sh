# shellcheck shell=bash
# topology: bgp
# The hub is stopped, and killed, and started again: no BGP session (hold time 15 s) notices, no route leaves
# the kernel, and traffic is back with the hub: its state file has the registrations.

sessions() {
	local spoke
	for spoke in $LAB_SPOKES; do spoke_bgp_count "$spoke"; done
}
received() { bgp_peer spoke1 .msgRcvd; }
hears() { [ "$(received)" -gt "$before" ]; }
spoke_received() {
	spoke_exec spoke1 "vtysh -c 'show bgp summary json'" | jq --arg hub "$HUB_TUN" '.ipv4Unicast.peers[$hub].msgRcvd'
}
spoke_hears() { [ "$(spoke_received)" -gt "$spoke_before" ]; }

wait_bgp 30
wait_routes 20
twins=$(hub_twins)
for signal in TERM KILL; do
	counts=$(sessions)
	kernel_watch_start
	down=$(now_ms)
	hub_stop "$signal"
	hub_start
	echo "SIG$signal: the hub was away for $(fmt_secs $(($(now_ms) - down))) s"
	before=$(received)
	spoke_before=$(spoke_received)
	for spoke in $LAB_SPOKES; do
		node_ids "$spoke"
		assert "the workers have the LAN of $spoke" hub_fib_via "$LAN.0/24" "$TUN"
		assert "$spoke is reached" reaches lan "$LAN.10"
	done
	assert "all was restored" hub_json system '.state_file.restored == 2' > /dev/null
	echo "SIG$signal: traffic was back after $(fmt_secs $(($(now_ms) - down))) s"
	wait_for 15 "the hub's bgpd hears spoke1" hears
	wait_for 15 "spoke1 hears the hub's bgpd" spoke_hears
	kernel_watch_end
	[ "$(sessions)" = "$counts" ] || fail "SIG$signal: sessions: before: $counts; now: $(sessions)"
	[ "$(bgp_peer spoke1 .peerUptimeMsec)" -ge $(($(now_ms) - down)) ] || fail "SIG$signal: the session is new"
	[ "$(hub_twins)" = "$twins" ] || fail "SIG$signal: twins: before: $twins; now: $(hub_twins)"
done
ping_lans 20
wait_for 5 "the hub is drained" hub_drained
