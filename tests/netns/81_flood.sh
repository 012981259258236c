#!/usr/bin/env bash
# One host floods the hub with what the control core would have to look at: it gets the share of one source, each packet
# more is a drop with a name, and the others are served as ever.
. "$(dirname "$0")/_init.sh"

MANY=20000 # policed packets that make a flood

# spokes BASE N OPTIONS...: overlay 10.255.0.BASE, underlay 192.0.2.BASE
spokes() {
	local base=$1 n=$2
	shift 2
	ip netns exec "$WAN" "$SPOKES" --interface eth0 --count "$n" --key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 \
		--nbma-base "192.0.2.$base" --protocol-base "10.255.0.$base" --lan-base "10.$base.0.0/24" --stats-period 0 "$@"
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $1"
}

# flood_start NS KIND: the same frame from 192.0.2.66 (or 10.1.1.66), 02:66:66:66:66:66, again and again
flood_start() {
	ip netns exec "$1" python3 - "$2" "$(mac_of "$HUB" "${3:-wan0}")" <<-'EOF' &
		import socket, struct, sys

		def ip(src, dst, protocol, payload):
		    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0,
		                    socket.inet_aton(src), socket.inet_aton(dst))
		    s = sum(struct.unpack("!10H", h))
		    s = (s & 0xffff) + (s >> 16)
		    return h[:10] + struct.pack("!H", ~((s & 0xffff) + (s >> 16)) & 0xffff) + h[12:] + payload

		me, hub = bytes.fromhex("026666666666"), bytes.fromhex(sys.argv[2].replace(":", ""))
		arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, me, socket.inet_aton("192.0.2.66"), bytes(6),
		                  socket.inet_aton("192.0.2.1"))
		ping = bytes.fromhex("0800f7ff00000000") + bytes(56)
		nhrp = struct.pack("!HHI", 0x2000, 0x2001, 42) + bytes(92)
		frame = {
		    "arp": b"\xff" * 6 + me + b"\x08\x06" + arp,
		    "icmp": hub + me + b"\x08\x00" + ip("10.1.1.66", "10.1.1.1", 1, ping),
		    "nhrp": hub + me + b"\x08\x00" + ip("192.0.2.66", "192.0.2.1", 47, nhrp),
		    "other": hub + me + b"\x08\x00" + ip("192.0.2.66", "192.0.2.1", 17, bytes(8)),
		    "ethertype": hub + me + b"\x88\xcc" + bytes(60),
		}[sys.argv[1]]
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		while True:
		    try:
		        s.send(frame)
		    except OSError: # ENOBUFS: the queue is full
		        pass
	EOF
	FLOOD_PID=$!
	children+=("$FLOOD_PID")
}

flood_stop() {
	kill -TERM "$FLOOD_PID"
	wait "$FLOOD_PID"
	is_gone "$FLOOD_PID"
}

dropped() { # REASON COUNT
	[ "$(drops "$1")" -ge "$2" ]
}

punted() {
	hub_value worker.list '[.workers[].punted_pkts] | add'
}

hub_answers() { # from the LAN and the underlay
	in_lan ping -q -c 1 -W 1 10.1.1.1 >/dev/null && in_wan ping -q -c 1 -W 1 192.0.2.1 >/dev/null
}

# flood NAME KIND REASON NS: while it lasts, others register and are answered
flood() {
	local base=$((60 + 10 * ++floods)) before
	before=$(punted)
	flood_start "$4" "$2" "${5:-wan0}"
	eventually "$1: $MANY drops $3" 20 dropped "$3" "$MANY"
	check "... meanwhile 5 new spokes register" spokes "$base" 5 --register-timeout 30 --duration 0
	eventually "... and the hub answers pings" 10 hub_answers
	check "... and the flood still runs" kill -0 "$FLOOD_PID"
	check "... until now" flood_stop
	check "... fewer went to the control core than were dropped" [ $(($(punted) - before)) -lt "$(drops "$3")" ]
}

draw_topology
write_config "install-routes: true"
need "the daemon starts" start_hub
floods=0
flood "NHRP of a stranger" nhrp policed-nhrp "$WAN"
flood "ARP" arp policed-arp "$WAN"
flood "ping" icmp policed-icmp "$LAN" lan0
flood "UDP to us" other policed-other "$WAN"
flood "an unknown ethertype" ethertype ethertype "$WAN"
check "nothing was lost in a full ring" equal "$(drops punt-full)" 0
check_balance
check "it stops with status 0 and no leak" stop_hub
finish
