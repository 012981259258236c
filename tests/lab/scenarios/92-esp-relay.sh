# shellcheck shell=bash
# topology: esp
# long: the default run has twenty minutes
# A cable that drops 1 in 1,000, duplicates and reorders what is encrypted between the hub, with two workers, and the kernel of a
# spoke, with windows of 32: what is lost is what the cable dropped, what is refused as a replay is what it sent twice, to the packet.

. "$LAB_DIR/lib/esp.sh"

COUNT=4000

# A number of the relay's report, by its place in the line. ab: from the hub
relay_said() { awk -v way="$1" -v n="$2" '$1 == way { print $n }' "$LAB_RUN/relay.report"; }

relay_start() {
	ip netns exec "$NS_NET" sh -c "ip link set hub nomaster && ip link add rel0 type veth peer name rel1 &&
		ip link set rel0 master br0 up && ip link set rel1 up"
	offloads_off "$NS_NET" rel0
	offloads_off "$NS_NET" rel1
	ip netns exec "$NS_NET" "$LAB_DIR/lib/relay.py" hub rel1 1000 "$LAB_RUN/relay.report" > "$LAB_RUN/relay.log" 2>&1 &
	relay_pid=$!
	wait_for 10 "the relay runs" grep -q ready "$LAB_RUN/relay.log"
}

relay_stop() {
	kill $relay_pid
	wait $relay_pid || true
	ip netns exec "$NS_NET" sh -c "ip link del rel0; ip link set hub master br0"
}

seq_errors() { esp_spoke_errors spoke1 | awk '$1 == "XfrmInStateSeqError" { n = $2 } END { print n + 0 }'; }

hub_stop TERM
LAB_WORKERS="0, 1" hub_start
assert "two workers" hub_json workers '.workers | length == 2' > /dev/null
for spoke in $LAB_SPOKES; do
	spoke_exec "$spoke" "ip xfrm state flush; ip xfrm policy flush"
	esp_policies "$spoke"
done
esp_pair spoke1 aes128gcm16 12288 false 32
wait_registered spoke1 60
wait_for 10 "spoke1 reaches the LAN" reaches spoke1 10.1.1.10

errors=$(seq_errors)
replays=$(hub_dropped esp-replay)
ping_from spoke1 -c 1000 -i 0.002 -W 3 -s 1000 10.1.1.10 > "$LAB_RUN/straight.ping"
grep -q "1000 packets transmitted, 1000 received, 0% packet loss" "$LAB_RUN/straight.ping" ||
	fail "a good cable: $(grep transmitted "$LAB_RUN/straight.ping")"
[ "$(seq_errors)" = "$errors" ] || fail "a good cable: the kernel's XfrmInStateSeqError went from $errors to $(seq_errors)"

relay_start
ping_from spoke1 -c $COUNT -i 0.002 -W 3 -s 1000 10.1.1.10 > "$LAB_RUN/relay.ping" || true
relay_stop
cat "$LAB_RUN/relay.report"
grep transmitted "$LAB_RUN/relay.ping"
received=$(sed -n 's/.* transmitted, \([0-9]*\) received.*/\1/p' "$LAB_RUN/relay.ping")
dropped=$(($(relay_said ab 3) + $(relay_said ba 3)))
[ "$dropped" -ge 6 ] || fail "the cable dropped $dropped only"
[ $((COUNT - received)) -eq "$dropped" ] || fail "$((COUNT - received)) packets lost, the cable dropped $dropped"
[ $(($(hub_dropped esp-replay) - replays)) -eq "$(relay_said ba 4)" ] ||
	fail "the hub refused $(($(hub_dropped esp-replay) - replays)) replays, the cable sent $(relay_said ba 4) twice"
[ $(($(seq_errors) - errors)) -eq "$(relay_said ab 4)" ] ||
	fail "the kernel refused $(($(seq_errors) - errors)) replays, the cable sent $(relay_said ab 4) twice"
wait_for 5 "the hub is drained" hub_drained
