# shellcheck shell=bash
# topology: static
# A spoke that loses power is expired after its holding time, alone; it comes back with its power.

for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
start=$(now_ms)
spoke_stop spoke2

wait_for $((LAB_HOLD + 5)) "spoke2 is expired" no hub_knows spoke2
took=$(($(now_ms) - start))
# its last refresh was at most a third of the holding time (and FRR's jitter) before the power went
[ "$took" -ge $((LAB_HOLD * 1000 / 2)) ] || fail "expired after $took ms of $LAB_HOLD s"
wait_for 2 "spoke2's host route is gone" no hub_host_route spoke2
wait_for 2 "spoke2 is no longer in show spokes" no hub_spoke_up spoke2
assert "spoke1 stays" hub_knows spoke1
assert "spoke1 keeps its route" hub_host_route spoke1
ping_exact spoke1 10.1.1.10 20
wait_for 5 "the hub is drained" hub_drained

spoke_start spoke2
spoke_wait spoke2
wait_registered spoke2 20
wait_for 10 "spoke2 is reached again" reaches spoke1 10.1.12.10
ping_exact spoke1 10.1.12.10 50
