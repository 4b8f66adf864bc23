/* SPDX-License-Identifier: MIT */
/*
 * Unmapping: munmap(2).
 *
 *     VMAs      |--- a ---|  |-- b --|  |--- c ---|
 *     range          [=======================)
 *     after     |-a--|                      |--c--|      at most one VMA more than before: a hole in one
 *
 * Where no page was ever entered (vma.entered) the page table is left alone. A range that is just one VMA, as most are,
 * needs no cut.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* The next VMA, if it may start before `end`. */
static inline struct vma *next_before(struct vma *v, u64 end)
{
	return v->range.end < end ? vma_next(v) : NULL;
}

/* Takes the pages of r out of the page table. */
static void remove_pages(struct aspace *as, struct range r)
{
	struct tlb_batch batch;

	tlb_batch_init(&batch, &as->pmap);
	pmap_remove(&as->pmap, r, 0, &batch);
	tlb_flush(&batch);
}

/* Before it, while the call may fail. */
static __noinline int prepare_pages(struct aspace *as, struct range r)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &as->pmap);
	err = pmap_prepare(&as->pmap, r, PMAP_REMOVE, &batch);
	tlb_flush(&batch);
	return err;
}

/* Takes the VMAs of r, whose edges are VMA edges, out of the tree. */
static void detach_vmas(struct aspace *as, struct range r, struct vma_list *dead)
{
	struct vma *v = aspace_find(as, r.start), *next;

	for (; v && v->range.start < r.end; v = next) {
		DEBUG_ASSERT(range_inside(v->range, r));
		waitq_give_way();
		next = next_before(v, r.end);
		vma_tree_remove(as, v);
		SLIST_INSERT_HEAD(dead, v, detached);
	}
}

void unmap_whole_vmas(struct aspace *as, struct range r, struct vma_list *dead)
{
	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	remove_pages(as, r);
	detach_vmas(as, r, dead);
}

/* The edges of r become edges of VMAs. */
static int cut_edges(struct aspace *as, struct range r)
{
	struct carve carve;
	int err = carve_prepare(as, r, &carve);

	if (err)
		return err;
	carve_commit(as, r, &carve);
	carve_done(&carve);
	return 0;
}

/* Was ever a page entered in what is mapped from v on in r? */
static bool any_entered(struct vma *v, struct range r)
{
	for (; v && v->range.start < r.end; v = next_before(v, r.end))
		if (v->entered)
			return true;
	return false;
}

/* v: the first VMA that ends above r.start, or NULL. */
static int unmap_from(struct aspace *as, struct vma *v, struct range r, struct vma_list *dead)
{
	bool whole = v && v->range.start == r.start && v->range.end == r.end;
	bool entered = whole ? v->entered : any_entered(v, r);
	int err = entered ? prepare_pages(as, r) : 0;

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	if (!err && !whole)
		err = cut_edges(as, r);
	if (err)
		return err;
	if (entered)
		remove_pages(as, r);
	if (whole) {
		vma_tree_remove(as, v);
		SLIST_INSERT_HEAD(dead, v, detached);
	} else {
		detach_vmas(as, r, dead);
	}
	return 0;
}

int unmap_range(struct aspace *as, struct range r, struct vma_list *dead)
{
	return unmap_from(as, aspace_find(as, r.start), r, dead);
}

static bool is_sealed_from(struct vma *v, struct range r)
{
	for (; v && v->range.start < r.end; v = next_before(v, r.end))
		if (v->flags & VMA_SEALED)
			return true;
	return false;
}

bool range_is_sealed(struct aspace *as, struct range r)
{
	return is_sealed_from(aspace_find(as, r.start), r);
}

int unmap_locked(struct aspace *as, struct range r, struct vma_list *dead)
{
	struct vma *v = aspace_find(as, r.start);
	int err;

	if (is_sealed_from(v, r))
		return -EPERM;
	/* A hole in one VMA leaves one more than before. */
	if (v && v->range.start < r.start && v->range.end > r.end && as->vma_count >= vma_count_max)
		return -ENOMEM;
	err = unmap_from(as, v, r, dead);
	if (!err)
		history_add(as, MAP_OP_UNMAP, r);
	return err;
}

int aspace_unmap(struct aspace *as, u64 addr, u64 len)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range r;
	int err = user_range(addr, len, &r);

	if (err || range_empty(r) || r.end > USER_TOP)
		return -EINVAL;
	rwlock_write(&as->lock);
	err = unmap_locked(as, r, &dead);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	return err;
}
