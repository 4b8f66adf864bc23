# SPDX-License-Identifier: MIT
# Lua with real work, its output compared with the same binary's on the host.

test_lua_work() {
	local lua=$B/tests/programs/lua d
	d=$(mktemp -d "$SUITE_DIR/lua.XXXXXX")
	mkdir "$d/cwd"
	(cd "$d/cwd" && cp "$here/work.lua" "$DATA/text.txt" . && env -i A=1 timeout 60 "$lua" work.lua one two) >"$d/host" 2>&1
	local hs=$?
	timeout 100 "$MOAT" run --timeout 90 --clear-env --env A=1 --file "$here/work.lua:/t/work.lua" \
		--file "$DATA/text.txt:/t/text.txt" --cwd /t "$lua" work.lua one two >"$d/guest" 2>&1
	local gs=$?
	if [ $hs != 0 ]; then
		fail "Lua on the host" "$(tail -3 "$d/host")"
	elif [ $gs != $hs ]; then
		fail "Lua" "status $gs: $(tail -3 "$d/guest")"
	else
		same_text "Lua" "$d/host" "$d/guest"
	fi
	rm -rf "$d"
}

same_text() {
	if cmp -s "$2" "$3"; then
		pass "$1"
	else
		fail "$1" "$(diff "$2" "$3" | head -10)"
	fi
}

test_lua_exit() {
	expect "Lua: os.exit" 33 '' "$MOAT" run "$B/tests/programs/lua" -e 'os.exit(33)'
}
