#!/bin/bash
# SPDX-License-Identifier: MIT
# Random system calls for so many seconds, a new seed each time, on 1, 2 and 4 CPUs in turn: fuzz-sys.sh SECONDS [SEED]
here=$(dirname "$(realpath "$0")")
. "$here/../lib.sh"
KERNEL=${MOAT_KERNEL:-$B/moat-kernel-debug}
end=$(($(date +%s) + ${1:-60}))
seed=${2:-$(date +%s)}
runs=0
while [ "$(date +%s)" -lt "$end" ]; do
	for cpus in 1 2 4; do
		seed=$((seed + 1000))
		out=$(timeout 300 "$MOAT" run --kernel "$KERNEL" --timeout 280 --cpus $cpus --memory 512M \
			"$B/tests/programs/sysfuzz" $seed 10 1500 3 2>&1 </dev/null) || {
			printf 'FAIL: --cpus %d, sysfuzz %d 10 1500 3:\n%s\n' $cpus $seed "$out"
			exit 1
		}
		runs=$((runs + 1))
	done
done
echo "fuzz-sys: $runs runs, up to seed $seed"
