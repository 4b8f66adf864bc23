/* SPDX-License-Identifier: MIT */
/*
 * Changing flags of VMAs that say how memory is filled and kept: mlock(2), madvise(2), mseal(2). No page table changes.
 *
 *     VMAs      |---- a ----|--- b ---|   |--- c ---|        b has the flags already
 *     range           [==========================)
 *     after     |--a--|--a'-|--- b ---|   |--c'-|-c-|        a' and b become one if they can
 *
 * Only the edges of the range need new nodes, so that all of it is one step, whatever lies between.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* Special and droppable mappings are never locked; nobody is told (mlock(2) on the vDSO succeeds). */
static u32 flags_after(const struct vma *v, u32 clear, u32 set)
{
	u32 flags = (v->flags & ~clear) | set;

	if (v->flags & (VMA_SPECIAL | VMA_DROPPABLE))
		flags &= ~(u32)(VMA_LOCKED | VMA_LOCK_ON_FAULT);
	return flags;
}

/* Moves the edges of r past VMAs that need no change: they need no split. */
static void skip_unchanged(struct aspace *as, struct range *r, u32 clear, u32 set)
{
	struct vma *v;

	while (!range_empty(*r) && (v = aspace_find(as, r->start)) && flags_after(v, clear, set) == v->flags)
		r->start = MIN(v->range.end, r->end);
	while (!range_empty(*r) && (v = aspace_find(as, r->end - 1)) && v->range.start < r->end &&
	       flags_after(v, clear, set) == v->flags)
		r->end = MAX(v->range.start, r->start);
}

int reflag_range(struct aspace *as, struct range r, u32 clear, u32 set, struct vma_list *dead)
{
	struct carve carve;
	int err;

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	DEBUG_ASSERT(((clear | set) & ~(u32)(VMA_ADVICE | VMA_SEALED)) == 0);
	skip_unchanged(as, &r, clear, set);
	if (range_empty(r))
		return 0;
	err = carve_prepare(as, r, &carve);
	if (err)
		return err;
	if (as->vma_count + carve_count(&carve) > vma_count_max) {
		carve_done(&carve);
		return -ENOMEM;
	}
	carve_commit(as, r, &carve);
	for (struct vma *v = aspace_find(as, r.start); v && v->range.start < r.end; v = vma_next(v)) {
		u32 flags = flags_after(v, clear, set);

		/* Unchanged ones that could be one stay two, as in Linux. */
		if (flags == v->flags)
			continue;
		waitq_give_way();
		vma_tree_reflag(as, v, flags);
		v = vma_merge_around(as, v, dead);
	}
	carve_done(&carve);
	return 0;
}

u64 mapped_end(struct aspace *as, struct range r)
{
	u64 at = r.start;

	for (struct vma *v = aspace_find(as, at); v && v->range.start <= at && at < r.end; v = vma_next(v))
		at = MIN(v->range.end, r.end);
	return at;
}
