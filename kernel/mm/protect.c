/* SPDX-License-Identifier: MIT */
/*
 * Changing rights: mprotect(2).
 *
 * Linux changes VMA after VMA and stops at the first that it may not change or at a hole, leaving what came
 * before changed. So the range is first cut off there ("reach"), and what remains is changed as one step:
 *
 *     VMAs      |--- a ---|--- b ---|    |--- c ---|
 *     range          [=========================)
 *     reach          [==============)                then -ENOMEM
 *
 * Rights that are taken away leave the page table at once; rights that are given arrive at once for private pages that no
 * other address space has, and with the next fault for all others.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include <moat/wx.h>
#include "aspace_internal.h"

/*
 * The flags of v with other rights. Private memory that becomes writable becomes committed; it stays so, unless it loses
 * that right before anything was written to it.
 */
static u32 flags_with(const struct vma *v, u32 prot)
{
	u32 flags = (v->flags & ~(u32)VMA_PROT) | prot;

	if (vma_flags_are_accounted(flags) && !(v->flags & VMA_WRITE))
		flags |= VMA_ACCOUNT;
	else if (!(prot & VMA_WRITE) && !v->object && !v->anon_family)
		flags &= ~(u32)VMA_ACCOUNT;
	return flags;
}

/* May this VMA have these rights? pages: of it, those in the range. */
static int check_vma(const struct aspace *as, const struct vma *v, u64 pages, u32 prot, u64 *new_data)
{
	u32 flags = flags_with(v, prot);

	if (((prot & VMA_WRITE) && (v->flags & VMA_NO_WRITE)) || ((prot & VMA_EXEC) && (v->flags & VMA_IO)) ||
	    wx_forbids(prot) || exec_gain_forbids(as, v->flags, prot))
		return -EACCES;
	if (v->flags & VMA_SEALED)
		return -EPERM;
	if (!vma_flags_are_data(v->flags) && vma_flags_are_data(flags)) {
		if (aspace_exceeds_limits(as, 0, *new_data + pages))
			return -ENOMEM;
		*new_data += pages;
	}
	if ((flags & ~v->flags & VMA_ACCOUNT) && !commit_allows(as, pages))
		return -ENOMEM;
	return 0;
}

/* What is there of a range that is to change. */
struct reach {
	u32 had;      /* every right that a VMA of it has */
	bool entered; /* a page may be entered in one of them */
};

/*
 * How far the change can go from r.start, where v is the first VMA: shortens r; the error that waits there, or 0. as->lock
 * held.
 */
static int find_reach(const struct aspace *as, struct vma *v, struct range *r, u32 prot, struct reach *reach)
{
	u64 at = r->start, new_data = 0;
	int err = 0;

	while (at < r->end) {
		if (!v || v->range.start > at)
			err = -ENOMEM;
		else
			err = check_vma(as, v, (MIN(v->range.end, r->end) - at) >> PAGE_SHIFT, prot,
					&new_data);
		if (err)
			break;
		reach->had |= v->flags & VMA_PROT;
		reach->entered |= v->entered;
		at = MIN(v->range.end, r->end);
		if (at < r->end) {
			waitq_give_way();
			v = vma_next(v);
		}
	}
	r->end = at;
	return err;
}

/*
 * Moves an edge of the range past a VMA that has these rights already: it needs no split. The VMA at r.start; it was v
 * before.
 */
static struct vma *skip_unchanged(struct aspace *as, struct vma *v, struct range *r, u32 prot)
{
	struct vma *last;

	/* One VMA with other rights: most calls. */
	if (v && v->range.end >= r->end && (v->flags & VMA_PROT) != prot)
		return v;
	for (; !range_empty(*r) && (v->flags & VMA_PROT) == prot; v = vma_next(v))
		r->start = MIN(v->range.end, r->end);
	while (!range_empty(*r) && (last = aspace_find(as, r->end - 1)) && (last->flags & VMA_PROT) == prot)
		r->end = MAX(last->range.start, r->start);
	return v;
}

/* Rights that go, go from every entry at once; those that come need not. */
static void set_prot(struct aspace *as, struct vma *v, u32 prot, struct tlb_batch *batch)
{
	unsigned old = vma_pmap_prot(v->flags), new = vma_pmap_prot(prot);

	vma_tree_reflag(as, v, flags_with(v, prot));
	if (!v->entered)
		return;
	if (old & ~new)
		pmap_restrict(&as->pmap, v->range, new, batch);
	if ((new & ~old) && !(v->flags & VMA_SHARED))
		pmap_allow(&as->pmap, v->range, new);
}

/* Gives every VMA of r, whose edges are VMA edges, the rights, and joins what has become alike. v: the first one. */
static void protect_range(struct aspace *as, struct vma *v, struct range r, u32 prot, struct tlb_batch *batch,
			  struct vma_list *dead)
{
	for (; v && v->range.start < r.end; v = vma_next(v)) {
		/* Unchanged ones that could be one stay two, as in Linux. */
		if ((v->flags & VMA_PROT) == prot)
			continue;
		waitq_give_way();
		set_prot(as, v, prot, batch);
		v = vma_merge_around(as, v, dead);
		if (v->range.end >= r.end)
			break;
	}
}

static int protect_locked(struct aspace *as, struct range r, u32 prot, struct tlb_batch *batch,
			  struct vma_list *dead)
{
	struct vma *v = aspace_find(as, r.start);
	struct reach reach = {0};
	struct carve carve;
	int stop = find_reach(as, v, &r, prot, &reach), err;

	v = skip_unchanged(as, v, &r, prot);
	if (range_empty(r))
		return stop;
	err = carve_prepare_at(as, v, r, &carve);
	if (err)
		return err;
	/* The tables of a range that loses rights must be this address space's own. */
	if (reach.entered && (vma_pmap_prot(reach.had) & ~vma_pmap_prot(prot)))
		err = pmap_prepare(&as->pmap, r, PMAP_CHANGE, batch);
	if (!err && as->vma_count + carve_count(&carve) > vma_count_max)
		err = -ENOMEM;
	if (err) {
		carve_done(&carve);
		return err;
	}
	carve_commit(as, r, &carve);
	protect_range(as, v->range.start < r.start ? vma_next(v) : v, r, prot, batch, dead);
	history_add(as, MAP_OP_PROTECT, r);
	carve_done(&carve);
	return stop;
}

/*
 * The part of r that is changed in one step: all of it, or, when locked memory becomes writable, what lies in the first
 * VMA. Its pages then become copies of its own at once (*fill), and those of no other VMA do.
 */
static struct range next_step(struct aspace *as, struct range r, u32 prot, bool *fill)
{
	struct vma *v = NULL;

	*fill = false;
	if ((prot & VMA_WRITE) && as->locked_pages)
		v = aspace_find(as, r.start);
	if (!v || v->range.start > r.start)
		return r;
	*fill = (v->flags & (VMA_WRITE | VMA_SHARED | VMA_LOCKED)) == VMA_LOCKED;
	return (struct range){r.start, MIN(v->range.end, r.end)};
}

int aspace_protect(struct aspace *as, u64 addr, u64 len, u32 vma_prot)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range r, step;
	struct tlb_batch batch;
	bool fill;
	int err;

	DEBUG_ASSERT((vma_prot & ~(u32)VMA_PROT) == 0);
	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (user_range(addr, len, &r))
		return -ENOMEM;
	do {
		rwlock_write(&as->lock);
		step = next_step(as, r, vma_prot, &fill);
		tlb_batch_init(&batch, &as->pmap);
		err = protect_locked(as, step, vma_prot, &batch, &dead);
		tlb_flush(&batch);
		rwlock_write_done(&as->lock);
		if (!err && fill)
			aspace_fill(as, step, VMA_LOCKED);
		r.start = step.end;
	} while (!err && !range_empty(r));
	vma_list_free(&dead);
	return err;
}
