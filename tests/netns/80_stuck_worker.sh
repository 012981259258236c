#!/usr/bin/env bash
# A worker that does not come round: told within seconds, the service manager's watchdog starves, and the control core
# still answers. The worker's thread is stopped by stop_thread.py; a debugger that is attached to it looks the same.
. "$(dirname "$0")/_init.sh"

MANAGER_LOG=$TMP/manager.log
WATCHDOG_USEC=2000000

said() { # WORD [COUNT]
	[ "$(grep -cx "$1" "$MANAGER_LOG")" -ge "${2:-1}" ]
}

count_of() {
	grep -cx "$1" "$MANAGER_LOG"
}

event_is() { # KIND JQ over its text, COUNT
	hub_is event.list "[.events[] | select(.kind == \"$1\" and .object == \"worker 0\" and (.text | $2))] | length >= $3"
}

thread_of_worker() {
	grep -lE '^(rte-worker|lcore-worker|lcore-slave)' "/proc/$1"/task/*/comm | sed 's|.*/task/\([0-9]*\)/.*|\1|'
}

draw_topology
write_config
mkfifo "$TMP/orders" "$TMP/hold"
"$TEST_DIR/service_manager.py" "$TMP/notify" $WATCHDOG_USEC ip netns exec "$HUB" "$DMVPND" -c "$HUB_CONF" \
	<"$TMP/orders" >"$MANAGER_LOG" 2>"$HUB_LOG" &
children+=($!)
exec 3>"$TMP/orders"
echo start >&3
need "it says that it is ready" within 15 said READY
eventually "the watchdog is fed" 5 said WATCHDOG 2
eventually "the load is measured" 5 hub_is worker.list '.workers[0] | .load_pct != null and .load_pct >= 0 and .load_pct <= 100'
check "the worker is not stuck" hub_is worker.list '.workers[0].stuck == false and .workers[0].online'

pid=$(sed -n 's/^pid //p' "$MANAGER_LOG" | tail -n 1)
tid=$(thread_of_worker "$pid")
need "there is one thread of a worker" grep -qx '[0-9][0-9]*' <<<"$tid"
# A process that has started waits for the device's link and the like no more: what starved before this is not ours.
starved=$(count_of STARVED)
"$TEST_DIR/stop_thread.py" "$tid" <"$TMP/hold" >"$TMP/stopped" &
children+=($!)
exec 4>"$TMP/hold"
need "the worker stands still" within 5 grep -qx STOPPED "$TMP/stopped"
eventually "an event says so, after a second" 4 event_is worker-stuck 'test("has not come round for [1-9][0-9]{3} ms")' 1
check "worker.list says so" hub_is worker.list '.workers[0].stuck'
eventually "the watchdog starves" 6 said STARVED $((starved + 1))
fed=$(count_of WATCHDOG)
check "the control core still answers" hub_is system.info '.dataplane.workers == 1'
refuse "nobody forwards" in_wan ping -q -c 2 -i 0.2 -W 1 192.0.2.1
check "it is told once" hub_is event.list '[.events[] | select(.kind == "worker-stuck")] | length == 1'
check "and the watchdog is not fed" equal "$(count_of WATCHDOG)" "$fed"

exec 4>&-
eventually "it goes on: an event says so" 5 event_is worker-up 'test("comes round again")' 1
eventually "the watchdog is fed again" 5 said WATCHDOG $((fed + 2))
check "worker.list says so" hub_is worker.list '.workers[0].stuck == false'
eventually "and it forwards" 5 in_wan ping -q -c 1 -W 1 192.0.2.1
check_balance
echo term >&3
need "it stops" within 10 said "exit 0"
check "no buffer leaked" no_leak
exec 3>&-
finish
