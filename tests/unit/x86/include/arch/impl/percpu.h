/* SPDX-License-Identifier: MIT */
/* The little of a CPU that page tables and user copies look at. */
#ifndef ARCH_IMPL_PERCPU_H
#define ARCH_IMPL_PERCPU_H

#include <arch/cpu.h>
#include <arch/uaccess.h>
#include <moat/types.h>

struct cpu {
	u32 id;
	struct pmap *loaded_pmap, *user_pmap;
	struct uaccess_stats user_copies;
};

extern struct cpu cpus[CPU_MAX];
struct cpu *this_cpu(void);

#endif
