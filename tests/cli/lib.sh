# SPDX-License-Identifier: MIT
# Shared by the tests of the command. B is the build folder. Each test runs in a folder of its own, $T.
#
# Two kinds of machine: `fake CODE [WORDS]` runs `moat run WORDS` with tests/cli/fake in QEMU's place, where
# CODE, in bash, plays the guest; `real WORDS` boots the kernel of the build folder.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
B=${B:-$HERE/../../build}
MOAT=$B/moat
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T" || exit 1
touch kernel
BUSYBOX=/bin/busybox

fake() {
	local code=$1
	shift
	FAKE=$code PATH=$HERE/fake:$PATH timeout 60 "$MOAT" run --bare --kernel kernel "$@"
}

real() {
	timeout 120 "$MOAT" run "$@"
}

have_kernel() {
	[ -e "$B/moat-kernel" ]
}

# check NAME COMMAND...: one test.
check() {
	local name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "FAIL $name"
	fi
}

# same NAME WANTED GOT: one test that compares two texts.
same() {
	if [ "$2" = "$3" ]; then
		echo "ok $1"
	else
		echo "FAIL $1"
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | sed 's/^/     /' | head -20
	fi
}
