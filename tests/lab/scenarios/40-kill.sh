# shellcheck shell=bash
# topology: static
# The hub dies without a word and is started again.  What it left in the kernel is still there, and the
# network heals without anybody's help.

underlay_answers() { spoke_exec spoke1 "ping -n -q -c 1 -W 1 $HUB_NBMA" > /dev/null; }
hub_addresses_answer() {
	underlay_answers && reaches spoke1 "$HUB_TUN" && reaches lan 10.1.1.1
}
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
wait_for 10 "the hub answers on every address" hub_addresses_answer

twins=$(hub_twins)
hub_stop KILL
[ "$(cat "$LAB_RUN/hub/status")" -eq 137 ] || fail "the hub's status: $(cat "$LAB_RUN/hub/status")"
[ "$(hub_twins)" = "$twins" ] || fail "twins: before: $twins; now: $(hub_twins)"
for spoke in $LAB_SPOKES; do assert "the route to $spoke is there" hub_host_route "$spoke"; done
# and yet its kernel answers nobody
assert "nothing answers for the underlay's address" no underlay_answers
assert "nothing answers for the tunnel's address" no reaches spoke1 "$HUB_TUN"
assert "nothing answers on the LAN" no reaches lan 10.1.1.1

hub_start
[ "$(hub_twins)" = "$twins" ] || fail "twins made anew: before: $twins; now: $(hub_twins)"
# FRR doubles its retry interval while nobody answers
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 40; done
wait_for 10 "spoke1 reaches spoke2" reaches spoke1 10.1.12.10
ping_exact spoke1 10.1.12.10 100
ping_exact spoke2 10.1.1.10 20
wait_for 5 "the hub is drained" hub_drained

# A spoke that dies while the hub is dead: its route may not stay for ever.
hub_stop KILL
spoke_stop spoke2
hub_start
wait_for $((LAB_HOLD + 15)) "the route of a spoke that never came back is gone" no hub_host_route spoke2
wait_registered spoke1 40
spoke_start spoke2
spoke_wait spoke2
wait_registered spoke2 20
