#!/usr/bin/env bash
# Real TCP and UDP of kernels through the hub, both ways: between the LAN behind it and a spoke's, and between two spokes'.
# All arrives, hardly anything twice; a TCP connection has the tunnel's MSS from its first packet on.
#
#   ns $LAN ── hub ── GRE ── gre_spoke.py in ns $WAN ── ns $S1 (10.128.1.10 on tun0)
#                        └── gre_spoke.py in ns $WAN ── ns $S2 (10.128.2.10)
. "$(dirname "$0")/_init.sh"

# shellcheck disable=SC2034 # by name
S1=ht-$$-s1 S2=ht-$$-s2
TCP_BYTES=8000000
TCP_RATE=60M # python is no router: what it cannot carry would be lost in its queues, and that is not the hub's
TCP_WINDOW=256K # bounds what is under way at the end
MSS=1300     # neither end says so by itself
UDP_BYTES=600000
UDP_SIZE=1200
RETRANSMIT_PERCENT=1

address_of() { # LAN|S1|S2
	case $1 in
	LAN) echo 10.1.1.10 ;;
	*) echo "10.128.${1#S}.10" ;;
	esac
}

spoke_start() { # S1|S2
	local id=${1#S}
	ip netns add "${!1}" || die "$TEST: no network namespace ${!1}"
	namespaces+=("${!1}")
	ip -n "${!1}" link set lo up
	ip -n "$WAN" address add "192.0.2.11$id/24" dev eth0
	ip netns exec "$WAN" "$TEST_DIR/gre_spoke.py" "${!1}" "192.0.2.11$id" 192.0.2.1 42 2>"$TMP/spoke$id.err" &
	children+=($!)
	within 10 has_tun "${!1}" || die "$TEST: no TUN: $(cat "$TMP/spoke$id.err")"
	ip -n "${!1}" address add "$(address_of "$1")/24" dev tun0
	ip -n "${!1}" route add default dev tun0
}

has_tun() { # NS
	ip -n "$1" link show tun0 up 2>/dev/null | grep -q tun0
}

listens() { # NS
	ip netns exec "$1" ss -Hltn 'sport = 5201' | grep -q .
}

server_start() { # LAN|S1|S2
	ip netns exec "${!1}" iperf3 -s >"$TMP/server-$1.log" 2>&1 &
	children+=($!)
	within 5 listens "${!1}" || die "$TEST: no iperf3 server: $(cat "$TMP/server-$1.log")"
}

# iperf FROM TO ARGUMENT...: the client's JSON is in $TMP/iperf.json
iperf() {
	local from=$1 to=$2
	shift 2
	local start
	start=$(now_ms)
	ip netns exec "${!from}" timeout $((15 * FACTOR_DEADLINE)) iperf3 -J -c "$(address_of "$to")" "$@" >"$TMP/iperf.json" ||
		{ jq -r '.error // "no answer"' "$TMP/iperf.json" | sed 's/^/    /'; return 1; }
	jq -r --arg s "$(fmt_secs $(($(now_ms) - start)))" '.end | "    \((.sum_received // .sum).bytes) bytes in \($s) s, \(
		.sum_sent.retransmits // 0) sent again"' "$TMP/iperf.json"
}

report_is() { # JQ
	jq -e "$1" "$TMP/iperf.json" >/dev/null || { jq -c .end "$TMP/iperf.json" | sed 's/^/    /'; return 1; }
}

reaches() { # ADDRESS, from spoke 1's LAN
	ip netns exec "$S1" ping -q -c 1 -W 1 "$1" >/dev/null
}

hairpinned() {
	hub_value worker.list '[.workers[].hairpin_pkts] | add'
}

# Every SYN that arrives, in both directions, asks for segments that fit.
syns_clamped() { # CAPTURE
	local asked
	asked=$(tcpdump -nv -r "$TMP/$1.pcap" 'tcp[tcpflags] & tcp-syn != 0' 2>/dev/null | grep -oE 'mss [0-9]+' | sort | uniq -c)
	[[ $asked =~ ^\ +[1-9][0-9]*\ mss\ $MSS$ ]] || { echo "    got '$asked', wanted mss $MSS only"; return 1; }
}

# transfer FROM TO: TCP both ways, UDP both ways
transfer() {
	local way
	for way in "" --reverse; do
		check "$1 $2 TCP $way" iperf "$1" "$2" -n $TCP_BYTES -b $TCP_RATE -w $TCP_WINDOW $way
		# iperf3's receiver stops counting when the sender is done, with the last of it under way.
		check "... the bytes arrive" report_is ".end.sum_received.bytes * 10 >= $TCP_BYTES * 9"
		check "... less than $RETRANSMIT_PERCENT % are sent again" report_is \
			".end.sum_sent | .retransmits * $MSS * 100 < .bytes * $RETRANSMIT_PERCENT"
		check "$1 $2 UDP $way" iperf "$1" "$2" -u -n $UDP_BYTES -l $UDP_SIZE -b 4M $way
		check "... no datagram is lost" report_is ".end.sum | .lost_packets == 0 and .packets >= $UDP_BYTES / $UDP_SIZE"
	done
}

draw_topology
write_config "map: [{protocol: 10.255.0.11, nbma: 192.0.2.111}, {protocol: 10.255.0.12, nbma: 192.0.2.112}]"
sed -i "s/mtu: 1400/mtu: 1400\n    adjust-mss: $MSS/" "$HUB_CONF"
cat >>"$HUB_CONF" <<-EOC
	routes:
	  - {prefix: 10.128.1.0/24, via: 10.255.0.11}
	  - {prefix: 10.128.2.0/24, via: 10.255.0.12}
EOC
need "the daemon starts" start_hub
spoke_start S1
spoke_start S2
need "spoke 1 reaches the hub's LAN" within 5 reaches 10.1.1.10
need "spoke 1 reaches spoke 2" within 5 reaches 10.128.2.10
capture_start lan "$LAN" eth0 "tcp port 5201 and tcp[tcpflags] & tcp-syn != 0 and dst host 10.1.1.10"
capture_start s1 "$S1" tun0 "tcp port 5201 and tcp[tcpflags] & tcp-syn != 0 and dst host 10.128.1.10"
server_start LAN
server_start S2

transfer S1 LAN
check "SYNs at the LAN have the tunnel's MSS" syns_clamped lan
before=$(hairpinned)
transfer S1 S2
check "what spokes say to each other passed the hub" [ "$(($(hairpinned) - before))" -gt $((4 * TCP_BYTES / 2 / MSS)) ]
check "SYN-ACKs at the spoke have the tunnel's MSS" syns_clamped s1
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
