/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * W^X: whether a program may have memory that is writable and executable at once. In a strict run it may not; code that is
 * made at run time is written first and made executable by mprotect(2) then, or written through a second mapping of a
 * memfd.
 */
#ifndef MOAT_WX_H
#define MOAT_WX_H

#include <moat/aspace.h>

extern bool wx_strict; /* [I after boot] */

/* The same for what a process promised (PR_SET_MDWE): may memory with the flags `before` get those of `after`? */
static inline bool exec_gain_forbids(const struct aspace *as, u32 before, u32 after)
{
	return unlikely(__atomic_load_n(&as->exec_gain, __ATOMIC_RELAXED)) && (after & VMA_EXEC) &&
	       ((after & VMA_WRITE) || !(before & VMA_EXEC));
}

/* Must memory with these flags be refused (EACCES)? */
static inline bool wx_forbids(u32 vma_flags)
{
	return (vma_flags & (VMA_WRITE | VMA_EXEC)) == (VMA_WRITE | VMA_EXEC) && wx_strict;
}

#endif
