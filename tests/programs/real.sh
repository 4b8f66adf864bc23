# SPDX-License-Identifier: MIT
# Programs as the machine has them, dynamically linked, with their libraries copied in: what they print and
# their status are compared with the host's run. One that the machine lacks is skipped with a note.

# files_of PROGRAM...: fill FILES with the options that copy the programs and all libraries they name; fails
# with a note when one is not on this machine. Both sides see the same names.
files_of() {
	local p path
	for p in "$@"; do
		path=$(command -v "$p") || {
			echo "programs: no $p here, skipped: ${FUNCNAME[1]}" >&2
			return 1
		}
		copy_in "$path"
		for path in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
			copy_in "$path"
		done
	done
}

# copy_in PATH: a file or folder, under its own name, once.
copy_in() {
	case " ${FILES[*]} " in
	*":$1 "*) ;;
	*) FILES+=(--file "$(realpath "$1"):$1") ;;
	esac
}

# real NAME FILE PROGRAM ARGS...: run in a folder that has FILE, on the host and then in the guest with FILES.
real() {
	local name=$1 file=$2 program d hs gs
	shift 2
	program=$(command -v "$1")
	shift
	d=$(mktemp -d "$SUITE_DIR/real.XXXXXX")
	mkdir "$d/t"
	cp "$file" "$d/t/"
	moat_options
	timeout 100 "$MOAT" run "${OPTIONS[@]}" "${FILES[@]}" --file "$d/t:/t" --file "$d/t:/tmp" --cwd /t \
		"$program" "$@" >"$d/guest" 2>&1 </dev/null
	gs=$?
	(cd "$d/t" && env -i "${VARIABLES[@]}" timeout 60 "$program" "$@") >"$d/host" 2>&1 </dev/null
	hs=$?
	if [ $hs != 0 ]; then
		fail "$name on the host" "status $hs: $(tail -3 "$d/host")"
	elif [ $gs != 0 ]; then
		fail "$name" "status $gs: $(tail -3 "$d/guest")"
	elif cmp -s "$d/host" "$d/guest"; then
		pass "$name"
	else
		fail "$name" "$(diff "$d/host" "$d/guest" | head -10)"
	fi
	rm -rf "$d"
}

test_real_bash() {
	local FILES=()
	files_of bash sort seq sha256sum xargs tac find dd cmp split tar gzip xz awk sed grep cat rm mkdir || return 0
	real "bash" "$here/real-work.sh" bash real-work.sh
}

test_real_dash() {
	local FILES=()
	files_of dash sort seq sha256sum xargs tac find dd cmp split tar gzip xz awk sed grep cat rm mkdir || return 0
	real "dash" "$here/real-work.sh" dash real-work.sh
}

test_real_perl() {
	local FILES=() base
	files_of perl sh sort seq || return 0
	for base in $(perl -e 'print "@INC"'); do
		case $base in
		*/perl-base) copy_in "$base" ;;
		esac
	done
	real "perl" "$here/real-work.pl" perl real-work.pl
}

test_real_sqlite() {
	local FILES=()
	files_of sqlite3 || return 0
	real "sqlite3" "$here/real-work.sql" sqlite3 work.db '.read real-work.sql'
}
