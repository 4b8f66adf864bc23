# SPDX-License-Identifier: MIT
# Disks: what a program writes, compared with what the host's tools find in the image afterwards; the command killed while
# it writes; images that lie.

# make_disk FILE SIZE OPTIONS...: an empty file system.
make_disk() {
	local file=$1 size=$2
	shift 2
	rm -f "$file"
	truncate -s "$size" "$file"
	mke2fs -q -t ext2 "$@" "$file" 2>/dev/null
}

# on_disk IMAGE OPTIONS... -- WORDS: the program of tests/programs/disk.c there.
on_disk() {
	local image=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	timeout 120 "$MOAT" run --bare --timeout 100 "${options[@]}" --file "$B/tests/programs/disk:/disk" \
		--disk "$image" /disk "$@"
}

# list DIR: names, kinds, modes, sizes and texts of links below it, but for sockets, which debugfs does not copy.
list() {
	(cd "$1" && find . -mindepth 1 ! -type s ! -path ./lost+found \
		\( -type d -printf '%p %y %m\n' -o -printf '%p %y %m %s %l\n' \) | sort)
}

# The same random changes on the host's own file system and on a disk: e2fsck has nothing to say, and the trees are equal.
random_work() {
	local name=$1 seed=$2 steps=$3 d
	shift 3
	d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
	mkdir "$d/host" "$d/out"
	make_disk "$d/image" 64M "$@"
	"$B/tests/programs/disk" random "$d/host" "$seed" "$steps" 2>"$d/log"
	if ! on_disk "$d/image" --cpus "$CPUS" -- random /mnt "$seed" "$steps" >>"$d/log" 2>&1; then
		fail "$name" "$(tail -5 "$d/log")"
	elif ! e2fsck -fn "$d/image" >"$d/log" 2>&1; then
		fail "$name" "$(cat "$d/log")"
	else
		debugfs -R "rdump / $d/out" "$d/image" >/dev/null 2>&1
		list "$d/host" >"$d/want"
		list "$d/out" >"$d/got"
		find "$d/host" -type s -delete
		rmdir "$d/out/lost+found"
		if diff "$d/want" "$d/got" >"$d/log" && diff -r --no-dereference "$d/host" "$d/out" >"$d/log" 2>&1; then
			pass "$name"
		else
			fail "$name" "$(head -20 "$d/log")"
		fi
	fi
	rm -rf "$d"
}

test_disk_1k() {
	CPUS=1 random_work "disk: blocks of 1 KiB" 1 1500 -b 1024
}

test_disk_2k() {
	CPUS=2 random_work "disk: blocks of 2 KiB, two CPUs" 2 1500 -b 2048
}

test_disk_4k() {
	CPUS=1 random_work "disk: blocks of 4 KiB, small inodes" 3 1500 -b 4096 -I 128
}

test_disk_plain() {
	CPUS=1 random_work "disk: no features, groups of 8 inodes" 4 600 -b 1024 -O none -g 1024 -N 512
}

# Four at once, two CPUs, and somebody who synchronises all the time, in little memory.
test_disk_together() {
	local d i
	d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
	mkdir "$d/host" "$d/out"
	make_disk "$d/image" 96M -b 1024
	for i in 1 2 3 4; do
		mkdir "$d/host/$i"
		"$B/tests/programs/disk" random "$d/host/$i" "$((i + 10))" 500
	done
	timeout 120 "$MOAT" run --timeout 100 --cpus 2 --memory 48M --file "$B/tests/programs/disk:/disk" \
		--disk "$d/image" bash -c '
		for i in 1 2 3 4; do mkdir /mnt/$i; /disk random /mnt/$i $((i + 10)) 500 & jobs="$jobs $!"; done
		while :; do sync; done & s=$!
		wait $jobs; status=$?; kill $s; exit $status' >"$d/log" 2>&1 && e2fsck -fn "$d/image" >>"$d/log" 2>&1 &&
		debugfs -R "rdump / $d/out" "$d/image" >/dev/null 2>&1
	list "$d/host" >"$d/want"
	list "$d/out" >"$d/got"
	find "$d/host" -type s -delete
	rmdir "$d/out/lost+found"
	if diff "$d/want" "$d/got" >>"$d/log" && diff -r --no-dereference "$d/host" "$d/out" >>"$d/log" 2>&1; then
		pass "disk: four at once"
	else
		fail "disk: four at once" "$(head -20 "$d/log")"
	fi
	rm -rf "$d"
}

test_disk_basics() {
	local d
	d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
	make_disk "$d/a" 8M
	make_disk "$d/b" 8M -N 2000
	expect "disk: writes and reads" 0 '' "$MOAT" run --disk "$d/a" --disk "$d/b:/b" bash -c '
		echo one >/mnt/one && ln -s one /mnt/link && mknod /mnt/dev c 1 3 && mknod /mnt/big b 300 70000 &&
		touch -d "2001-02-03 04:05:06.789" /mnt/one && chown 70000:80000 /mnt/one && chmod 4751 /mnt/one &&
		echo two >/b/two && mv /b/two /b/three && ! mv /b/three /mnt 2>/dev/null -T && cp -a /mnt/one /b/ && sync'
	expect "disk: finds it again" 0 '' "$MOAT" run --disk "$d/a" --disk "$d/b:/b" bash -c '
		set -e; [ "$(cat /mnt/link /b/three)" = "one
two" ]; [ "$(stat -c "%a %u %g %y" /mnt/one)" = "4751 70000 80000 2001-02-03 04:05:06.789000000 +0000" ]
		[ "$(stat -c "%t %T" /mnt/dev /mnt/big | xargs)" = "1 3 12c 11170" ]; [ "$(stat -fc %T /mnt)" = ext2/ext3 ]
		[ "$(stat -c %Y /b/one)" = 981173106 ]; cd /mnt; [ "$(stat -c %b one)" -gt 0 ]'
	for image in a b; do
		if e2fsck -fn "$d/$image" >"$d/log" 2>&1; then
			pass "disk: $image is clean"
		else
			fail "disk: $image is clean" "$(cat "$d/log")"
		fi
	done
	expect "disk: full" 0 '' "$MOAT" run --disk "$d/a" bash -c '
		! cp /dev/zero /mnt/zero 2>/tmp/why && grep -q "No space" /tmp/why ; rm /mnt/zero &&
		head -c 3000000 /dev/zero >/mnt/again && [ "$(stat -c %s /mnt/again)" = 3000000 ]'
	expect "disk: no more inodes" 0 '' "$MOAT" run --disk "$d/b" bash -c '
		cd /mnt; i=0; while : 2>/dev/null >f$i; do i=$((i + 1)); done; [ $i -gt 1900 ] && rm f* && : >f'
	e2fsck -fn "$d/a" >"$d/log" 2>&1 && e2fsck -fn "$d/b" >>"$d/log" 2>&1 && pass "disk: after it was full" ||
		fail "disk: after it was full" "$(cat "$d/log")"
	head -c 100000 /dev/zero >"$d/text"
	expect "disk: not one" 125 'not an ext2' "$MOAT" run --disk "$d/text" true
	mke2fs -q -t ext4 -F "$d/b" 2>/dev/null
	expect "disk: ext4" 125 'features' "$MOAT" run --disk "$d/b" true
	make_disk "$d/b" 8M -O metadata_csum
	expect "disk: read only" 0 '' "$MOAT" run --disk "$d/b" bash -c '
		! mkdir /mnt/d 2>/dev/null && [ -d /mnt/lost+found ] && [ "$(LC_ALL=C touch /mnt/x 2>&1)" = \
			"touch: cannot touch '"'/mnt/x'"': Read-only file system" ]'
	expect "disk: there is none" 125 . "$MOAT" run --disk "$d/none" true
	expect "disk: not deterministic" 125 . "$MOAT" run --deterministic --disk "$d/a" true
	rm -rf "$d"
}

test_disk_calls() {
	local d
	d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
	make_disk "$d/image" 8M -b 1024
	expect "disk: what ext2 refuses, files without names" 0 '' "$MOAT" run --bare \
		--file "$B/tests/programs/disk:/disk" --disk "$d/image" /disk calls /mnt
	e2fsck -fn "$d/image" >"$d/log" 2>&1 && [ "$(debugfs -R 'cat named' "$d/image" 2>/dev/null)" = unnamed ] &&
		pass "disk: files without names leave nothing" || fail "disk: files without names leave nothing" "$(cat "$d/log")"
	rm -rf "$d"
}

test_disk_links() {
	local d
	d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
	make_disk "$d/image" 96M -N 40000
	on_disk "$d/image" -- links /mnt >"$d/out" 2>&1
	if [ "$(cat "$d/out")" != "32000 links, then Too many links
31998 directories, then Too many links" ]; then
		fail "disk: all links" "$(cat "$d/out")"
	elif ! e2fsck -fn "$d/image" >"$d/log" 2>&1; then
		fail "disk: all links" "$(cat "$d/log")"
	else
		pass "disk: all links"
	fi
	rm -rf "$d"
}

# The command is killed when it has said $2 lines: e2fsck repairs it, and what was said to be safe is whole.
killed() {
	local d=$1 file number run moat machine
	: >"$d/said"
	make_disk "$d/image" 32M -b 1024
	timeout 60 "$MOAT" run --bare --file "$B/tests/programs/disk:/disk" --disk "$d/image" /disk crash /mnt \
		>"$d/said" 2>/dev/null &
	run=$!
	for _ in $(seq 600); do
		[ "$(wc -l <"$d/said")" -ge "$2" ] && break
		sleep 0.05
	done
	moat=$(pgrep -P $run -x moat) && machine=$(pgrep -P "$moat" | head -1) && kill -9 "$moat"
	wait $run 2>/dev/null
	# The machine goes when the command does.
	for _ in $(seq 100); do
		kill -0 "$machine" 2>/dev/null || break
		sleep 0.05
	done
	e2fsck -fy "$d/image" >"$d/log" 2>&1
	[ $? -le 2 ] && e2fsck -fn "$d/image" >>"$d/log" 2>&1 || return 1
	tac "$d/said" | awk '!seen[$1]++' | while read -r file number; do
		debugfs -R "dump /$file $d/$file" "$d/image" >/dev/null 2>&1
		# The one after the last that was told may have taken its place.
		"$B/tests/programs/disk" check "$d/$file" "$number" ||
			"$B/tests/programs/disk" check "$d/$file" "$((number + 50))" || echo "$file $number"
	done >"$d/lost"
	if [ -s "$d/said" ]; then
		debugfs -R "dump /current $d/current" "$d/image" >/dev/null 2>&1
		"$B/tests/programs/disk" check "$d/current" 0 || echo current >>"$d/lost"
	fi
	[ ! -s "$d/lost" ]
}

test_disk_killed() {
	local d i
	for i in 1 7 23 60 130; do
		d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
		if killed "$d" $i; then
			pass "disk: killed after $i files"
		else
			fail "disk: killed after $i files" "$(head -3 "$d/said"; tail -5 "$d/log"; head "$d/lost")"
		fi
		rm -rf "$d"
	done
}

# Bits of the metadata flipped: whatever the program sees, the kernel lives, and ends.
lies() {
	local d=$1 seed=$2 status
	cp "$d/good" "$d/image"
	perl -e '
		my ($file, $seed) = @ARGV; srand($seed);
		open my $f, "+<", $file or die; binmode $f;
		for (1 .. 1 + rand 40) {
			# The superblock, the groups, or anywhere in the first megabyte, where all metadata is.
			my $at = rand() < .1 ? 1024 + rand 264 : rand() < .1 ? 2048 + rand 64 : 2048 + rand 1 << 19;
			seek $f, $at, 0; read $f, my $c, 1;
			seek $f, $at, 0; print $f chr(rand() < .5 ? ord($c) ^ 1 << rand 8 : rand 256);
		}' "$d/image" "$seed"
	on_disk "$d/image" --memory 64M --kernel "$B/moat-kernel-debug" -- walk /mnt >"$d/out" 2>"$d/err"
	status=$?
	[ $status = 0 ] || { [ $status = 125 ] && grep -q 'moat: --disk' "$d/err"; }
}

test_disk_lies() {
	local d seed
	d=$(mktemp -d "$SUITE_DIR/disk.XXXXXX")
	make_disk "$d/good" 2M -b 1024 -N 200
	on_disk "$d/good" -- random /mnt 7 300 2>/dev/null
	for seed in $(seq 1 "${LIES:-12}"); do
		if lies "$d" "$seed"; then
			pass "disk: lie $seed"
		else
			fail "disk: lie $seed" "$(tail -5 "$d/err")"
		fi
	done
	rm -rf "$d"
}
