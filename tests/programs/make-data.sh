#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the folder that the busybox cases work on: make-data.sh DIR. The same bytes and times every time.
set -e
export LC_ALL=C TZ=UTC
mkdir -p "$1"
cd "$1"
umask 022

awk 'BEGIN { for (i = 1; i <= 200; i++) printf "%d the quick brown fox %d jumps over line %c%c\n", i, i * i % 97, 97 + i % 26, 65 + i % 17 }' >text.txt
printf 'pear\napple\nfig\napple\nBanana\n10\n9\n2\n\ncherry\nfig\nfig\n' >words.txt
sort words.txt >sorted.txt
printf 'apple\nbanana\nfig\nzebra\n' >other.txt
awk 'BEGIN { x = 12345; for (i = 0; i < 3000; i++) { x = (x * 1103515245 + 12345) % 2147483648; print x } }' >numbers.txt
# Every byte value in a fixed, badly ordered sequence, 64 KiB of it.
awk 'BEGIN { x = 1; for (i = 0; i < 65536; i++) { x = (x * 75 + 74) % 65537; printf "%02x", x % 256 } }' |
	busybox xxd -r -p >binary
: >empty
printf 'one:two:three:four\na:b:c:d\n1:2:3:4\n' >fields
printf 'a\tb\tc\n\tindented\n  two  spaces\tand tab\n' >tabs
printf 'dos line one\r\ndos line two\r\n' >dos.txt
printf 'no newline at the end' >unended
printf 'left 1\nboth 2\nboth 3\n' >left
printf 'both 2\nboth 3\nright 4\n' >right
sed -e 's/fox/cat/' -e '50d' -e '100a inserted line' text.txt >changed.txt
diff -u text.txt changed.txt >change.patch || true
printf '#!/bin/sh\necho a script\n' >script.sh
chmod 755 script.sh
chmod 600 left
mkdir -p tree/a/b tree/c
echo deep >tree/a/b/deep.txt
echo shallow >tree/c/shallow.txt
cp binary tree/a/data.bin
ln -s a/b/deep.txt tree/link
ln -s nowhere tree/dangling
gzip -9nc text.txt >text.gz
bzip2 -c text.txt >text.bz2
xz -c text.txt >text.xz
xz --format=lzma -c text.txt >text.lzma
find . -exec touch -h -d '2020-02-03 04:05:06 UTC' {} +
tar --owner=0 --group=0 --numeric-owner --sort=name -cf tree.tar tree
gzip -9nc tree.tar >tree.tgz
find tree | sort | busybox cpio -o -H newc -R 0:0 >tree.cpio 2>/dev/null
ar rcD words.ar words.txt other.txt
busybox uuencode encoded <binary >encoded.uu
base64 binary >encoded.b64
sha256sum text.txt words.txt >sums.sha256
md5sum text.txt words.txt >sums.md5
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >group
find . -exec touch -h -d '2020-02-03 04:05:06 UTC' {} +
