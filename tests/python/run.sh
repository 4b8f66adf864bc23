#!/bin/bash
# SPDX-License-Identifier: MIT
# CPython's own regression tests, as Debian packages them, on the host and in Moat: the same result for each test, but for
# what `explained` gives a reason for.
#
#   tests/python/run.sh [MODULE...]     all of `modules` by default; about 40 minutes
#   OUT=DIR                             keep logs and results there; the host's results that are there are not made again
#   JOBS=1                              so many at a time
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"
PYTHON=${PYTHON:-/usr/bin/python3}
JOBS=${JOBS_PYTHON:-1}

# Both sides are asked with the same environment and limits. Root's tests must not set this machine's clock.
VARIABLES=(PATH=/usr/bin:/bin HOME=/tmp LANG=C.UTF-8)
LIMIT=600

run_host() {
	local drop=()
	[ "$(id -u)" != 0 ] || drop=(setpriv --bounding-set=-sys_time)
	mkdir -p "$OUT/cwd.$1"
	(cd "$OUT/cwd.$1" && ulimit -Sn 1024 && exec env -i "${VARIABLES[@]}" "${drop[@]}" timeout $LIMIT "$PYTHON" -m test -v \
		--junit-xml "$OUT/$1.host.xml" "$1" >"$OUT/$1.host.log" 2>&1 </dev/null)
	rm -rf "$OUT/cwd.$1"
}

run_moat() {
	local words=()
	for v in "${VARIABLES[@]}"; do
		words+=(--env "$v")
	done
	mkdir -p "$OUT/rw.$1"
	timeout $((LIMIT * 2 + 20)) "$MOAT" run --timeout $((LIMIT * 2)) --memory 1G --cpus 2 --wx linux --clear-env \
		"${words[@]}" --rw "$OUT/rw.$1:/results" --cwd /tmp "$PYTHON" -m test -v --junit-xml /results/xml "$1" \
		>"$OUT/$1.moat.log" 2>&1 </dev/null
	mv "$OUT/rw.$1/xml" "$OUT/$1.moat.xml" 2>/dev/null
	rmdir "$OUT/rw.$1" 2>/dev/null
}

one() {
	rm -f "$OUT/$1.moat.xml"
	[ -e "$OUT/$1.host.xml" ] || run_host "$1"
	run_moat "$1"
	if [ ! -e "$OUT/$1.host.xml" ] || [ ! -e "$OUT/$1.moat.xml" ]; then
		fail "$1" "no results: $(tail -n 5 "$OUT/$1.host.log" "$OUT/$1.moat.log")"
	elif "$PYTHON" "$here/compare.py" "$here/explained" "$OUT/$1.host.xml" "$OUT/$1.moat.xml" >"$OUT/$1.compared"; then
		pass "$1"
		sed "s/^/$1: /" "$OUT/$1.compared"
	else
		fail "$1" "$(cat "$OUT/$1.compared")"
	fi
}

if [ "${1:-}" = --one ]; then
	one "$2"
	exit 0
fi
"$PYTHON" -c 'import test.libregrtest' 2>/dev/null || {
	echo "python: $PYTHON has no tests here (tools/setup python)" >&2
	exit 1
}
suite_begin python
export OUT=${OUT:-$SUITE_DIR}
OUT=$(realpath -m "$OUT")
mkdir -p "$OUT"
{ [ $# -gt 0 ] && printf '%s\n' "$@" || grep '^test_' "$here/modules"; } | suite_run "$0"
suite_end
