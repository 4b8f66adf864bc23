sys_futex.o: kernel/sys/sys_futex.c kernel/arch/include/arch/timer.h \
  kernel/include/moat/types.h kernel/arch/include/arch/uaccess.h \
  kernel/include/moat/futex.h kernel/include/moat/heap.h \
  kernel/include/moat/syscall.h \
  kernel/include/moat/../../sys/syscalls.def kernel/sys/syscalls_fs.def \
  kernel/sys/syscalls_mem.def kernel/sys/syscalls_task.def \
  kernel/sys/syscalls_ipc.def kernel/sys/syscalls_misc.def \
  kernel/include/moat/task.h kernel/arch/include/arch/switch.h \
  kernel/arch/include/arch/cpu.h \
  kernel/arch/x86_64/include/arch/impl/cpu.h \
  kernel/arch/x86_64/include/arch/impl/percpu.h \
  kernel/arch/x86_64/include/arch/impl/switch.h \
  kernel/arch/include/arch/mmu.h \
  kernel/arch/x86_64/include/arch/impl/mmu.h \
  kernel/include/moat/spinlock.h kernel/include/moat/lockrank.h \
  kernel/include/moat/frame.h kernel/include/moat/numa.h \
  kernel/include/moat/aspace.h kernel/include/moat/mutex.h \
  kernel/include/moat/waitq.h kernel/include/moat/ktimer.h \
  kernel/include/moat/object.h kernel/include/moat/radix.h \
  kernel/include/moat/refcount.h kernel/include/moat/panic.h \
  kernel/include/moat/uio.h kernel/include/moat/cred.h \
  kernel/include/moat/exec.h kernel/include/moat/file.h \
  kernel/include/moat/fs.h kernel/include/moat/fail.h \
  kernel/include/moat/log.h kernel/include/moat/ptimer.h \
  kernel/include/moat/sched.h kernel/include/moat/seccomp.h \
  kernel/include/moat/signal.h kernel/sys/sys_time.h

kernel/arch/include/arch/timer.h:

kernel/include/moat/types.h:

kernel/arch/include/arch/uaccess.h:

kernel/include/moat/futex.h:

kernel/include/moat/heap.h:

kernel/include/moat/syscall.h:

kernel/include/moat/../../sys/syscalls.def:

kernel/sys/syscalls_fs.def:

kernel/sys/syscalls_mem.def:

kernel/sys/syscalls_task.def:

kernel/sys/syscalls_ipc.def:

kernel/sys/syscalls_misc.def:

kernel/include/moat/task.h:

kernel/arch/include/arch/switch.h:

kernel/arch/include/arch/cpu.h:

kernel/arch/x86_64/include/arch/impl/cpu.h:

kernel/arch/x86_64/include/arch/impl/percpu.h:

kernel/arch/x86_64/include/arch/impl/switch.h:

kernel/arch/include/arch/mmu.h:

kernel/arch/x86_64/include/arch/impl/mmu.h:

kernel/include/moat/spinlock.h:

kernel/include/moat/lockrank.h:

kernel/include/moat/frame.h:

kernel/include/moat/numa.h:

kernel/include/moat/aspace.h:

kernel/include/moat/mutex.h:

kernel/include/moat/waitq.h:

kernel/include/moat/ktimer.h:

kernel/include/moat/object.h:

kernel/include/moat/radix.h:

kernel/include/moat/refcount.h:

kernel/include/moat/panic.h:

kernel/include/moat/uio.h:

kernel/include/moat/cred.h:

kernel/include/moat/exec.h:

kernel/include/moat/file.h:

kernel/include/moat/fs.h:

kernel/include/moat/fail.h:

kernel/include/moat/log.h:

kernel/include/moat/ptimer.h:

kernel/include/moat/sched.h:

kernel/include/moat/seccomp.h:

kernel/include/moat/signal.h:

kernel/sys/sys_time.h:
