# shellcheck shell=bash
# topology: two-hubs
# long: four expiries at FRR's pace, and its back-off while a hub is dead
# What FRR's own nhrp_redundancy checks, with our hubs: spokes at two of them, one dies, and comes back.

wait_registered_twice() { # SECONDS
	local spoke
	for spoke in $LAB_SPOKES; do
		wait_registered "$spoke" "$1"
		second wait_registered "$spoke" "$1"
	done
}

# Who is reached over an NHRP route of its own, says FRR.
nhrp_routes() { # SPOKE PREFIX...
	local spoke=$1
	shift
	[ "$(spoke_exec "$spoke" 'vtysh -c "show ip route nhrp json"' | jq -r 'keys | join(" ")')" = "$*" ]
}

wait_nhrp_routes() { # SECONDS PREFIX...
	local spoke seconds=$1
	shift
	for spoke in $LAB_SPOKES; do
		wait_for "$seconds" "$spoke has NHRP routes to: $*" nhrp_routes "$spoke" "$@"
	done
}

# Where the spokes send what is for other LANs.
wait_by() { # SECONDS HUB-ADDRESS
	local spoke
	for spoke in $LAB_SPOKES; do
		wait_for "$1" "$spoke sends to $2" spoke_routes_to "$spoke" 10.1.0.0/16 "$2"
	done
}

pings() { # of a hub with its spokes, both ways
	local spoke
	for spoke in $LAB_SPOKES; do
		ping_exact "$spoke" "$HUB_TUN" 100
		node_ids "$spoke"
		ping_exact hub "$TUN" 100
	done
}

both="$HUB_TUN/32 $HUB2_TUN/32"

echo "convergence"
wait_registered_twice 20
# shellcheck disable=SC2086 # a list
wait_nhrp_routes 10 $both
wait_by 5 "$HUB_TUN"
pings
second pings

echo "a shortcut by way of hub 1; it goes when nobody uses it"
check_shortcut spoke1 spoke2
# shellcheck disable=SC2086 # a list
wait_nhrp_routes $((4 * LAB_HOLD)) $both
relayed=$(second hub_counter resolution-relayed)

echo "hub 1 dies while a shortcut is in use"
check_shortcut spoke1 spoke2
ping_from spoke1 -i 0.02 -c 1500 10.1.12.10 > "$LAB_RUN/pings" &
pinger=$!
hub_stop KILL
wait_by $((3 * LAB_HOLD)) "$HUB2_TUN"
for spoke in $LAB_SPOKES; do
	assert "$spoke knows that hub 1 is dead" no spoke_registered "$spoke"
	second wait_registered "$spoke" 1
done
wait "$pinger" || true
loss=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$LAB_RUN/pings")
echo "lost of 30 s, in which hub 1 died: $loss %"
# at most as long as FRR believes in hub 1, 20 s, and 2 to converge; FRR's own test allows 90 %
[ "${loss%.*}" -le 75 ] || fail "$(cat "$LAB_RUN/pings")"

echo "with hub 2 alone: the shortcut that there is, none, one by way of hub 2"
ping_exact spoke1 10.1.12.10 300
wait_nhrp_routes $((4 * LAB_HOLD)) "$HUB2_TUN/32"
second pings
second check_shortcut spoke1 spoke2
[ "$(second hub_counter resolution-relayed)" -gt "$relayed" ] || fail "no resolution went by hub 2"

echo "hub 1 comes back"
hub_start
wait_registered_twice 100
wait_by 10 "$HUB_TUN"
# shellcheck disable=SC2086 # a list
wait_nhrp_routes $((4 * LAB_HOLD)) $both
pings
check_shortcut spoke1 spoke2
second assert_no_sanitizer_report
wait_for 5 "hub 1 is drained" hub_drained
second wait_for 5 "hub 2 is drained" hub_drained
