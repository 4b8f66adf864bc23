flock.o: kernel/fs/flock.c kernel/include/moat/heap.h \
  kernel/include/moat/types.h kernel/include/moat/waitq.h \
  kernel/include/moat/ktimer.h kernel/include/moat/spinlock.h \
  kernel/include/moat/lockrank.h kernel/fs/flock.h kernel/fs/inode.h \
  kernel/include/moat/fs.h kernel/include/moat/file.h \
  kernel/include/moat/mutex.h kernel/include/moat/object.h \
  kernel/include/moat/frame.h kernel/arch/x86_64/include/arch/impl/mmu.h \
  kernel/include/moat/numa.h kernel/include/moat/radix.h \
  kernel/include/moat/refcount.h kernel/include/moat/panic.h \
  kernel/include/moat/uio.h kernel/include/moat/mode.h

kernel/include/moat/heap.h:

kernel/include/moat/types.h:

kernel/include/moat/waitq.h:

kernel/include/moat/ktimer.h:

kernel/include/moat/spinlock.h:

kernel/include/moat/lockrank.h:

kernel/fs/flock.h:

kernel/fs/inode.h:

kernel/include/moat/fs.h:

kernel/include/moat/file.h:

kernel/include/moat/mutex.h:

kernel/include/moat/object.h:

kernel/include/moat/frame.h:

kernel/arch/x86_64/include/arch/impl/mmu.h:

kernel/include/moat/numa.h:

kernel/include/moat/radix.h:

kernel/include/moat/refcount.h:

kernel/include/moat/panic.h:

kernel/include/moat/uio.h:

kernel/include/moat/mode.h:
