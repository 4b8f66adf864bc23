/* SPDX-License-Identifier: MIT */
/* room: sys */
/* What the calls about memory share. */
#ifndef SYS_MEM_H
#define SYS_MEM_H

#include <linux/resource.h>
#include <moat/aspace.h>
#include <moat/task.h>

/*
 * Tells the address space how much memory the calling process may lock (RLIMIT_MEMLOCK): the limit does not hold for
 * who has CAP_IPC_LOCK, and users change. So each call that may lock something says it anew.
 */
static inline void tell_lock_limit(void)
{
	const struct process *me = current_process();

	__atomic_store_n(&me->aspace->limit_lock_bytes,
			 capable(CAP_IPC_LOCK) ? UINT64_MAX : me->limits[RLIMIT_MEMLOCK].soft,
			 __ATOMIC_RELAXED);
}

#endif
