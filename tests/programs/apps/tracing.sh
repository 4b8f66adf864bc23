# needs: strace gdb
# Programs that trace others: strace of children and signals; gdb with a system call that is caught, steps, a watchpoint, a call
# into the program. The programs are the machine's own, without debugging information.
strace -f -o calls -e trace=write,kill,execve,exit_group /bin/sh -c 'trap "echo trapped" USR1; kill -USR1 $$; /bin/true; echo done'
sed -E 's/^[0-9]+ +//; s/0x[0-9a-f]+/ADDR/g; s/pid=[0-9]+/pid=N/g; s/, si_utime.*/}/; s/kill\([0-9]+/kill(N/; s/ +=/ =/' calls | sort | uniq -c
gdb -nx -batch -ex 'set style enabled off' -ex 'set startup-with-shell off' -ex 'catch syscall write' -ex 'run hello' \
	-ex 'print $orig_rax' -ex 'x/s $rsi' -ex 'set {char}$rsi = 74' -ex c -ex 'print $rax' -ex 'stepi' -ex 'stepi' \
	-ex 'set $at = (long *)$sp - 64' -ex 'watch *$at' -ex 'call (long)getppid() > 0' -ex 'delete' \
	-ex 'catch syscall exit_group' -ex c -ex kill /bin/echo 2>&1 | sed -E 's/0x[0-9a-f]+/ADDR/g; s/(LWP|process) [0-9]+/\1 N/g'
