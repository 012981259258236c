# shellcheck shell=bash
# topology: ospf
# OSPF point-to-multipoint: hellos are link-local multicast, which the hub copies to each registered spoke and takes
# from it for its kernel.  What ospfd finds is what the workers forward by.

wait_ospf 40
wait_routes 30
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
ping_lans 100
check_withdraw "$(vtysh_conf "interface lan0" "no ip ospf area 0.0.0.0")" \
	"$(vtysh_conf "interface lan0" "ip ospf area 0.0.0.0")"

# A hub that is killed and started again: no adjacency changes, no route leaves the kernel.
last_due=
rises() { # COMMAND: what it prints is more than the last time
	local due
	due=$("$1" spoke1)
	[ "$due" -gt "${last_due:-$due}" ] || { last_due=$due && false; }
}
changes=$(for spoke in $LAB_SPOKES; do ospf_changes "$spoke"; done)
kernel_watch_start
hub_stop KILL
hub_start
wait_for 10 "the hub's ospfd hears spoke1" rises ospf_due
last_due=
wait_for 10 "spoke1 hears the hub's ospfd" rises spoke_ospf_due
kernel_watch_end
now=$(for spoke in $LAB_SPOKES; do ospf_changes "$spoke"; done)
[ "$now" = "$changes" ] || fail "adjacencies: before: $changes; now: $now"
ping_lans 20
wait_for 5 "the hub is drained" hub_drained
