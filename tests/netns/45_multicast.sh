#!/usr/bin/env bash
# Multicast: from a host in the LAN and from the hub's kernel to registered spokes and to a static entry of the
# multicast map, one copy each, TTL and MTU as for any packet; groups that are not configured are dropped by name.
. "$(dirname "$0")/_init.sh"

COUNT=20                # registered spokes, 192.0.2.11 and so on
STATIC=192.0.2.200      # not registered: gets 239.1.1.0/24 by the map
COPY='ip proto 47 and src 192.0.2.1'
DST='ip[44:4]'          # of the inner packet: outer header 20, GRE with key 8, 16
TTL='ip[36]'

# send GROUP TTL BYTES DF COUNT: UDP from the LAN, BYTES long with its headers
send() {
	in_lan python3 -c '
import socket, sys, time
group, ttl, size, df, count = sys.argv[1], *map(int, sys.argv[2:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.1.1.10"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
s.setsockopt(socket.IPPROTO_IP, 10, 2 if df else 0) # IP_MTU_DISCOVER
for _ in range(count):
    s.sendto(bytes(size - 28), (group, 5000))
    time.sleep(0.002) # a stream, no burst: 16 wait at most' "$@"
}

spokes_up() {
	hub_is spoke.list "[.spokes[] | select(.state == \"UP\")] | length == $COUNT"
}

tunnel_is() { # JQ
	hub_is tunnel.list ".tunnels[0] | $1"
}

dropped() { # REASON COUNT
	equal "$(drops "$1")" "$2"
}

# copies WHAT FILTER COUNT: that many were captured, and no more are under way
copies() {
	eventually "$1" 10 captured wan "$COPY and $2" "$3"
	check_balance
	check "... and not one more" equal "$(capture_count wan "$COPY and $2")" "$3"
}

draw_topology
ip -n "$WAN" address add $STATIC/24 dev eth0
write_config "multicast: dynamic, multicast-groups: [239.1.0.0/16],
      multicast-map: [{nbma: $STATIC, group: 239.1.1.0/24}]"
need "the hub starts" start_hub
check "the static entry is a member before anybody registers" tunnel_is '.mcast_members == 1'
capture_start wan "$WAN" eth0 "$COPY"
ip netns exec "$WAN" "$SPOKES" --interface eth0 --count $COUNT --key 42 --hub-nbma 192.0.2.1 --hub-protocol 10.255.0.1 \
	--nbma-base 192.0.2.11 --protocol-base 10.255.0.11 --lan-base 10.11.0.0/24 --stats-period 0 --json >"$TMP/spokes.json" &
SPOKES_PID=$!
children+=("$SPOKES_PID")
eventually "$COUNT spokes register" 10 spokes_up
check "they are members" tunnel_is ".mcast_members == $COUNT + 1"

check "the LAN sends 50 packets to 239.1.1.1" send 239.1.1.1 8 100 0 50
copies "each spoke gets each, with a TTL less by one" "$DST = 0xef010101 and $TTL = 7" $((50 * (COUNT + 1)))
check "the LAN sends 50 packets to 239.1.2.1" send 239.1.2.1 2 100 0 50
copies "all get them but the static entry" "$DST = 0xef010201 and $TTL = 1" $((50 * COUNT))
check "... which got none" equal "$(capture_count wan "$COPY and dst $STATIC and $DST = 0xef010201")" 0
check "the LAN sends 10 packets longer than the tunnel's MTU" send 239.1.3.1 8 1500 0 10
copies "they arrive in two pieces" "$DST = 0xef010301" $((2 * 10 * COUNT))
check "the LAN sends 10 of them with DF" send 239.1.4.1 8 1500 1 10
eventually "they are dropped by name" 10 dropped too-big 10
check "... for this tunnel, too" tunnel_is '.mcast_too_long == 10'
check "the LAN sends 10 packets whose TTL is over" send 239.1.4.1 1 100 0 10
eventually "they are dropped by name" 10 dropped ttl-expired 10
# The LAN's kernel may have said things to other groups of its own.
before=$(drops no-mroute)
check "the LAN sends 10 packets to a group that is not configured" send 239.2.2.2 8 100 0 10
eventually "they are dropped by name" 10 dropped no-mroute $((before + 10))
check "none of all these left" equal "$(capture_count wan "$COPY and ($DST = 0xef010401 or $DST = 0xef020202)")" 0

in_hub ping -q -c 3 -i 0.2 -W 1 -I Tunnel42 239.7.7.7 >/dev/null
copies "what the hub's kernel sends goes to every spoke, as it is" "$DST = 0xef070707 and $TTL = 1" $((3 * COUNT))
check "the queue was never full" tunnel_is '.mcast_full == 0 and .mcast_unmade == 0'
hub_ctl show tunnels | sed 's/^/    /'

kill -TERM "$SPOKES_PID"
wait "$SPOKES_PID"
check "the spokes have seen them, and nothing strange" jq -e --argjson n "$(((50 + 50 + 10 + 3) * COUNT))" \
	'.inner.multicast >= $n and .ok' "$TMP/spokes.json"
check_balance
check "the hub stops" stop_hub
finish
