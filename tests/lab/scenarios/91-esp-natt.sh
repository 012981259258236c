# shellcheck shell=bash
# topology: esp
# ESP in UDP with the Linux kernel at the other end, at a port that a NAT could have given it: the spoke registers, pings go both
# ways with no packet of the tunnel outside of UDP, and its keep-alives are absorbed.

. "$LAB_DIR/lib/esp.sh"

PORT=61000

hub_absorbed() { hub_json workers '[.workers[].absorbed_pkts] | add'; }
absorbed_since() { [ "$(hub_absorbed)" -ge $(($1 + 20)) ]; }

for spoke in $LAB_SPOKES; do
	spoke_exec "$spoke" "ip xfrm state flush; ip xfrm policy flush"
	esp_policies "$spoke"
done
assert "the kernel takes ESP in UDP" esp_natt_socket spoke1 $PORT
node_ids spoke1
clear_listen "(ip proto 50 and host $NBMA)"
esp_pair spoke1 aes128gcm16 8192 false 32 $PORT
wait_registered spoke1 60
wait_for 10 "spoke1 reaches the LAN" reaches spoke1 10.1.1.10
refused=$(hub_refused_esp)
ping_exact spoke1 10.1.1.10 50
ping_exact lan 10.1.11.10 50
for size in 0 1 1300 1371 1372 1373 4000; do
	assert "ping of $size bytes" ping_from spoke1 -c 3 -i 0.05 -W 2 -s $size 10.1.1.10 > /dev/null
done

# The other algorithms' lengths, extended numbers too.
esp_pair spoke1 aes256-sha256 8208 true 1024 $PORT
ping_exact spoke1 10.1.1.10 20
esp_pair spoke1 chacha20poly1305 8224 true 32 $PORT
ping_exact lan 10.1.11.10 20

before=$(hub_absorbed)
esp_natt_keepalives spoke1
wait_for 10 "20 keep-alives are absorbed" absorbed_since "$before"
clear_none
[ "$(hub_refused_esp)" = "$refused" ] || fail "refused: $(hub_refused_esp)"
errors=$(esp_spoke_errors spoke1)
! grep -E 'XfrmInStateSeqError|XfrmInStateProtoError|XfrmInError' <<< "$errors" || fail "spoke1's kernel refused packets"
wait_for 5 "the hub is drained" hub_drained
