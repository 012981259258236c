# shellcheck shell=bash
# Our hub: dmvpnd in its namespace.  $LAB_RUN/hub: hub.yaml, pid, status (of the last exit), log,
# control.sock.

# Static routes to the LANs behind the spokes, for a hub that speaks no routing protocol.
hub_spoke_routes() {
	local spoke
	for spoke in $LAB_SPOKES; do
		node_ids "$spoke"
		printf '  - {prefix: %s.0/24, via: %s}\\n' "$LAN" "$TUN"
	done
}

hub_conf() {
	sed -e "s|@DIR@|$LAB_RUN/hub|g;s|@KEY@|$LAB_KEY|g;s|@HOLD@|$LAB_HOLD|g" \
		-e "s|@SPOKE_ROUTES@|$(hub_spoke_routes)|" "$LAB_DIR/hub.yaml.in"
}

ctl() { "$(built_program "$LAB_BUILD" dmvpnctl)" -s "$LAB_RUN/hub/control.sock" "$@"; }

hub_answers() { ctl show system > /dev/null 2>&1; }
hub_answers_or_dead() { hub_answers || [ -e "$LAB_RUN/hub/status" ]; }

hub_start() {
	local d=$LAB_RUN/hub dmvpnd
	process_gone "$d/pid" || die "the hub runs already"
	dmvpnd=$(built_program "$LAB_BUILD" dmvpnd) || exit 1
	mkdir -p "$d"
	hub_conf > "$d/hub.yaml"
	rm -f "$d/status"
	LAB_NAME=$LAB_NAME setsid "$LAB_DIR/lib/hub-process" "$dmvpnd" "$d" > /dev/null 2>&1 < /dev/null &
	wait_until 30 hub_answers_or_dead
	if ! hub_answers; then
		tail_log "$d/log" >&2
		die "the hub did not come up"
	fi
}

# hub_stop SIGNAL: its exit status is then in $LAB_RUN/hub/status
hub_stop() {
	local pid d=$LAB_RUN/hub
	pid=$(process_pid "$d/pid") || return 0
	kill "-$1" "$pid"
	wait_until 20 test -s "$d/status" || die "the hub does not stop on SIG$1"
	rm -f "$d/pid"
}
