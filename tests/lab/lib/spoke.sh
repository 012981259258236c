# shellcheck shell=bash
# A spoke: Debian's kernel as a User-Mode Linux process, with FRR in it, on a tap in the underlay.
# Its directory $LAB_RUN/spokeN: pid, console.log (boot messages and FRR's log), frr.conf,
# ctl and q/ (commands for it, see guest/init).

spoke_conf() { # NAME
	local part parts="spoke spoke.$LAB_ROUTING"
	[ "$LAB_NHRP" = no ] || parts+=" spoke.nhrp"
	[ "$LAB_MULTICAST" = off ] || parts+=" spoke.multicast"
	[ "${LAB_HUBS:-1}" = 1 ] || parts+=" spoke.two-hubs"
	for part in $parts; do
		sed -e "s|@NODE@|$1|g;s|@NBMA@|$CLAIMED|g;s|@TUN@|$TUN|g;s|@LAN@|$LAN|g;s|@HOLD@|$LAB_HOLD|g" \
			-e "s|@HUBTUN@|$HUB_TUN|g;s|@HUBNBMA@|$HUB_NBMA|g;s|@AS@|$((65000 + ID))|g" \
			-e "s|@HUB2TUN@|$HUB2_TUN|g;s|@HUB2NBMA@|$HUB2_NBMA|g" "$LAB_DIR/conf/$part.conf"
	done
}

# User-Mode Linux maps its memory from a file: better from RAM, unless that is a container's 64 MB.
spoke_memory_dir() {
	if [ "$(df -k --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 1000000 ]; then
		echo /dev/shm
	else
		echo "$LAB_CACHE"
	fi
}

# Returns at once; spoke_wait waits for it.  Its tap stays from one life to the next.
spoke_start() { # NAME
	local d=$LAB_RUN/$1
	process_gone "$d/pid" || die "$1 runs already"
	node_ids "$1"
	rm -rf "$d/q" "$d/ctl" "$d/guest"
	mkdir -p "$d/q" "$LAB_RUN/uml"
	cp -r "$LAB_DIR/guest" "$d/"
	spoke_conf "$1" > "$d/frr.conf"
	mkfifo "$d/ctl"
	if ! ip -n "$NS_NET" link show "$1" > /dev/null 2>&1; then
		ip -n "$NS_NET" tuntap add dev "$1" mode tap
		if [ -n "$GATEWAY" ]; then
			ip -n "$NS_NET" addr add "$GATEWAY/24" dev "$1"
			ip -n "$NS_NET" link set "$1" up
		else
			ip -n "$NS_NET" link set "$1" up master br0
		fi
	fi
	spoke_exec_uml "$1" "$d" >> "$d/console.log" 2>&1 < /dev/null &
	process_note "$d/pid" $!
}

spoke_exec_uml() { # NAME DIR; in a process of its own
	# opened for writing too, so that it never reads end of file
	exec 9<> "$2/ctl" 8> /dev/null
	export LD_PRELOAD=$SHIM HOME=$LAB_RUN TMPDIR
	TMPDIR=$(spoke_memory_dir)
	exec setsid ip netns exec "$NS_NET" linux.uml "umid=$1" "uml_dir=$LAB_RUN/uml/" mem=128M quiet \
		root=/dev/root rootfstype=hostfs "rootflags=$ROOT" ro init=/sbin/lab-init \
		con0=null,fd:1 con=null ssl0=fd:9,fd:8 ssl=null \
		"vec0:transport=tap,ifname=$1,depth=64,gro=1,mac=02:00:00:00:00:$(printf %02x "$ID")" \
		"LAB_HOST_DIR=$2" "LAB_NODE=$1" "LAB_NBMA=$CLAIMED" "LAB_GATEWAY=$GATEWAY" "LAB_HUB_NBMA=$HUB_NBMA" "LAB_TUN=$TUN" "LAB_LAN=$LAN" \
		"LAB_KEY=$LAB_KEY" "LAB_DAEMONS=${LAB_DAEMONS// /,}" "LAB_NHRP=$LAB_NHRP" "LAB_MULTICAST=$LAB_MULTICAST"
}

spoke_ready_or_dead() {
	[ -e "$LAB_RUN/$1/q/ready" ] || process_gone "$LAB_RUN/$1/pid"
}

spoke_wait() { # NAME
	wait_until 60 spoke_ready_or_dead "$1"
	[ -e "$LAB_RUN/$1/q/ready" ] || die "$1 did not come up: $LAB_RUN/$1/console.log"
}

# Like a power cut: no word to anybody.
spoke_stop() { # NAME
	local pid pidfile=$LAB_RUN/$1/pid
	pid=$(process_pid "$pidfile") && kill -9 -- "-$pid"
	wait_until 10 process_gone "$pidfile" || die "$1 does not die"
	rm -f "$pidfile"
}

spoke_answered_or_dead() { # NAME ID
	[ -e "$LAB_RUN/$1/q/$2.rc" ] || process_gone "$LAB_RUN/$1/pid"
}

# Runs a shell command in the spoke; its output and status come back.
spoke_exec() { # NAME COMMAND...
	local node=$1 q=$LAB_RUN/$1/q id=$$.$RANDOM rc=124
	shift
	process_alive "$LAB_RUN/$node/pid" || die "$node does not run"
	echo "$*" > "$q/$id"
	echo "$id" > "$LAB_RUN/$node/ctl"
	wait_until 60 spoke_answered_or_dead "$node" "$id"
	if [ -e "$q/$id.rc" ]; then
		cat "$q/$id.out"
		cat "$q/$id.err" >&2
		rc=$(cat "$q/$id.rc")
	else
		echo "lab: no answer from $node: $*" >&2
	fi
	rm -f "$q/$id"*
	return "$rc"
}
