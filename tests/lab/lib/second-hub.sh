# shellcheck shell=bash disable=SC2030,SC2031,SC2034 # what second() sets is for that subshell alone
# Another hub of the same cloud, for topologies with LAB_HUBS=2: dmvpnd in a namespace of its own, on the
# same underlay.  Its LAN has no host.  $LAB_RUN/hub2: as $LAB_RUN/hub.

NS_HUB2=lab-$LAB_NAME-hub2
HUB2_NBMA=192.0.2.2
HUB2_TUN=10.255.0.2

# Any word about the hub, said of the second one: second ctl show spokes, second hub_stop KILL
second() { # WORD [ARGUMENT...]
	(
		NS_HUB=$NS_HUB2 HUB_NBMA=$HUB2_NBMA HUB_TUN=$HUB2_TUN HUB_LAN=10.1.2 HUB_RUN=$LAB_RUN/hub2
		"$@"
	)
}

second_hub_up() {
	ip netns add "$NS_HUB2"
	ip -n "$NS_HUB2" link set lo up
	ip netns exec "$NS_HUB2" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
	second net_hub_cable raw-wan0 "$NS_NET" hub2
	ip -n "$NS_NET" link set hub2 master br0
	second net_hub_cable raw-lan0 "$NS_LAN" eth1
	second hub_start || exit 1
}

second_hub_down() {
	[ -e "$LAB_RUN/hub2" ] || return 0
	second hub_stop TERM
	second hub_manager_stop
}

# For lab_logs, whose word log_of is.
second_hub_logs() {
	local what program
	[ -e "$LAB_RUN/hub2" ] || return 0
	log_of "second hub: log" cat "$LAB_RUN/hub2/log"
	program=$(built_program "$LAB_BUILD" dmvpnctl)
	for what in spokes nhrp routes drops; do
		log_of "second hub: show $what" "$program" -s "$LAB_RUN/hub2/control.sock" show "$what"
	done
	log_of "second hub: ip route" ip -n "$NS_HUB2" route
}
