# shellcheck shell=bash
# Our hub: dmvpnd in its namespace, under a service manager.  $HUB_RUN: hub.yaml, pid, status (of the
# last exit), log, control.sock; manager.log (what it told its manager), orders (for that one).

# Static routes to the LANs behind the spokes, for a hub that speaks no routing protocol.
hub_spoke_routes() {
	local spoke
	[ "$LAB_ROUTING" = static ] || return 0
	printf 'routes:\\n'
	for spoke in $LAB_SPOKES; do
		node_ids "$spoke"
		printf '  - {prefix: %s.0/24, via: %s}\\n' "$LAN" "$TUN"
	done
}

# Spokes that do not register.
hub_maps() {
	local spoke
	[ "$LAB_NHRP" = no ] || return 0
	printf '      map:\\n'
	for spoke in $LAB_SPOKES; do
		node_ids "$spoke"
		printf '        - {protocol: %s, nbma: %s, multicast: true}\\n' "$TUN" "$NBMA"
	done
}

hub_state() {
	[ "$LAB_STATE" = no ] || printf '  state-file: %s' "$HUB_RUN/state.json"
}

hub_protection() {
	local word=aes128gcm16,aes192gcm16,aes256gcm16,chacha20poly1305,aes128-sha1,aes256-sha1,aes128-sha256,aes256-sha256
	[ "${LAB_PROTECTION:-no}" = no ] || printf 'protection:\\n  - {name: dmvpn, ike: {source: %s}, replay-window: 64, algorithms: [%s]}' \
		"${LAB_IKE:-api}" "$word,aes128-sha384,aes256-sha384,aes128-sha512,aes256-sha512,null-sha256"
}

hub_protected() {
	[ "${LAB_PROTECTION:-no}" = no ] || printf '    protection: dmvpn'
}

hub_conf() {
	sed -e "s|@NBMA@|$HUB_NBMA|g;s|@TUN@|$HUB_TUN|g;s|@LAN@|$HUB_LAN|g" \
		-e "s|@DIR@|$HUB_RUN|g;s|@KEY@|$LAB_KEY|g;s|@HOLD@|$LAB_HOLD|g;s|@MULTICAST@|$LAB_MULTICAST|g;s|@REDIRECT@|$LAB_REDIRECT|g" \
		-e "s|@HOSTPREFIX@|$LAB_HOST_PREFIX|g;s|@SPOKE_ROUTES@|$(hub_spoke_routes)|;s|@MAPS@|$(hub_maps)|;s|@STATE@|$(hub_state)|" \
		-e "s|@WORKERS@|${LAB_WORKERS:-1}|;s|@PROTECTED@|$(hub_protected)|;s|@PROTECTION@|$(hub_protection)|" "$LAB_DIR/hub.yaml.in"
}

ctl() { "$(built_program "$LAB_BUILD" dmvpnctl)" -s "$HUB_RUN/control.sock" "$@"; }

hub_answers() { ctl show system > /dev/null 2>&1; }

# What the manager said of this life of the hub.
hub_told() { sed -n "s/^$1 //p" "$HUB_RUN/manager.log" 2>/dev/null | tail -1; }
hub_answers_or_dead() { hub_answers || [ -n "$(hub_told exit)" ]; }

# The hub's service manager stays as long as the lab, and with it the descriptors of the twins: their
# carrier outlives the hub, as under systemd.
hub_manager_start() { # DMVPND
	local d=$HUB_RUN
	process_gone "$d/manager.pid" || return 0
	rm -f "$d/orders" "$d/notify"
	mkfifo "$d/orders"
	# opened for writing too, so that it never reads end of file
	setsid "$LAB_DIR/../netns/service_manager.py" "$d/notify" 0 \
		ip netns exec "$NS_HUB" "$1" -c "$d/hub.yaml" 0<> "$d/orders" >> "$d/manager.log" 2>> "$d/log" &
	process_note "$d/manager.pid" $!
}

hub_start() {
	local d=$HUB_RUN dmvpnd
	process_gone "$d/pid" || die "the hub runs already"
	dmvpnd=$(built_program "$LAB_BUILD" dmvpnd) || exit 1
	mkdir -p "$d"
	hub_conf > "$d/hub.yaml"
	rm -f "$d/status"
	: > "$d/manager.log"
	hub_manager_start "$dmvpnd"
	echo start > "$d/orders"
	wait_until 30 hub_answers_or_dead
	if ! hub_answers; then
		tail_log "$d/log" >&2
		die "the hub did not come up"
	fi
	process_note "$d/pid" "$(hub_told pid)"
}

hub_has_exited() { [ -n "$(hub_told exit)" ]; }

# hub_stop SIGNAL: its exit status, as a shell has it, is then in $HUB_RUN/status
hub_stop() {
	local pid status d=$HUB_RUN
	pid=$(process_pid "$d/pid") || return 0
	kill "-$1" "$pid"
	wait_until 20 hub_has_exited || die "the hub does not stop on SIG$1"
	status=$(hub_told exit)
	echo $((status < 0 ? 128 - status : status)) > "$d/status"
	rm -f "$d/pid"
}

hub_manager_stop() {
	local pid
	pid=$(process_pid "$HUB_RUN/manager.pid") || return 0
	kill "$pid"
	wait_until 10 process_gone "$HUB_RUN/manager.pid" || die "the hub's manager does not end"
}
