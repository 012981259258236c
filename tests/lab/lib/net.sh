# shellcheck shell=bash
# The cables: namespaces, the underlay's bridge, the hub's two ports.

# Half-checksummed and oversized packets are for kernels that know each other: without this they
# reach the dataplane and look like its bugs.
offloads_off() { # NAMESPACE DEV
	ip netns exec "$1" ethtool -K "$2" tx off gso off gro off tso off > /dev/null
}

# A veth pair from the hub's namespace: the raw end for DPDK, no address of any kind.
net_hub_cable() { # RAWDEV NAMESPACE DEV
	ip -n "$NS_HUB" link add "$1" type veth peer name "$3" netns "$2"
	ip netns exec "$NS_HUB" sh -c "echo 1 > /proc/sys/net/ipv6/conf/$1/disable_ipv6"
	ip -n "$NS_HUB" link set "$1" up
	ip -n "$2" link set "$3" up
	offloads_off "$NS_HUB" "$1"
	offloads_off "$2" "$3"
}

net_up() {
	local ns f
	for ns in "$NS_NET" "$NS_HUB" "$NS_LAN"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	ip -n "$NS_NET" link add br0 type bridge mcast_snooping 0
	ip -n "$NS_NET" link set br0 up
	# bridged frames must not pass this machine's netfilter
	for f in iptables ip6tables arptables; do
		ip netns exec "$NS_NET" sh -c "f=/proc/sys/net/bridge/bridge-nf-call-$f; [ ! -e \$f ] || echo 0 > \$f"
	done
	# A kernel that would forward if it were let: the hub must see to it that it does not.
	ip netns exec "$NS_HUB" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'

	net_hub_cable raw-wan0 "$NS_NET" hub
	ip -n "$NS_NET" link set hub master br0
	net_hub_cable raw-lan0 "$NS_LAN" eth0
	ip -n "$NS_LAN" addr add "$HUB_LAN.10/24" dev eth0
	ip -n "$NS_LAN" route add default via "$HUB_LAN.1"
	net_nat_up
}

# A router between the underlay and the spokes in $LAB_NAT, which gives them its own address.
net_nat_up() {
	[ -n "$LAB_NAT" ] || return 0
	ip -n "$NS_NET" addr add "$NAT_NBMA/24" dev br0
	ip netns exec "$NS_NET" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
	ip netns exec "$NS_NET" nft -f - <<- EOF
		table ip nat {
			chain post {
				type nat hook postrouting priority 100
				ip saddr 10.9.0.0/16 oifname "br0" masquerade
			}
		}
	EOF
}

# Whatever is still in our namespaces was started by us or through us.
net_down() {
	local ns pids
	for ns in "$NS_NET" "$NS_HUB" "$NS_HUB2" "$NS_LAN"; do
		[ -e "/run/netns/$ns" ] || continue
		pids=$(ip netns pids "$ns")
		# shellcheck disable=SC2086 # a list
		[ -z "$pids" ] || kill -9 $pids 2>/dev/null
		ip netns del "$ns"
	done
}
