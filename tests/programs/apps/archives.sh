# needs: tar gzip xz zstd bzip2 cpio zip unzip
# options: --memory 512M --cpus 2
# What goes in comes out: links, modes, times, holes, long names.
set -u
mkdir -p in/deep/$(printf 'd%.0s' $(seq 100))
seq 60000 >in/numbers
head -c 300000 /dev/zero | tr '\0' x >in/dull
truncate -s 3M in/holes
echo end >>in/holes
printf 'x\n' >"in/deep/$(printf 'd%.0s' $(seq 100))/$(printf 'n%.0s' $(seq 200))"
ln in/numbers in/hard
ln -s ../in/numbers in/soft
mkfifo in/fifo
chmod 751 in/deep
chmod 4711 in/dull
touch -d '2001-02-03 04:05:06.5 UTC' in/dull in/deep
list() { (cd "$1" && find . -printf '%y %m %n %s %P %l\n' | sed 's/^d \([0-9]*\) [0-9]* [0-9]*/d \1/' | sort; find . -type f -exec sha256sum {} + | sort; TZ=UTC stat -c %y dull); }
list in >want
sha256sum want
for z in gzip xz zstd bzip2; do
	mkdir out.$z
	tar --sort=name -S -c --$z -f in.tar.$z in && tar -C out.$z --strip-components=1 -xpf in.tar.$z
	list out.$z | sed 's/5.000000000 +/6.500000000 +/' | diff <(sed 's/5.000000000 +/6.500000000 +/' want) - | grep -v '0:06\|04:05' 
	$z -t in.tar.$z && echo $z
done
tar --format=posix -C in -cf - . | (mkdir p && cd p && tar xpf -)
list p | cmp - want && echo posix
(cd in && find . -depth | cpio -o -H newc 2>/dev/null) | (mkdir c && cd c && cpio -idm 2>/dev/null)
list c | diff - want | grep -v dull | head -3
(cd in && zip -qry ../z.zip . -x fifo) && unzip -tq z.zip && unzip -q z.zip -d z && cmp in/numbers z/numbers && readlink z/soft
xz -T2 -3 -k in/numbers && xz -lv in/numbers.xz | grep -c CRC64
zstd -q --long -9 -T2 in/numbers -o n.zst && zstd -dcq n.zst | cmp - in/numbers && echo long
tar -cf - in 2>/dev/null | head -c 1000 >/dev/null; echo ${PIPESTATUS[0]}
tar -df in.tar.gzip 2>&1 | head -3; tar -tvf in.tar.zstd --full-time --numeric-owner | awk '{ print $1, $3 }' | sort | sha256sum
printf broken | gzip -dc 2>/dev/null; echo $?; head -c 100 in.tar.xz | xz -dc >/dev/null 2>&1; echo $?
