/* SPDX-License-Identifier: MIT */
/* x86-64 page tables: four levels, docs/memory-layout.md. */
#ifndef ARCH_IMPL_MMU_H
#define ARCH_IMPL_MMU_H

#include <moat/spinlock.h>
#include <moat/types.h>

struct pmap {
	paddr_t root;	      /* [I] the PML4 */
	struct spinlock lock; /* RANK_PMAP: every table of the user half */
	u64 tables;	      /* [lock] frames of page tables, the root included */
	u32 active;	      /* [a] CPUs that have it loaded, one bit each */
};

#endif
