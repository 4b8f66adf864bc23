#!/bin/bash
# SPDX-License-Identifier: MIT
# A person at a terminal, played by `drive`: each *.drive is a script of what is typed and what must appear. Those that say
# so are first followed with the host's busybox at the host's terminal; all of them with `moat shell` or `moat run`.
#
#   tests/shell/run.sh [NAME...]      HOST_ONLY=1: on the host only
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"
export LC_ALL=C TERM=xterm
DRIVE=$B/tests/shell/drive
SH_ENV=(PATH=/bin:/usr/bin HOME=/ TERM=xterm 'PS1=moat:\w\$ ' SHELL=/bin/sh)

# follow NAME SCRIPT COMMAND...: the checks of one script.
follow() {
	local name=$1 script=$2 out
	shift 2
	out=$(timeout 100 "$DRIVE" "$@" <"$script" 2>&1)
	if grep -q '^FAIL' <<<"$out" || ! grep -q '^ok' <<<"$out"; then
		fail "$name" "$(tail -25 <<<"$out")"
	else
		pass "$name"
	fi
}

# What the first line of a script asks for: `# host` (also on the host), then `shell` or `run`, and words for the command.
one() {
	local name=$1 script=$here/$1.drive words dir
	dir=$(mktemp -d "$SUITE_DIR/shell.XXXXXX")
	cd "$dir" || exit 1
	export DIR=$dir
	read -ra words < <(sed -n '1s/^# *//p' "$script")
	if [ "${words[0]}" = host ]; then
		# What becomes of its terminal is the host's shell's business.
		grep -v '^restored' "$script" >"$dir/script"
		follow "$name on the host" "$dir/script" env -i "${SH_ENV[@]}" /bin/busybox sh
		words=("${words[@]:1}")
	fi
	[ -z "${HOST_ONLY:-}" ] || return 0
	eval "$(sed -n '2s/^# env: *//p' "$script" | sed 's/^/export /')"
	follow "$name" "$script" "$MOAT" "${words[@]}"
	rest=$(sed -n '3s/^# after: *//p' "$script")
	if [ -n "$rest" ]; then
		if eval "$rest"; then pass "$name: $rest"; else fail "$name: $rest" "$(ls -l "$dir")"; fi
	fi
}

# pipeline LINE: the same line for the host's busybox and for the guest's.
pipeline() {
	local line=$1 dir
	dir=$(mktemp -d "$SUITE_DIR/shell.XXXXXX")
	mkdir "$dir/t"
	(cd "$dir/t" && env -i "${SH_ENV[@]}" timeout 60 /bin/busybox sh -c "$line") >"$dir/host" 2>&1 </dev/null
	echo "status $?" >>"$dir/host"
	timeout 100 "$MOAT" shell --timeout 60 --cwd /t -- -c "$line" >"$dir/guest" 2>&1 </dev/null
	echo "status $?" >>"$dir/guest"
	if cmp -s "$dir/host" "$dir/guest"; then
		pass "$line"
	else
		fail "$line" "$(diff "$dir/host" "$dir/guest")"
	fi
}

if [ "${1:-}" = --one ]; then
	case $2 in
	"pipeline "*) pipeline "${2#pipeline }" ;;
	*) one "$2" ;;
	esac
	exit 0
fi

suite_begin shell
for script in "$here"/*.drive; do
	name=$(basename "$script" .drive)
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] || echo "$name"
done | suite_run "$0"
if [ $# -eq 0 ] && [ -z "${HOST_ONLY:-}" ]; then
	grep -v '^#' "$here/pipelines" | sed 's/^/pipeline /' | suite_run "$0"
fi
suite_end
