#!/bin/bash
# SPDX-License-Identifier: MIT
# Moat against Linux: the same static binary, the same virtual machine, one table.
#
#   B=build bench/run.sh              all
#   B=build bench/run.sh rows         only the table of single operations
#   B=build bench/run.sh command      only the whole command
#   B=build bench/run.sh files        only programs and files of the host (files.sh)
#   B=build bench/run.sh smp          only what a second CPU brings
#   B=build bench/run.sh 'fork*'      only the rows whose names match the pattern
#   BENCH_PEER=0                      Linux is not run: its figures are those of bench/linux-6.1-tuned.txt
#   BENCH_ASIS=1                      Linux as it comes is measured, too
#
# A run of all rows writes bench/linux-6.1-tuned.txt anew when BENCH_RECORD=1. bench/limits.txt says what Moat may
# need; a row over it is marked with `<<`, one that is only slower than Linux in wall time with `<`.
#
# The peer is Debian's cloud kernel, once as it comes and once tuned: without mitigations, without zeroing
# memory twice, without the string instructions that the emulator counts byte by byte. Ratios are to the tuned
# one. Executed instructions come from QEMU's -icount with one instruction a nanosecond, where the time stamp
# counter is the instruction counter; they do not depend on the load of this machine. Wall time does.
set -u
here=$(dirname "$(realpath "$0")")
B=$(realpath -m "${B:-build}")
MOAT=${MOAT:-$B/moat}
WORK=$B/bench
MEMORY=${MEMORY:-2G}
RUNS=${RUNS:-20}
RECORD=$here/linux-6.1-tuned.txt
PATTERN=""
TUNED="mitigations=off init_on_alloc=0 clearcpuid=erms,fsrm cgroup_disable=memory nokaslr audit=0 lsm= cryptomgr.notests"
ICOUNT=(-icount shift=0,sleep=off)

# The metapackage names the newest kernel; its package is unpacked here, not installed.
fetch_linux() {
	local package
	[ -n "$(ls "$WORK"/linux/boot/vmlinuz-* 2>/dev/null)" ] && return 0
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
	if [ -z "$package" ]; then
		echo "bench: no linux-image-cloud-amd64 in the package lists (apt-get update?)" >&2
		return 1
	fi
	mkdir -p "$WORK/deb"
	(cd "$WORK/deb" && apt-get -q download -o APT::Sandbox::User=root "$package" >/dev/null) || return 1
	dpkg -x "$WORK"/deb/"$package"_*.deb "$WORK/linux"
}

# An initramfs with nothing but the benchmark, which makes its own device nodes.
make_initramfs() {
	rm -rf "$WORK/root"
	mkdir -p "$WORK/root"
	cp "$WORK/bench" "$WORK/root/init"
	(cd "$WORK/root" && printf 'init\n' | busybox cpio -o -H newc 2>/dev/null) >"$WORK/initramfs"
}

# Without -icount the guest's time stamp counter is the host's. Linux cannot measure it well in an emulator (it
# then hangs without a clock), so it is told: one run of the benchmark here gives ticks for each ns.
clock_words() {
	"$WORK/bench" | awk -F '\t' '$1 == "null system call" { printf "tsc=reliable tsc_early_khz=%d", $3 / $2 * 1e6 }'
}

# linux OUTPUT APPEND QEMU-OPTIONS...
linux() {
	local output=$1 append=$2
	shift 2
	timeout 120 qemu-system-x86_64 -M microvm -nodefaults -no-user-config -display none -no-reboot \
		-cpu max,pku=off -m "$MEMORY" -smp 1 -kernel "$WORK"/linux/boot/vmlinuz-* -initrd "$WORK/initramfs" \
		-append "console=ttyS0 reboot=t panic=-1 quiet $append${PATTERN:+ -- rows:$PATTERN}" -serial stdio "$@" \
		</dev/null 2>"$output.err" | tr -d '\r' | grep -a "$(printf '\t')" >"$output"
	grep -q '^done' "$output" || echo "bench: the Linux run $(basename "$output") did not finish" >&2
}

# moat OUTPUT OPTIONS...
moat() {
	local output=$1
	shift
	timeout 300 "$MOAT" run --timeout 290 --memory "$MEMORY" --accel tcg "$@" -- "$WORK/bench" ${PATTERN:+"rows:$PATTERN"} </dev/null >"$output" 2>"$output.err" ||
		echo "bench: the Moat run $(basename "$output") failed: $(tail -1 "$output.err")" >&2
}

# peer ROWS: the figures of Linux, measured or from the record, as lines of name, ns and instructions.
peer() {
	: >"$WORK/linux-asis.icount"
	if [ "${BENCH_PEER:-1}" = 0 ] || ! fetch_linux; then
		cp "$RECORD" "$WORK/linux-tuned.both"
		return
	fi
	make_initramfs
	[ "${BENCH_ASIS:-0}" = 0 ] || linux "$WORK/linux-asis.icount" "" "${ICOUNT[@]}"
	linux "$WORK/linux-tuned.icount" "$TUNED" "${ICOUNT[@]}"
	linux "$WORK/linux-tuned.wall" "$TUNED $(clock_words)"
	awk -F '\t' 'FILENAME == ARGV[1] { wall[$1] = $2; next } { print $1 "\t" ($1 in wall ? wall[$1] : "-") "\t" $3 }' \
		"$WORK/linux-tuned.wall" "$WORK/linux-tuned.icount" >"$WORK/linux-tuned.both"
	[ "${BENCH_RECORD:-0}" = 0 ] || [ -n "$PATTERN" ] || {
		echo "# Tuned Linux ($(basename "$WORK"/linux/boot/vmlinuz-*)), $MEMORY: name, ns, instructions; see run.sh."
		cat "$WORK/linux-tuned.both"
	} >"$RECORD"
}

rows() {
	peer
	moat "$WORK/moat.icount" --deterministic
	moat "$WORK/moat.wall"
	table
	[ -n "$PATTERN" ] || validation
}

# name, then instructions for each operation, their ratio and its limit, then ns of wall time and their ratio.
table() {
	printf '%-30s %12s %12s %8s %7s   %11s %11s %7s\n' "" "tuned Linux" "Moat" "ratio" "limit" "tuned Linux" "Moat" "ratio"
	printf '%-30s %25s %16s   %23s\n' "" "instructions" "" "ns"
	awk -F '\t' '
		function number(v) { return v ~ /^[0-9.]+$/ ? sprintf(v + 0 >= 1e4 ? "%.0f" : "%.1f", v) : v == "not there" ? v : "-" }
		function percent(a, b) { return a ~ /^[0-9.]+$/ && b + 0 > 0 ? sprintf("%.1f%%", 100 * a / b) : "-" }
		function show(k,    over) {
			over = ""
			if (wall[k] + 0 > 0 && minewall[k] + 0 > wall[k] + 0) over = "<"
			if (k in limit && limit[k] != "-" && tuned[k] + 0 > 0 && mine[k] + 0 > tuned[k] * limit[k] / 100) over = "<<"
			if (k in most && minewall[k] + 0 > most[k] * 1000) over = "<<"
			printf "%-30s %12s %12s %8s %7s   %11s %11s %7s %s%s\n", k, number(tuned[k]), number(mine[k]),
				percent(mine[k], tuned[k]), k in limit && limit[k] != "-" ? limit[k] "%" : "", number(wall[k]),
				number(minewall[k]), percent(minewall[k], wall[k]), over, k in most ? " at most " most[k] " us" : ""
			if (k in asis) printf "%-30s %12s\n", "  (Linux as it comes)", number(asis[k])
		}
		/^#/ { next }
		FILENAME == ARGV[1] { limit[$1] = $2; if ($3 != "") most[$1] = $3; next }
		FILENAME == ARGV[2] { asis[$1] = $3 }
		FILENAME == ARGV[3] { tuned[$1] = $3; wall[$1] = $2 }
		FILENAME == ARGV[4] { mine[$1] = $3; order[++n] = $1 }
		FILENAME == ARGV[5] { minewall[$1] = $2 }
		END { for (i = 1; i <= n; i++) if (order[i] != "done") show(order[i]) }
		' "$here/limits.txt" "$WORK/linux-asis.icount" "$WORK/linux-tuned.both" "$WORK/moat.icount" "$WORK/moat.wall"
}

# What checking a user pointer costs, as part of copying one page: a boot test of the debug kernel measures it.
validation() {
	[ -f "$B/moat-kernel-debug" ] || { echo "validation, part of a page copy: needs the debug kernel (make debug)"; return; }
	"$MOAT" run --kernel "$B/moat-kernel-debug" --deterministic --kernel-log --append selftest=uaccess-cost \
		/bin/busybox true 2>&1 </dev/null | sed -n \
		's/^selftest: validation \([0-9]*\), copy of a page \([0-9]*\).*: \([0-9.]*\) %$/validation, part of a page copy: \3 % (\1 of \2 instructions)/p'
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%.1f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# whole OPTIONS...: the median of the whole command in ms, and of the kernel's own part in it.
whole() {
	local i start end
	: >"$WORK/times"
	: >"$WORK/boots"
	for i in $(seq "$RUNS"); do
		start=${EPOCHREALTIME/./}
		"$MOAT" run --accel tcg "$@" --report "$WORK/report.json" /bin/busybox true </dev/null || return 1
		end=${EPOCHREALTIME/./}
		echo "$((end - start))" | awk '{ print $1 / 1000 }' >>"$WORK/times"
		sed -n 's/.*"boot_ns" *: *\([0-9]*\).*/\1/p' "$WORK/report.json" | awk '{ print $1 / 1e6 }' >>"$WORK/boots"
	done
	printf '%-44s %8s ms   to the first instruction in ring 3 %6s ms\n' "moat run $* busybox true" \
		"$(median <"$WORK/times")" "$(median <"$WORK/boots")"
}

# The least memory, in whole MiB, in which a program runs.
smallest() {
	local mib
	for mib in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 32 48 64; do
		if timeout 20 "$MOAT" run --timeout 15 --accel tcg --memory "${mib}M" /bin/busybox true </dev/null 2>/dev/null; then
			printf 'smallest --memory that works: %dM\n' "$mib"
			return
		fi
	done
	echo "smallest --memory that works: none up to 64M"
}

# With two CPUs: a job done twice, by one thread and by two at once. Only where nothing else runs here is that worth anything.
smp() {
	local futexes
	timeout 120 "$MOAT" run --timeout 110 --cpus 2 --accel tcg --report "$WORK/smp.json" "$WORK/bench" smp </dev/null |
		awk -F '\t' '{
			printf "%-30s one thread %8.2f ms   two %8.2f ms   %3.0f %% of the time, %.2f times the speed\n",
				$1, $2 / 1e6, $3 / 1e6, 100 * $3 / $2, $2 / $3
		}'
	futexes=$(sed -n 's/.*"futex": *\([0-9]*\).*/\1/p' "$WORK/smp.json")
	echo "system calls for 1,240,000 locks taken and let go by two at once: ${futexes:-0}"
	"$MOAT" run --timeout 60 --cpus 1 --memory 256M "$B/tests/programs/bombs" sleepers 2>&1 >/dev/null </dev/null |
		sed 's/sleepers:/1,000 processes that sleep for 1 s each time:/'
}

command_times() {
	whole
	whole --memory 64M
	whole --memory 8G
	smallest
}

mkdir -p "$WORK"
for what in "${@:-all}"; do
	case $what in
	all) rows; smp; command_times; "$here/files.sh" ;;
	files) "$here/files.sh" ;;
	rows) rows ;;
	command) command_times ;;
	smp) smp ;;
	# The peer's command line has no blanks inside a word, and ? matches one.
	*) PATTERN=${what// /?}; rows ;;
	esac
done
