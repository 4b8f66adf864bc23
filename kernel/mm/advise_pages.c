/* SPDX-License-Identifier: MIT */
/*
 * Advice that changes which pages a part of one VMA has.
 *
 *     DONTNEED        entries go; guards stay          FREE            entries stay, but are not dirty any more: the
 *     GUARD_INSTALL   entries go, guards come                          pages may be dropped until written again
 *     GUARD_REMOVE    guards go                        COLD, PAGEOUT   entries are marked as not used of late
 *
 * A guard is an entry that holds the guard frame and allows nothing: an access ends in SIGSEGV whatever the VMA says,
 * without a VMA of its own. No page-table code needs to know.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "advise.h"
#include "aspace_internal.h"

struct guard_search {
	u64 start, end; /* of the first run of guards at or after the range's start; start == end: none */
};

static bool note_guard(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	struct guard_search *s = arg;

	if (!frame_is_guard(pfn_to_page(leaf->pfn)))
		return s->start == s->end;
	if (s->start == s->end)
		s->start = s->end = addr;
	if (addr != s->end)
		return false;
	s->end = addr + PAGE_SIZE;
	return true;
}

static struct range first_guards(struct aspace *as, struct range r)
{
	struct guard_search s = {r.end, r.end};

	/* Nobody has any, mostly: then no table is looked at. */
	if (unlikely(frame_refs(guard_frame) > 1))
		pmap_for_each(&as->pmap, r, note_guard, &s);
	return (struct range){s.start, s.end};
}

static int remove_entries(struct aspace *as, struct range r, unsigned flags, struct tlb_batch *batch)
{
	int err;

	if (range_empty(r))
		return 0;
	err = pmap_prepare(&as->pmap, r, flags & PMAP_KEEP_ANON ? PMAP_CHANGE : PMAP_REMOVE, batch);
	if (!err)
		pmap_remove(&as->pmap, r, flags, batch);
	return err;
}

int remove_but_guards(struct aspace *as, struct range r, unsigned flags, struct tlb_batch *batch)
{
	int err = 0;

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	while (!err && !range_empty(r)) {
		struct range g = first_guards(as, r);

		err = remove_entries(as, (struct range){r.start, g.start}, flags, batch);
		r.start = g.end;
	}
	return err;
}

static int remove_guards(struct aspace *as, struct range r, struct tlb_batch *batch)
{
	int err = 0;

	while (!err && !range_empty(r)) {
		struct range g = first_guards(as, r);

		err = remove_entries(as, g, 0, batch);
		r.start = g.end;
	}
	return err;
}

/* All entries of r but the guards, or (guards) only those. */
static int drop(struct aspace *as, struct range r, bool guards)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &as->pmap);
	err = guards ? remove_guards(as, r, &batch) : remove_but_guards(as, r, 0, &batch);
	tlb_flush(&batch);
	return err;
}

static int clean(struct aspace *as, struct range r, unsigned bits)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &as->pmap);
	err = pmap_prepare(&as->pmap, r, PMAP_CHANGE, &batch);
	if (!err)
		pmap_clean(&as->pmap, r, bits, &batch);
	tlb_flush(&batch);
	return err;
}

/* One guard. A table that is shared becomes the address space's own for it. */
static int install_guard(struct aspace *as, u64 at)
{
	int err;

	frame_get(guard_frame);
	err = pmap_enter(&as->pmap, at, page_to_pfn(guard_frame), 0);
	if (err == -EBUSY) {
		err = own_table(as, at);
		if (!err)
			err = pmap_enter(&as->pmap, at, page_to_pfn(guard_frame), 0);
	}
	if (err)
		frame_put(guard_frame);
	return err;
}

/* An error leaves the guards that were made before it; to ask again is harmless. */
static int install_guards(struct aspace *as, struct vma *v, struct range part)
{
	struct tlb_batch batch;
	int err;

	if (v->flags & (VMA_SPECIAL | VMA_LOCKED))
		return -EINVAL;
	vma_tree_reflag(as, v, v->flags | VMA_MAY_GUARD);
	if (!v->object)
		anon_family_set(v);
	vma_note_entry(v);
	tlb_batch_init(&batch, &as->pmap);
	err = remove_entries(as, part, 0, &batch);
	tlb_flush(&batch);
	for (u64 at = part.start; !err && at < part.end; at += PAGE_SIZE) {
		waitq_give_way();
		err = waitq_kill_due() ? -EINTR : install_guard(as, at);
	}
	return err;
}

int advise_pages(struct aspace *as, struct vma *v, struct range part, int advice)
{
	u32 forbidden = VMA_LOCKED | VMA_IO;

	if (advice == MADV_DONTNEED_LOCKED)
		forbidden = VMA_IO;
	if (advice == MADV_GUARD_REMOVE)
		forbidden = VMA_SPECIAL;
	if (v->flags & forbidden)
		return -EINVAL;
	switch (advice) {
	case MADV_GUARD_INSTALL:
		return install_guards(as, v, part);
	case MADV_GUARD_REMOVE:
		return drop(as, part, true);
	case MADV_FREE:
		if (v->object)
			return -EINVAL;
		lazy_free_note(as);
		return clean(as, part, PMAP_DIRTY | PMAP_ACCESSED);
	case MADV_PAGEOUT:
		if (v->flags & VMA_DROPPABLE)
			return drop(as, part, false);
		return clean(as, part, PMAP_ACCESSED);
	case MADV_COLD:
		return clean(as, part, PMAP_ACCESSED);
	default:
		return drop(as, part, false);
	}
}

/* What MADV_REMOVE is to do next: a part of an object, with a reference. */
struct hole {
	struct mobj *object;
	struct range bytes;
	u64 next; /* address to go on at */
	bool gap; /* nothing is mapped before it */
};

static int find_hole(struct aspace *as, struct range r, struct hole *h)
{
	struct vma *v = aspace_find(as, r.start);
	u64 start, offset;

	if (!v || v->range.start >= r.end)
		return -ENOMEM;
	if ((v->flags & (VMA_LOCKED | VMA_SPECIAL)) || !v->object)
		return -EINVAL;
	if (!(v->flags & VMA_SHARED) || (v->flags & VMA_NO_WRITE))
		return -EACCES;
	start = MAX(v->range.start, r.start);
	offset = v->object_offset + (start - v->range.start);
	h->gap = v->range.start > r.start;
	h->next = MIN(v->range.end, r.end);
	h->bytes = (struct range){offset, offset + (h->next - start)};
	h->object = v->object;
	mobj_get(h->object);
	return 0;
}

int advise_remove(struct aspace *as, struct range r)
{
	bool gap = false;
	struct hole h;
	int err = 0;

	for (; !err && !range_empty(r); r.start = h.next) {
		rwlock_read(&as->lock);
		err = find_hole(as, r, &h);
		rwlock_read_done(&as->lock);
		if (err)
			return err;
		gap |= h.gap;
		err = mobj_punch(h.object, h.bytes);
		mobj_put(h.object);
	}
	return err ? err : gap ? -ENOMEM : 0;
}
