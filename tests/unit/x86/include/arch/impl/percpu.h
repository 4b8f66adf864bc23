/* SPDX-License-Identifier: MIT */
/* The little of a CPU that the page tables look at. */
#ifndef ARCH_IMPL_PERCPU_H
#define ARCH_IMPL_PERCPU_H

#include <moat/types.h>

struct cpu {
	u32 id;
	struct pmap *loaded_pmap, *user_pmap;
};

struct cpu *this_cpu(void);

#endif
