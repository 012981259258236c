# shellcheck shell=bash
# topology: shortcut-static
# What FRR's own nhrp_topo checks of a spoke that answers no resolution, as far as the hub has a part in it
# (nhrpd 8.4.4 asks once): traffic goes on through the hub, and there is a shortcut as soon as it answers.

# Spokes that know nothing of each other, and a hub that may tell them again.
for spoke in spoke1 spoke2; do wait_registered "$spoke" 60; done
shortcut_clear spoke1 spoke2
for spoke in spoke1 spoke2; do wait_registered "$spoke" 30; done

spoke_exec spoke2 'kill -STOP $(pidof nhrpd)'
asked=$(hub_counter resolution-forwarded)
spoke1_asks() { reaches spoke1 10.1.12.10 && [ "$(hub_counter resolution-forwarded)" -gt "$asked" ]; }
wait_for 20 "spoke1 is told and asks" spoke1_asks
hairpins=$(hub_hairpins)
ping_exact spoke1 10.1.12.10 200
[ "$(hub_hairpins)" -eq $((hairpins + 400)) ] || fail "not through the hub: $hairpins hairpins, now $(hub_hairpins)"
assert "no answer, no shortcut" no has_shortcut spoke1 spoke2

spoke_exec spoke2 'kill -CONT $(pidof nhrpd)'
for pair in "spoke1 spoke2" "spoke2 spoke1"; do
	# shellcheck disable=SC2086 # two
	wait_for 20 "a shortcut: $pair" has_shortcut $pair
done
check_shortcut_used spoke1 spoke2
wait_for 5 "the hub is drained" hub_drained
