/* SPDX-License-Identifier: MIT */
/*
 * Locked memory: mlock(2), mlock2(2), mlockall(2) and back. A lock is a flag of the VMA and a promise that its pages are
 * there; the tree counts locked pages for RLIMIT_MEMLOCK.
 *
 *     1  the flags of the whole range, up to its first hole      as->lock for writing
 *     2  the pages, one by one                                   as->lock for reading, taken anew for each
 *
 * Linux marks what comes before a hole and then says ENOMEM; so do we. Between the two steps another thread may unmap or
 * unlock: then there is nothing to fill.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

#define LOCK_FLAGS ((u32)(VMA_LOCKED | VMA_LOCK_ON_FAULT))

static u64 lock_limit_pages(const struct aspace *as)
{
	return __atomic_load_n(&as->limit_lock_bytes, __ATOMIC_RELAXED) >> PAGE_SHIFT;
}

int lock_limit_check(const struct aspace *as, u32 flags, u64 pages)
{
	if (likely(!(flags & VMA_LOCKED)))
		return 0;
	return as->locked_pages + pages > lock_limit_pages(as) ? -EAGAIN : 0;
}

/* Pages of r that are locked already. */
static u64 count_locked(struct aspace *as, struct range r)
{
	u64 pages = 0;

	for (struct vma *v = aspace_find(as, r.start); v && v->range.start < r.end; v = vma_next(v))
		if (v->flags & VMA_LOCKED)
			pages += (MIN(v->range.end, r.end) - MAX(v->range.start, r.start)) >> PAGE_SHIFT;
	return pages;
}

static int change_locked(struct aspace *as, struct range r, u32 lock, struct vma_list *dead)
{
	u64 end = mapped_end(as, r), limit = lock_limit_pages(as);
	u64 pages = as->locked_pages + (range_len(r) >> PAGE_SHIFT);
	int err;

	if (lock && pages > limit && pages - count_locked(as, r) > limit)
		return -ENOMEM;
	err = reflag_range(as, (struct range){r.start, end}, LOCK_FLAGS, lock, dead);
	return err || end == r.end ? err : -ENOMEM;
}

/* The next run of r that is to be filled, as it has the flags: shortens r from below; false when there is none. */
static bool next_run(struct aspace *as, struct range *r, u32 flags, u64 *end)
{
	struct vma *v;

	rwlock_read(&as->lock);
	for (v = aspace_find(as, r->start); v && v->range.start < r->end; v = vma_next(v))
		if ((v->flags & (flags | VMA_LOCK_ON_FAULT)) == flags)
			break;
	if (v && v->range.start < r->end) {
		r->start = MAX(r->start, v->range.start);
		*end = MIN(r->end, v->range.end);
	} else {
		r->start = r->end;
	}
	rwlock_read_done(&as->lock);
	return !range_empty(*r);
}

static int populate_run(struct aspace *as, u64 addr, u64 end, u32 flags)
{
	int err = 0;

	for (; !err && addr < end; addr += PAGE_SIZE) {
		waitq_give_way();
		err = waitq_kill_due() ? -EINTR : populate_own(as, addr, flags);
	}
	return err;
}

void aspace_fill(struct aspace *as, struct range r, u32 flags)
{
	u64 end;

	for (; next_run(as, &r, flags, &end); r.start = end)
		if (populate_run(as, r.start, end, flags) == -EINTR)
			return;
}

/* Locked memory, to the first error. */
static int fill_locked(struct aspace *as, struct range r)
{
	int err = 0;
	u64 end;

	for (; !err && next_run(as, &r, VMA_LOCKED, &end); r.start = end)
		err = populate_run(as, r.start, end, VMA_LOCKED);
	return err;
}

/* Whole pages that hold the bytes. */
static int covering_range(u64 addr, u64 len, struct range *r)
{
	u64 start = ALIGN_DOWN(addr, PAGE_SIZE);

	*r = (struct range){start, start + ALIGN_UP(len + (addr - start), PAGE_SIZE)};
	return r->end < r->start ? -EINVAL : 0;
}

int aspace_lock(struct aspace *as, u64 addr, u64 len, u32 lock)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range r;
	int err = covering_range(addr, len, &r);

	DEBUG_ASSERT((lock & ~LOCK_FLAGS) == 0);
	if (lock && __atomic_load_n(&as->limit_lock_bytes, __ATOMIC_RELAXED) == 0)
		return -EPERM;
	if (err || range_empty(r))
		return err;
	rwlock_write(&as->lock);
	err = change_locked(as, r, lock, &dead);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	if (err || lock != VMA_LOCKED)
		return err;
	err = fill_locked(as, r);
	/* Errors of mlock(2): what cannot be reached is ENOMEM, what is out of memory may be tried again. */
	return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

int aspace_lock_all(struct aspace *as, unsigned what)
{
	u32 lock = VMA_LOCKED | (what & LOCK_ALL_ON_FAULT ? (u32)VMA_LOCK_ON_FAULT : 0);
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range all = {0, USER_TOP};
	int err = 0;

	if (what && __atomic_load_n(&as->limit_lock_bytes, __ATOMIC_RELAXED) == 0)
		return -EPERM;
	rwlock_write(&as->lock);
	if ((what & LOCK_ALL_CURRENT) && as->mapped_pages > lock_limit_pages(as))
		err = -ENOMEM;
	/* MCL_FUTURE alone leaves what is mapped as it is; nothing at all unlocks it. */
	else if (what != LOCK_ALL_FUTURE && what != (LOCK_ALL_FUTURE | LOCK_ALL_ON_FAULT))
		err = reflag_range(as, all, LOCK_FLAGS, what & LOCK_ALL_CURRENT ? lock : 0, &dead);
	if (!err)
		as->default_flags = (as->default_flags & ~LOCK_FLAGS) | (what & LOCK_ALL_FUTURE ? lock : 0);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	if (!err && (what & LOCK_ALL_CURRENT))
		aspace_fill(as, all, VMA_LOCKED);
	return err;
}
