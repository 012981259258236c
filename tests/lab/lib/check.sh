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
	hub_json nhrp '[.. | objects | select(.protocol == $tun and .nbma == $nbma)] | length == 1' \
		--arg tun "$TUN" --arg nbma "$NBMA" > /dev/null
}

hub_lists_spoke() { # SPOKE
	node_ids "$1"
	hub_json spokes '[.. | objects | select(.nbma == $nbma)] | length == 1' --arg nbma "$NBMA" > /dev/null
}

# Invariant 5 of the design, once nothing moves.
hub_balanced() { hub_json workers '[.. | objects | .balance? | numbers] | length > 0 and all(. == 0)' > /dev/null; }

hub_hairpins() { hub_json workers '[.. | objects | .hairpin_pkts? | numbers] | add'; }

# Drops by reason, one per line; IPv6 and multicast are noise that every kernel makes by itself.
hub_drops() {
	hub_json drops '[.. | objects | select(has("reason") and .pkts > 0)
		| select(.reason | IN("ip6-unsupported", "no-mroute") | not)] | .[] | "\(.reason) \(.pkts)"' || true
}

# --- what its kernel says ----------------------------------------------------------------------------

hub_link() { ip -n "$NS_HUB" link show "$1" > /dev/null 2>&1; }

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
	wait_for 5 "$1 is in show spokes" hub_lists_spoke "$1"
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
	! grep -E 'ERROR: [A-Za-z]+Sanitizer|runtime error:' "$LAB_RUN/hub/log" || fail "sanitizer report in the hub's log"
}
