#!/bin/bash
# SPDX-License-Identifier: MIT
# What only a booted kernel can show: each attack of the table `attacks` ends as it must, and the kernel boots
# on every size and kind of machine.
#
#   tests/boot/run.sh [attacks|interrupts|machines|nodes|iso|selftests|failures]...     all by default
#
# An attack is one program in one machine. That one machine survives many of them in a row is for the kernel's
# own boot tests: each line of the file `selftests` names one, which is run through the word selftest=NAME.
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"
ATTACK=$B/tests/boot/attack

# The tests of the release kernel, and once more with the debug kernel when it is there.
kernels() {
	local k
	for k in ${MOAT_KERNEL:-$B/moat-kernel $B/moat-kernel-debug}; do
		[ -f "$k" ] && echo "$k"
	done
}

# attack KERNEL EXPECTED ARGS...: status as expected, a line that explains a death, silence otherwise.
attack() {
	local kernel=$1 expected=$2 limit=8 status last name
	shift 2
	name="$(basename "$kernel"): attack $*"
	case $1 in
	loop | system-call-loop) limit=2 ;;
	overflow-stack | wild-calls | eat-memory) limit=100 ;;
	esac
	local out=$SUITE_DIR/out.$BASHPID
	timeout 150 "$MOAT" run --kernel "$kernel" --timeout "$limit" --memory 64M "$ATTACK" "$@" \
		>"$out" 2>"$out.err" </dev/null
	status=$?
	last=$(tail -1 "$out.err")
	if [[ "|$expected|" != *"|$status|"* ]]; then
		fail "$name" "status $status, expected $expected; $last"
	elif ! grep -q '^attack$' "$out"; then
		fail "$name" "the attack did not run: $last"
	elif [ "$status" -ge 128 ] && [[ $last != *"signal $((status - 128)) "* ]]; then
		fail "$name" "the last line on standard error does not explain: $last"
	elif [ "$status" = 124 ] && [[ $last != *time* ]]; then
		fail "$name" "the last line on standard error does not explain: $last"
	elif [ "$status" -lt 124 ] && [ -s "$out.err" ]; then
		fail "$name" "standard error is not empty: $last"
	else
		pass "$name"
	fi
	rm -f "$out" "$out.err"
}

# machine KERNEL OPTIONS...: the program runs there, and says what it was asked to.
machine() {
	local kernel=$1 out
	shift
	out=$(timeout 60 "$MOAT" run --kernel "$kernel" --timeout 50 "$@" /bin/busybox echo from ring 3 2>&1 </dev/null)
	if [ "$out" = "from ring 3" ]; then
		pass "$(basename "$kernel"): machine $*"
	else
		fail "$(basename "$kernel"): machine $*" "$out"
	fi
}

# nodes KERNEL NODE: a machine with two nodes, as `moat run` makes it, whose CPU is on that node.
nodes() {
	local out
	out=$(timeout 60 "$MOAT" run --kernel "$1" --timeout 50 --memory 64M --nodes 2 --append "numa_cpus=$2" \
		"$B/tests/programs/nodes" "$2" 2>&1 </dev/null)
	if [ "$out" = ok ]; then
		pass "$(basename "$1"): two nodes, CPU on node $2"
	else
		fail "$(basename "$1"): two nodes, CPU on node $2" "$out"
	fi
}

# srat KERNEL NODE: the same on a PC that says so in its ACPI tables, with distances of its own.
srat() {
	local dir=$SUITE_DIR/srat.$BASHPID out name
	name="$(basename "$1"): two nodes by ACPI, CPU on node $2"
	mkdir -p "$dir/.moat"
	cp "$B/tests/programs/nodes" "$dir/nodes"
	printf '%s\0' exe=/nodes arg=nodes "arg=$2" tty=1 "epoch_ns=$(date +%s)000000000" >"$dir/.moat/spec"
	(cd "$dir" && printf '%s\n' .moat/spec nodes | cpio -o -H newc --quiet >archive)
	out=$(timeout 100 qemu-system-x86_64 -M q35 -nodefaults -no-user-config -display none -no-reboot -cpu max -m 64M \
		-smp 2,sockets=2 -object memory-backend-ram,id=a,size=32M -object memory-backend-ram,id=b,size=32M \
		-numa node,nodeid=0,memdev=a -numa node,nodeid=1,memdev=b -numa dist,src=0,dst=1,val=31 \
		-numa "cpu,node-id=$2,socket-id=0" -numa "cpu,node-id=$((1 - $2)),socket-id=1" \
		-device isa-debug-exit,iobase=0x501,iosize=0x4 -serial stdio -kernel "$1" -initrd "$dir/archive" \
		-append "console=serial exit=0x501 log=1" </dev/null 2>&1 | tr -d '\r')
	if printf '%s\n' "$out" | grep -q '^ok$'; then
		pass "$name"
	else
		fail "$name" "$(printf '%s\n' "$out" | tail -15)"
	fi
}

# boot_test KERNEL: the four lines of the boot regression test are in the kernel log, in order.
boot_test() {
	local kernel=$1 log
	log=$(timeout 60 "$MOAT" run --kernel "$kernel" --timeout 50 --kernel-log /bin/busybox true 2>&1 >/dev/null </dev/null)
	if printf '%s\n' "$log" | tr '\n' ' ' | grep -Eqi 'pid 1.*ring 3.*[0-9]+ bytes'; then
		pass "$(basename "$kernel"): boot regression test"
	else
		fail "$(basename "$kernel"): boot regression test" "$log"
	fi
}

# selftest KERNEL NAME [STATUS TEXT...]: a boot test of the kernel's own. It ends the machine as a program that exits
# with 0; or, where that is expected, with another status and TEXT as the one line on standard error.
selftest() {
	local kernel=$1 name=${2%@*} expected=${3:-0} err status options=()
	[[ $2 == *@* ]] && options=(--cpus "${2#*@}")
	shift 3 2>/dev/null || shift $#
	case $name in
	# The program and the table of attacks, and no more memory than eat-memory needs time for.
	attacks) options+=(--memory 64M --file "$ATTACK:/attack" --file "$here/attacks:/attacks") ;;
	# Where the cycle counter counts instructions, whatever else this host does.
	uaccess-cost) options+=(--deterministic) ;;
	esac
	err=$(timeout 150 "$MOAT" run --kernel "$kernel" --timeout 120 --append "selftest=$name" "${options[@]}" \
		/bin/busybox true 2>&1 >/dev/null </dev/null)
	status=$?
	if [ "$status" != "$expected" ]; then
		fail "$(basename "$kernel"): selftest $name" \
			"status $status, expected $expected: $(printf '%s\n' "$err" | tail -5)"
	elif [[ $err != *"$*"* ]] || [ "$(printf '%s' "$err" | grep -c '')" -gt 1 ]; then
		fail "$(basename "$kernel"): selftest $name" "expected one line with \"$*\": $err"
	elif [ -z "$*" ] && [ -n "$err" ]; then
		fail "$(basename "$kernel"): selftest $name" "standard error is not empty: $err"
	else
		pass "$(basename "$kernel"): selftest $name"
	fi
}

# backtrace KERNEL: the report of a stack overflow leads from function to function by name.
backtrace() {
	local kernel=$1 log
	log=$(timeout 60 "$MOAT" run --kernel "$kernel" --timeout 50 --kernel-log --append selftest=overflow \
		/bin/busybox true 2>&1 >/dev/null </dev/null)
	if printf '%s\n' "$log" | tr '\n' ' ' | grep -Eq 'rip [0-9a-f]{16}.*backtrace: .*recurse\+0x[0-9a-f]+.*recurse\+0x'; then
		pass "$(basename "$kernel"): backtrace"
	else
		fail "$(basename "$kernel"): backtrace" "$log"
	fi
}

# failures KERNEL: each memory call fails as it must when an allocation does; the program ends with what went wrong.
failures() {
	local kernel=$1 out
	if out=$(timeout 150 "$MOAT" run --kernel "$kernel" --timeout 140 --bare --memory 256M "$B/tests/boot/failing" 2>&1 \
		</dev/null); then
		pass "$(basename "$kernel"): failures"
	else
		fail "$(basename "$kernel"): failures" "$(printf '%s\n' "$out" | grep -v ': [0-9]* of [0-9]*$')"
	fi
}

# iso MEMORY CPUS: GRUB starts the same kernel on an ordinary PC with BIOS; the text comes over the serial port.
iso() {
	local log=$SUITE_DIR/iso.$1.$2
	timeout 120 qemu-system-x86_64 -M q35 -nodefaults -no-user-config -display none -no-reboot -cpu max -m "$1" -smp "$2" \
		-device isa-debug-exit,iobase=0x501,iosize=0x4 -cdrom "$B/moat.iso" -serial "file:$log" </dev/null \
		>"$log.qemu" 2>&1 &
	local qemu=$! waited=0
	while kill -0 "$qemu" 2>/dev/null && [ $waited -lt 110 ] && ! grep -aq 'from ring 3' "$log" 2>/dev/null; do
		sleep 1
		waited=$((waited + 1))
	done
	kill "$qemu" 2>/dev/null
	wait "$qemu" 2>/dev/null
	if grep -aq 'from ring 3' "$log"; then
		pass "iso on q35, $1, $2 CPUs"
	else
		fail "iso on q35, $1, $2 CPUs" "$(cat "$log.qemu"; tail -15 "$log")"
	fi
}

# list_attacks KERNEL: one line for each line of the table.
list_attacks() {
	sed -e 's/#.*//' -e 's/linux=[^ ]*//' -e '/^ *$/d' "$here/attacks" | while read -r expected name argument; do
		echo "attack $1 '$expected' $name $argument"
	done
}

# int3 is a breakpoint and int 0x80 a system call; every other vector is refused.
list_interrupts() {
	local n expected
	for n in $(seq 0 255); do
		expected=139
		[ "$n" = 3 ] && expected=133
		[ "$n" = 128 ] && expected=0
		echo "attack $1 $expected interrupt $n"
	done
}

list_machines() {
	local memory
	for memory in 16M 64M 1G 8G; do
		echo "machine $1 --memory $memory"
	done
	echo "machine $1 --memory 24M --cpus 1"
	echo "machine $1 --cpus 2"
	echo "machine $1 --cpus 4"
	echo "machine $1 --cpus 8"
	echo "machine $1 --cpus 4 --memory 1G"
	echo "machine $1 --nodes 2"
	echo "machine $1 --nodes 4 --cpus 4 --memory 64M"
	echo "machine $1 --nodes 4 --memory 4G"
	echo "machine $1 --nodes 2 --deterministic"
	echo "machine $1 --append numa=fake=99"
	echo "machine $1 --append numa=fake=2 --memory 12M"
	echo "machine $1 --append numa_cpus=7,,x"
	echo "machine $1 --no-aslr"
	echo "machine $1 --deterministic"
	echo "machine $1 --append nokaslr"
	echo "boot_test $1"
}

list_all() {
	local what kernel first=1
	for kernel in $(kernels); do
		for what in "$@"; do
			case $what in
			attacks) list_attacks "$kernel" ;;
			# The vectors are the same code in both kernels; once is enough for time's sake.
			interrupts) [ "$first" ] && list_interrupts "$kernel" ;;
			machines) list_machines "$kernel" ;;
			nodes) printf "%s $kernel %s\n" nodes 0 nodes 1 srat 0 srat 1 ;;
			selftests)
				if [[ $kernel == *debug* ]] && [ -f "$here/selftests" ]; then
					sed -e 's/#.*//' -e '/^ *$/d' -e "s|^|selftest $kernel |" "$here/selftests"
					echo "backtrace $kernel"
				fi
				;;
			failures) [[ $kernel == *debug* ]] && echo "failures $kernel" ;;
			iso) [ "$first" ] && [ -f "$B/moat.iso" ] && printf 'iso %s\n' '64M 1' '1G 1' '256M 2' '1G 4' ;;
			esac
		done
		first=
	done
}

if [ "${1:-}" = --one ]; then
	eval "$2"
	exit 0
fi

suite_begin boot
list_all ${*:-machines nodes attacks interrupts selftests failures iso} | suite_run "$0"
suite_end
