#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests of the command, or those of the files named; shows what failed and counts.
cd "$(dirname "$0")" || exit 1
passed=0 failed=0
for test in "${@:-*.test}"; do
	for file in $test; do
		while IFS= read -r line; do
			case $line in
			ok\ *) passed=$((passed + 1)) ;;
			FAIL\ *) failed=$((failed + 1)) ;;
			esac
			printf '%s: %s\n' "${file%.test}" "$line"
		done < <(timeout 600 bash "./$file" 2>&1)
	done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
