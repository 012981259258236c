# shellcheck shell=bash
# topology: esp
# ESP with the Linux kernel at the other end, SAs by hand: each algorithm, 32- and 64-bit numbers, rekeying under ping, what is
# in clear. The hub takes and sends nothing in clear, and no packet is lost or refused on either side.

. "$LAB_DIR/lib/esp.sh"

# Before there are SAs the spokes ask in clear, and are not heard.
asked_in_clear() { [ "$(hub_dropped esp-clear)" -gt 0 ]; }
wait_for 20 "registrations in clear are dropped" asked_in_clear
assert "nobody is registered" no hub_knows spoke1
for spoke in $LAB_SPOKES; do esp_policies "$spoke"; done

spi=4096
esp_pair spoke1 aes128gcm16 $spi
esp_pair spoke2 aes256gcm16 $((spi + 2)) true 1024
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 60; done
for to in 10.1.12.10 10.1.1.10; do
	wait_for 10 "spoke1 reaches $to" reaches spoke1 "$to"
done

# Each algorithm on spoke1, every other one with extended numbers; the one before it stays until the new one works.
everything() {
	local alg esn=false old=$spi
	for alg in aes192gcm16 aes256gcm16 chacha20poly1305 aes128-sha1 aes256-sha1 aes128-sha256 aes256-sha256 aes128-sha384 \
		aes256-sha512 null-sha256 aes128gcm16; do
		[ $esn = false ] && esn=true || esn=false
		spi=$((spi + 16))
		esp_pair spoke1 $alg $spi $esn 32
		esp_pair_delete spoke1 $old
		old=$spi
		# the spoke's kernel may lose the packet that makes it look for its new SA
		wait_for 5 "spoke1 reaches spoke2 by $alg" reaches spoke1 10.1.12.10
		ping_exact spoke1 10.1.12.10 10
		ping_exact lan 10.1.11.10 5
		echo "$alg, extended numbers $esn: 15 requests, 15 replies"
	done
	# sizes around the MTU of the tunnel, and much longer: in pieces
	for size in 0 1 1300 1371 1372 1373 4000; do
		assert "ping of $size bytes" ping_from spoke2 -c 3 -i 0.05 -W 2 -s $size 10.1.11.10 > /dev/null
	done
}
clear_listen
everything
clear_none

# Rekeying under a flood of pings: none is lost.
pinged=$LAB_RUN/rekey.ping
ping_from spoke2 -c 500 -i 0.01 -W 2 10.1.11.10 > "$pinged" &
pid=$!
old=$spi
for _ in 1 2 3 4 5 6; do
	spi=$((spi + 16))
	esp_pair spoke1 aes128gcm16 $spi true
	esp_pair_delete spoke1 $old
	old=$spi
done
wait $pid || true
grep -q "500 packets transmitted, 500 received" "$pinged" || fail "under rekeying: $(grep transmitted "$pinged")"

for spoke in $LAB_SPOKES; do
	errors=$(esp_spoke_errors "$spoke")
	[ -z "$errors" ] || echo "$spoke: $errors"
	! grep -E 'XfrmInStateSeqError|XfrmInStateProtoError|XfrmInError' <<< "$errors" || fail "$spoke's kernel refused packets"
done
refused=$(hub_refused_esp)
[ -z "$refused" ] || fail "refused: $refused"

# All SAs of spoke1 go: nothing to it leaves.
esp_pair_delete spoke1 $spi
before=$(hub_dropped esp-no-sa)
clear_listen
ping_from lan -c 5 -i 0.05 -W 1 10.1.11.10 > /dev/null || true
clear_none
[ "$(hub_dropped esp-no-sa)" -gt "$before" ] || fail "no packet was dropped for want of an SA"
wait_for 5 "the hub is drained" hub_drained
