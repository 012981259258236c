# shellcheck shell=bash
# topology: ospf-broadcast
# OSPF with the tunnel as a broadcast network and the hub as its designated router: what spokes send to 224.0.0.6 is
# for it, what it sends to 224.0.0.5 is copied to all.  The spokes are static NHRP entries with multicast.

wait_ospf 40
wait_routes 30
[ "$(frr_exec -c 'show ip ospf interface Tunnel100 json' | jq -r '.interfaces.Tunnel100.state')" = DR ] ||
	fail "the hub is not the designated router"
for spoke in $LAB_SPOKES; do
	[ "$(spoke_ospf_peer "$spoke" .nbrState)" = Full/DR ] || fail "$spoke has another designated router"
done
ping_lans 50
check_withdraw "$(vtysh_conf "interface lan0" "no ip ospf area 0.0.0.0")" \
	"$(vtysh_conf "interface lan0" "ip ospf area 0.0.0.0")"
wait_for 5 "the hub is drained" hub_drained
