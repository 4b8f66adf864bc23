# needs: bash find xargs
# The small tools: many files, big sorts, splitting and joining, checksums, limits in time and number.
set -u
seq 1 20000 | sort -R --random-source=<(yes) >random
sort -n random | cmp - <(seq 1 20000) && echo sorted
sort random | sha256sum
sort -k1,1nr -u random random | head -3
split -l 1500 -d -a 3 random part.
ls part.* | wc -l
cat part.* | cmp - random && echo joined
split -b 10K --filter='gzip -c >$FILE.gz' random zip.
gzip -dc zip.*.gz | md5sum
paste -d: <(head -5 random | sort) <(seq 5) | cut -d: -f2
join <(seq 1 2 99 | sort) <(seq 1 3 99 | sort) | tr '\n' ' '; echo
comm -12 <(seq 1 2 99 | sort) <(seq 1 3 99 | sort) | wc -l
tee a b <random | wc -c
cmp a b && echo same
head -c 100000 /dev/zero | dd of=holes bs=4096 seek=10 conv=notrunc 2>/dev/null
stat -c '%s %A %h %F' holes a
dd if=random of=cut bs=7 skip=3 count=100 iflag=fullblock 2>/dev/null; wc -c <cut
dd if=random bs=1k count=4 status=none | od -An -tx1 | tail -1
truncate -s 1M sparse; du --apparent-size -k sparse | cut -f1
tail -c +50000 random | head -c 40 | tr '\n' ,; echo
tail -n 3 random >/dev/null && tac random | head -2 | cmp - <(tail -n 2 random | tac) && echo tails
(for i in 1 2 3; do echo line $i; sleep 0.1; done >>grow) & tail -f --pid=$! -s 0.1 grow 2>/dev/null | tail -1; wait
mkfifo pipe; (echo through the pipe >pipe) & cat pipe; wait
timeout 0.3 sleep 10; echo timeout $?
timeout -s KILL 0.3 sleep 10; echo killed $?
env -i X=1 env; env -u X bash -c 'echo ${X-none}'
nice -n 5 nice; nohup echo hup 2>/dev/null
mkdir -p tree/{a,b,c}/{1,2,3}; touch -d '2020-02-03 04:05:06.789 UTC' tree/a/1/file tree/b
cp -a tree copy; TZ=UTC stat -c '%n %y' copy/b copy/a/1/file
ln tree/a/1/file tree/hard; ln -s ../a/1/file tree/b/soft; ln -sf nowhere tree/c/broken
find tree -printf '%y %n %P %l\n' | sort
find tree -type l ! -exec test -e {} \; -print
find tree -newermt 2020-01-01 ! -newermt 2021-01-01 | sort
find copy -type d -empty | sort | xargs -n 2 -P 3 rmdir; find copy | sort
mv -n tree/hard tree/a/moved; mv tree/a tree/z; ls -R tree
chmod -R u=rwX,go= tree; stat -c '%a %n' tree tree/z/moved; chmod 4755 a; ls -l a | cut -c1-10
ls -la --time-style=+ tree | awk '{ print $1, $2 }' | head -1
rm -r tree copy; ls -d tree copy 2>&1 | sort
rm -f nothing; rmdir nothing 2>&1; echo $?
cp --sparse=always sparse s2; cmp sparse s2 && stat -c %s s2
install -D -m 640 a deep/er/a; stat -c %a deep/er/a
cp -l a c; stat -c %h c; cp -s "$PWD/a" d; test -L d && readlink d | sed 's,.*/,,'
realpath --relative-to=deep deep/er/../../a; basename /x/y.c .c; dirname /x/y.c
for sum in md5sum sha1sum sha224sum sha384sum sha512sum b2sum cksum; do $sum <random; done
base64 <random | base64 -d | cmp - random && echo base64; numfmt --to=iec 123456789; factor 1234567890123
shuf -i 1-1000 | sort -n | sha1sum; nl -ba <(seq 3); fold -w 10 <(echo a long line to be folded); fmt -w 20 <(seq -s ' ' 30)
pr -t -3 -l 5 <(seq 15); expand <(printf 'a\tb\n') | od -c | head -1; tsort <(echo a b b c c d); ptx <(echo one two) | wc -l
csplit -s -f cs. random 5000 10000; wc -l cs.*; uniq -c <(printf 'a\na\nb\n'); expr 6 \* 7; touch -d @5 old; test old -ot b; echo $?
mktemp -p . -d x.XXXX | wc -c; mknod q p && test -p q && echo fifo; link a e; unlink e; sync a; sync
id -u; id -un; whoami; uname -s; uname -m; tty; printf '%s|%5.2f|%x\n' a 3.14159 255; date -u -d @86400 +%FT%T
df . >/dev/null; echo $?; du -s . >/dev/null; echo $?; stat -f -c %l . ; nproc >/dev/null; who >/dev/null; pathchk -p ok; echo $?
yes | head -100000 | wc -l; seq 1000000 | tail -1; wc random; sum random; shred -u -n 1 a; ls a 2>&1
