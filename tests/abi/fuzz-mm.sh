#!/bin/bash
# SPDX-License-Identifier: MIT
# Random sequences of memory calls on the host's Linux and under `moat run`; both must print the same.
#
#   SEED=1 N=1000 tests/abi/fuzz-mm.sh
#
# SEED is the first sequence's seed, N how many there are, STEPS how many calls in each, MASK which operations (see
# mmfuzz.h), BATCH how many sequences one boot runs. It stops at the first difference and prints how to see it again.
# HOST_ONLY=1 runs each batch twice on the host instead: the program itself must print the same each time.
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"

SEED=${SEED:-1}
N=${N:-1000}
STEPS=${STEPS:-60}
MASK=${MASK:-0x1fff} # all
BATCH=${BATCH:-500}
PROGRAM=$B/tests/abi/musl/mmfuzz

on_host() {
	local cwd
	cwd=$(mktemp -d "$SUITE_DIR/cwd.XXXXXX")
	(cd "$cwd" && exec env -i timeout 300 "$PROGRAM" "$@")
	rm -rf "$cwd"
}

on_moat() {
	timeout 630 "$MOAT" run --timeout 600 --wx linux --clear-env "$PROGRAM" "$@" </dev/null
}

# The seed of the sequence in which the two outputs differ first.
first_difference() {
	local line
	line=$(cmp "$SUITE_DIR/host" "$SUITE_DIR/moat" 2>&1 | sed -n 's/.* line \([0-9]*\).*/\1/p')
	head -n "${line:-1000000000}" "$SUITE_DIR/host" | sed -n 's/^== seed //p' | tail -1
}

show_sequence() {
	awk -v seed="$1" '/^== seed /{on = $3 == seed} on' "$2"
}

# batch SEED COUNT
batch() {
	local bad
	on_host "$1" "$STEPS" "$2" "$MASK" >"$SUITE_DIR/host" 2>/dev/null &
	if [ -n "${HOST_ONLY:-}" ]; then
		on_host "$1" "$STEPS" "$2" "$MASK" >"$SUITE_DIR/moat" 2>"$SUITE_DIR/err"
	else
		on_moat "$1" "$STEPS" "$2" "$MASK" >"$SUITE_DIR/moat" 2>"$SUITE_DIR/err"
	fi
	wait
	if [ -s "$SUITE_DIR/host" ] && cmp -s "$SUITE_DIR/host" "$SUITE_DIR/moat"; then
		return 0
	fi
	bad=$(first_difference)
	printf 'sequence %s differs (< host, > moat):\n' "$bad"
	diff -a <(show_sequence "$bad" "$SUITE_DIR/host") <(show_sequence "$bad" "$SUITE_DIR/moat") | head -20
	tail -3 "$SUITE_DIR/err"
	printf 'again: %s run %s %s %s 1 %s\n' "$MOAT" "$PROGRAM" "$bad" "$STEPS" "$MASK"
	return 1
}

suite_begin fuzz-mm
done=0
while [ "$done" -lt "$N" ]; do
	count=$((N - done < BATCH ? N - done : BATCH))
	batch $((SEED + done)) "$count" || exit 1
	done=$((done + count))
done
printf '%d sequences of %d calls, seeds %d to %d: the same\n' "$N" "$STEPS" "$SEED" $((SEED + N - 1))
