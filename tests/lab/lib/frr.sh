# shellcheck shell=bash
# Stock FRR on the hub: from the spokes' root file system, in the hub's namespace, over our twins.
# $LAB_RUN/frr: frr.conf, log, pid (of frr-process), daemons ("PID NAME" of each).

# The samples of conf/ as they are, but for the lab's tunnel addresses.
frr_conf() {
	local sample=$LAB_DIR/../../conf/frr-$LAB_ROUTING.conf
	[ -e "$sample" ] || sample=$LAB_DIR/conf/hub.$LAB_ROUTING.conf
	sed -e "s|192\.168\.100\.11\b|$HUB_TUN|g;s|192\.168\.100\.|${HUB_TUN%.*}.|g" "$sample"
}

frr_ready_or_dead() { [ -e "$LAB_RUN/frr/ready" ] || process_gone "$LAB_RUN/frr/pid"; }

frr_start() {
	local d=$LAB_RUN/frr
	[ "$LAB_ROUTING" != static ] || return 0
	process_gone "$d/pid" || die "FRR runs already"
	mkdir -p "$d"
	rm -f "$d/ready"
	frr_conf > "$d/frr.conf"
	# shellcheck disable=SC2086 # a list
	setsid ip netns exec "$NS_HUB" unshare -m "$LAB_DIR/lib/frr-process" "$d" "$ROOT" $LAB_DAEMONS \
		>> "$d/log" 2>&1 < /dev/null &
	process_note "$d/pid" $!
	wait_until 30 frr_ready_or_dead
	if [ ! -e "$d/ready" ]; then
		tail_log "$d/log" >&2
		die "FRR did not come up on the hub"
	fi
}

# All of it is in one process group.
frr_stop() {
	local pid pidfile=$LAB_RUN/frr/pid
	pid=$(process_pid "$pidfile") || return 0
	kill -TERM -- "-$pid"
	wait_until 20 process_gone "$pidfile" || die "FRR does not stop"
}

# vtysh on the hub
frr_exec() { # VTYSH-ARGUMENT...
	local zebra
	read -r zebra _ < "$LAB_RUN/frr/daemons"
	nsenter -t "$zebra" -m -n -r -w vtysh "$@"
}
