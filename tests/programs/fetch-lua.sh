#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds Lua from the distribution's source package with musl, statically: $B/tests/programs/lua.
#
# Source packages are rarely enabled in a machine's package lists. So apt works here on lists of its own, made
# from the machine's binary ones, in the build directory; nothing of the system's configuration changes.
set -e
B=${B:-build}
work=$B/lua
mkdir -p "$work/lists/partial" "$work/archives/partial"
work=$(realpath "$work")

apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
	awk '$4 == "Debian" { print "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " $1 " " $2 " " $3 }' |
	sort -u >"$work/sources.list"

apt() {
	apt-get -q -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User=root "$@"
}

cd "$work"
if ! ls lua5.4_*.orig.tar.* >/dev/null 2>&1; then
	apt update >/dev/null
	apt --download-only source lua5.4 >/dev/null
fi
rm -rf source
mkdir source
tar -x -f lua5.4_*.orig.tar.* -C source --strip-components 1
# onelua.c is the whole interpreter as one file where a release has it; otherwise all files but the compiler.
sources=$(ls source/src/*.c | grep -v -e /luac.c -e /onelua.c -e /ltests.c)
mkdir -p ../tests/programs
musl-gcc -static -no-pie -O2 -std=gnu99 -DLUA_USE_POSIX $sources -lm -o ../tests/programs/lua
