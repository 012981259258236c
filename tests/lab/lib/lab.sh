# shellcheck shell=bash disable=SC1090,SC1091 # sources by variable paths
# A whole lab: up, down, commands in its nodes, one scenario.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$LAB_DIR/lib/root.sh"
. "$LAB_DIR/lib/net.sh"
. "$LAB_DIR/lib/spoke.sh"
. "$LAB_DIR/lib/hub.sh"
. "$LAB_DIR/lib/second-hub.sh"
. "$LAB_DIR/lib/frr.sh"

lab_requirements() {
	local tool missing=
	is_root || die "needs root: namespaces, debootstrap"
	for tool in debootstrap linux.uml ip ethtool jq ping python3 tcpdump "${CC:-cc}"; do
		have "$tool" || missing+=" $tool"
	done
	[ -z "$missing" ] || die "missing:$missing; tools/setup installs what is needed"
}

# The settings of a topology; see topologies/
topology_load() {
	[ -e "$LAB_DIR/topologies/$1.env" ] || die "no topology $1 in $LAB_DIR/topologies"
	. "$LAB_DIR/topologies/$1.env"
}

# For the commands that find the lab running.
lab_load() {
	[ -e "$LAB_RUN/topology" ] || die "no lab $LAB_NAME is up"
	topology_load "$(cat "$LAB_RUN/topology")"
}

# The hub first: a spoke's first registration is then answered, and its retry timer stays short.
lab_up() { # TOPOLOGY
	local spoke
	topology_load "$1"
	[ ! -e "$LAB_RUN" ] || die "lab $LAB_NAME is up already, or was not taken down: $LAB_RUN"
	mkdir -p "$LAB_RUN"
	echo "$1" > "$LAB_RUN/topology"
	net_up || die "cannot make the network"
	hub_start
	[ "${LAB_HUBS:-1}" = 1 ] || second_hub_up
	frr_start
	for spoke in $LAB_SPOKES; do spoke_start "$spoke"; done
	for spoke in $LAB_SPOKES; do spoke_wait "$spoke"; done
}

# Takes what is there, in whatever state it is.
lab_down() {
	local dir
	for dir in "$LAB_RUN"/spoke*; do
		[ ! -e "$dir/pid" ] || spoke_stop "${dir##*/}"
	done
	frr_stop
	[ ! -e "$HUB_RUN/pid" ] || hub_stop TERM
	hub_manager_stop
	second_hub_down
	net_down
	rm -rf "$LAB_RUN"
}

lab_exec() { # NODE COMMAND...
	local node=$1
	shift
	case $node in
	hub) ip netns exec "$NS_HUB" sh -c "$*" ;;
	lan) ip netns exec "$NS_LAN" sh -c "$*" ;;
	net) ip netns exec "$NS_NET" sh -c "$*" ;;
	spoke*) spoke_exec "$node" "$@" ;;
	*) die "no node $node: hub, lan, net or one of $LAB_SPOKES" ;;
	esac
}

lab_spoke() { # NAME: that name, when the topology has it
	case " $LAB_SPOKES " in
	*" $1 "*) echo "$1" ;;
	*) die "no spoke '$1': there are $LAB_SPOKES" ;;
	esac
}

# One scenario; ends this process.  Callers must not test its status by && || or if: bash would ignore
# set -e in it.
lab_scenario() { # FILE
	. "$LAB_DIR/lib/check.sh"
	. "$LAB_DIR/lib/routing.sh"
	set -eEu
	trap 'echo "FAILED: status $?: $BASH_COMMAND (${BASH_SOURCE[0]##*/}:$LINENO)"' ERR
	. "$1"
	trap - ERR
	assert_no_sanitizer_report
	exit 0
}

# What is there to say after a failure.  Nothing in here may fail or hang.
lab_logs() {
	local spoke what
	log_of() { # TITLE COMMAND...
		echo "--- $1"
		shift
		timeout 10 "$@" 2>&1 | tail -40 | tr -d '\r'
	}
	log_of "hub: log" cat "$HUB_RUN/log"
	for what in spokes nhrp routes ports tunnels drops workers; do
		log_of "hub: show $what" "$LAB_DIR/lab" ctl show "$what"
	done
	second_hub_logs
	log_of "hub: ip address" ip -n "$NS_HUB" address
	log_of "hub: ip route" ip -n "$NS_HUB" route
	log_of "hub: ip neighbour" ip -n "$NS_HUB" neighbour
	if [ -e "$LAB_RUN/frr/ready" ]; then
		log_of "hub: FRR's log" cat "$LAB_RUN/frr/log"
		log_of "hub: FRR's routes" "$LAB_DIR/lab" vtysh -c 'show ip route'
	fi
	for spoke in $LAB_SPOKES; do
		log_of "$spoke: console" cat "$LAB_RUN/$spoke/console.log"
		process_alive "$LAB_RUN/$spoke/pid" || continue
		log_of "$spoke: state" "$LAB_DIR/lab" exec "$spoke" \
			'vtysh -c "show ip nhrp cache" -c "show ip route"; ip -s link show gre1; ip neigh show dev wan0
			grep -v " 0$" /proc/net/xfrm_stat 2>/dev/null'
	done
}
