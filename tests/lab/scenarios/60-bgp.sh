# shellcheck shell=bash
# topology: bgp
# iBGP with stock FRR beside the hub: what bgpd puts into the hub's kernel is what the workers forward by.

wait_bgp 30
wait_routes 20
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
ping_lans 100

# Spokes learn each other's tunnel addresses from our host routes in the kernel.
node_ids spoke2
assert "spoke1 has the tunnel address of spoke2" spoke_routes_to spoke1 "$TUN" "$HUB_TUN"

bgp=("router bgp 65000" "address-family ipv4 unicast")
check_withdraw "$(vtysh_conf "${bgp[@]}" "no network 10.1.11.0/24")" \
	"$(vtysh_conf "${bgp[@]}" "network 10.1.11.0/24")"
wait_for 5 "the hub is drained" hub_drained
