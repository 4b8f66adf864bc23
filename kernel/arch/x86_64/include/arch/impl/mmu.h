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

extern u64 direct_map_base; /* virtual address of physical 0; [I] after boot */

static inline void *direct_map(paddr_t pa)
{
	return (void *)(direct_map_base + pa.raw);
}

static inline paddr_t direct_map_paddr(const void *p)
{
	return paddr((u64)p - direct_map_base);
}

#endif
