#!/usr/bin/env bash
# Under a service manager: readiness, watchdog, and twins whose descriptors it keeps, so that their carrier outlives the
# daemon. The manager is service_manager.py.
. "$(dirname "$0")/_init.sh"

MANAGER_LOG=$TMP/manager.log

said() { # REGEX [COUNT]: the manager saw such a line, so many times
	[ "$(grep -cxE "$1" "$MANAGER_LOG")" -ge "${2:-1}" ]
}

order() {
	echo "$1" >&3
}

has_carrier() {
	ip -n "$HUB" -j link show dev "$1" | jq -e '.[0].flags | index("LOWER_UP")' >/dev/null
}

all_carriers() {
	has_carrier wan0 && has_carrier lan0 && has_carrier Tunnel42
}

from_manager() { # DEV
	hub_is event.list "[.events[] | select(.kind == \"twin-up\" and .object == \"$1\" and
		(.text | test(\"service manager\")))] | length == 1"
}

draw_topology
write_config
mkfifo "$TMP/orders"
"$TEST_DIR/service_manager.py" "$TMP/notify" 1000000 ip netns exec "$HUB" "$DMVPND" -c "$HUB_CONF" \
	<"$TMP/orders" >"$MANAGER_LOG" 2>"$HUB_LOG" &
children+=($!)
exec 3>"$TMP/orders"

order start
need "it says that it is ready" within 15 said READY
for twin in wan0 lan0 Tunnel42; do
	check "the descriptor of $twin is stored" said "FDSTORE $twin"
done
eventually "the watchdog is fed at half of its time" 5 said WATCHDOG 4
check "the carriers are up" all_carriers
index=$(ip -n "$HUB" -j link show dev Tunnel42 | jq '.[0].ifindex')

order kill
need "it is killed" within 5 said "exit -9"
check "killed: the carriers are still up" all_carriers
order extra
order start
need "it starts again with what was kept" within 15 said READY 2
check "it was given the descriptors" said "gave wan0 lan0 Tunnel42 nobody"
for twin in wan0 lan0 Tunnel42; do
	eventually "$twin: taken from the manager" 3 from_manager "$twin"
done
check "it is the same interface" equal "$(ip -n "$HUB" -j link show dev Tunnel42 | jq '.[0].ifindex')" "$index"
check "a descriptor that is none of ours is given back" said "FDSTOREREMOVE nobody"
eventually "the hub answers" 5 in_wan ping -q -c 1 -W 1 192.0.2.1

order term
need "it stops" within 10 said "exit 0"
check "it says so first" said STOPPING
check "no buffer leaked" no_leak
check "stopped: the carriers are still up" all_carriers
exec 3>&-
finish
