# SPDX-License-Identifier: MIT
# What the suites' runners share: where things are, two jobs at a time, and the count at the end.
#
# A suite calls suite_begin, then suite_run with one line for each test on standard input: the runner is
# called back as `run.sh --one LINE` (two at a time) and reports through pass or fail. suite_end prints the
# count of tests that really ran and is the suite's exit status.

B=$(realpath -m "${B:-build}")
MOAT=${MOAT:-$B/moat}
JOBS=${JOBS:-2}
export B MOAT JOBS

# suite_begin NAME: a fresh folder for this run's results, on tmpfs where there is one.
suite_begin() {
	SUITE=$1
	if [ -d /dev/shm ] && [ -w /dev/shm ]; then
		SUITE_DIR=$(mktemp -d "/dev/shm/moat-$SUITE.XXXXXX")
	else
		SUITE_DIR=$(mktemp -d)
	fi
	export SUITE SUITE_DIR
	ulimit -c 0
	trap 'rm -rf "$SUITE_DIR"' EXIT
	trap 'exit 130' INT TERM
}

# suite_run SCRIPT: run `SCRIPT --one LINE` for each line of standard input.
suite_run() {
	xargs -d '\n' -n 1 -P "$JOBS" "$1" --one
}

pass() {
	printf '%s\n' "$1" >>"$SUITE_DIR/passed"
}

# fail NAME [TEXT]: TEXT is shown, its first 30 lines.
fail() {
	printf '%s\n' "$1" >>"$SUITE_DIR/failed"
	{
		printf 'FAIL %s: %s\n' "$SUITE" "$1"
		printf '%s\n' "${2:-}" | head -30
	} >&2
}

suite_end() {
	passed=$(cat "$SUITE_DIR/passed" 2>/dev/null | wc -l)
	failed=$(cat "$SUITE_DIR/failed" 2>/dev/null | wc -l)
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
