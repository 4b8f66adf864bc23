/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 page tables on the host. kernel/arch/x86_64/pmap*.c are compiled as they are, over the memory, the TLB and
 * the user accesses of arch/fake; this file is what else they need: one CPU, a register, and the part of the hardware
 * that writes to entries.
 *
 * The kernel's half of each top level is copied from a frame of rubbish: nobody may walk it.
 */
#include <arch/impl/fake.h>
#include <arch/impl/percpu.h>
#include "boot_info.h"
#include "pmap_internal.h"

struct boot_info boot_info = {.root_table = FAKE_RAM_BASE};
void (*fake_race)(u64 addr);
struct cpu cpus[CPU_MAX];

struct cpu *this_cpu(void)
{
	return &cpus[0];
}

void write_cr3(u64 root)
{
	(void)root;
}

void fake_set_dirty(struct pmap *pmap, u64 addr)
{
	u64 *pde = pd_lookup(pmap, addr);

	if (is_huge(*pde))
		*pde |= PTE_D;
	else
		table_of(*pde)[index_at(addr, 0)] |= PTE_D;
}

void tlb_leave(struct pmap *pmap)
{
	if (cpus[0].loaded_pmap == pmap)
		pmap_activate(NULL);
}
