#!/usr/bin/env bash
# Formats our C files in place with clang-format 14 (.clang-format is the law).
#
#   tools/format.sh            all of them
#   tools/format.sh FILE...    these
#   tools/format.sh --check    change nothing; status 1 and the places when something is not formatted
set -u
cd "$(dirname "$0")/.." || exit 1
. tools/lib.sh

have clang-format-14 || die "clang-format-14 is missing; run: sudo tools/setup"
mode=(-i)
if [ "${1:-}" = --check ]; then
	mode=(--dry-run -Werror)
	shift
fi
if [ $# -gt 0 ]; then
	files=("$@")
else
	mapfile -t files < <(find dataplane control tools tests -name '*.[ch]' | sort)
fi
[ "${#files[@]}" -gt 0 ] || die "no C files found"
clang-format-14 --style=file "${mode[@]}" "${files[@]}"
