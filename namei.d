namei.o: kernel/fs/namei.c kernel/include/moat/heap.h \
  kernel/include/moat/types.h kernel/include/moat/string.h \
  kernel/fs/mount.h kernel/fs/dentry.h kernel/fs/inode.h \
  kernel/include/moat/fs.h kernel/include/moat/file.h \
  kernel/include/moat/mutex.h kernel/include/moat/waitq.h \
  kernel/include/moat/ktimer.h kernel/include/moat/spinlock.h \
  kernel/include/moat/lockrank.h kernel/include/moat/object.h \
  kernel/include/moat/frame.h kernel/arch/x86_64/include/arch/impl/mmu.h \
  kernel/include/moat/numa.h kernel/include/moat/radix.h \
  kernel/include/moat/refcount.h kernel/include/moat/panic.h \
  kernel/include/moat/uio.h kernel/include/moat/mode.h kernel/fs/namei.h \
  kernel/fs/path.h

kernel/include/moat/heap.h:

kernel/include/moat/types.h:

kernel/include/moat/string.h:

kernel/fs/mount.h:

kernel/fs/dentry.h:

kernel/fs/inode.h:

kernel/include/moat/fs.h:

kernel/include/moat/file.h:

kernel/include/moat/mutex.h:

kernel/include/moat/waitq.h:

kernel/include/moat/ktimer.h:

kernel/include/moat/spinlock.h:

kernel/include/moat/lockrank.h:

kernel/include/moat/object.h:

kernel/include/moat/frame.h:

kernel/arch/x86_64/include/arch/impl/mmu.h:

kernel/include/moat/numa.h:

kernel/include/moat/radix.h:

kernel/include/moat/refcount.h:

kernel/include/moat/panic.h:

kernel/include/moat/uio.h:

kernel/include/moat/mode.h:

kernel/fs/namei.h:

kernel/fs/path.h:
