futex_requeue_pi.o: kernel/task/futex_requeue_pi.c \
  kernel/arch/include/arch/uaccess.h kernel/include/moat/types.h \
  kernel/task/futex_internal.h kernel/include/moat/futex.h \
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
  kernel/include/moat/signal.h

kernel/arch/include/arch/uaccess.h:

kernel/include/moat/types.h:

kernel/task/futex_internal.h:

kernel/include/moat/futex.h:

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
