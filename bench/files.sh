#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs and files of the host as they are: a static and a dynamic program, Python's start, a large file by 9P. The peer is
# Debian's ordinary kernel (the cloud kernel has no 9P), tuned as in run.sh, with the same QEMU share.
#
#   B=build bench/files.sh          RUNS=20 runs of each program (0: only reading), READS=3 machines of each kind that read,
#                                   one after the other; BENCH_PEER=0 leaves Linux out
set -u
B=$(realpath -m "${B:-build}")
MOAT=${MOAT:-$B/moat}
WORK=$B/bench/files
RUNS=${RUNS:-20}
READS=${READS:-3}
MIB=256
TUNED="mitigations=off init_on_alloc=0 clearcpuid=erms,fsrm cgroup_disable=memory nokaslr audit=0 lsm= cryptomgr.notests"
mkdir -p "$WORK"
SHARE=$(mktemp -d "${TMPDIR:-/dev/shm}/moat-bench.XXXXXX")
trap 'rm -rf "$SHARE"' EXIT

median() {
	sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%.1f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ms COMMAND...: how long it takes, the median.
ms() {
	local start end
	for _ in $(seq "$RUNS"); do
		start=${EPOCHREALTIME/./}
		"$@" >/dev/null 2>&1 </dev/null || return 1
		end=${EPOCHREALTIME/./}
		echo "$((end - start))" | awk '{ print $1 / 1000 }'
	done | median
}

# Lines of a machine's output: "SECONDS begin WHAT" and "SECONDS end WHAT" become WHAT and MB/s, by the machine's own clock, since a
# busy host may look late; "1" the ms since $1 (us).
stamps() {
	local line start now
	while read -r line; do
		now=${EPOCHREALTIME/./}
		line=${line%$'\r'}
		case $line in
		*" begin "*) start=${line%% *} ;;
		*" end "*) awk -v w="${line#* end }" -v t="${line%% *} $start" -v m=$MIB 'BEGIN { split(t, a, " ")
			printf "%s\t%.0f\tMB/s\n", w, m * 1.048576 / (a[1] - a[2]) }' ;;
		1) awk -v t=$((now - $1)) 'BEGIN { printf "Linux, start to the output of python3 -c print(1)\t%.1f\tms\n", t / 1000 }' ;;
		esac
	done
}

# The middle of what each said.
medians() {
	awk -F '\t' '
		!($1 in n) { order[++names] = $1 }
		{ value[$1, ++n[$1]] = $2; unit[$1] = $3 }
		END {
			for (i = 1; i <= names; i++) {
				name = order[i]
				for (a = 2; a <= n[name]; a++)
					for (b = a; b > 1 && value[name, b] < value[name, b - 1]; b--) {
						t = value[name, b]; value[name, b] = value[name, b - 1]; value[name, b - 1] = t
					}
				printf "  %-50s %8s %s   (of %d: %s to %s)\n", name, value[name, int((n[name] + 1) / 2)], unit[name], n[name],
					value[name, 1], value[name, n[name]]
			}
		}'
}

fetch_linux() {
	local package
	[ -n "$(ls "$WORK"/linux/boot/vmlinuz-* 2>/dev/null)" ] && return 0
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
	[ -n "$package" ] || { echo "bench: no linux-image-amd64 in the package lists" >&2; return 1; }
	mkdir -p "$WORK/deb"
	(cd "$WORK/deb" && apt-get -q download -o APT::Sandbox::User=root "$package" >/dev/null) || return 1
	dpkg -x "$WORK"/deb/"$package"_*.deb "$WORK/linux"
}

make_initramfs() {
	local r=$WORK/root m
	rm -rf "$r"
	mkdir -p "$r"/{m,bin,x,r,proc,dev}
	cp /bin/busybox "$r/bin/"
	for m in drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_mmio fs/netfs/netfs fs/fscache/fscache \
		net/9p/9pnet net/9p/9pnet_virtio fs/9p/9p; do
		cp "$WORK"/linux/lib/modules/*/kernel/$m.ko "$r/m/" || return 1
		echo "/bin/busybox insmod /m/${m##*/}.ko"
	done >"$r/modules"
	cat >"$r/init" <<'END'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs d /dev
. /modules
share() { $b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=$3 "$1" "$2"; }
share root /r loose
$b chroot /r /usr/bin/python3 -c 'print(1)'
for c in none none loose; do
	[ $c = none ] || again=
	share x /x $c
	(echo "begin Linux, 9p read, cache=$c$again"; $b dd if=/x/file of=/dev/null bs=1M 2>/dev/null
	echo "end Linux, 9p read, cache=$c$again") | $b ts %.s
	$b umount /x
	again=", again"
done
$b reboot -f
END
	chmod +x "$r/init"
	(cd "$r" && find . | busybox cpio -o -H newc 2>/dev/null) >"$WORK/initramfs"
}

# Linux finds its devices by ACPI, and the time stamp counter's rate it is told (see run.sh).
linux() {
	local khz start share=local,security_model=none,readonly=on,multidevs=remap
	khz=$("$B/bench/bench" | awk -F '\t' '$1 == "null system call" { printf "%d", $3 / $2 * 1e6; exit }')
	start=${EPOCHREALTIME/./}
	timeout 120 qemu-system-x86_64 -M microvm,acpi=on -nodefaults -no-user-config -display none -no-reboot -cpu max,pku=off \
		-m 1G -smp 1 -kernel "$WORK"/linux/boot/vmlinuz-* -initrd "$WORK/initramfs" -serial stdio \
		-append "console=ttyS0 reboot=t panic=-1 quiet $TUNED tsc=reliable tsc_early_khz=$khz" \
		-fsdev "$share,id=x,path=$SHARE" -device virtio-9p-device,fsdev=x,mount_tag=x \
		-fsdev "$share,id=r,path=/" -device virtio-9p-device,fsdev=r,mount_tag=root </dev/null 2>/dev/null |
		stamps "$start"
}

moat_reads() {
	# shellcheck disable=SC2016 # the guest's
	timeout 120 "$MOAT" run --timeout 100 --memory "$1" --accel tcg --ro "$SHARE:/x" /bin/busybox sh -c '
		for i in first again; do
			(echo "begin Moat, $1, 9p read, $i"; /bin/busybox dd if=/x/file of=/dev/null bs=$2 2>/dev/null
			echo "end Moat, $1, 9p read, $i") | /bin/busybox ts %.s; done' sh "$1 in pieces of $2" "$2" </dev/null | stamps 0
}

programs() {
	local static dynamic
	static=$(ms "$MOAT" run --accel tcg /bin/busybox true)
	dynamic=$(ms "$MOAT" run --accel tcg /bin/true)
	printf '  %-50s %8s ms\n' "moat run busybox true (static)" "$static" "moat run true (dynamic)" "$dynamic" \
		"moat run python3 -c print(1)" "$(ms "$MOAT" run --accel tcg /usr/bin/python3 -c 'print(1)')"
	awk -v s="$static" -v d="$dynamic" 'BEGIN { printf "  %-50s %8.2f (limit 1.5, and 150 ms)\n", "dynamic to static", d / s }'
}

# Machines of both kinds take turns, since what else this host does changes with time.
reads() {
	for _ in $(seq "$READS"); do
		moat_reads 256M 1M
		moat_reads 1G 1M
		moat_reads 1G 32K
		[ -z "$peer" ] || linux
	done | medians
}

peer=
if [ "${BENCH_PEER:-1}" != 0 ] && fetch_linux && make_initramfs; then
	peer=linux
fi
[ "$RUNS" = 0 ] || programs
head -c ${MIB}M /dev/urandom >"$SHARE/file"
reads
