/* SPDX-License-Identifier: MIT */
/*
 * Taking pages of an object out of every address space that shows them: truncation and hole punching.
 *
 * The object's list has every VMA that shows it. Its lock is a spinlock, and the address space's lock, which comes before
 * it, sleeps. So: look at the first VMA, pin its address space, let go of the list, lock the address space, and come back
 * for its VMAs. The list is kept in such an order that "not yet visited" always stands in front:
 *
 *     first                                                        last
 *     | not visited by this zap ...          | visited (its generation) ... |
 *       ^ split, forked or moved VMAs join     ^ a visited one moves, a fresh mapping joins
 *
 * A fresh mapping needs no visit: no page was entered for it before the size was set, or the hole punched. All others need
 * one, as they may have got entries from a VMA that was not visited when they were made of it. That their maker held its
 * address space's lock all the while is what makes this complete: the zap comes before, and there was nothing to copy, or
 * after, and finds the copy in the list.
 *
 * Lock order: inode mutex, zap_lock, as->lock (one at a time), maps_lock; the pmap's inside.
 */
#include <moat/panic.h>
#include "aspace_internal.h"

/* One call of mobj_zap. */
struct zap {
	struct mobj *obj;
	struct range pages;
	unsigned flags;
	u64 generation;
};

/* The address space of the first VMA that was not visited yet, pinned; NULL when there is none. */
static struct aspace *next_aspace(const struct zap *z)
{
	struct aspace *as = NULL;
	struct vma *v;

	spin_lock(&z->obj->maps_lock);
	v = TAILQ_FIRST(&z->obj->maps);
	if (v && v->zap_generation != z->generation) {
		as = v->aspace;
		aspace_pin(as);
	}
	spin_unlock(&z->obj->maps_lock);
	return as;
}

/* The first VMA, if it is of this address space (locked for writing) and not visited yet; it then counts as visited. */
static struct vma *visit_next(const struct zap *z, const struct aspace *as)
{
	struct mobj *obj = z->obj;
	struct vma *v;

	spin_lock(&obj->maps_lock);
	v = TAILQ_FIRST(&obj->maps);
	if (v && v->aspace == as && v->zap_generation != z->generation) {
		v->zap_generation = z->generation;
		TAILQ_REMOVE(&obj->maps, v, sharer);
		TAILQ_INSERT_TAIL(&obj->maps, v, sharer);
	} else {
		v = NULL;
	}
	spin_unlock(&obj->maps_lock);
	return v;
}

/* Where v shows the pages; false: nowhere. */
static bool shown_at(const struct zap *z, const struct vma *v, struct range *out)
{
	u64 first = v->object_offset >> PAGE_SHIFT, end = first + vma_pages(v);
	u64 from = MAX(first, z->pages.start), to = MIN(end, z->pages.end);

	if (from >= to)
		return false;
	out->start = v->range.start + ((from - first) << PAGE_SHIFT);
	out->end = v->range.start + ((to - first) << PAGE_SHIFT);
	return true;
}

/* Takes the pages out of one VMA; -ENOMEM: a table that is shared with another process could not be copied. */
static int zap_vma(const struct zap *z, const struct vma *v, struct tlb_batch *batch)
{
	bool keep = !(z->flags & ZAP_PRIVATE) && !(v->flags & VMA_SHARED);
	struct range r;

	return shown_at(z, v, &r) ? remove_but_guards(v->aspace, r, keep ? PMAP_KEEP_ANON : 0, batch) : 0;
}

/* The VMAs of one address space that stand first in the list, as far as they do. */
static int zap_aspace(const struct zap *z, struct aspace *as)
{
	struct tlb_batch batch;
	struct vma *v;
	int err = 0;

	rwlock_write(&as->lock);
	/* Without VMAs there may be no page tables left either: the last user has gone. */
	v = visit_next(z, as);
	if (v) {
		tlb_batch_init(&batch, &as->pmap);
		do
			err = zap_vma(z, v, &batch);
		while (!err && (v = visit_next(z, as)) != NULL);
		tlb_flush(&batch);
	}
	rwlock_write_done(&as->lock);
	return err;
}

int mobj_zap(struct mobj *obj, struct range pages, unsigned flags)
{
	struct zap z = {.obj = obj, .pages = pages, .flags = flags};
	struct aspace *as;
	int err = 0;

	mutex_lock(&obj->zap_lock);
	spin_lock(&obj->maps_lock);
	z.generation = ++obj->zap_generation;
	spin_unlock(&obj->maps_lock);
	while (!err && (as = next_aspace(&z)) != NULL) {
		err = zap_aspace(&z, as);
		aspace_unpin(as);
	}
	mutex_unlock(&obj->zap_lock);
	return err;
}
