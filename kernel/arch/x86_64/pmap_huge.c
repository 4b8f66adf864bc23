/* SPDX-License-Identifier: MIT */
/*
 * Huge entries: a PD entry that maps a block of 2 MiB at once. Only private anonymous memory has them.
 *
 * Taking one apart makes a table of 512 entries for the frames of the block. The block itself is split with the first
 * of its holders (frame_block.c); each holder's reference becomes one to each frame.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "pmap_internal.h"

int pmap_enter_huge(struct pmap *pmap, u64 addr, struct page *block, unsigned prot)
{
	u64 *pde = pd_entry(pmap, addr);
	int err = -EEXIST;

	DEBUG_ASSERT(IS_ALIGNED(addr, HUGE_BYTES) && block->order == HUGE_ORDER);
	if (!pde)
		return -ENOMEM;
	spin_lock(&pmap->lock);
	if (!*pde) {
		*pde = leaf_entry(page_to_pfn(block), prot) | PTE_PS;
		count_entry(pde);
		resident_add(pmap, block->owner, HUGE_PAGES);
		err = 0;
	}
	spin_unlock(&pmap->lock);
	return err;
}

int pmap_collapse(struct pmap *pmap, u64 addr, struct page *block, unsigned prot, struct tlb_batch *batch)
{
	u64 *pde = pd_lookup(pmap, addr), old = pde ? *pde : 0;

	if (!is_table(old))
		return -EINVAL;
	spin_lock(&pmap->lock);
	*pde = leaf_entry(page_to_pfn(block), prot) | PTE_PS;
	spin_unlock(&pmap->lock);
	resident_add(pmap, block->owner, HUGE_PAGES);
	drop_table(pmap, page_of(old), batch);
	return 0;
}

int replace_huge(struct pmap *pmap, u64 addr, u64 *pde, pfn_t pfn, unsigned prot, struct tlb_batch *batch)
{
	struct page *block;
	int err = -EAGAIN;

	spin_lock(&pmap->lock);
	block = page_of(*pde);
	if (is_huge(*pde) && pfn.raw - page_to_pfn(block).raw < HUGE_PAGES) {
		err = -EBUSY;
		if (!(prot & PMAP_WRITE) || frame_block_is_single_owner(block)) {
			*pde = leaf_entry(page_to_pfn(block), prot) | PTE_PS;
			err = 0;
		}
	}
	spin_unlock(&pmap->lock);
	if (!err)
		tlb_batch_add(batch, addr);
	return err;
}

int split_huge(struct pmap *pmap, u64 addr, u64 *pde, struct tlb_batch *batch)
{
	struct page *block = page_of(*pde), *table = alloc_table(pmap, 0);
	u64 flags = *pde & ~(u64)(PTE_ADDR | PTE_PS), *e, old;

	if (!table)
		return -ENOMEM;
	/* With other holders no entry may be written to until the frame has been copied. */
	if (!frame_block_is_single_owner(block))
		flags &= ~(u64)PTE_W;
	frame_block_split(block);
	e = page_address(table);
	for (u64 i = 0; i < ENTRIES; i++)
		e[i] = pfn_to_paddr(page_to_pfn(block + i)).raw | flags;
	table->table.live = ENTRIES;
	table->groups = ~0ull;
	table->table.resident[FRAME_ANON - FRAME_CACHE] = ENTRIES;
	spin_lock(&pmap->lock);
	old = __atomic_exchange_n(pde, pfn_to_paddr(page_to_pfn(table)).raw | TABLE_FLAGS, __ATOMIC_ACQ_REL);
	spin_unlock(&pmap->lock);
	/* A CPU that has made the block dirty meanwhile has written to some page of it. */
	for (u64 i = 0; (old & ~flags & PTE_D) && i < ENTRIES; i++)
		__atomic_fetch_or(&e[i], PTE_D, __ATOMIC_RELAXED);
	tlb_batch_add(batch, addr);
	return 0;
}

void remove_huge(struct pmap *pmap, u64 addr, u64 *pde, struct tlb_batch *batch)
{
	struct page *block = page_of(*pde);

	clear_pd_entry(pmap, addr, pde, batch);
	resident_add(pmap, FRAME_ANON, -(s64)HUGE_PAGES);
	tlb_batch_add(batch, addr);
	/* The block may be reused as soon as it is free: nothing may know it any more. */
	tlb_flush(batch);
	frame_block_put(block);
}
