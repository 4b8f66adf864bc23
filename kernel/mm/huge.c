/* SPDX-License-Identifier: MIT */
/*
 * Pages of 2 MiB for private anonymous memory.
 *
 *     VMA             |---[==========|==========|==========]-----|
 *     windows             whole      whole      whole                  aligned to 2 MiB
 *
 * The first write to an empty whole window maps a block at once, where the policy wants it and a block can be had; else a
 * single page is mapped as always. A huge entry comes apart without the program noticing when a part of it is unmapped,
 * protected or written to after a fork (pmap_own); aspace_collapse puts a window together again.
 */
#include <asm/errno.h>
#include <moat/huge.h>
#include <moat/mempolicy.h>
#include <moat/panic.h>
#include "aspace_internal.h"

enum huge_policy huge_policy = HUGE_MADVISE;
u32 fault_special_flags = VMA_HUGE;
static bool policies_in_use; /* [a] some memory policy is, see mempolicy.c */

/* Every write to private memory goes to VMAs with VMA_WRITE, so that flag means "always". */
static void set_special_flags(void)
{
	u32 flags = huge_policy == HUGE_ALWAYS || policies_in_use ? VMA_WRITE : 0;

	__atomic_store_n(&fault_special_flags, flags | VMA_HUGE, __ATOMIC_RELAXED);
}

void huge_policy_set(enum huge_policy policy)
{
	huge_policy = policy;
	set_special_flags();
}

void mempolicy_enable(void)
{
	policies_in_use = numa.nodes > 1;
	set_special_flags();
}

struct page *anon_frame_special(const struct vma *v, u64 addr, unsigned flags)
{
	return policies_in_use ? mempolicy_alloc(v, addr, 0, flags) : frame_alloc(0, flags, FRAME_ANON);
}

static struct range window_of(u64 addr)
{
	u64 start = ALIGN_DOWN(addr, HUGE_BYTES);

	return (struct range){start, start + HUGE_BYTES};
}

enum fault_result missing_huge(struct aspace *as, struct vma *v, u64 addr)
{
	struct range window = window_of(addr);
	struct page *block;

	if (!range_inside(window, v->range) || !pmap_window_is_empty(&as->pmap, addr))
		return FAULT_NOT_HUGE;
	block = policies_in_use ? mempolicy_alloc(v, addr, HUGE_ORDER, FRAME_ZERO)
				: frame_alloc(HUGE_ORDER, FRAME_ZERO, FRAME_ANON);
	if (!block)
		return FAULT_NOT_HUGE;
	anon_family_set(v);
	if (!pmap_enter_huge(&as->pmap, window.start, block, vma_pmap_prot(v->flags)))
		return FAULT_DONE;
	frame_put(block);
	return FAULT_NOT_HUGE;
}

static bool note_guard(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	bool *found = arg;

	(void)addr;
	*found = frame_is_guard(pfn_to_page(leaf->pfn));
	return !*found;
}

/* A huge entry has no place for a guard (MADV_GUARD_INSTALL). */
static bool has_guard(struct aspace *as, struct range window)
{
	bool found = false;

	if (unlikely(frame_refs(guard_frame) > 1))
		pmap_for_each(&as->pmap, window, note_guard, &found);
	return found;
}

/* Copies what the window maps to the block, zeros where it maps nothing. False when it maps nothing at all. */
static bool gather(struct aspace *as, struct range window, struct page *block)
{
	bool any = false;

	for (u64 addr = window.start; addr < window.end; addr += PAGE_SIZE, block++) {
		struct pmap_leaf leaf;
		if (pmap_query(&as->pmap, addr, &leaf)) {
			arch_copy_page(page_address(block), page_address(pfn_to_page(leaf.pfn)));
			any = true;
		} else {
			arch_clear_page(page_address(block));
		}
	}
	return any;
}

/* One window, with as->lock held for writing. */
static int collapse_window(struct aspace *as, struct range window)
{
	struct vma *v = aspace_find(as, window.start);
	struct tlb_batch batch;
	struct pmap_leaf leaf;
	struct page *block;
	int err = -EINVAL;

	if (!v || !range_inside(window, v->range) || v->object || (v->flags & VMA_NO_HUGE))
		return -EINVAL;
	if (pmap_query(&as->pmap, window.start, &leaf) && leaf.size_bytes == HUGE_BYTES)
		return 0;
	if (has_guard(as, window))
		return -EINVAL;
	block = policies_in_use ? mempolicy_alloc(v, window.start, HUGE_ORDER, 0)
				: frame_alloc(HUGE_ORDER, 0, FRAME_ANON);
	if (!block)
		return -ENOMEM;
	tlb_batch_init(&batch, &as->pmap);
	/* No other thread writes to a page between the copy and the new entry: it would have to fault, and waits for as->lock. */
	err = pmap_prepare(&as->pmap, window, PMAP_CHANGE, &batch);
	if (err) {
		tlb_flush(&batch);
		frame_put(block);
		return err;
	}
	pmap_restrict(&as->pmap, window, PMAP_READ | PMAP_EXEC, &batch);
	tlb_flush(&batch);
	err = -EINVAL;
	if (gather(as, window, block))
		err = pmap_collapse(&as->pmap, window.start, block, vma_pmap_prot(v->flags), &batch);
	if (err)
		frame_put(block);
	else
		anon_family_set(v);
	tlb_flush(&batch);
	return err;
}

int aspace_collapse(struct aspace *as, u64 addr, u64 len)
{
	struct range r;
	int err = user_range(addr, len, &r), last = 0;

	if (err)
		return err;
	for (u64 at = ALIGN_UP(r.start, HUGE_BYTES); at + HUGE_BYTES <= r.end; at += HUGE_BYTES) {
		rwlock_write(&as->lock);
		err = collapse_window(as, window_of(at));
		rwlock_write_done(&as->lock);
		if (err)
			last = err;
		if (waitq_kill_due())
			return -EINTR;
		waitq_give_way();
	}
	return last;
}
