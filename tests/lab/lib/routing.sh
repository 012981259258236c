# shellcheck shell=bash disable=SC2016 # $ in single quotes is jq's
# The words of scenarios about routing: routes here and there, LANs, what BGP says, restarts of the hub.

# The prefix leads to that neighbour through the tunnel: says the hub's kernel, say its workers.
hub_kernel_via() { # PREFIX GATEWAY
	ip -n "$NS_HUB" -j route show "$1" | jq -e --arg gateway "$2" \
		'length == 1 and .[0].gateway == $gateway and .[0].dev == "Tunnel100"' > /dev/null
}

hub_fib_via() { # PREFIX GATEWAY
	hub_json routes '.routes[] | select(.prefix == $prefix) | .gateway == $gateway and .bound' \
		--arg prefix "$1" --arg gateway "$2" > /dev/null
}

hub_routes_to() { hub_kernel_via "$@" && hub_fib_via "$@"; }

# Each of the prefixes leads to that neighbour; one question for all, as it takes the spoke a while.
spoke_routes_to() { # SPOKE PREFIX GATEWAY ...
	local spoke=$1 table
	shift
	table=$(spoke_exec "$spoke" "ip route show dev gre1")
	while [ $# -gt 0 ]; do
		grep -q "^$1 .*via $2 " <<< "$table " || return
		shift 2
	done
}

# Where a spoke sends packets for another spoke's LAN: through the hub, until a redirect comes (phase 3), or
# to that spoke's address in the tunnel (phase 2).
between_spokes() { # NODE-IDS of the other are set
	if [ "$LAB_PHASE" = 2 ]; then echo "$TUN"; else echo "$HUB_TUN"; fi
}

# LANs are known everywhere: in kernels, and by the hub's workers.
wait_routes() { # SECONDS
	local spoke other wanted
	for spoke in $LAB_SPOKES; do
		node_ids "$spoke"
		wait_for "$1" "the hub's kernel has $LAN.0/24" hub_kernel_via "$LAN.0/24" "$TUN"
		wait_for 2 "the hub's workers have $LAN.0/24" hub_fib_via "$LAN.0/24" "$TUN"
	done
	for spoke in $LAB_SPOKES; do
		wanted="$HUB_LAN.0/24 $HUB_TUN"
		for other in $LAB_SPOKES; do
			node_ids "$other"
			[ "$other" = "$spoke" ] || wanted+=" $LAN.0/24 $(between_spokes)"
		done
		# shellcheck disable=SC2086 # pairs
		wait_for "$1" "$spoke has routes: $wanted" spoke_routes_to "$spoke" $wanted
	done
}

# Every LAN reaches every other, through the hub; each packet arrives once.
ping_lans() { # COUNT
	local from to hairpins
	for from in $LAB_SPOKES; do
		for to in $LAB_SPOKES; do
			node_ids "$to"
			[ "$from" != "$to" ] || continue
			wait_for 10 "$from reaches $to" reaches "$from" "$LAN.10"
			hairpins=$(hub_hairpins)
			ping_exact "$from" "$LAN.10" "$1"
			[ "$(hub_hairpins)" -ge $((hairpins + 2 * $1)) ] || fail "not through the hub: $from to $to"
		done
		node_ids "$from"
		wait_for 10 "the hub's LAN reaches $from" reaches lan "$LAN.10"
		ping_exact lan "$LAN.10" "$1"
	done
}

# --- shortcuts (phase 3) -----------------------------------------------------------------------------

# The spoke sends to the other's LAN straight, says its kernel.
has_shortcut() { # SPOKE OTHER
	node_ids "$2"
	spoke_routes_to "$1" "$LAN.0/24" "$TUN"
}

hub_counter() { hub_json traffic '.counters[] | select(.counter == $name) | .pkts' --arg name "$1"; }

# The first packets go through the hub, which tells both; a second later none does; nothing is lost meanwhile.
check_shortcut() { # SPOKE OTHER
	local hairpins told
	told=$(hub_counter tx-traffic-indication)
	node_ids "$2"
	wait_for 10 "$1 reaches $2" reaches "$1" "$LAN.10"
	ping_exact "$1" "$LAN.10" 100
	wait_for 10 "$1 has a shortcut to $2" has_shortcut "$1" "$2"
	wait_for 10 "$2 has a shortcut to $1" has_shortcut "$2" "$1"
	[ "$(hub_counter tx-traffic-indication)" -ge $((told + 2)) ] || fail "$1 and $2 were not told by the hub"
	check_shortcut_used "$1" "$2"
}

check_shortcut_used() { # SPOKE OTHER
	local hairpins
	hairpins=$(hub_hairpins)
	node_ids "$2"
	ping_exact "$1" "$LAN.10" 300
	node_ids "$1"
	ping_exact "$2" "$LAN.10" 300
	[ "$(hub_hairpins)" -eq "$hairpins" ] || fail "$1 and $2 go through the hub: $hairpins hairpins, now $(hub_hairpins)"
}

# Forgets it on both sides.
shortcut_clear() { # SPOKE OTHER
	local spoke
	for spoke in "$1" "$2"; do spoke_exec "$spoke" "vtysh -c 'clear ip nhrp cache' -c 'clear ip nhrp shortcut'"; done
}

# spoke1 withdraws its LAN by a command and announces it again by another.  From the moment that the hub's
# kernel tells that the route is deleted, the workers may have it for 100 ms; lib/route-gone measures.
check_withdraw() { # COMMAND COMMAND-BACK
	local log=$LAB_RUN/route-gone pid ms
	node_ids spoke1
	ip netns exec "$NS_HUB" "$LAB_DIR/lib/route-gone" "$HUB_RUN/control.sock" "$LAN.0/24" \
		> "$log" 2>&1 &
	pid=$!
	wait_for 10 "route-gone listens" grep -qx armed "$log"
	spoke_exec spoke1 "$1"
	wait "$pid" || fail "$(tail -1 "$log")"
	ms=$(tail -1 "$log")
	echo "$LAN.0/24 withdrawn: the workers follow the kernel within $ms ms"
	[ "${ms%.*}" -lt 100 ] || fail "the workers had the route for $ms ms after the kernel"
	assert "what is withdrawn is not reached" no reaches lan "$LAN.10"
	assert "the other spoke is" reaches lan 10.1.12.10
	spoke_exec spoke1 "$2"
	wait_routes 30
	wait_for 10 "spoke1 is reached again" reaches lan "$LAN.10"
}

# --- BGP ---------------------------------------------------------------------------------------------

vtysh_conf() { # LINE...: as one command for a spoke's shell
	printf "vtysh -c 'configure terminal'"
	printf " -c '%s'" "$@"
}

# What the hub's bgpd says of the session with a spoke.
bgp_peer() { # SPOKE FILTER
	node_ids "$1"
	frr_exec -c 'show bgp ipv4 unicast summary json' | jq -e -r --arg tun "$TUN" ".peers[\$tun] | $2"
}

bgp_up() { bgp_peer "$1" '.state == "Established"' > /dev/null; }

wait_bgp() { # SECONDS
	local spoke
	for spoke in $LAB_SPOKES; do wait_for "$1" "the BGP session of $spoke is up" bgp_up "$spoke"; done
}

# "ESTABLISHED DROPPED" of the spoke's side: how often, so far; only while it is up.
spoke_bgp_count() { # SPOKE
	spoke_exec "$1" "vtysh -c 'show bgp neighbors $HUB_TUN json'" | jq -e -r --arg hub "$HUB_TUN" \
		'.[$hub] | select(.bgpState == "Established") | "\(.connectionsEstablished) \(.connectionsDropped)"'
}

# --- OSPF --------------------------------------------------------------------------------------------

# What the hub's ospfd says of its adjacency with a spoke; the spoke of that with the hub.
ospf_peer() { # SPOKE FILTER
	node_ids "$1"
	frr_exec -c 'show ip ospf neighbor detail json' | jq -e -r --arg id "$TUN" ".neighbors[\$id][0] | $2"
}
spoke_ospf_peer() { # SPOKE FILTER
	spoke_exec "$1" "vtysh -c 'show ip ospf neighbor detail json'" |
		jq -e -r --arg id "$HUB_TUN" ".neighbors[\$id][0] | $2"
}

ospf_full() { # SPOKE
	ospf_peer "$1" '(.nbrState // "") | startswith("Full")' > /dev/null &&
		spoke_ospf_peer "$1" '(.nbrState // "") | startswith("Full")' > /dev/null
}

wait_ospf() { # SECONDS
	local spoke
	for spoke in $LAB_SPOKES; do wait_for "$1" "the adjacency of $spoke is full" ospf_full "$spoke"; done
}

# "N N": changes of state so far, on the hub and on the spoke.
ospf_changes() { echo "$(ospf_peer "$1" .stateChangeCounter) $(spoke_ospf_peer "$1" .stateChangeCounter)"; }

# The dead timer, which a hello sets up again.
ospf_due() { ospf_peer "$1" .routerDeadIntervalTimerDueMsec; }
spoke_ospf_due() { spoke_ospf_peer "$1" .routerDeadIntervalTimerDueMsec; }

# --- the hub's kernel, watched -----------------------------------------------------------------------

# A route of nobody, to see that what came before it has been told.
kernel_watch_mark() { # PREFIX
	ip -n "$NS_HUB" route add blackhole "$1"
	wait_for 5 "ip monitor tells of $1" grep -q "$1" "$LAB_RUN/kernel-watch"
}

hub_kernel_routes() { ip -n "$NS_HUB" route show | sed 's/ nhid [0-9]*//' | sort; }

kernel_watch_start() {
	KERNEL_ROUTES=$(hub_kernel_routes)
	ip -n "$NS_HUB" -o monitor link route > "$LAB_RUN/kernel-watch" &
	KERNEL_WATCH=$!
	trap 'kill "$KERNEL_WATCH"' EXIT
	# it may not listen yet when the first mark comes
	until grep -q 198.51.100.1 "$LAB_RUN/kernel-watch"; do
		ip -n "$NS_HUB" route replace blackhole 198.51.100.1
		ip -n "$NS_HUB" route del blackhole 198.51.100.1
	done
	: > "$LAB_RUN/kernel-watch"
}

# Fails when a route was deleted meanwhile, or a twin lost its carrier: the kernel takes routes away silently then.
kernel_watch_end() {
	kernel_watch_mark 198.51.100.2
	kill "$KERNEL_WATCH"
	trap - EXIT
	ip -n "$NS_HUB" route del blackhole 198.51.100.2
	! grep -E 'Deleted|NO-CARRIER' "$LAB_RUN/kernel-watch" || fail "the kernel lost something"
	[ "$(hub_kernel_routes)" = "$KERNEL_ROUTES" ] ||
		fail "routes: before: $KERNEL_ROUTES; now: $(hub_kernel_routes)"
}
