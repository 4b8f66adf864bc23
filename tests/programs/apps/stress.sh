# needs: stress-ng
# options: --memory 512M --cpus 2
# Stressors that check what they get, a fixed number of rounds each.
set -u
for s in cpu:20 vm:40 mmap:5 fork:100 pipe:5000 futex:2000 sem:2000 sem-sysv:1000 shm-sysv:3 switch:3000 signal:2000 timer:200 eventfd:500 \
	poll:200 msg:3000 mq:2000 sigq:300 sigfd:300 sigsegv:200 getdent:20 dentry:300 rename:300 link:10 symlink:10 \
	flock:1000 fallocate:10 hdd:20 seek:500 iomix:20 mremap:20 madvise:4 mprotect:200 mincore:5 stack:2 brk:200 malloc:500 \
	bsearch:2 qsort:1 str:50 matrix:3 crypt:2 hash:20 tree:1 vfork:50 exec:20 wait:200 kill:1000 clone:50 \
	daemon:10 nanosleep:20 itimer:50 epoll:200 dup:20 access:20 chmod:100 chdir:20 utime:100 zero:200 null:500 fifo:200 \
	sockpair:100 tee:50 splice:100 vm-splice:100 readahead:1 sendfile:100 mlock:5 get:2 set:2 sysinfo:20 prctl:10 session:10; do
	name=${s%%:*}
	timeout 30 stress-ng --verify --quiet --temp-path . "--$name" 2 "--$name-ops" "${s##*:}" --timeout 20 \
		--vm-bytes 16M --mmap-bytes 8M --hdd-bytes 1M --fallocate-bytes 4M --seek-size 1M --iomix-bytes 1M --brk-bytes 16M --stack-bytes 1M 2>err >&2
	echo "$name $?"
	grep -v 'skipping\|info:' err >&2
done
exit 0
