/* SPDX-License-Identifier: MIT */
/*
 * The audit behind "no page is writable and executable at once" (S1): walks the whole kernel half, and for each
 * executable frame looks at its alias in the direct map. Debug kernels run it at boot.
 */
#include <arch/impl/kernel_layout.h>
#include <arch/impl/x86.h>
#include <arch/machine.h>
#include <arch/mmu.h>
#include <moat/log.h>
#include <moat/panic.h>
#include "boot_info.h"

struct audit {
	u64 leaves, executable;
};

static u64 leaf_for(u64 va)
{
	u64 *table = direct_map(paddr(boot_info.root_table));

	for (unsigned level = 4; level-- > 0;) {
		u64 e = table[va >> (12 + 9 * level) & 511];
		if (!(e & PTE_P))
			return 0;
		if (level == 0 || (e & PTE_PS))
			return e;
		table = direct_map(paddr(e & PTE_ADDR));
	}
	return 0;
}

static void check_leaf(struct audit *a, u64 e, u64 va)
{
	a->leaves++;
	if (e & PTE_U)
		panic("kernel mapping %#llx is open to ring 3", (unsigned long long)va);
	if (e & PTE_NX)
		return;
	a->executable++;
	if (e & PTE_W)
		panic("kernel mapping %#llx is writable and executable", (unsigned long long)va);
	if (leaf_for(direct_map_base + (e & PTE_ADDR)) & PTE_W)
		panic("code at %#llx is writable through the direct map", (unsigned long long)va);
}

static void check_table(struct audit *a, const u64 *table, unsigned level, u64 base)
{
	for (u64 i = level == 3 ? 256 : 0; i < 512; i++) {
		u64 e = table[i], va = base + (i << (12 + 9 * level));
		if (!(e & PTE_P))
			continue;
		if (level == 0 || (e & PTE_PS))
			check_leaf(a, e, va);
		else
			check_table(a, direct_map(paddr(e & PTE_ADDR)), level - 1, va);
	}
}

void machine_check_mappings(void)
{
	struct audit a = {0, 0};

	check_table(&a, direct_map(paddr(boot_info.root_table)), 3, 0xffff000000000000ull);
	log_printf("boot: %llu kernel mappings checked, %llu executable, none also writable\n",
		   (unsigned long long)a.leaves, (unsigned long long)a.executable);
}
