# shellcheck shell=bash disable=SC2034 # others use what is set here
# What every part of the lab shares: settings, places, addresses.
#
# A lab is known by its name (LAB_NAME).  Everything it has on this machine carries that name: its run
# directory, its network namespaces.  So labs do not meet, and every command finds its lab again
# without being the child of the one that started it.

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$LAB_DIR/../../tools/lib.sh"

LAB_NAME=${LAB_NAME:-hand}
LAB_CACHE=${DMVPN_LAB_CACHE:-/var/cache/dmvpn-hub-lab} # the spokes' root file system, built once
LAB_RUN=/run/dmvpn-hub-lab/$LAB_NAME                   # pids, logs, generated configuration
LAB_BUILD=${DMVPN_BUILD:-$LAB_DIR/../../build}         # where dmvpnd and dmvpnctl were built

NS_NET=lab-$LAB_NAME-net # the underlay: bridge br0 and one port per node
NS_HUB=lab-$LAB_NAME-hub # our hub: the raw ends of its two cables, and its twins
NS_LAN=lab-$LAB_NAME-lan # the host behind the hub

HUB_NBMA=192.0.2.1
HUB_TUN=10.255.0.1
HUB_LAN=10.1.1
HUB_RUN=$LAB_RUN/hub
NAT_NBMA=192.0.2.254

# spokeN: its addresses in $NBMA, $TUN, $LAN (a /24 without the last byte), its number in $ID.  Behind the NAT
# ($LAB_NAT) it has another address, $CLAIMED, and a gateway, $GATEWAY; $NBMA is what the hub sees.
node_ids() {
	ID=$((10 + ${1#spoke}))
	NBMA=192.0.2.$ID
	TUN=10.255.0.$ID
	LAN=10.1.$ID
	CLAIMED=$NBMA
	GATEWAY=
	case " ${LAB_NAT:-} " in *" $1 "*)
		NBMA=$NAT_NBMA
		CLAIMED=10.9.$ID.2
		GATEWAY=10.9.$ID.1
		;;
	esac
}

# A process is noted with the time it started: its number alone may belong to another by now.
process_start_time() { # PID
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
	# shellcheck disable=SC2086 # the words after the command's name, which may hold blanks
	set -- ${stat##*) }
	[ "$1" != Z ] && echo "${20}"
}

process_note() { # PIDFILE PID
	echo "$2 $(process_start_time "$2")" > "$1"
}

process_pid() { # PIDFILE; fails when that process is gone
	local pid start
	[ -s "$1" ] && read -r pid start < "$1" && [ "$(process_start_time "$pid")" = "$start" ] &&
		[ -n "$start" ] && echo "$pid"
}

process_alive() { process_pid "$1" > /dev/null; }
process_gone() { ! process_alive "$1"; }
