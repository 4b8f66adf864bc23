/* SPDX-License-Identifier: MIT */
/*
 * Changes of whole ranges of entries: removing, taking rights away, cleaning, moving. A range is done window by window,
 * a window being what one PD entry covers:
 *
 *     range           [================================================)
 *     windows     |----------|----------|----------|----------|----------|      2 MiB each
 *                   in part     whole      whole      whole     in part
 *
 * A whole window that is removed drops its table or block as one thing, shared or not. Every other change needs tables
 * of the pmap's own, of single pages: pmap_prepare sees to that while it may still fail.
 */
#include <asm/errno.h>
#include <moat/aspace.h>
#include <moat/panic.h>
#include <moat/waitq.h>
#include "pmap_internal.h"

/* The search of find_pd_entry. */
static __noinline u64 *search_pd_entry(struct pmap *pmap, u64 *addr, u64 end)
{
	unsigned level = 3;
	u64 *table = direct_map(pmap->root);

	while (*addr < end) {
		u64 unit = 1ull << (12 + 9 * level);
		unsigned first = index_at(*addr, level), i = first;
		i = first_live(table, i,
			       (u64)first + ((ALIGN_UP(end, unit) - ALIGN_DOWN(*addr, unit)) / unit));
		if (i != first)
			*addr = ALIGN_DOWN(*addr, unit) + (u64)(i - first) * unit;
		if (i == ENTRIES || *addr >= end) {
			/* Nothing more in this table: on from the top. */
			level = 3;
			table = direct_map(pmap->root);
		} else if (level == 1) {
			return &table[i];
		} else {
			table = table_of(table[i]);
			level--;
		}
	}
	return NULL;
}

u64 *find_pd_entry(struct pmap *pmap, u64 *addr, u64 end)
{
	u64 *e;

	/* On to the next window of a long range: others may have their turn. */
	if (IS_ALIGNED(*addr, HUGE_BYTES))
		waitq_give_way();
	/* Most ranges start where something is mapped. */
	e = pd_lookup(pmap, *addr);
	return e && *e ? e : search_pd_entry(pmap, addr, end);
}

static struct range window_part(u64 addr, u64 end)
{
	return (struct range){addr, MIN(ALIGN_DOWN(addr, HUGE_BYTES) + HUGE_BYTES, end)};
}

/* The last window of user space is one page short. */
static bool is_whole_window(struct range part)
{
	return range_len(part) == HUGE_BYTES || (part.end == USER_TOP && IS_ALIGNED(part.start, HUGE_BYTES));
}

void clear_pd_entry(struct pmap *pmap, u64 addr, u64 *e, struct tlb_batch *batch)
{
	u64 *pml4e = (u64 *)direct_map(pmap->root) + index_at(addr, 3);
	u64 *pdpte = table_of(*pml4e) + index_at(addr, 2);
	struct page *gone[2];
	unsigned count = 0;

	spin_lock(&pmap->lock);
	__atomic_store_n(e, 0, __ATOMIC_RELAXED);
	if (--page_holding(e)->table.live == 0) {
		gone[count++] = page_of(*pdpte);
		*pdpte = 0;
		if (--page_holding(pdpte)->table.live == 0) {
			gone[count++] = page_of(*pml4e);
			*pml4e = 0;
			page_holding(pml4e)->table.live--;
		}
	}
	spin_unlock(&pmap->lock);
	__atomic_sub_fetch(&pmap->tables, count, __ATOMIC_RELAXED);
	/* CPUs remember the tables on the way to any address; to forget one address is to forget all of them (SDM 3A, 4.10.4.1). */
	tlb_batch_add(batch, addr);
	while (count > 0) {
		frame_mark_clear(gone[--count]);
		tlb_batch_frame(batch, gone[count]);
	}
}

int pmap_prepare(struct pmap *pmap, struct range r, enum pmap_change change, struct tlb_batch *batch)
{
	struct range part;
	int err = 0;
	u64 *pde;

	for (u64 addr = r.start; !err && (pde = next_pd_entry(pmap, &addr, r.end)); addr = part.end) {
		u64 pd = *pde;

		part = window_part(addr, r.end);
		if (is_own_table(pd))
			continue;
		if (is_whole_window(part) && (change == PMAP_REMOVE || is_huge(pd)))
			continue;
		err = pmap_own(pmap, addr, batch);
	}
	return err;
}

/* Takes the leaf of a lazily free page out; false: a CPU has made it dirty, or it is none. */
static bool clear_lazy(u64 *e)
{
	u64 old = *e;

	if (page_of(old)->owner != FRAME_ANON)
		return false;
	while ((old & (PTE_P | PTE_D)) == PTE_P) {
		if (__atomic_compare_exchange_n(e, &old, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Removes the leaves of one table that is the pmap's own. */
static void remove_leaves(struct pmap *pmap, struct page *table, struct range r, unsigned flags,
			  struct tlb_batch *batch)
{
	u64 *entries = page_address(table);
	unsigned i = index_at(r.start, 0), end = i + (unsigned)(range_len(r) >> PAGE_SHIFT);
	u64 base = ALIGN_DOWN(r.start, HUGE_BYTES);
	u32 gone[3] = {0};

	for (; table->table.live && (i = first_live(entries, i, end)) < end; i++) {
		u64 *e = &entries[i], addr = base + (u64)i * PAGE_SIZE;
		struct page *frame = page_of(*e);
		unsigned owner = frame->owner;
		if ((flags & PMAP_ONLY_LAZY) && !clear_lazy(e))
			continue;
		if (owner_is_resident(owner)) {
			if (owner == FRAME_ANON && (flags & PMAP_KEEP_ANON))
				continue;
			gone[owner - FRAME_CACHE]++;
		}
		*e = 0;
		table->table.live--;
		tlb_batch_add(batch, addr);
		tlb_batch_frame(batch, frame);
	}
	for (unsigned o = 0; o < ARRAY_SIZE(gone); o++) {
		table->table.resident[o] -= (u16)gone[o];
		if (gone[o])
			resident_add(pmap, o + FRAME_CACHE, -(s64)gone[o]);
	}
}

void pmap_remove(struct pmap *pmap, struct range r, unsigned flags, struct tlb_batch *batch)
{
	struct range part;
	u64 *pde;

	note_peak(pmap);
	for (u64 addr = r.start; (pde = next_pd_entry(pmap, &addr, r.end)); addr = part.end) {
		struct page *table;

		part = window_part(addr, r.end);
		if (is_huge(*pde)) {
			if (flags & (PMAP_KEEP_ANON | PMAP_ONLY_LAZY))
				continue;
			ASSERT(is_whole_window(part));
			remove_huge(pmap, addr, pde, batch);
			continue;
		}
		table = page_of(*pde);
		if (is_own_table(*pde)) {
			remove_leaves(pmap, table, part, flags, batch);
			if (table->table.live)
				continue;
		}
		ASSERT(is_own_table(*pde) || (is_whole_window(part) && !flags));
		clear_pd_entry(pmap, addr, pde, batch);
		drop_table(pmap, table, batch);
	}
}

/* The bits that an entry keeps when its rights are cut down to prot. */
static u64 restricted(u64 entry, unsigned prot)
{
	if (!(prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC)))
		return (entry & (PTE_ADDR | PTE_PS | PTE_D)) | leaf_flags(0);
	if (!(prot & PMAP_WRITE))
		entry &= ~(u64)PTE_W;
	if (!(prot & PMAP_EXEC))
		entry |= PTE_NX;
	return entry;
}

/*
 * Gives each leaf of the range what change(entry, arg) makes of it. A thread on another CPU may make the hardware set
 * the dirty bit meanwhile: compare and swap. The tables are the pmap's own.
 */
static void change_leaves(struct pmap *pmap, struct range r, u64 (*change)(u64 entry, unsigned arg),
			  unsigned arg, struct tlb_batch *batch)
{
	struct range part;
	u64 *pde;

	for (u64 addr = r.start; (pde = next_pd_entry(pmap, &addr, r.end)); addr = part.end) {
		u64 step = is_huge(*pde) ? HUGE_BYTES : PAGE_SIZE;
		u64 *e = is_huge(*pde) ? pde : &table_of(*pde)[index_at(addr, 0)];

		part = window_part(addr, r.end);
		ASSERT(is_huge(*pde) ? is_whole_window(part) : is_own_table(*pde));
		for (u64 at = part.start; at < part.end; at += step, e++) {
			u64 old = *e, new;
			do {
				new = old ? change(old, arg) : 0;
			} while (new != old &&
				 !__atomic_compare_exchange_n(e, &old, new, false, __ATOMIC_RELAXED,
							      __ATOMIC_RELAXED));
			if (new != old)
				tlb_batch_add(batch, at);
		}
	}
}

void pmap_restrict(struct pmap *pmap, struct range r, unsigned prot, struct tlb_batch *batch)
{
	change_leaves(pmap, r, restricted, prot, batch);
}

/* What an entry becomes when it has all of prot, too. */
static u64 allowed(u64 entry, unsigned prot)
{
	u64 dirt = entry & PTE_D;

	if (!(entry & PTE_P))
		return (entry & PTE_ADDR) | (leaf_flags(prot) & ~(u64)PTE_D) | dirt;
	if (prot & PMAP_WRITE)
		entry |= PTE_W;
	return prot & PMAP_EXEC ? entry & ~PTE_NX : entry;
}

/* No TLB is told: one that knows less makes the CPU look again. */
void pmap_allow(struct pmap *pmap, struct range r, unsigned prot)
{
	struct range part;
	u64 *pde;

	for (u64 addr = r.start; (pde = next_pd_entry(pmap, &addr, r.end)); addr = part.end) {
		u64 *e = &table_of(*pde)[index_at(addr, 0)];

		part = window_part(addr, r.end);
		if (!is_own_table(*pde))
			continue;
		for (u64 at = part.start; at < part.end; at += PAGE_SIZE, e++) {
			u64 old = *e;
			while (old && page_of(old)->owner == FRAME_ANON && frame_refs(page_of(old)) == 1 &&
			       !__atomic_compare_exchange_n(e, &old, allowed(old, prot), false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
				;
		}
	}
}

static u64 cleaned(u64 entry, unsigned bits)
{
	return entry & ~((bits & PMAP_ACCESSED ? PTE_A : 0) | (bits & PMAP_DIRTY ? PTE_D : 0));
}

void pmap_clean(struct pmap *pmap, struct range r, unsigned bits, struct tlb_batch *batch)
{
	change_leaves(pmap, r, cleaned, bits, batch);
}

/*
 * Can the window at `addr` go over as one thing: a whole one that lands on a whole one? The last of user space cannot,
 * though it is whole where it lies: elsewhere the page that it lacks may belong to somebody else.
 */
static bool moves_whole(struct range part, u64 to)
{
	return range_len(part) == HUGE_BYTES && IS_ALIGNED(to, HUGE_BYTES);
}

int pmap_prepare_move(struct pmap *pmap, struct range from, u64 to, struct tlb_batch *batch)
{
	struct range part;
	int err = 0;

	for (u64 addr = from.start; !err && next_pd_entry(pmap, &addr, from.end); addr = part.end) {
		u64 dest = to + (addr - from.start), *pde;
		bool whole;

		part = window_part(addr, from.end);
		whole = moves_whole(part, dest);
		if (!whole)
			err = pmap_own(pmap, addr, batch);
		/* One window of the source may land in two. */
		for (u64 at = dest; !err && at < dest + range_len(part);
		     at = ALIGN_DOWN(at, HUGE_BYTES) + HUGE_BYTES) {
			pde = pd_entry(pmap, at);
			if (!pde || (!whole && !*pde && !add_table(pmap, pde)))
				err = -ENOMEM;
			else if (!whole)
				err = pmap_own(pmap, at, batch);
		}
	}
	return err;
}

static void move_whole(struct pmap *pmap, u64 addr, u64 *pde, u64 dest, struct tlb_batch *batch)
{
	u64 *to = pd_lookup(pmap, dest), moved;

	spin_lock(&pmap->lock);
	/* A table that was emptied, or made by a fault that then failed, may stand in the way. */
	if (*to) {
		ASSERT(is_own_table(*to) && page_of(*to)->table.live == 0);
		frame_mark_clear(page_of(*to));
		tlb_batch_frame(batch, page_of(*to));
		__atomic_sub_fetch(&pmap->tables, 1, __ATOMIC_RELAXED);
		page_holding(to)->table.live--;
	}
	/* Another CPU may make a huge page dirty until its entry does not count for it any more. */
	moved = is_huge(*pde) ? __atomic_fetch_and(pde, ~(u64)PTE_P, __ATOMIC_RELAXED) : *pde;
	*to = moved;
	count_entry(to);
	spin_unlock(&pmap->lock);
	clear_pd_entry(pmap, addr, pde, batch);
}

/* Moves one leaf, if there is one. */
static inline bool move_leaf(u64 *from, u64 *to)
{
	u64 e = *from;

	if (!e)
		return false;
	DEBUG_ASSERT(!*to);
	/* Another CPU may make a clean page dirty until its entry is gone. */
	if (likely(e & PTE_D))
		*from = 0;
	else
		e = __atomic_exchange_n(from, 0, __ATOMIC_RELAXED);
	*to = e;
	return true;
}

/* Moves `pages` leaves from one table to another, both the pmap's own; they may be the same one. */
static void move_run(u64 *from, u64 *to, u64 pages)
{
	struct page *from_table = page_holding(from), *to_table = page_holding(to);
	u16 moved = 0, owners[FRAME_OWNERS] = {0};

	/* From the first one's group to the last one's. */
	to_table->groups |= 2 * group_bit(&to[pages - 1]) - group_bit(to);
	/* Where all are private memory, no frame needs to be looked at. */
	if (from_table->table.live == from_table->table.resident[FRAME_ANON - FRAME_CACHE]) {
		for (u64 i = 0; i < pages; i++)
			moved += move_leaf(&from[i], &to[i]);
		owners[FRAME_ANON] = moved;
	} else {
		for (u64 i = 0; i < pages; i++) {
			if (move_leaf(&from[i], &to[i])) {
				moved++;
				owners[page_of(to[i])->owner]++;
			}
		}
	}
	from_table->table.live -= moved;
	to_table->table.live += moved;
	for (unsigned o = 0; o < ARRAY_SIZE(from_table->table.resident); o++) {
		from_table->table.resident[o] -= owners[FRAME_CACHE + o];
		to_table->table.resident[o] += owners[FRAME_CACHE + o];
	}
}

/*
 * Moves the leaves of one source window, run by run: a run ends where a table of the destination ends. A window that was
 * empty when the move was prepared may have got a table since, because another one lands in it; then there is nothing to
 * move, and no table where it would go.
 */
static void move_leaves(struct pmap *pmap, u64 pd, struct range part, u64 dest)
{
	unsigned start = index_at(part.start, 0), end = start + (unsigned)(range_len(part) >> PAGE_SHIFT);
	u64 *from = table_of(pd) + start, left = end - start;

	if (first_live(table_of(pd), start, end) == end)
		return;
	while (left > 0) {
		unsigned first = index_at(dest, 0);
		u64 *pde = pd_lookup(pmap, dest), pages = MIN(left, ENTRIES - first);
		ASSERT(pde && is_own_table(*pde));
		move_run(from, table_of(*pde) + first, pages);
		from += pages;
		dest += pages * PAGE_SIZE;
		left -= pages;
	}
}

/* After a move, and not during it: the destination may begin or end in a window of the source. */
static void drop_empty_tables(struct pmap *pmap, struct range r, struct tlb_batch *batch)
{
	u64 *pde;

	for (u64 addr = r.start; (pde = next_pd_entry(pmap, &addr, r.end));
	     addr = window_part(addr, r.end).end) {
		struct page *table = page_of(*pde);
		if (is_own_table(*pde) && !table->table.live) {
			clear_pd_entry(pmap, addr, pde, batch);
			drop_table(pmap, table, batch);
		}
	}
}

void pmap_move(struct pmap *pmap, struct range from, u64 to, struct tlb_batch *batch)
{
	struct range part;
	u64 *pde;

	for (u64 addr = from.start; (pde = next_pd_entry(pmap, &addr, from.end)); addr = part.end) {
		u64 dest = to + (addr - from.start);

		part = window_part(addr, from.end);
		if (moves_whole(part, dest)) {
			move_whole(pmap, addr, pde, dest, batch);
		} else {
			ASSERT(is_own_table(*pde));
			move_leaves(pmap, *pde, part, dest);
		}
	}
	drop_empty_tables(pmap, from, batch);
	tlb_batch_all(batch);
}
