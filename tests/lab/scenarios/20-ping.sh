# shellcheck shell=bash
# topology: static
# Every LAN reaches every other through the hub; nothing is lost, nothing doubled, all is counted.

for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
# the first packet to each resolves neighbours
for to in 10.1.12.10 10.1.1.10; do
	wait_for 10 "spoke1 reaches $to" reaches spoke1 "$to"
done
wait_for 10 "the hub's LAN reaches spoke1" reaches lan 10.1.11.10

wait_for 5 "the hub is drained" hub_drained
mistakes=$(hub_mistakes)
hairpins=$(hub_hairpins)
read -r rx tx < <(hub_spoke_pkts spoke1)

ping_exact spoke1 10.1.12.10 100
ping_exact spoke2 10.1.11.10 100

# requests and replies of both left by the cloud they came in on; half of them came from spoke1
hairpins_are() { [ "$(hub_hairpins)" -eq "$1" ]; }
wait_for 5 "400 hairpins are counted" hairpins_are $((hairpins + 400))
now=$(hub_spoke_pkts spoke1)
[ "$now" = "$((rx + 200)) $((tx + 200))" ] || fail "spoke1's rx and tx: $now, not 200 more than $rx $tx"

for spoke in spoke1 spoke2; do
	node_ids "$spoke"
	ping_exact "$spoke" 10.1.1.10 100 # the hub's LAN
	ping_exact lan "$LAN.10" 100      # and back
	ping_exact "$spoke" "$HUB_TUN" 50 # the hub itself: its kernel, by the twins
	ping_exact hub "$TUN" 50
	ping_exact hub "$LAN.10" 50
done
ping_exact hub 10.1.1.10 50
ping_exact lan 10.1.1.1 50

assert "no further hairpins" hairpins_are $((hairpins + 400))
wait_for 5 "the hub is drained after the pings" hub_drained
[ "$(hub_mistakes)" = "$mistakes" ] || fail "dropped: before: ${mistakes:-nothing}; now: $(hub_mistakes)"
