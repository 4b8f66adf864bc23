/* SPDX-License-Identifier: MIT */
/* System calls that lock memory: mlock(2), mlock2(2), mlockall(2), munlock(2), munlockall(2). */
#include <asm/errno.h>
#include <linux/mman.h>
#include <moat/syscall.h>
#include "sys_mem.h"

static s64 lock(u64 addr, size_t length, u32 how)
{
	tell_lock_limit();
	return aspace_lock(current_process()->aspace, addr, length, how);
}

s64 sys_mlock(u64 addr, size_t length)
{
	return lock(addr, length, VMA_LOCKED);
}

s64 sys_mlock2(u64 addr, size_t length, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock(addr, length, VMA_LOCKED | (flags & MLOCK_ONFAULT ? (u32)VMA_LOCK_ON_FAULT : 0));
}

s64 sys_munlock(u64 addr, size_t length)
{
	return lock(addr, length, 0);
}

s64 sys_mlockall(int flags)
{
	unsigned what = (flags & MCL_CURRENT ? LOCK_ALL_CURRENT : 0u) |
			(flags & MCL_FUTURE ? LOCK_ALL_FUTURE : 0u) |
			(flags & MCL_ONFAULT ? LOCK_ALL_ON_FAULT : 0u);

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	tell_lock_limit();
	return aspace_lock_all(current_process()->aspace, what);
}

s64 sys_munlockall(void)
{
	return aspace_lock_all(current_process()->aspace, 0);
}
