# shellcheck shell=bash
# The spokes' root file system and the preload library that User-Mode Linux needs on some CPUs.
# Both live in the cache, under a name that holds a hash of what they are made from: a change here
# builds new ones, and a half-built one never gets the name.

ROOT_SUITE=bookworm # FRR 8.4.4: the spokes' version is part of what the scenarios claim
ROOT_PACKAGES=frr,iproute2,iptables,iputils-ping,iperf3,tcpdump,kmod,busybox-static,charon-systemd,strongswan-swanctl,libstrongswan-standard-plugins,libcharon-extra-plugins

# PID 1 of every spoke: brings in the lab's directory and goes on there, so that the root stays generic.
# shellcheck disable=SC2016 # expanded by the spoke
ROOT_INIT='#!/bin/sh
mount -t tmpfs tmpfs /mnt
mkdir /mnt/lab
mount -t hostfs none /mnt/lab -o "$LAB_HOST_DIR"
exec /mnt/lab/guest/init'

ROOT=$LAB_CACHE/root-$(printf '%s\n' "$ROOT_SUITE" "$ROOT_PACKAGES" "$ROOT_INIT" | sha256sum | cut -c1-12)
SHIM=$LAB_CACHE/xstate-shim-$(sha256sum "$LAB_DIR/guest/xstate-shim.c" | cut -c1-12).so

# The mirror that this machine's apt uses already, whatever it is called.
root_mirror() {
	# shellcheck disable=SC2016 # expanded by apt-get
	apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^$ROOT_SUITE main //p" | head -1
}

root_debootstrap() { # DIR
	local mirror http_proxy=${http_proxy:-} https_proxy=${https_proxy:-}
	mirror=${DMVPN_LAB_MIRROR:-$(root_mirror)}
	[ -n "$mirror" ] ||
		die "apt knows no mirror of $ROOT_SUITE main: run apt-get update, or set DMVPN_LAB_MIRROR"
	eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
	export http_proxy https_proxy
	# unshare: what it mounts inside goes when it goes, however it ends
	if ! unshare -m debootstrap --variant=minbase --include="$ROOT_PACKAGES" \
		"$ROOT_SUITE" "$1" "$mirror" > "$1.log" 2>&1; then
		tail_log "$1.log" >&2
		die "debootstrap of $ROOT_SUITE failed"
	fi
	printf '%s\n' "$ROOT_INIT" > "$1/sbin/lab-init"
	chmod 755 "$1/sbin/lab-init"
	mkdir -p "$1/lib/modules" # where the kernel modules of User-Mode Linux get mounted
}

root_build() {
	[ -d "$ROOT" ] && return
	msg "building the spokes' root file system in $ROOT (about a minute)"
	rm -rf "$LAB_CACHE"/root-*.tmp # of a run that was interrupted: we hold the lock
	root_debootstrap "$ROOT.tmp"
	rm -f "$ROOT.tmp.log"
	mv -T "$ROOT.tmp" "$ROOT"
}

shim_build() {
	[ -e "$SHIM" ] && return
	${CC:-cc} -O2 -Wall -Wextra -shared -fPIC -o "$SHIM.tmp" "$LAB_DIR/guest/xstate-shim.c" -ldl ||
		die "cannot build $SHIM"
	mv "$SHIM.tmp" "$SHIM"
}

# Two labs that start at once must not both build: the second waits for the first.
cache_fill() {
	mkdir -p "$LAB_CACHE" || die "cannot make $LAB_CACHE"
	(
		flock 9
		root_build
		shim_build
	) 9> "$LAB_CACHE/lock"
}
