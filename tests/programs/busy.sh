# SPDX-License-Identifier: MIT
# Many processes and threads at once: everything mixed for a few seconds, random system calls, programs that want too much, and
# who gets how much of the CPUs. `make stress SECONDS=60` and `make fuzz-sys SECONDS=600` do the first two for longer.

# busy NAME EXPECTED OPTIONS... -- PROGRAM ARGS...: status 0, and the one line on standard output.
busy() {
	local name=$1 expected=$2 out status err=$SUITE_DIR/busy.$BASHPID
	shift 2
	out=$(timeout 300 "$MOAT" run --timeout 280 "$@" 2>"$err" </dev/null)
	status=$?
	if [ $status = 0 ] && [ "$out" = "$expected" ]; then
		pass "$name"
	else
		fail "$name" "status $status: $out
$(tail -20 "$err")"
	fi
	rm -f "$err"
}

test_stress() {
	local cpus
	for cpus in 1 2 4; do
		busy "stress, $cpus CPUs" ok --cpus $cpus --memory 256M "$B/tests/programs/stress" "${STRESS_SECONDS:-4}" 14
	done
}

test_sysfuzz() {
	local cpus
	for cpus in 1 2; do
		busy "random calls, $cpus CPUs" "4 rounds" --cpus $cpus --memory 512M "$B/tests/programs/sysfuzz" $((cpus * 7)) 4 800 3
	done
}

test_bombs() {
	local bomb
	for bomb in fork threads signals pipes pids; do
		busy "bomb: $bomb" ok --cpus 2 --memory 128M "$B/tests/programs/bombs" $bomb
	done
	busy "a thousand sleepers" ok --cpus 1 --memory 256M "$B/tests/programs/bombs" sleepers
}

test_fair() {
	local what
	for what in threads nice hog; do
		busy "fair: $what" ok --cpus 1 "$B/tests/programs/fair" $what
	done
}
