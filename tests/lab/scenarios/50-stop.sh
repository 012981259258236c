# shellcheck shell=bash
# topology: static
# SIGTERM: a clean exit within seconds (the hub itself checks for leaked packets); twins stay; and again.

for spoke in $LAB_SPOKES; do wait_registered "$spoke" 20; done
twins=$(hub_twins)
hub_stop TERM
[ "$(cat "$LAB_RUN/hub/status")" -eq 0 ] || fail "the hub's exit status: $(cat "$LAB_RUN/hub/status")"
[ "$(hub_twins)" = "$twins" ] || fail "twins: before: $twins; now: $(hub_twins)"

hub_start
for spoke in $LAB_SPOKES; do wait_registered "$spoke" 40; done
ping_exact spoke2 10.1.11.10 20
