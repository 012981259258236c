# shellcheck shell=bash
# topology: shortcut-ospf
# long: the default run has twenty minutes; 26 shows the same over static routes
# Phase 3 over OSPF: what NHRP found wins over what OSPF says.

wait_ospf 40
wait_routes 30
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
check_shortcut spoke1 spoke2
wait_for 5 "the hub is drained" hub_drained
