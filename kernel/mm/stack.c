/* SPDX-License-Identifier: MIT */
/*
 * Stacks that grow: a VMA with VMA_GROWSDOWN is extended when memory below it is touched.
 *
 *     | prev |<------ STACK_GAP at least ------>|........|---- stack ----|
 *                                               addr     start           end <= start + RLIMIT_STACK
 *
 * The gap keeps a stack from running into its neighbour unseen; a neighbour that is inaccessible, or a stack
 * itself, needs none.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

static bool gap_is_kept(const struct vma *prev, u64 addr)
{
	if (!prev || (prev->flags & VMA_GROWSDOWN) || !(prev->flags & VMA_PROT))
		return true;
	return addr - prev->range.end >= STACK_GAP;
}

/* May v begin at addr? as->lock held. */
static bool may_grow(struct aspace *as, struct vma *v, u64 addr)
{
	u64 pages = (v->range.start - addr) >> PAGE_SHIFT;

	if (addr < USER_MIN || !gap_is_kept(vma_prev(v), addr))
		return false;
	if (v->range.end - addr > __atomic_load_n(&as->limit_stack_bytes, __ATOMIC_RELAXED))
		return false;
	if (lock_limit_check(as, v->flags, pages))
		return false;
	if ((v->flags & VMA_ACCOUNT) && !commit_allows(as, pages))
		return false;
	return !aspace_exceeds_limits(as, pages, 0);
}

/* Extends the stack above addr down to it. Takes as->lock for writing. False when it may not grow. */
bool stack_grow(struct aspace *as, u64 addr)
{
	struct vma *v;
	bool ok = false;

	rwlock_write(&as->lock);
	v = aspace_find(as, addr);
	if (v && v->range.start <= addr) {
		ok = true; /* another thread was faster */
	} else if (v && (v->flags & VMA_GROWSDOWN) && !v->object && may_grow(as, v, addr)) {
		history_add(as, MAP_OP_STACK, (struct range){addr, v->range.start});
		/* It founds its family now, and stays apart from a stack that it reaches, as in Linux. */
		anon_family_set(v);
		as->unjoined = true;
		vma_tree_resize(as, v, (struct range){addr, v->range.end});
		ok = true;
	}
	rwlock_write_done(&as->lock);
	return ok;
}

int aspace_stack_start(struct aspace *as, struct range r, u64 *start)
{
	struct vma *v;
	int err = 0;

	rwlock_read(&as->lock);
	v = aspace_find(as, r.start);
	if (!v || v->range.start >= r.end)
		err = -ENOMEM;
	else if (!(v->flags & VMA_GROWSDOWN))
		err = -EINVAL;
	else
		*start = v->range.start;
	rwlock_read_done(&as->lock);
	return err;
}
