/* SPDX-License-Identifier: MIT */
/*
 * The break: brk(2). as->heap is [start, break) in bytes; the pages that it touches are ordinary private
 * anonymous memory, and may be unmapped or protected like any other.
 *
 *     heap     start            old break        new break
 *              |================|................|
 *     pages    |------------------|--------------------|    grows by whole pages, must not come near the next
 * VMA
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include "aspace_internal.h"

#define BREAK_FLAGS (VMA_READ | VMA_WRITE | VMA_ACCOUNT)

/* May the heap's pages grow into r? One page is kept free above, as Linux does. as->lock held. */
static bool can_grow(struct aspace *as, struct range r, u64 new_break)
{
	u64 pages = range_len(r) >> PAGE_SHIFT;
	struct vma *next = aspace_find(as, r.start);

	if (r.end > USER_TOP || as->vma_count > vma_count_max)
		return false;
	if (next && r.end + PAGE_SIZE > vma_gap_start(next))
		return false;
	if (lock_limit_check(as, as->default_flags, pages))
		return false;
	if (new_break - as->heap.start > __atomic_load_n(&as->limit_data_bytes, __ATOMIC_RELAXED))
		return false;
	return !aspace_exceeds_limits(as, pages, pages) && commit_allows(as, pages);
}

static bool grow(struct aspace *as, struct range r, u64 new_break, struct vma_list *dead)
{
	struct vma *v;

	if (!can_grow(as, r, new_break))
		return false;
	v = vma_alloc(as);
	if (!v)
		return false;
	v->range = r;
	v->flags = BREAK_FLAGS | as->default_flags;
	v->object_offset = r.start;
	vma_add(as, v, aspace_find(as, r.end), dead);
	return true;
}

static bool shrink(struct aspace *as, struct range r, struct vma_list *dead)
{
	return !range_is_sealed(as, r) && !unmap_range(as, r, dead);
}

/* Moves the break if it can be moved. as->lock held for writing. */
static void move_break(struct aspace *as, u64 new_break, struct vma_list *dead)
{
	u64 old_top = ALIGN_UP(as->heap.end, PAGE_SIZE), new_top = ALIGN_UP(new_break, PAGE_SIZE);
	bool moved = true;

	if (new_break < as->heap.start || new_break > USER_TOP)
		return;
	if (new_top > old_top)
		moved = grow(as, (struct range){old_top, new_top}, new_break, dead);
	else if (new_top < old_top)
		moved = shrink(as, (struct range){new_top, old_top}, dead);
	if (!moved)
		return;
	as->heap.end = new_break;
	if (new_top != old_top)
		history_add(as, MAP_OP_BRK, (struct range){MIN(old_top, new_top), MAX(old_top, new_top)});
}

u64 aspace_brk(struct aspace *as, u64 new_break)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	u64 now, old;
	bool lock;

	rwlock_write(&as->lock);
	old = as->heap.end;
	move_break(as, new_break, &dead);
	now = as->heap.end;
	lock = now > old && (as->default_flags & VMA_LOCKED);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	if (lock)
		aspace_fill(as, (struct range){ALIGN_UP(old, PAGE_SIZE), ALIGN_UP(now, PAGE_SIZE)},
			    VMA_LOCKED);
	return now;
}
