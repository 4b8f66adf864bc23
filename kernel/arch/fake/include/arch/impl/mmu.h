/* SPDX-License-Identifier: MIT */
/* The fake machine's page tables, see fake/pmap.c. */
#ifndef ARCH_IMPL_MMU_H
#define ARCH_IMPL_MMU_H

#include <moat/spinlock.h>
#include <moat/types.h>

struct fake_table;

struct pmap {
	struct spinlock lock;	   /* RANK_PMAP */
	struct fake_table *tables; /* [lock] in order of address */
	u64 resident[3];	   /* [lock] pages by owner, FRAME_CACHE first */
	u64 peak;		   /* [lock] */
	struct page *root;	   /* [I] the frame that the top level would take */
};

void *direct_map(paddr_t pa);
paddr_t direct_map_paddr(const void *p);

#endif
