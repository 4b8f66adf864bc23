/* SPDX-License-Identifier: MIT */
/*
 * Sharing page tables between parent and child.
 *
 *     before fork         after fork                        after the child's first write
 *
 *     parent              parent      child                 parent      child
 *       PD                  PD          PD                    PD          PD
 *       │ W                 │ -         │ -                   │ -         │ W
 *       PT (refs 1)         └──> PT <───┘ (refs 2)            PT (1)      PT' (1), a copy
 *       │ W                      │ W                          │ -         │ -
 *       frame (1)                frame (1)                    └─> frame <─┘ (2)
 *
 * So fork costs in proportion to the tables, not to the pages: for each last-level table one reference and one bit. The
 * copy takes a reference to each frame and takes PTE_W from the entries of private pages, in both tables: from then on a
 * frame's references say again who else has it. The owner that is left alone with a table gets its bit back by the next
 * write, and all entries of the table are as they were: nothing was copied, nothing is lost.
 *
 * References to a table change under its lock, so that exactly one owner finds out that it is the last.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/waitq.h>
#include "pmap_internal.h"

/* Drops every frame of a table that nobody uses any more. */
static void drop_frames(struct page *table, struct tlb_batch *batch)
{
	u64 *e = page_address(table);

	for (unsigned i = 0; table->table.live; i++) {
		i = first_live(e, i, ENTRIES);
		tlb_batch_frame(batch, page_of(e[i]));
		e[i] = 0;
		table->table.live--;
	}
}

/* Gives up one reference to a shared table. True: it was the last, and the caller has the table alone. */
static bool let_go(struct page *table)
{
	bool last;

	spin_lock(&table->table.lock);
	last = frame_refs(table) == 1;
	if (!last)
		frame_put(table);
	spin_unlock(&table->table.lock);
	return last;
}

void drop_table(struct pmap *pmap, struct page *table, struct tlb_batch *batch)
{
	u16 gone[3];

	/* A shared table does not change: what it counts is what this pmap has of it. */
	for (unsigned o = 0; o < ARRAY_SIZE(gone); o++) {
		gone[o] = table->table.resident[o];
		if (gone[o])
			resident_add(pmap, o + FRAME_CACHE, -(s64)gone[o]);
	}
	__atomic_sub_fetch(&pmap->tables, 1, __ATOMIC_RELAXED);
	tlb_batch_all(batch);
	/* Who is left alone with the table may write to its frames at once: no CPU may then still show them to this pmap. */
	if (frame_refs(table) > 1)
		tlb_flush(batch);
	if (let_go(table)) {
		drop_frames(table, batch);
		frame_mark_clear(table);
		tlb_batch_frame(batch, table);
	}
}

/* Copies a shared table; both tables then hold each frame, and neither lets anybody write to private ones. */
static void copy_entries(u64 *to, u64 *from, unsigned live)
{
	for (unsigned i = 0; live > 0; i++, live--) {
		struct page *frame;
		i = first_live(from, i, ENTRIES);
		frame = page_of(from[i]);
		frame_get(frame);
		if (frame->owner == FRAME_ANON && (from[i] & PTE_W))
			from[i] &= ~(u64)PTE_W;
		to[i] = from[i];
	}
}

int pmap_own(struct pmap *pmap, u64 addr, struct tlb_batch *batch)
{
	u64 *pde = pd_lookup(pmap, addr);
	struct page *table, *copy;

	if (!pde || !*pde || is_own_table(*pde))
		return 0;
	if (is_huge(*pde))
		return split_huge(pmap, addr, pde, batch);
	table = page_of(*pde);
	if (frame_refs(table) == 1) { /* nobody but this pmap could share it anew */
		__atomic_fetch_or(pde, PTE_W, __ATOMIC_RELAXED);
		tlb_batch_add(batch, addr);
		return 0;
	}
	copy = alloc_table(pmap, FRAME_ZERO);
	if (!copy)
		return -ENOMEM;
	spin_lock(&table->table.lock);
	copy->table.live = table->table.live;
	copy->groups = table->groups;
	memcpy(copy->table.resident, table->table.resident, sizeof(copy->table.resident));
	copy_entries(page_address(copy), page_address(table), table->table.live);
	spin_unlock(&table->table.lock);
	spin_lock(&pmap->lock);
	*pde = pfn_to_paddr(page_to_pfn(copy)).raw | TABLE_FLAGS;
	spin_unlock(&pmap->lock);
	__atomic_sub_fetch(&pmap->tables, 1, __ATOMIC_RELAXED);
	/* What the TLB knows stays true: the same frames, no right to write. Only the way to them has changed. */
	tlb_batch_add(batch, addr);
	if (let_go(table)) {
		drop_frames(table, batch);
		frame_mark_clear(table);
		tlb_batch_frame(batch, table);
	}
	return 0;
}

/* Shares what the PD entry e stands for: what the child's entry will be. */
static u64 share(u64 *e)
{
	/* Another CPU may make a huge page dirty meanwhile. */
	__atomic_fetch_and(e, ~(u64)PTE_W, __ATOMIC_RELAXED);
	if (is_huge(*e))
		frame_block_get(page_of(*e));
	else
		frame_get(page_of(*e));
	return *e;
}

/* Makes the tables of `level` (3: top, 1: PD) for the child. False when memory is out: what was done stays. */
static bool fork_table(struct pmap *child, u64 *to, u64 *from, unsigned level)
{
	unsigned left = page_holding(from)->table.live;

	for (unsigned i = 0; left > 0; i++, left--) {
		i = first_live(from, i, ENTRIES);
		if (level == 1) {
			if (is_table(from[i]) && page_of(from[i])->table.live == 0)
				continue;
			if (is_table(from[i]))
				child->tables++;
			to[i] = share(&from[i]);
		} else {
			struct page *table = alloc_table(child, FRAME_ZERO);
			if (!table)
				return false;
			to[i] = pfn_to_paddr(page_to_pfn(table)).raw | TABLE_FLAGS;
		}
		count_entry(&to[i]);
		if (level == 2)
			waitq_give_way();
		if (level > 1 && !fork_table(child, table_of(to[i]), table_of(from[i]), level - 1))
			return false;
	}
	return true;
}

int pmap_fork(struct pmap *child, struct pmap *parent, struct tlb_batch *batch)
{
	bool done = fork_table(child, direct_map(child->root), direct_map(parent->root), 3);

	tlb_batch_all(batch);
	if (!done) {
		/* Count what the child got, so that removing it counts down to zero. */
		u64 *pde;
		for (u64 at = 0; (pde = next_pd_entry(child, &at, 1ull << 47));
		     at = ALIGN_DOWN(at, HUGE_BYTES) + HUGE_BYTES) {
			if (is_huge(*pde))
				resident_add(child, FRAME_ANON, HUGE_PAGES);
			for (unsigned o = 0; is_table(*pde) && o < 3; o++)
				resident_add(child, o + FRAME_CACHE, page_of(*pde)->table.resident[o]);
		}
		return -ENOMEM;
	}
	for (unsigned owner = FRAME_CACHE; owner <= FRAME_ANON; owner++)
		resident_add(child, owner, (s64)pmap_resident(parent, owner));
	return 0;
}
