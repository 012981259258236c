# shellcheck shell=bash
# topology: ike
# Stock strongSwan at both ends, the hub's with our library preloaded: spokes negotiate, register and reach each other in ESP;
# CHILD and IKE SAs are renewed under ping and the hub drops nothing; the hub is killed and gets its SAs back; nothing in clear.

. "$LAB_DIR/lib/esp.sh"
. "$LAB_DIR/lib/ike.sh"

proposal=aes128gcm16-esn-noesn
ike_hub_start $proposal
for spoke in $LAB_SPOKES; do ike_spoke_start "$spoke" $proposal; done
clear_listen # from here on: the spokes' nhrpd is there before charon
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 60; done
for to in 10.1.12.10 10.1.1.10; do
	wait_for 10 "spoke1 reaches $to" reaches spoke1 "$to"
done
assert "the SAs have extended numbers" test "$(hub_json sas '[.sas[] | select(.esn)] | length')" -ge 4

# From each end: the child, then the IKE SA.
no_sa=$(hub_dropped esp-no-sa)
rekeyed=$LAB_RUN/ike.ping
ping_from spoke1 -c 400 -i 0.02 -W 2 10.1.12.10 > "$rekeyed" &
pid=$!
for _ in 1 2 3; do
	ike_swanctl --rekey --child dmvpn > /dev/null
	spoke_exec spoke1 'swanctl --rekey --child dmvpn > /dev/null'
done
ike_swanctl --rekey --ike dmvpn > /dev/null
wait $pid || true
# A spoke's kernel drops a packet now and then while charon changes its policy (XfrmAcquireError, XfrmOutNoStates): the hub none.
lost=$((400 - $(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$rekeyed")))
echo "under rekeying: $lost of 400 pings lost"
[ $lost -le 8 ] || fail "under rekeying: $(grep transmitted "$rekeyed")"
[ "$(hub_dropped esp-no-sa)" = "$no_sa" ] || fail "the hub had no SA to send with"
refused=$(hub_refused_esp)
[ -z "$refused" ] || fail "refused: $refused"

# A new dmvpnd has the SAs again: charon says that it has no new IKE SA.
ike_sas() { ike_swanctl --list-sas | grep -o "ESTABLISHED.*" | sort; }
before=$(ike_sas)
hub_stop KILL
hub_start
sas_are_back() { [ "$(hub_json sas '.sas | length')" -ge 4 ]; }
wait_for 20 "the SAs are back" sas_are_back
wait_for 20 "spoke1 reaches spoke2 again" reaches spoke1 10.1.12.10
assert "nobody had to negotiate" test "$(ike_sas)" = "$before"
clear_none
