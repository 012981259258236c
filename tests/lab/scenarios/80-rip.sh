# shellcheck shell=bash
# topology: rip
# long: RIP's timers
# RIP version 2: updates are link-local multicast (224.0.0.9) in both directions.

wait_routes 40
ping_lans 50
check_withdraw "$(vtysh_conf "router rip" "no network lan0")" "$(vtysh_conf "router rip" "network lan0")"
wait_for 5 "the hub is drained" hub_drained
