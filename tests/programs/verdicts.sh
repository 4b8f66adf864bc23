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

# machine_memory MIB: a machine in which programs have about so much, whatever the kernel keeps: the one that checks itself
# keeps more.
machine_memory() {
	case ${MOAT_KERNEL:-} in
	*debug*) echo $(($1 + 10))M ;;
	*) echo "$1M" ;;
	esac
}

# hog NAME MIB ARGS...: runs it and counts how its children ended: "KILLED of them by SIGKILL, WELL of them well".
hog() {
	local name=$1 memory out=$SUITE_DIR/hog.$1
	memory=$(machine_memory "$2")
	shift 2
	timeout 60 "$MOAT" run --timeout 50 --memory "$memory" "$B/tests/programs/hog" "$@" >"$out" 2>&1
	[ $? = 0 ] || echo "status $?" >>"$out"
	echo "$(grep -c '^signal 9' "$out") killed, $(grep -c '^signal 0 exit 7' "$out") well, $(wc -l <"$out") in all"
}

# When memory is out, the process that holds most ends, and the others go on: no more of them than must.
test_memory_out() {
	local got
	got=$(hog fits 64 10 4)
	[ "$got" = "0 killed, 4 well, 4 in all" ] && pass "memory: what fits runs" || fail "memory: what fits runs" "$got"
	got=$(hog one 64 62 1)
	[ "$got" = "1 killed, 0 well, 1 in all" ] && pass "memory: too large a child" || fail "memory: too large a child" "$got"
	got=$(hog two 64 25 3)
	[ "$got" = "1 killed, 2 well, 3 in all" ] && pass "memory: one of three must go" || fail "memory: one of three must go" "$got"
	got=$(hog small 16 5 4)
	case $got in
	*" 4 in all") pass "memory: children in 16M" ;;
	*) fail "memory: children in 16M" "$got" ;;
	esac
	got=$(hog lazy 64 -f 25 3)
	[ "$got" = "0 killed, 3 well, 3 in all" ] && pass "memory: what was given up is taken back" ||
		fail "memory: what was given up is taken back" "$got"
}

test_memory_verdict() {
	expect "out of memory" 137 'out of memory|memory' "$MOAT" run --memory "$(machine_memory 16)" $BUSYBOX sh -c 'a=x; while :; do a=$a$a; done'
	timeout 60 "$MOAT" run --memory "$(machine_memory 16)" --report "$SUITE_DIR/oom.json" $BUSYBOX sh -c 'a=x; while :; do a=$a$a; done' >/dev/null 2>&1
	if grep -q '"verdict": *"oom"' "$SUITE_DIR/oom.json"; then
		pass "verdict oom in the report"
	else
		fail "verdict oom in the report" "$(head -c 300 "$SUITE_DIR/oom.json")"
	fi
}

# No memory is writable and executable at once, but code can be made; on request all is as on Linux.
test_wx() {
	local got
	got=$("$MOAT" run "$B/tests/programs/wx" 2>&1 | tr '\n' ';')
	[ "$got" = "map both: Permission denied;protect both: Permission denied;switch: done;runs: 42;two mappings run: 42;" ] &&
		pass "W^X: strict" || fail "W^X: strict" "$got"
	got=$("$MOAT" run --wx linux "$B/tests/programs/wx" 2>&1 | tr '\n' ';')
	[ "$got" = "map both: done;protect both: done;switch: done;runs: 42;two mappings run: 42;" ] &&
		pass "W^X: as Linux" || fail "W^X: as Linux" "$got"
}

test_aslr() {
	local out
	out=$(timeout 60 "$MOAT" run --timeout 50 "$B/tests/programs/aslr" 2>&1)
	if [ "$(grep -c 'as it should be$' <<<"$out")" = 12 ] && [ "$(wc -l <<<"$out")" = 12 ]; then
		pass "ASLR: as much as on Linux, and none"
	else
		fail "ASLR: as much as on Linux, and none" "$out"
	fi
}

# Files of the host that were read may fill the memory, and are given up for whatever needs it.
test_cached() {
	local d
	d=$(mktemp -d "$SUITE_DIR/cached.XXXXXX")
	for i in 1 2 3 4 5 6 7 8; do
		truncate -s 7M "$d/$i"
	done
	expect "memory full of files" 0 '' "$MOAT" run --memory 64M --ro "$d" "$B/tests/programs/cached" 24 "$d"/[1-8]
}

# Large reads of the host's files, which go straight to the program's pages, among changes of all kinds.
test_bigread() {
	local d
	d=$(mktemp -d "$SUITE_DIR/bigread.XXXXXX")
	"$B/tests/programs/bigread" "$d" >/dev/null
	cp "$d/one" "$d/two"
	expect "large reads" 0 '' "$MOAT" run --cpus 2 --rw "$d" "$B/tests/programs/bigread" "$d"
}
