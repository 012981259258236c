#!/usr/bin/env bash
# The hub dies with -9 and comes back: twins, their addresses and kernel routes are still there, spokes come back by
# themselves.
. "$(dirname "$0")/_init.sh"

N=5

index_of() { # DEV
	ip -n "$HUB" -j link show dev "$1" 2>/dev/null | jq '.[0].ifindex'
}

# What the kernel knows of the twins, without what carrier changes.
kernel_view() {
	ip -n "$HUB" -o -4 address show | awk '{ print $2, $4 }'
	ip -n "$HUB" route show | sed 's/ linkdown//g; s/ *$//' | sort
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

has_host_routes() {
	[ "$(ip -n "$HUB" route show dev Tunnel42 | grep -cE '^10\.255\.0\.[0-9]+ ')" -eq "$1" ]
}

draw_topology
write_config "install-routes: true"
{
	echo "routes:"
	for ((i = 0; i < N; i++)); do
		echo "  - {prefix: 10.128.$i.0/24, via: 10.255.0.$((11 + i))}"
	done
} >>"$HUB_CONF"
need "the daemon starts" start_hub
ip netns exec "$WAN" "$SPOKES" --interface eth0 --count $N --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 --nbma-base 192.0.2.110 \
	--protocol-base 10.255.0.11 --lan-base 10.128.0.0/24 --key 42 --holdtime 9 --stats-period 0 \
	>"$TMP/spokes.log" 2>&1 &
children+=($!)
need "$N spokes register" within 10 spokes_up $N
eventually "they have host routes" 3 has_host_routes $N
# An operator's own route, by the kernel's tools.
ip -n "$HUB" route add 198.51.100.0/24 via 192.0.2.200
twins="$(index_of wan0) $(index_of lan0) $(index_of Tunnel42)"
view=$(kernel_view)
check "before: the LAN reaches a spoke's LAN" within 5 in_lan ping -q -c 1 -W 1 10.128.2.1

for round in 1 2; do
	kill_hub
	check "kill $round: the twins are the same" equal "$(index_of wan0) $(index_of lan0) $(index_of Tunnel42)" "$twins"
	check "kill $round: addresses and routes are the same" equal "$(kernel_view)" "$view"
	check "kill $round: nobody answers for the dead" equal \
		"$(in_wan ping -q -c 3 -i 0.1 -W 1 192.0.2.1 | grep -o '[0-9]* received')" "0 received"
	need "start $round: the daemon starts on what is there" start_hub
	check "start $round: the twins are the same" equal "$(index_of wan0) $(index_of lan0) $(index_of Tunnel42)" "$twins"
	eventually "start $round: the hub answers" 5 in_wan ping -q -c 1 -W 1 192.0.2.1
	# Refresh is a third of the holding time, so nobody has to do anything but wait for its next one.
	eventually "start $round: the spokes come back by themselves" 12 spokes_up $N
	check "start $round: they have host routes" has_host_routes $N
	eventually "start $round: the LAN reaches a spoke's LAN" 5 in_lan ping -q -c 1 -W 1 10.128.2.1
	check "start $round: addresses and routes are the same" equal "$(kernel_view)" "$view"
done
kill -TERM "${children[0]}"
wait "${children[0]}"
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
