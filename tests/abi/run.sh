#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every ABI test on the host's Linux and then under `moat run`; output and exit status must be the same.
#
#   tests/abi/run.sh [PROGRAM...]     only the cases of these programs
#   MOAT_KERNEL=build/moat-kernel-debug tests/abi/run.sh
#   CPUS=4 tests/abi/run.sh           on a machine with so many processors
#   HOST_ONLY=1 tests/abi/run.sh      only that the tests themselves run on this host
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"

# run_host DIR BINARY ARGS...: standard output to DIR/host, prints the exit status.
run_host() {
	local dir=$1
	shift
	mkdir "$dir/cwd"
	(cd "$dir/cwd" && exec env -i A=1 B=two timeout 60 "$@") >"$dir/host" 2>"$dir/host.err" </dev/null
	echo $?
}

run_moat() {
	local dir=$1
	shift
	timeout 150 "$MOAT" run --timeout 120 --bare --cpus "${CPUS:-1}" --wx linux --clear-env --env A=1 --env B=two "$@" \
		>"$dir/moat" 2>"$dir/moat.err" </dev/null
	echo $?
}

# one LIBRARY PROGRAM ARGS...
one() {
	local library=$1 program=$2 name="$*" dir host moat
	shift 2
	dir=$(mktemp -d "$SUITE_DIR/case.XXXXXX")
	host=$(run_host "$dir" "$B/tests/abi/$library/$program" "$@" 2>/dev/null)
	if [ "$host" = 124 ] || { [ ! -s "$dir/host" ] && [ "$program" != exit ]; }; then
		fail "$name" "does not run on the host: status $host"
		return
	fi
	if [ -z "${HOST_ONLY:-}" ]; then
		moat=$(run_moat "$dir" "$B/tests/abi/$library/$program" "$@" 2>/dev/null)
		if [ "$host" != "$moat" ]; then
			fail "$name" "status $moat, on the host $host
$(tail -3 "$dir/moat.err")
$(diff "$dir/host" "$dir/moat" | head -20)"
			return
		fi
		if ! cmp -s "$dir/host" "$dir/moat"; then
			fail "$name" "output differs (< host, > moat):
$(diff -a "$dir/host" "$dir/moat")"
			return
		fi
	fi
	pass "$name"
	rm -rf "$dir"
}

if [ "${1:-}" = --one ]; then
	eval "set -- $2"
	one "$@"
	exit 0
fi

suite_begin abi
grep -v '^#' "$here/cases" | while read -r library program arguments; do
	if [ $# -gt 0 ] && [[ " $* " != *" $program "* ]]; then
		continue
	fi
	[ "$library" = both ] && echo "glibc $program $arguments"
	echo "musl $program $arguments"
done | suite_run "$0"
suite_end
