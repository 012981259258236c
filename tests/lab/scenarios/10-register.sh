# shellcheck shell=bash
# topology: static
# Two unmodified FRR spokes register over mGRE with a key, and stay: they refresh before they expire.

for spoke in $LAB_SPOKES; do
	wait_registered "$spoke" 20
	node_ids "$spoke"
	ctl show spokes | grep -F "$NBMA" | grep -F "$TUN" || fail "dmvpnctl show spokes has no row for $spoke"
done

# The time left grows by a refresh only.
left() { hub_json nhrp '.entries[] | select(.protocol == $tun) | .expires_s' --arg tun "$TUN"; }
refreshed() { [ "$(left)" -ge $((LAB_HOLD - 1)) ]; }
for spoke in $LAB_SPOKES; do
	node_ids "$spoke"
	wait_for "$LAB_HOLD" "$spoke refreshes" refreshed
	wait_for "$LAB_HOLD" "time passes for $spoke" no refreshed
	wait_for "$LAB_HOLD" "$spoke refreshes again" refreshed
done

# Another key is another cloud: no answer, and the drop has a name.
node_ids spoke1
before=$(hub_dropped gre-no-tunnel)
other_key_answers() {
	spoke_exec spoke1 "ip tunnel add other mode gre key $((LAB_KEY + 1)) ttl 64 local $NBMA remote $HUB_NBMA
		ip addr add $TUN/32 dev other; ip link set other up
		ping -q -c 1 -W 1 -I other $HUB_TUN; status=\$?; ip tunnel del other; exit \$status"
}
assert "another key is not answered" no other_key_answers
more_dropped() { [ "$(hub_dropped gre-no-tunnel)" -gt "$before" ]; }
wait_for 5 "the packet with another key is counted" more_dropped
