# SPDX-License-Identifier: MIT
# What the command says when a program cannot run or is ended: status and one line on standard error each.

test_timeout() {
	expect "time limit" 124 'time' "$MOAT" run --timeout 0.5 $BUSYBOX sleep 100
}

test_timeout_busy() {
	expect "time limit, busy" 124 'time' "$MOAT" run --timeout 1 $BUSYBOX sh -c 'while :; do :; done'
}

test_not_found() {
	expect "not found" 127 'not found|no such file' "$MOAT" run ./no/such/program
	expect "not found in PATH" 127 'not found|no such file' "$MOAT" run no-such-program-anywhere
}

test_not_executable() {
	local d
	d=$(mktemp -d "$SUITE_DIR/bad.XXXXXX")
	printf 'plain text\n' >"$d/text"
	: >"$d/empty"
	head -c 40 $BUSYBOX >"$d/truncated"
	head -c 5000 $BUSYBOX >"$d/short"
	cp $BUSYBOX "$d/foreign"
	printf '\267' | dd of="$d/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
	cp $BUSYBOX "$d/class32"
	printf '\001' | dd of="$d/class32" bs=1 seek=4 conv=notrunc 2>/dev/null
	cp $BUSYBOX "$d/forbidden"
	chmod 755 "$d"/*
	chmod 644 "$d/forbidden"
	for bad in text empty truncated short foreign class32 forbidden; do
		expect "not executable: $bad" 126 . "$MOAT" run "$d/$bad"
	done
	expect "not executable: a directory" 126 . "$MOAT" run "$d"
}

test_own_failures() {
	expect "unknown option" 125 'option|unknown|usage' "$MOAT" run --no-such-option $BUSYBOX true
	expect "bad memory size" 125 'memory' "$MOAT" run --memory none $BUSYBOX true
	expect "no program" 125 . "$MOAT" run
	expect "kernel that is none" 125 . "$MOAT" run --kernel /dev/null $BUSYBOX true
	expect "QEMU missing" 125 'qemu' env PATH=/nonexistent "$MOAT" run $BUSYBOX true
}

test_silence() {
	expect "nothing on standard error" 0 '' "$MOAT" run $BUSYBOX true
	expect "status of the program alone" 1 '' "$MOAT" run $BUSYBOX false
}

# Whether a process runs: one that is dead but not yet reaped does not.
runs() {
	grep -q '^State:[[:space:]]*[DRST]' "/proc/$1/status" 2>/dev/null
}

# QEMU never outlives the command, however the command dies.
test_orphans() {
	local pid child
	"$MOAT" run --timeout 60 $BUSYBOX sleep 50 </dev/null >/dev/null 2>&1 &
	pid=$!
	sleep 2
	child=$(pgrep -P "$pid" qemu | head -1)
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	sleep 1
	if [ -n "$child" ] && ! runs "$child"; then
		pass "QEMU ends with the command"
	else
		fail "QEMU ends with the command" "QEMU $child is still there, or never was"
		[ -n "$child" ] && kill -KILL "$child" 2>/dev/null
	fi
}
