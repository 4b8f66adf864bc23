/* SPDX-License-Identifier: MIT */
/*
 * Copying an address space for fork(2). The VMAs are copied one by one; what they map is shared, tables and all
 * (pmap_fork), and copied when one side writes.
 *
 *     VMA of the parent     what the child has
 *     ordinary              the same, its pages copy-on-write (private) or shared
 *     MADV_DONTFORK         nothing
 *     MADV_WIPEONFORK       the same VMA, empty
 *     locked                the same, not locked
 *
 * Neighbours that only a lock or their family kept apart are not joined in the child, as on Linux.
 *
 * Both address spaces are locked for writing: nobody faults while tables become shared.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* Limits and places that a child inherits; what it has used starts anew. */
static void copy_settings(struct aspace *child, const struct aspace *parent)
{
	child->heap = parent->heap;
	child->mmap_top = parent->mmap_top;
	child->stack_start = parent->stack_start;
	child->unjoined = parent->unjoined;
	child->history = parent->history;
	child->barriers = parent->barriers;
	child->limit_as_bytes = parent->limit_as_bytes;
	child->limit_data_bytes = parent->limit_data_bytes;
	child->limit_stack_bytes = parent->limit_stack_bytes;
	child->limit_lock_bytes = parent->limit_lock_bytes;
	child->huge_disabled = parent->huge_disabled;
	if (!(parent->exec_gain & EXEC_GAIN_NOT_INHERITED))
		child->exec_gain = parent->exec_gain;
}

static int copy_vma(struct aspace *child, const struct vma *from)
{
	struct vma *v;

	if ((from->flags & VMA_ACCOUNT) && !commit_allows(child, vma_pages(from)))
		return -ENOMEM;
	v = vma_alloc(child);
	if (!v)
		return -ENOMEM;
	*v = *from;
	if (v->flags & (VMA_LOCKED | VMA_WIPE_ON_FORK))
		child->unjoined = true;
	v->flags &= ~(u32)(VMA_LOCKED | VMA_LOCK_ON_FAULT);
	if (v->flags & VMA_WIPE_ON_FORK)
		v->anon_family = 0;
	anon_family_inherit(v);
	vma_take_backing(v);
	vma_tree_insert(child, v);
	return 0;
}

static int copy_vmas(struct aspace *child, struct aspace *parent)
{
	int err = 0;

	for (struct vma *v = aspace_find(parent, 0); v && !err; v = vma_next(v)) {
		waitq_give_way();
		if (!(v->flags & VMA_NO_FORK))
			err = copy_vma(child, v);
	}
	return err;
}

/* Takes out of the child what it must not see. */
static __noinline int drop_unshared(struct aspace *child, struct aspace *parent)
{
	struct tlb_batch batch;
	int err = 0;

	tlb_batch_init(&batch, &child->pmap);
	for (struct vma *v = aspace_find(parent, 0); v && !err; v = vma_next(v)) {
		if (!(v->flags & (VMA_NO_FORK | VMA_WIPE_ON_FORK)))
			continue;
		err = pmap_prepare(&child->pmap, v->range, PMAP_REMOVE, &batch);
		if (!err)
			pmap_remove(&child->pmap, v->range, 0, &batch);
	}
	tlb_flush(&batch);
	return err;
}

static __noinline int share_tables(struct aspace *child, struct aspace *parent)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &parent->pmap);
	err = pmap_fork(&child->pmap, &parent->pmap, &batch);
	tlb_flush(&batch);
	return err;
}

int aspace_fork(struct aspace *parent, struct aspace **out)
{
	struct aspace *child = aspace_create();
	int err;

	if (!child)
		return -ENOMEM;
	rwlock_write(&parent->lock);
	copy_settings(child, parent);
	rwlock_write(&child->lock);
	err = copy_vmas(child, parent);
	if (!err)
		err = share_tables(child, parent);
	if (!err)
		err = drop_unshared(child, parent);
	rwlock_write_done(&child->lock);
	rwlock_write_done(&parent->lock);
	if (err) {
		aspace_put(child);
		return err;
	}
	*out = child;
	return 0;
}
