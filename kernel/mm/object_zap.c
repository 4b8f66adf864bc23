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
 * A zap is done in two rounds. The first only makes ready what the second needs memory for, and may fail with nothing
 * changed; zap_lock is held from the one to the other. Between them the caller sets the size.
 *
 * Lock order: inode mutex, zap_lock, as->lock (one at a time), maps_lock; the pmap's inside.
 */
#include <moat/panic.h>
#include <moat/reclaim.h>
#include "aspace_internal.h"

/* One round. */
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

/* Whether private copies in v are left alone. */
static bool keeps_private(const struct zap *z, const struct vma *v)
{
	return !(z->flags & ZAP_PRIVATE) && !(v->flags & VMA_SHARED);
}

/* Copies the tables that the zap will change and that v's address space shares with another one. 0 or -ENOMEM. */
static int prepare_vma(const struct zap *z, struct vma *v, struct tlb_batch *batch)
{
	/* Guards stay: what lies between them is removed piece by piece. */
	bool pieces = keeps_private(z, v) || unlikely(v->flags & VMA_MAY_GUARD);
	struct range r;

	return shown_at(z, v, &r)
		       ? pmap_prepare(&v->aspace->pmap, r, pieces ? PMAP_CHANGE : PMAP_REMOVE, batch)
		       : 0;
}

/* Takes the pages out of one VMA. */
static int zap_vma(const struct zap *z, struct vma *v, struct tlb_batch *batch)
{
	struct range r;

	return shown_at(z, v, &r)
		       ? remove_but_guards(v->aspace, r, keeps_private(z, v) ? PMAP_KEEP_ANON : 0, batch)
		       : 0;
}

typedef int zap_step(const struct zap *z, struct vma *v, struct tlb_batch *batch);

/* v is to be visited again. */
static void unvisit(const struct zap *z, struct vma *v)
{
	spin_lock(&z->obj->maps_lock);
	v->zap_generation = 0;
	TAILQ_REMOVE(&z->obj->maps, v, sharer);
	TAILQ_INSERT_HEAD(&z->obj->maps, v, sharer);
	spin_unlock(&z->obj->maps_lock);
}

/* The VMAs of one address space that stand first in the list, as far as they do. */
static int visit_aspace(const struct zap *z, struct aspace *as, zap_step *step)
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
			err = step(z, v, &batch);
		while (!err && (v = visit_next(z, as)) != NULL);
		tlb_flush(&batch);
		if (err)
			unvisit(z, v);
	}
	rwlock_write_done(&as->lock);
	return err;
}

/* Does the step for every VMA in the list, to the first error. zap_lock held. */
static int visit_all(struct zap *z, zap_step *step)
{
	struct aspace *as;
	int err = 0;

	while (!err && (as = next_aspace(z)) != NULL) {
		err = visit_aspace(z, as, step);
		aspace_unpin(as);
	}
	return err;
}

/* From here on no VMA has been visited. zap_lock held. */
static void begin(struct zap *z)
{
	spin_lock(&z->obj->maps_lock);
	z->generation = ++z->obj->zap_generation;
	spin_unlock(&z->obj->maps_lock);
}

int mobj_zap_prepare(struct mobj *obj, struct range pages, unsigned flags)
{
	struct zap z = {.obj = obj, .pages = pages, .flags = flags};
	int err;

	mutex_lock(&obj->zap_lock);
	begin(&z);
	err = visit_all(&z, prepare_vma);
	if (err)
		mutex_unlock(&obj->zap_lock);
	return err;
}

bool mobj_zap_try(struct mobj *obj)
{
	struct zap z = {.obj = obj, .pages = {0, UINT64_MAX >> PAGE_SHIFT}};
	int err;

	if (!mutex_trylock(&obj->zap_lock))
		return false;
	begin(&z);
	err = visit_all(&z, zap_vma);
	mutex_unlock(&obj->zap_lock);
	return !err;
}

void mobj_zap_cancel(struct mobj *obj)
{
	mutex_unlock(&obj->zap_lock);
}

void mobj_zap_commit(struct mobj *obj, struct range pages, unsigned flags)
{
	struct zap z = {.obj = obj, .pages = pages, .flags = flags};

	begin(&z);
	/*
	 * Memory is wanting only where another thread has forked or cut a VMA since the tables were made ready. What was begun
	 * must come to its end: as a fault, it then waits for memory.
	 */
	while (visit_all(&z, zap_vma))
		if (!memory_make_room())
			waitq_give_way();
	mutex_unlock(&obj->zap_lock);
}
