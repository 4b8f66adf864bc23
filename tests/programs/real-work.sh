# SPDX-License-Identifier: MIT
# What shells and the tools around them do all day; run by real.sh with bash and dash.
set -u
seq 1 20000 | sort -r | sort -n | sha256sum
cat <<X | sed 's/here/there/'
here $((6 * 7)) document
X
for i in 1 2 3 4 5; do (exit "$i") & done
wait
echo "waited $?"
a=$(echo "$(echo "$(echo nested)")")
echo "$a"
seq 100 | xargs -n 2 seq -s+ | tac
mkdir -p d/e/f
for i in $(seq 30); do echo "$i" >"d/e/$i"; done
find d -type f | sort | sha256sum
find d -name '1*' -exec cat {} + | sort -n
dd if=/dev/zero of=big bs=64k count=32 2>/dev/null
sha256sum big
split -b 1M big part.
cat part.* | cmp - big && echo same
tar cf d.tar d
tar tf d.tar | sort | sha256sum
gzip -c d.tar | gzip -dc | cmp - d.tar && echo gzip
xz -T1 -c d.tar | xz -dc | cmp - d.tar && echo xz
seq 1000 | awk '{ s += $1 } END { print s }'
seq 200 | grep -c 1
trap 'echo trapped' USR1
kill -USR1 $$
(trap '' PIPE; seq 100000 2>/dev/null) | sed 1q
echo a | { read -r x; echo "got $x"; }
rm -r d big part.* d.tar
