# shellcheck shell=bash
# Helpers that tools/test, tools/demo, tools/setup and the test runners share. Sourced, never run.
# Messages go to stderr with a prefix, so that a caller's stdout stays its own.

lib_prog=${0##*/}
# shellcheck disable=SC2034 # colours are for the scripts that source this file
if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
	lib_bold=$'\e[1m' lib_red=$'\e[31m' lib_green=$'\e[32m' lib_off=$'\e[0m'
else
	lib_bold='' lib_red='' lib_green='' lib_off=''
fi

msg() {
	printf '%s: %s\n' "$lib_bold$lib_prog$lib_off" "$*" >&2
}

warn() {
	printf '%s: %swarning:%s %s\n' "$lib_bold$lib_prog$lib_off" "$lib_red" "$lib_off" "$*" >&2
}

die() {
	printf '%s: %s%s%s\n' "$lib_bold$lib_prog$lib_off" "$lib_red" "$*" "$lib_off" >&2
	exit 1
}

have() {
	command -v "$1" >/dev/null 2>&1
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

# Milliseconds of a clock that only serves differences.
now_ms() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

# fmt_secs MILLISECONDS -> seconds with one decimal.
fmt_secs() {
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# wait_until DEADLINE_SECONDS COMMAND...: run COMMAND until it succeeds. Status 1 when the deadline passes.
wait_until() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.05
	done
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# stop_group PID: end a process group that we started (setsid), TERM first, KILL after ten seconds.
stop_group() {
	kill -TERM -- "-$1" 2>/dev/null || return 0
	wait_until 10 is_gone "$1" || kill -KILL -- "-$1" 2>/dev/null
}

# built_program BUILD NAME: where meson put it
built_program() {
	local path
	path=$(find "$1" -maxdepth 3 -type f -executable -name "$2" 2>/dev/null | head -n 1)
	[ -n "$path" ] || die "no $2 in $1: build first"
	realpath "$path"
}

# tail_log FILE [LINES]: the end of a log, indented, for a failure's report.
tail_log() {
	[ -s "$1" ] || { echo "    (empty: $1)"; return; }
	tail -n "${2:-25}" "$1" | sed 's/^/    /'
	echo "    -- $1"
}
