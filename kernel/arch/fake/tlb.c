/* SPDX-License-Identifier: MIT */
/*
 * A TLB for each CPU of the fake machine. It remembers every translation that was used until it is told to
 * forget it, and looks at the tables whenever one is used again: a translation that allows what the tables no
 * longer say is a flush that was forgotten, and ends the test.
 *
 * That a translation allows less than the tables is no fault: rights were given, and the CPU looks again. A write through
 * a translation that is not known to be dirty looks again too, and marks the entry, as hardware does.
 */
#include <stdlib.h>
#include <arch/cpu.h>
#include <arch/impl/fake.h>
#include <moat/panic.h>

#define SLOTS 1024 /* direct-mapped by page number */

static struct fake_translation tlbs[CPU_MAX][SLOTS];
static bool any_huge; /* has a huge entry ever been used? */

static struct fake_translation *slot(u32 cpu, u64 addr)
{
	return &tlbs[cpu][(addr >> PAGE_SHIFT) % SLOTS];
}

static bool is_stale(const struct fake_translation *t)
{
	struct pmap_leaf leaf;

	return !pmap_query(t->pmap, t->addr, &leaf) || leaf.pfn.raw != t->pfn.raw || (t->prot & ~leaf.prot);
}

void fake_tlb_reset(void)
{
	fake_tlb_forget_pmap(NULL);
}

/* Of a huge entry one address is enough, and all of it is forgotten. */
static void forget_huge(struct pmap *pmap, u64 addr)
{
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++)
		for (unsigned i = 0; i < SLOTS; i++) {
			struct fake_translation *t = &tlbs[cpu][i];

			if (t->pmap == pmap && t->huge && (t->addr ^ addr) < HUGE_BYTES)
				t->pmap = NULL;
		}
}

void fake_tlb_forget(struct pmap *pmap, u64 addr)
{
	if (any_huge)
		forget_huge(pmap, addr);
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++) {
		struct fake_translation *t = slot(cpu, addr);

		if (t->pmap == pmap && t->addr == addr)
			t->pmap = NULL;
	}
}

void fake_tlb_forget_pmap(struct pmap *pmap)
{
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++)
		for (unsigned i = 0; i < SLOTS; i++)
			if (!pmap || tlbs[cpu][i].pmap == pmap)
				tlbs[cpu][i].pmap = NULL;
}

void fake_tlb_check(void)
{
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++)
		for (unsigned i = 0; i < SLOTS; i++)
			if (tlbs[cpu][i].pmap && is_stale(&tlbs[cpu][i]))
				panic("stale TLB entry for %#lx", (unsigned long)tlbs[cpu][i].addr);
}

bool fake_tlb_translate(struct pmap *pmap, u64 addr, unsigned prot, pfn_t *pfn, bool *present)
{
	struct fake_translation *t = slot(cpu_id(), addr);
	struct pmap_leaf leaf;

	if (prot & PMAP_WRITE)
		prot |= PMAP_DIRTY;
	if (t->pmap == pmap && t->addr == addr && (t->prot & prot) == prot) {
		if (is_stale(t))
			panic("stale use of the TLB at %#lx", (unsigned long)addr);
		*pfn = t->pfn;
		return true;
	}
	/* As on hardware, an entry that PROT_NONE keeps does not count as present. */
	*present = pmap_query(pmap, addr, &leaf) && leaf.prot;
	if (!*present || (prot & ~leaf.prot & ~(unsigned)PMAP_DIRTY))
		return false;
	if (prot & ~leaf.prot) {
		fake_set_dirty(pmap, addr);
		leaf.prot |= PMAP_DIRTY;
	}
	*t = (struct fake_translation){.pmap = pmap,
				       .addr = addr,
				       .pfn = leaf.pfn,
				       .prot = leaf.prot,
				       .huge = leaf.size_bytes > PAGE_SIZE};
	any_huge |= t->huge;
	*pfn = leaf.pfn;
	return true;
}

void tlb_batch_init(struct tlb_batch *b, struct pmap *pmap)
{
	b->pmap = pmap;
	b->pages = 0;
	b->frame_count = 0;
}

void tlb_batch_add(struct tlb_batch *b, u64 addr)
{
	if (b->pages < TLB_SINGLE_MAX)
		b->addr[b->pages] = addr;
	if (b->pages <= TLB_SINGLE_MAX)
		b->pages++;
}

void tlb_batch_all(struct tlb_batch *b)
{
	b->pages = TLB_SINGLE_MAX + 1;
}

void tlb_batch_frame(struct tlb_batch *b, struct page *frame)
{
	if (b->frame_count == TLB_BATCH_FRAMES)
		tlb_flush(b);
	b->frames[b->frame_count++] = frame;
}

void tlb_flush(struct tlb_batch *b)
{
	if (b->pages > TLB_SINGLE_MAX)
		fake_tlb_forget_pmap(b->pmap);
	else
		for (u32 i = 0; i < b->pages; i++)
			fake_tlb_forget(b->pmap, b->addr[i]);
	b->pages = 0;
	for (u32 i = 0; i < b->frame_count; i++)
		frame_put(b->frames[i]);
	b->frame_count = 0;
}

void tlb_flush_page(struct pmap *pmap, u64 addr)
{
	fake_tlb_forget(pmap, addr);
}

void tlb_flush_range(struct pmap *pmap, struct range r)
{
	for (u64 addr = r.start; addr < r.end; addr += PAGE_SIZE)
		fake_tlb_forget(pmap, addr);
}

void tlb_flush_pmap(struct pmap *pmap)
{
	fake_tlb_forget_pmap(pmap);
}

void tlb_flush_all(void)
{
	fake_tlb_forget_pmap(NULL);
}
