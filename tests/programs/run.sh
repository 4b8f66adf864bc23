#!/bin/bash
# SPDX-License-Identifier: MIT
# Real programs under `moat run`: busybox applets and the machine's own shells, perl and sqlite3 compared with
# the host's run, Lua, byte streams, statuses.
#
#   tests/programs/run.sh [applets|statuses|streams|lua|real|disk|busy|apps|app:NAME|TEXT]...   all by default; TEXT chooses applet lines
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"
export LC_ALL=C
BUSYBOX=/bin/busybox
DATA=${SUITE_DIR:+$SUITE_DIR/data}

# The environment of both sides.
VARIABLES=(A=1 PATH=/bin:/usr/bin HOME=/root TZ=UTC)
moat_options() {
	local v
	OPTIONS=(--timeout 60 --clear-env)
	for v in "${VARIABLES[@]}"; do
		OPTIONS+=(--env "$v")
	done
}

# host ARGS...: busybox in the current folder; the time limit covers what waits for input.
host() {
	env -i "${VARIABLES[@]}" timeout 60 $BUSYBOX "$@"
}

# guest ARGS...: the same, with a copy of the folder at /t of the guest.
guest() {
	timeout 100 "$MOAT" run "${OPTIONS[@]}" --file "$DATA:/t" --file "$DATA/passwd:/etc/passwd" \
		--file "$DATA/group:/etc/group" --cwd /t $BUSYBOX "$@"
}

# The folder has another name on the host; lines may come in any order.
normalise() {
	if [ "$2" = sort ]; then
		sort "$1"
	else
		cat "$1"
	fi | sed "s|$3|/t|g"
}

applet() {
	local line=$1 mode=exact dir hs gs
	case $line in
	sort:* | status:*)
		mode=${line%%:*}
		line=${line#*: }
		;;
	esac
	dir=$(mktemp -d "$SUITE_DIR/applet.XXXXXX")
	cp -a "$DATA" "$dir/t"
	cd "$dir/t"
	eval "host $line" >"$dir/host" 2>"$dir/host.err" </dev/null
	hs=$?
	cd "$DATA"
	eval "guest $line" >"$dir/guest" 2>"$dir/guest.err" </dev/null
	gs=$?
	if [ $hs != $gs ]; then
		fail "$line" "status $gs, on the host $hs: $(tail -2 "$dir/guest.err")"
	elif [ $mode != status ] && ! cmp -s <(normalise "$dir/host" $mode "$dir/t") <(normalise "$dir/guest" $mode /t); then
		fail "$line" "output differs (< host, > moat):
$(diff -a <(normalise "$dir/host" $mode "$dir/t") <(normalise "$dir/guest" $mode /t) | head -10)
$(tail -2 "$dir/guest.err")"
	else
		pass "$line"
	fi
	rm -rf "$dir"
}

# expect NAME STATUS PATTERN COMMAND...: exit status, and a line on standard error ('' for silence).
expect() {
	local name=$1 status=$2 pattern=$3 err got
	shift 3
	err=$SUITE_DIR/err.$BASHPID
	timeout 100 "$@" >"$err.out" 2>"$err" </dev/null
	got=$?
	if [ $got != "$status" ]; then
		fail "$name" "status $got, expected $status: $(tail -1 "$err")"
	elif [ -z "$pattern" ] && [ -s "$err" ]; then
		fail "$name" "standard error is not empty: $(tail -1 "$err")"
	elif [ -n "$pattern" ] && { ! grep -Eqi -- "$pattern" "$err" || [ "$(wc -l <"$err")" != 1 ]; }; then
		fail "$name" "standard error is not one line with '$pattern': $(cat "$err")"
	else
		pass "$name"
	fi
	rm -f "$err" "$err.out"
}

list_applets() {
	grep -v '^#' "$here/applets" | grep . | sed "s/^/applet /"
}

if [ "${1:-}" = --one ]; then
	moat_options
	case $2 in
	"applet "*) applet "${2#applet }" ;;
	"status "*)
		n=${2#status }
		expect "exit status $n" "$n" '' "$MOAT" run "$B/tests/abi/musl/exit" "$n"
		;;
	"signal "*)
		n=${2#signal }
		expect "signal $n" $((128 + n)) "signal $n " "$MOAT" run "$B/tests/abi/musl/die" signal "$n"
		;;
	"app "*) . "$here/apps.sh" && app "${2#app }" ;;
	*) . "$here/${2%% *}.sh" && "${2##* }" ;;
	esac
	exit 0
fi

suite_begin programs
DATA=$SUITE_DIR/data
"$here/make-data.sh" "$DATA" || exit 1
for what in ${*:-busy streams verdicts apps lua real disk applets statuses}; do
	case $what in
	busy | streams | verdicts | lua | real | disk) sed -n "s/^\(test_[a-z0-9_]*\)() {.*/$what \1/p" "$here/$what.sh" ;;
	statuses)
		seq -f 'status %.0f' 0 255
		for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31 34 64; do echo "signal $n"; done
		;;
	applets) list_applets ;;
	apps) basename -a -s .sh "$here"/apps/*.sh | sed 's/^/app /' ;;
	app:*) echo "app ${what#app:}" ;;
	*) list_applets | grep -F -- "$what" ;;
	esac
done | suite_run "$0"
suite_end
