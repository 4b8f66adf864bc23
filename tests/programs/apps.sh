# SPDX-License-Identifier: MIT
# Applications as installed on this machine, each with real work: apps/NAME.sh says in its first line which commands it
# needs (one that the machine lacks is skipped with a note), in a line "# options:" what `moat run` is given besides.
# It is run by bash in an empty folder, on the host and then in Moat, where it sees the host's /usr as it is; standard
# output and status must be the same. Files beside it, NAME.d, lie in the folder.

# app NAME
app() {
	local name=$1 script=$here/apps/$1.sh d need words hs gs
	for need in $(sed -n '1s/^# needs: //p' "$script"); do
		command -v "$need" >/dev/null || {
			echo "programs: no $need here, skipped: $name" >&2
			return
		}
	done
	read -ra words < <(sed -n '2s/^# options: //p' "$script")
	d=$(mktemp -d "$SUITE_DIR/app.XXXXXX")
	mkdir "$d/t"
	cp "$script" "$d/t/"
	[ -d "$here/apps/$name.d" ] && cp "$here/apps/$name.d"/* "$d/t/"
	cp -a "$d/t" "$d/w"
	moat_options
	OPTIONS+=(--timeout 240)
	(cd "$d" && exec timeout 280 "$MOAT" run "${OPTIONS[@]}" "${words[@]}" --file "$d/t:/w" --cwd /w \
		/bin/bash "$name.sh" >guest 2>guest.err </dev/null)
	gs=$?
	(cd "$d/w" && exec env -i "${VARIABLES[@]}" timeout 120 /bin/bash "$name.sh" >../host 2>../host.err </dev/null)
	hs=$?
	if [ $hs != $gs ] || [ $hs -ge 124 ]; then
		fail "$name" "status $gs, on the host $hs
$(tail -5 "$d/guest.err")"
	elif cmp -s "$d/host" "$d/guest"; then
		pass "$name"
	else
		fail "$name" "output differs (< host, > moat):
$(diff -a "$d/host" "$d/guest" | head -20)
$(tail -3 "$d/guest.err")"
	fi
	rm -rf "$d"
}
