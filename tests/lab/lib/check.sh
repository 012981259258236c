# shellcheck shell=bash
# The words of a scenario: wait for something, assert something, ping, what the hub and its kernel say.

fail() {
	local i
	for i in "${!BASH_SOURCE[@]}"; do
		[[ ${BASH_SOURCE[i]} != */scenarios/* ]] || break
	done
	echo "FAILED: $* (${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]})"
	exit 1
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
	local seconds=$1 what=$2
	shift 2
	wait_until "$seconds" "$@" || fail "not within $seconds s: $what"
}

# assert WHAT COMMAND...
assert() {
	local what=$1
	shift
	"$@" || fail "not true: $what"
}

no() { ! "$@"; }

# --- what the hub says: dmvpnctl's JSON --------------------------------------------------------------

# hub_json WHAT FILTER [JQ-ARGUMENT...]: status 0 when the filter's last result is neither false nor null
hub_json() {
	local what=$1 filter=$2
	shift 2
	ctl -j show "$what" | jq -e -r "$@" "$filter"
}

# The spoke's registration, with the addresses it must have; exactly one.
hub_knows() { # SPOKE
	node_ids "$1"
	hub_json nhrp '[.entries[] | select(.protocol == $tun and .nbma == $nbma)] | length == 1' \
		--arg tun "$TUN" --arg nbma "$NBMA" > /dev/null
}

hub_spoke_up() { # SPOKE
	node_ids "$1"
	hub_json spokes '.spokes[] | select(.nbma == $nbma and .protocol == [$tun] and .state == "UP")' \
		--arg tun "$TUN" --arg nbma "$NBMA" > /dev/null
}

# "RX TX" packets of a spoke: what came out of its tunnel and what went into it, without NHRP
hub_spoke_pkts() { # SPOKE
	node_ids "$1"
	hub_json spokes '.spokes[] | select(.nbma == $nbma) | "\(.rx_pkts) \(.tx_pkts)"' --arg nbma "$NBMA"
}

hub_hairpins() { hub_json workers '[.workers[].hairpin_pkts] | add'; }

hub_dropped() { # REASON
	hub_json drops '.drops[] | select(.reason == $reason) | .pkts' --arg reason "$1"
}

# Drops that are somebody's mistake, one per line.  IPv6 and multicast is what every kernel says unasked.
hub_mistakes() {
	hub_json drops '.drops[] | select(.pkts > 0 and (.reason | IN("ip6-unsupported", "no-mroute") | not))
		| "\(.reason) \(.pkts)"' || true
}

# Nothing moves, each packet is accounted for, each buffer is back.
hub_drained() {
	hub_json workers '[.workers[] | .balance == 0 and .held_pkts == 0] | length > 0 and all' > /dev/null &&
		hub_json system '.dataplane.mbufs_in_use == 0' > /dev/null
}

# --- what its kernel says ----------------------------------------------------------------------------

# "wan0:4 ...": its twins and their interface numbers, which change when one is made anew.
hub_twins() {
	ip -n "$NS_HUB" -j link | jq -e -r '[.[] | select(.ifname | IN("wan0", "lan0", "Tunnel100"))
		| "\(.ifname):\(.ifindex)"] | sort | join(" ")'
}

# The host route of a registered spoke, as install-routes makes it.
hub_host_route() { # SPOKE
	node_ids "$1"
	ip -n "$NS_HUB" route show "$TUN/32" | grep -q "dev Tunnel100"
}

# --- spokes ------------------------------------------------------------------------------------------

# FRR's own opinion: it has a reply, so a live cache entry for its next-hop server.
spoke_registered() { # SPOKE
	spoke_exec "$1" 'vtysh -c "show ip nhrp cache json"' |
		jq -e --arg hub "$HUB_TUN" '.table[] | select(.type == "nhs" and .protocol == $hub and .timeout)' \
			> /dev/null
}

# Both sides agree, and the kernel has the route.
wait_registered() { # SPOKE SECONDS
	wait_for "$2" "$1 is registered: the hub says so" hub_knows "$1"
	wait_for "$2" "$1 is registered: FRR says so" spoke_registered "$1"
	wait_for 5 "$1 is up in show spokes" hub_spoke_up "$1"
	wait_for 5 "$1 has its host route in the hub's kernel" hub_host_route "$1"
}

# --- pings -------------------------------------------------------------------------------------------
# FROM is hub, lan, net, or a spoke: then it is the host in that spoke's LAN.

ping_from() { # FROM PING-ARGUMENT...
	local from=$1 host=
	shift
	[[ $from != spoke* ]] || host='ip netns exec lan '
	lab_exec "$from" "${host}ping -n -q $*" 2>&1
}

# Each request gets one reply, and not two.
ping_exact() { # FROM TO-ADDRESS COUNT
	local out
	out=$(ping_from "$1" -c "$3" -i 0.01 -W 2 "$2") || true
	case $out in
	*"$3 packets transmitted, $3 received, 0% packet loss"*) ;;
	*) fail "ping $1 -> $2: $(echo "$out" | grep transmitted || echo "$out")" ;;
	esac
}

reaches() { ping_from "$1" -c 1 -W 1 "$2" > /dev/null; }

# --- after each scenario -----------------------------------------------------------------------------

# A hub built with sanitizers goes on after some of their reports.
assert_no_sanitizer_report() {
	! grep -E 'ERROR: [A-Za-z]+Sanitizer|runtime error:' "$HUB_RUN/log" || fail "sanitizer report in the hub's log"
}
