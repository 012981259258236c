# shellcheck shell=bash
# topology: static
# Packets of every size cross the hub, in pieces where they must: LANs have an MTU of 1500, the tunnel 1400.

wait_registered spoke1 20
wait_for 10 "the hub's LAN reaches spoke1" reaches lan 10.1.11.10
wait_for 5 "the hub is drained" hub_drained
mistakes=$(hub_mistakes | sed '/^too-big 1$/d')

# ICMP payloads, DF clear: 28 bytes of headers come on top. Around each limit every byte counts.
sizes="$(seq 0 97 8900) $(seq 1368 1376) $(seq 1468 1476) 8999"
for size in $sizes; do
	ping_from lan -c 1 -W 3 -M dont -s "$size" 10.1.11.10 > /dev/null || fail "lan -> spoke1: $size bytes with DF clear"
done
# the spoke's own kernel cuts what it sends; the hub's LAN port puts nothing together
for size in 0 1372 1373 1472 1473 4000 8900; do
	ping_from spoke1 -c 1 -W 3 -M dont -s "$size" 10.1.1.10 > /dev/null || fail "spoke1 -> lan: $size bytes with DF clear"
	ping_from spoke1 -c 1 -W 3 -M dont -s "$size" 10.1.12.10 > /dev/null || fail "spoke1 -> spoke2: $size bytes with DF clear"
done

# DF set: through up to the tunnel's MTU; beyond it the hub says so, from its address in that LAN.
for size in 0 97 1371 1372; do
	ping_from lan -c 1 -W 3 -M "do" -s "$size" 10.1.11.10 > /dev/null || fail "lan -> spoke1: $size bytes with DF set"
done
told=$(lab_exec lan "ping -n -c 1 -W 3 -M do -s 1373 10.1.11.10" 2>&1) && fail "1373 bytes with DF set came through"
case $told in
*"From 10.1.1.1 "*"mtu = 1400"*) ;;
*) fail "1373 bytes with DF set: $told" ;;
esac
# the LAN host's kernel remembers what it was told
ip -n "$NS_LAN" route flush cache

wait_for 5 "the hub is drained after the pings" hub_drained
# the one packet that was too big is the only mistake
now=$(hub_mistakes | sed '/^too-big 1$/d')
[ "$now" = "$mistakes" ] || fail "dropped: before: ${mistakes:-nothing}; now: $now"
