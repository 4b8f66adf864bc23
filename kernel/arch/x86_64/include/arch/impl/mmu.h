/* SPDX-License-Identifier: MIT */
/* x86-64 page tables: four levels, docs/memory-layout.md. */
#ifndef ARCH_IMPL_MMU_H
#define ARCH_IMPL_MMU_H

#include <arch/cpu.h>
#include <moat/spinlock.h>
#include <moat/types.h>

struct pmap {
	paddr_t root;	      /* [I] the PML4 */
	struct spinlock lock; /* RANK_PMAP: adding and removing tables and huge entries */
	u64 tables;	      /* [lock] frames of page tables, the root included */
	u64 peak;	      /* [address-space lock] of all resident pages, as of the last removal */
	u32 active;	      /* [a] CPUs that have it loaded, one bit each */
	/* A cache line for each CPU: two that fault at once take none from each other. The sum over all CPUs counts. */
	struct {
		u64 resident[3]; /* [own CPU, a for readers] pages by owner, FRAME_CACHE first */
	} __aligned(64) cpu[CPU_MAX];
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
