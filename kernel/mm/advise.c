/* SPDX-License-Identifier: MIT */
/*
 * madvise(2). Four kinds of advice:
 *
 *     flags      NORMAL … DONTDUMP, HUGEPAGE, MERGEABLE    flags of VMAs; they split and join
 *     contents   DONTNEED, FREE, REMOVE, GUARD_INSTALL …   pages leave the page table (advise_pages.c)
 *     filling    POPULATE_READ, POPULATE_WRITE             faults ahead (populate.c)
 *     hints      WILLNEED                                  heard; there is nothing to read ahead from
 *
 * As in Linux one VMA is done after the other: a hole is passed over and told at the end (ENOMEM), an error ends the
 * call with what came before done.
 *
 * The lock is held for writing even where no VMA changes: a fault that copies a page relies on the page staying where it
 * is as long as it holds the lock for reading.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "advise.h"
#include "aspace_internal.h"

/* What a piece of advice does to flags; not_for: VMAs with one of these flags refuse it. */
struct flag_advice {
	int advice;
	u32 clear, set, not_for;
	bool anon_only;
};

static const struct flag_advice flag_advices[] = {
	{MADV_NORMAL, VMA_RANDOM | VMA_SEQUENTIAL, 0, 0, false},
	{MADV_RANDOM, VMA_SEQUENTIAL, VMA_RANDOM, 0, false},
	{MADV_SEQUENTIAL, VMA_RANDOM, VMA_SEQUENTIAL, 0, false},
	{MADV_DONTFORK, 0, VMA_NO_FORK, 0, false},
	{MADV_DOFORK, VMA_NO_FORK, 0, VMA_IO, false},
	{MADV_WIPEONFORK, 0, VMA_WIPE_ON_FORK, VMA_SHARED, true},
	{MADV_KEEPONFORK, VMA_WIPE_ON_FORK, 0, VMA_DROPPABLE, false},
	{MADV_DONTDUMP, 0, VMA_NO_DUMP, 0, false},
	{MADV_DODUMP, VMA_NO_DUMP, 0, VMA_SPECIAL | VMA_DROPPABLE, false},
	{MADV_HUGEPAGE, VMA_NO_HUGE, VMA_HUGE, 0, false},
	{MADV_NOHUGEPAGE, VMA_HUGE, VMA_NO_HUGE, 0, false},
	{MADV_MERGEABLE, 0, VMA_MERGEABLE, 0, false},
	{MADV_UNMERGEABLE, VMA_MERGEABLE, 0, 0, false},
};

static const struct flag_advice *find_flag_advice(int advice)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_advices); i++)
		if (flag_advices[i].advice == advice)
			return &flag_advices[i];
	return NULL;
}

bool advice_is_known(int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_REMOVE:
	case MADV_COLLAPSE:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return true;
	default:
		return find_flag_advice(advice);
	}
}

/* Sealed memory that the program could not clear by writing must not be emptied in another way. */
static bool seal_forbids(const struct vma *v, int advice)
{
	if (!(v->flags & VMA_SEALED) || v->object || (v->flags & VMA_WRITE))
		return false;
	return advice == MADV_FREE || advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED ||
	       advice == MADV_DONTFORK || advice == MADV_WIPEONFORK || advice == MADV_GUARD_INSTALL;
}

static int advise_flags(struct aspace *as, struct vma *v, struct range part, const struct flag_advice *f,
			struct vma_list *dead)
{
	if ((v->flags & f->not_for) || (f->anon_only && v->object && !(v->flags & VMA_SPECIAL)))
		return -EINVAL;
	/* Shared and special memory is never merged by contents: Linux says nothing and marks nothing. */
	if (f->set == VMA_MERGEABLE && (v->flags & (VMA_SHARED | VMA_SPECIAL)))
		return 0;
	/* Errors of madvise(2): the kernel's own want of memory may pass. */
	return reflag_range(as, part, f->clear, f->set, dead) ? -EAGAIN : 0;
}

static int advise_vma(struct aspace *as, struct vma *v, struct range part, int advice, struct vma_list *dead)
{
	const struct flag_advice *f = find_flag_advice(advice);

	if (seal_forbids(v, advice))
		return -EPERM;
	if (f)
		return advise_flags(as, v, part, f, dead);
	return advice == MADV_WILLNEED ? 0 : advise_pages(as, v, part, advice);
}

static int advise_locked(struct aspace *as, struct range r, int advice, struct vma_list *dead)
{
	bool hole = false;
	int err = 0;

	while (!err && !range_empty(r)) {
		struct vma *v = aspace_find(as, r.start);
		struct range part;

		if (!v)
			return -ENOMEM;
		hole |= v->range.start > r.start;
		part = (struct range){MAX(v->range.start, r.start), MIN(v->range.end, r.end)};
		if (range_empty(part))
			break;
		err = advise_vma(as, v, part, advice, dead);
		r.start = part.end;
		if (!range_empty(r))
			waitq_give_way();
	}
	return err ? err : hole ? -ENOMEM : 0;
}

/* Each VMA must be able to hold a huge page, and not have been told otherwise. */
static int check_collapse(struct aspace *as, struct range r)
{
	int err = 0;

	rwlock_read(&as->lock);
	for (struct vma *v = aspace_find(as, r.start); v && v->range.start < r.end && !err; v = vma_next(v))
		if ((v->flags & (VMA_NO_HUGE | VMA_SPECIAL)) ||
		    ALIGN_UP(v->range.start, HUGE_BYTES) + HUGE_BYTES > v->range.end)
			err = -EINVAL;
	if (!err && mapped_end(as, r) < r.end)
		err = -ENOMEM;
	rwlock_read_done(&as->lock);
	return err;
}

int aspace_advise(struct aspace *as, u64 addr, u64 len, int advice)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range r;
	int err = user_range(addr, len, &r);

	if (!advice_is_known(advice))
		return -EINVAL;
	if (err || range_empty(r))
		return err;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return aspace_populate(as, addr, len,
				       VMA_READ | (advice == MADV_POPULATE_WRITE ? VMA_WRITE : 0));
	if (advice == MADV_REMOVE)
		return advise_remove(as, r);
	if (advice == MADV_COLLAPSE) {
		err = check_collapse(as, r);
		return err ? err : aspace_collapse(as, addr, len);
	}
	rwlock_write(&as->lock);
	err = advise_locked(as, r, advice, &dead);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	return err;
}

int aspace_discard(struct aspace *as, u64 addr, u64 len)
{
	return aspace_advise(as, addr, len, MADV_DONTNEED);
}
