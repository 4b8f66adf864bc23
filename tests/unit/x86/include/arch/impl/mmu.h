/* SPDX-License-Identifier: MIT */
/* struct pmap as arch/x86_64 has it, over the memory of the fake machine. */
#ifndef ARCH_IMPL_MMU_H
#define ARCH_IMPL_MMU_H

#include <arch/cpu.h>
#include <moat/spinlock.h>
#include <moat/types.h>

struct pmap {
	paddr_t root;
	struct spinlock lock;
	u64 tables;
	u64 peak;
	u32 active;
	struct {
		u64 resident[3];
	} __aligned(64) cpu[CPU_MAX];
};

void *direct_map(paddr_t pa);
paddr_t direct_map_paddr(const void *p);

#endif
