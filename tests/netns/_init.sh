# shellcheck shell=bash
# What every test in this folder shares; sourced first. A test draws the daemon's surroundings in network namespaces of
# its own and leaves nothing behind, however it ends.
#
#   ns $WAN (the underlay)              ns $HUB                                  ns $LAN (behind the hub)
#   ┌──────────────────────┐   ┌──────────────────────────────────────┐   ┌──────────────────────┐
#   │ eth0                 │   │ v-wan            dmvpnd        v-lan │   │ eth0                 │
#   │ 192.0.2.100/24 ──────┼───┼─ (af_packet)                (af_p.) ─┼───┼────── 10.1.1.10/24   │
#   │ 02:00:00:00:01:00    │   │ twins: wan0      Tunnel42       lan0 │   │ 02:00:00:00:02:00    │
#   └──────────────────────┘   │ 192.0.2.1/24  10.255.0.1/24  10.1.1.1│   └──────────────────────┘
#                              └──────────────────────────────────────┘
#
# A test is a list of statements, each a command that must succeed:
#   check WHAT COMMAND...              it does
#   refuse WHAT COMMAND...             it does not
#   eventually WHAT SECONDS COMMAND... it does before the deadline
#   need WHAT COMMAND...               it does, else the rest of this file means nothing
# finish prints the count. Nothing waits for time to pass, only for conditions.
set -u
TEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$TEST_DIR/../.." && pwd)
. "$TOP/tools/lib.sh"

TEST=$(basename "$0" .sh)
BUILD=${DMVPN_BUILD:-$TOP/build}
DMVPND=$(built_program "$BUILD" dmvpnd) || exit 1
DMVPNCTL=$(built_program "$BUILD" dmvpnctl) || exit 1
# shellcheck disable=SC2034 # for the tests
SPOKES=$(built_program "$BUILD" dmvpn-spokes) || exit 1
FACTOR_DEADLINE=${TEST_DEADLINE_FACTOR:-3} # deadlines below are for an idle machine; waiting longer costs nothing
WAN=ht-$$-wan HUB=ht-$$-hub LAN=ht-$$-lan
TMP=$(mktemp -d "${TMPDIR:-/tmp}/$TEST.XXXXXX")
SOCK=$TMP/control.sock
HUB_LOG=$TMP/hub.log
HUB_CONF=$TMP/hub.yaml
HUB_PID=
passed=0
failed=0
children=()
namespaces=("$WAN" "$HUB" "$LAN") # a test may add more, of names like these

# ---- statements

record() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "pass $2"
	else
		failed=$((failed + 1))
		echo "FAILED $2"
	fi
	return "$1"
}

check() {
	local what=$1
	shift
	"$@"
	record $? "$what"
}

refuse() {
	local what=$1
	shift
	! "$@"
	record $? "$what"
}

eventually() {
	local what=$1 seconds=$2
	shift 2
	within "$seconds" "$@"
	record $? "$what"
}

need() {
	check "$@" || finish
}

# within SECONDS COMMAND...: wait for a condition
within() {
	local seconds=$1
	shift
	wait_until $((seconds * FACTOR_DEADLINE)) "$@"
}

equal() { # GOT WANTED
	[ "$1" = "$2" ] || { echo "    got '$1', wanted '$2'"; return 1; }
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

# ---- the end, however it comes

cleanup() {
	local status=$? pid
	trap '' INT TERM
	for pid in "${children[@]}" $HUB_PID; do
		kill -CONT "$pid" 2>/dev/null
		kill -TERM "$pid" 2>/dev/null
	done
	for pid in "${children[@]}" $HUB_PID; do
		wait_until 5 is_gone "$pid" || kill -KILL "$pid" 2>/dev/null
	done
	for pid in "${namespaces[@]}"; do
		ip netns del "$pid" 2>/dev/null
	done
	if [ "$status" -ne 0 ]; then
		tail_log "$HUB_LOG" 40
		[ -z "${DMVPN_LOGS:-}" ] || cp -r "$TMP" "$DMVPN_LOGS/"
	fi
	rm -rf "$TMP"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' INT TERM

# ---- topology

in_wan() { ip netns exec "$WAN" "$@"; }
in_hub() { ip netns exec "$HUB" "$@"; }
in_lan() { ip netns exec "$LAN" "$@"; }

# A kernel that fills in checksums later, or sends IPv6 noise, would look like a fault of the dataplane.
quiet_interface() { # NS DEV
	ip netns exec "$1" ethtool -K "$2" tx off gso off gro off tso off rxvlan off txvlan off >/dev/null 2>&1
	ip netns exec "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
}

cable() { # FAR_NS FAR_MAC HUB_DEV
	ip -n "$HUB" link add "$3" type veth peer name eth0 netns "$1" || die "$TEST: no veth pair"
	ip -n "$1" link set eth0 address "$2"
	quiet_interface "$HUB" "$3"
	quiet_interface "$1" eth0
	ip -n "$HUB" link set "$3" up
	ip -n "$1" link set eth0 up
}

draw_topology() {
	local ns
	is_root || die "$TEST: needs root for network namespaces"
	for ns in $WAN $HUB $LAN; do
		ip netns add "$ns" || die "$TEST: no network namespace $ns"
		ip -n "$ns" link set lo up
	done
	cable "$WAN" 02:00:00:00:01:00 v-wan
	cable "$LAN" 02:00:00:00:02:00 v-lan
	ip -n "$WAN" address add 192.0.2.100/24 dev eth0
	ip -n "$LAN" address add 10.1.1.10/24 dev eth0
	ip -n "$LAN" route add default via 10.1.1.1
}

# Two CPUs that we may use: the control core's and the worker's; the same one when there is only one.
cpus() {
	local list
	list=$(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
		awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
	CONTROL_CPU=$(head -n 1 <<<"$list")
	WORKER_CPU=$(sed -n 2p <<<"$list")
	WORKER_CPU=${WORKER_CPU:-$CONTROL_CPU}
}

# write_config [NHRP]: the hub of the picture, to $HUB_CONF; NHRP are more keys of the tunnel's nhrp section, in flow style.
write_config() {
	local nhrp="network-id: 42, holdtime: 60${1:+, $1}"
	cpus
	cat >"$HUB_CONF" <<-EOC
		dataplane: {control-lcore: $CONTROL_CPU, worker-lcores: [$WORKER_CPU], huge-pages: off, idle: sleep}
		control: {socket: $SOCK}
		ports:
		  - {name: wan0, device: "net_af_packet0,iface=v-wan", role: underlay, mtu: 1500, addresses: [192.0.2.1/24]}
		  - {name: lan0, device: "net_af_packet1,iface=v-lan", role: lan, addresses: [10.1.1.1/24]}
		tunnels:
		  - name: Tunnel42
		    source: wan0
		    key: 42
		    addresses: [10.255.0.1/24]
		    mtu: 1400
		    nhrp: {$nhrp}
	EOC
}

# ---- the daemon

hub_serves() {
	is_gone "$HUB_PID" || hub_json system.info >/dev/null 2>&1
}

# Starts dmvpnd on $HUB_CONF (or the file given); the log goes on in the same file. Not by in_hub: a function in the
# background is a shell of its own, and its pid would not be the daemon's.
start_hub() {
	ip netns exec "$HUB" "$DMVPND" -c "${1:-$HUB_CONF}" >>"$HUB_LOG" 2>&1 &
	HUB_PID=$!
	within 10 hub_serves || echo "    no answer on the control socket after the deadline"
	if is_gone "$HUB_PID"; then
		wait "$HUB_PID"
		echo "    dmvpnd ended with status $?"
		HUB_PID=
		return 1
	fi
	hub_json system.info >/dev/null
}

# Runs dmvpnd where it must fail by itself; its status, and its words in $HUB_LOG.
hub_fails() {
	in_hub timeout --kill-after=5 $((10 * FACTOR_DEADLINE)) "$DMVPND" "$@" >"$HUB_LOG" 2>&1
	local status=$?
	[ $status -ne 0 ] && [ $status -lt 124 ] || { echo "    status $status"; return 1; }
}

# stop_hub: status 0, no buffer leaked
stop_hub() {
	local pid=$HUB_PID
	HUB_PID=
	kill -TERM "$pid" || return 1
	if ! within 10 is_gone "$pid"; then
		echo "    dmvpnd still runs after SIGTERM"
		kill -KILL "$pid"
	fi
	wait "$pid"
	equal $? 0 && no_leak
}

no_leak() {
	grep -q "no mbuf leaked" "$HUB_LOG" || { echo "    the log does not say that no mbuf leaked"; return 1; }
}

kill_hub() {
	local pid=$HUB_PID
	HUB_PID=
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	return 0
}

hub_ctl() {
	"$DMVPNCTL" -s "$SOCK" "$@"
}

# hub_json METHOD: the method's result
hub_json() {
	local noun=${1%%.*}
	[ "$1" = system.info ] || [ "$1" = nhrp.list ] || noun+=s
	hub_ctl -j show "$noun"
}

# hub_value METHOD JQ: one value of the result; hub_is METHOD JQ: the expression is true
hub_value() {
	hub_json "$1" | jq -r "$2"
}

hub_is() {
	hub_json "$1" | jq -e "$2" >/dev/null
}

drops() { # REASON
	hub_value drop.list ".drops[] | select(.reason == \"$1\") | .pkts"
}

# Invariant 5, on one reading of worker.list: for each worker, and nothing held.
is_balanced() {
	hub_is worker.list '[.workers[] | .held_pkts == 0 and .balance == 0 and
		.rx_pkts + .injected_pkts + .generated_pkts + .copied_pkts ==
		.tx_pkts + .punted_pkts + .absorbed_pkts + .dropped_pkts + .held_pkts] | all and length > 0'
}

check_balance() {
	eventually "each packet is accounted for after a drain" 10 is_balanced ||
		hub_json worker.list | jq -c '.workers[]' | sed 's/^/    /'
}

# ---- packets

# capture_start NAME NS DEV FILTER: returns when tcpdump really listens; the packets are in $TMP/NAME.pcap
capture_start() {
	ip netns exec "$2" tcpdump -p -n --immediate-mode -U -i "$3" -w "$TMP/$1.pcap" "$4" 2>"$TMP/$1.err" &
	children+=($!)
	within 5 grep -q 'listening on' "$TMP/$1.err" || die "$TEST: tcpdump: $(cat "$TMP/$1.err")"
}

# capture_count NAME FILTER
capture_count() {
	tcpdump -n -r "$TMP/$1.pcap" "$2" 2>/dev/null | wc -l
}

# captured NAME FILTER COUNT: so many by now
captured() {
	[ "$(capture_count "$1" "$2")" -ge "$3" ]
}

# send_frame NS DEV HEX [COUNT]: a raw Ethernet frame
send_frame() {
	ip netns exec "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[3])):
    s.send(bytes.fromhex(sys.argv[2]))' "$2" "${3//[ :]/}" "${4:-1}"
}

mac_of() { # NS DEV
	ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'
}
