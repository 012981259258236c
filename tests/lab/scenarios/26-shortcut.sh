# shellcheck shell=bash
# topology: shortcut-static
# Phase 3: the hub redirects, spokes build shortcuts, also with one behind a NAT; and go on without the hub.

for spoke in $LAB_SPOKES; do wait_registered "$spoke" 30; done
check_shortcut spoke1 spoke2
# a NAT lets in only those that it sent to: the side behind it begins
check_shortcut spoke3 spoke1
[ "$(hub_counter resolution-relayed)" -ge 1 ] || fail "no resolution went by the hub"

# A shortcut does not need the hub.
hub_stop KILL
ping_exact spoke1 10.1.12.10 50
ping_exact spoke2 10.1.11.10 50

# A hub that has just begun redirects as well.
hub_start
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 60; done
shortcut_clear spoke1 spoke2
for spoke in spoke1 spoke2; do wait_registered "$spoke" 30; done
check_shortcut spoke2 spoke1
wait_for 5 "the hub is drained" hub_drained
