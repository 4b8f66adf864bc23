/* SPDX-License-Identifier: MIT */
/* room: mm */
/* When private memory is mapped by pages of 2 MiB: /sys/kernel/mm/transparent_hugepage/enabled. */
#ifndef MOAT_HUGE_H
#define MOAT_HUGE_H

#include <moat/aspace.h>

enum huge_policy {
	HUGE_ALWAYS,  /* wherever it fits, but for MADV_NOHUGEPAGE */
	HUGE_MADVISE, /* where MADV_HUGEPAGE asked for it */
	HUGE_NEVER,
};

extern enum huge_policy huge_policy; /* [a] */
void huge_policy_set(enum huge_policy policy);

static inline bool huge_is_wanted(const struct aspace *as, u32 vma_flags)
{
	u8 disabled = __atomic_load_n(&as->huge_disabled, __ATOMIC_RELAXED);

	if (unlikely(disabled) && !((disabled & 2) && (vma_flags & VMA_HUGE)))
		return false;
	if (vma_flags & VMA_HUGE)
		return huge_policy != HUGE_NEVER;
	return huge_policy == HUGE_ALWAYS && !(vma_flags & (VMA_NO_HUGE | VMA_GROWSDOWN));
}

#endif
