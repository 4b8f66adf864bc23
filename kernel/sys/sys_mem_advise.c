/* SPDX-License-Identifier: MIT */
/* System calls about the contents of memory: madvise(2), mincore(2), msync(2), mseal(2), userfaultfd(2). */
#include <asm/errno.h>
#include <linux/mman.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include "sys_mem.h"

s64 sys_madvise(u64 addr, size_t length, int advice)
{
	return aspace_advise(current_process()->aspace, addr, length, advice);
}

/* Tells the program in pieces: no lock is held around a user copy. */
s64 sys_mincore(u64 addr, size_t length, void __user *vector)
{
	u64 pages = length / PAGE_SIZE + (length % PAGE_SIZE != 0), done = 0;
	u8 piece[256];

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (addr > USER_TOP || length > USER_TOP - addr)
		return -ENOMEM;
	/* Before anything is looked at, even where there is nothing to tell. */
	if ((uintptr_t)vector > USER_TOP || pages > USER_TOP - (uintptr_t)vector)
		return -EFAULT;
	while (done < pages) {
		s64 n = aspace_resident(current_process()->aspace, addr + done * PAGE_SIZE,
					MIN(pages - done, sizeof(piece)), piece);

		if (n < 0)
			return n;
		if (copy_to_user((u8 __user *)vector + done, piece, (size_t)n))
			return -EFAULT;
		done += (u64)n;
		waitq_give_way();
		if (waitq_kill_due())
			return -EINTR;
	}
	return 0;
}

s64 sys_msync(u64 addr, size_t length, int flags)
{
	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	return aspace_sync(current_process()->aspace, addr, length, flags);
}

s64 sys_mseal(u64 addr, size_t length, u64 flags)
{
	return flags ? -EINVAL : aspace_seal(current_process()->aspace, addr, length);
}

s64 sys_userfaultfd(int flags)
{
	(void)flags;
	unsupported_flag("userfaultfd", "call");
	return -ENOSYS;
}
