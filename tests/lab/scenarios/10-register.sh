# shellcheck shell=bash
# topology: static
# Two unmodified FRR spokes register over mGRE with a key, and stay: a holding time later they have
# refreshed.

for spoke in $LAB_SPOKES; do
	wait_registered "$spoke" 20
	node_ids "$spoke"
	ctl show spokes | grep -F "$NBMA" || fail "dmvpnctl show spokes has no row with $NBMA"
done

# The time left only ever grows by a refresh.
left() { hub_json nhrp '[.. | objects | select(.protocol == $tun)][0].expires_s' --arg tun "$TUN"; }
refreshed() { # SPOKE BEFORE
	node_ids "$1"
	[ "$(left)" -gt "$2" ]
}
for spoke in $LAB_SPOKES; do
	node_ids "$spoke"
	wait_for "$LAB_HOLD" "$spoke refreshes" refreshed "$spoke" $((LAB_HOLD - 2))
	wait_for "$LAB_HOLD" "time passes for $spoke" no refreshed "$spoke" $((LAB_HOLD - 2))
	wait_for "$LAB_HOLD" "$spoke refreshes again" refreshed "$spoke" $((LAB_HOLD - 2))
done
