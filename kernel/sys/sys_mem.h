/* SPDX-License-Identifier: MIT */
/* room: sys */
/* What the calls about memory share. */
#ifndef SYS_MEM_H
#define SYS_MEM_H

#include <linux/mman.h>
#include <linux/resource.h>
#include <moat/aspace.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include <moat/wx.h>

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

/* vm.memfd_noexec: whether files of memfd_create(2) may be programs. 0: unless the caller says no. */
enum memfd_noexec {
	MEMFD_NOEXEC_DEFAULT = 1, /* only if the caller says yes */
	MEMFD_NOEXEC_ALWAYS,	  /* never */
};
extern u32 memfd_noexec;

static inline u32 prot_to_vma(int prot)
{
	_Static_assert(PROT_READ == VMA_READ && PROT_WRITE == VMA_WRITE && PROT_EXEC == VMA_EXEC,
		       "the same bits");
	return (u32)prot & VMA_PROT;
}

/* What the run's policy refuses is told in the report; the address space refuses it. */
static inline void tell_wx(const char *call, u32 vma_flags)
{
	if (wx_forbids(vma_flags))
		unsupported_flag(call, "PROT_WRITE with PROT_EXEC (--wx)");
}

#endif
