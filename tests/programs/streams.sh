# SPDX-License-Identifier: MIT
# The three standard streams: every byte, both ends of file, both directions full, a reader that goes away.

# big FILE MIB: bytes without pattern, fast.
big() {
	head -c "$(($2 << 20))" /dev/urandom >"$1"
}

same() {
	if cmp -s "$2" "$3"; then
		pass "$1"
	else
		fail "$1" "$(stat -c '%s bytes' "$2" "$3"; cmp "$2" "$3" 2>&1)"
	fi
}

test_cat_100_mib() {
	local d status
	d=$(mktemp -d "$SUITE_DIR/stream.XXXXXX")
	big "$d/in" 100
	timeout 300 "$MOAT" run --timeout 290 $BUSYBOX cat <"$d/in" >"$d/out" 2>"$d/err"
	status=$?
	same "100 MiB through cat" "$d/in" "$d/out"
	if [ $status = 0 ] && [ ! -s "$d/err" ]; then
		pass "100 MiB through cat: status, silence"
	else
		fail "100 MiB through cat: status, silence" "$status $(tail -1 "$d/err")"
	fi
	rm -rf "$d"
}

test_output_only() {
	local sum
	sum=$(timeout 100 "$MOAT" run --timeout 90 $BUSYBOX dd if=/dev/zero bs=64k count=512 2>/dev/null </dev/null | cksum)
	if [ "$sum" = "$(head -c 33554432 /dev/zero | cksum)" ]; then
		pass "32 MiB out"
	else
		fail "32 MiB out" "$sum"
	fi
}

test_input_only() {
	local d
	d=$(mktemp -d "$SUITE_DIR/stream.XXXXXX")
	big "$d/in" 20
	if [ "$(timeout 100 "$MOAT" run --timeout 90 $BUSYBOX md5sum <"$d/in")" = "$(md5sum <"$d/in")" ]; then
		pass "20 MiB in"
	else
		fail "20 MiB in"
	fi
	rm -rf "$d"
}

test_every_byte() {
	local d
	d=$(mktemp -d "$SUITE_DIR/stream.XXXXXX")
	for size in 1 2 3 511 512 513 4095 4096 4097 65535 65536 65537; do
		tail -c "$size" "$DATA/binary" >"$d/in"
		head -c $((size - $(stat -c %s "$d/in"))) /dev/zero >>"$d/in"
		timeout 60 "$MOAT" run --timeout 50 $BUSYBOX cat <"$d/in" >"$d/out"
		same "$size bytes through cat" "$d/in" "$d/out"
	done
	rm -rf "$d"
}

test_end_of_input() {
	expect "empty input" 0 '' "$MOAT" run $BUSYBOX cat
	if [ "$(printf 'one\ntwo' | timeout 60 "$MOAT" run $BUSYBOX wc -c)" = 7 ]; then
		pass "end of input after an unfinished line"
	else
		fail "end of input after an unfinished line"
	fi
	if [ "$( (printf a; sleep 1; printf b; sleep 1) | timeout 60 "$MOAT" run $BUSYBOX cat)" = ab ]; then
		pass "input that comes slowly"
	else
		fail "input that comes slowly"
	fi
	if [ "$(sleep 30 | timeout 20 "$MOAT" run $BUSYBOX echo early; :)" = early ]; then
		pass "the program ends before its input"
	else
		fail "the program ends before its input"
	fi
}

test_closed_streams() {
	timeout 60 "$MOAT" run --timeout 50 $BUSYBOX true <&-
	[ $? = 0 ] && pass "closed standard input" || fail "closed standard input"
	timeout 60 "$MOAT" run --timeout 50 $BUSYBOX true >&-
	[ $? = 0 ] && pass "closed standard output" || fail "closed standard output"
}

test_separate_error() {
	local d
	d=$(mktemp -d "$SUITE_DIR/stream.XXXXXX")
	timeout 60 "$MOAT" run --timeout 50 "$B/tests/programs/streams" both 3000000 >"$d/out" 2>"$d/err" </dev/null
	head -c 3000000 /dev/zero | tr '\0' o >"$d/o"
	head -c 3000000 /dev/zero | tr '\0' e >"$d/e"
	same "standard output apart" "$d/o" "$d/out"
	same "standard error apart" "$d/e" "$d/err"
	rm -rf "$d"
}

# Nobody reads for two seconds while both outputs fill up; then first one, then the other is read.
test_both_full() {
	local d
	d=$(mktemp -d "$SUITE_DIR/stream.XXXXXX")
	mkfifo "$d/o" "$d/e"
	timeout 80 "$MOAT" run --timeout 70 "$B/tests/programs/streams" both 3000000 >"$d/o" 2>"$d/e" </dev/null &
	local pid=$!
	exec 8<"$d/o" 9<"$d/e"
	sleep 2
	wc -c <&9 >"$d/ec" &
	local reader=$!
	sleep 1
	wc -c <&8 >"$d/oc"
	wait $reader
	wait $pid
	exec 8<&- 9<&-
	if [ "$(cat "$d/oc" "$d/ec" | tr '\n' ' ')" = "3000000 3000000 " ]; then
		pass "both outputs full"
	else
		fail "both outputs full" "$(cat "$d/oc" "$d/ec")"
	fi
	rm -rf "$d"
}

# Output and input full at once: a program that echoes, while the writer does not read for a while.
test_both_directions_full() {
	local d
	d=$(mktemp -d "$SUITE_DIR/stream.XXXXXX")
	big "$d/in" 8
	timeout 80 "$MOAT" run --timeout 70 $BUSYBOX cat <"$d/in" | (sleep 2; cat) >"$d/out"
	same "both directions full" "$d/in" "$d/out"
	rm -rf "$d"
}

test_reader_goes_away() {
	local out
	out=$(timeout 30 "$MOAT" run --timeout 25 $BUSYBOX yes 2>/dev/null </dev/null | head -n 2 | tr '\n' ' ')
	if [ "$out" = "y y " ]; then
		pass "yes | head"
	else
		fail "yes | head" "$out"
	fi
}
