/* SPDX-License-Identifier: MIT */
/*
 * Growing, shrinking and moving a mapping: mremap(2). A move takes page-table entries along and copies no byte.
 *
 *     shrink in place     |=====|xxx|            the tail is unmapped
 *     grow in place       |=====|+++|            if nothing follows
 *     move                |xxxxx|     |=====|++| the VMA itself is taken along, with the references that it holds
 *     keep the old one    |     |     |=====|    MREMAP_DONTUNMAP: the pages go, an empty VMA stays
 *     duplicate           |=====|     |=====|    old_len 0: shared memory is shown twice
 *
 * A move to a given place that does not change the size may take several VMAs along, one after the other, with the holes
 * between them, as Linux does since 6.17. As there, what was mapped at the destination is gone even when the move then
 * fails for want of memory: its tables must be empty before those of the move are made ready.
 *
 * Which byte of itself private memory shows (object_offset) goes along with its pages; memory without any starts anew at
 * the new address, so that it merges there.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* One VMA's part of a request: lengths are whole pages, `to` is where it goes or a hint. */
struct remap {
	struct aspace *as;
	u64 addr, old_len, new_len, to;
	u32 how;
	struct vma_list *dead;
	struct range fill; /* result: grown and locked */
};

static u64 grown_pages(const struct remap *m)
{
	return m->new_len > m->old_len ? (m->new_len - m->old_len) >> PAGE_SHIFT : 0;
}

/* What is wrong with the request whatever is mapped. Lengths are rounded. */
static int check_request(const struct aspace *as, const struct remap *m)
{
	if (!IS_ALIGNED(m->addr, PAGE_SIZE) || m->new_len == 0 || m->new_len > USER_TOP)
		return -EINVAL;
	if (!(m->how & (REMAP_AT | REMAP_KEEP)))
		return 0;
	if (!IS_ALIGNED(m->to, PAGE_SIZE) || m->to > USER_TOP - m->new_len)
		return -EINVAL;
	if (!(m->how & REMAP_MAY_MOVE) || ((m->how & REMAP_KEEP) && m->old_len != m->new_len))
		return -EINVAL;
	if (m->addr < m->to + m->new_len && m->to < m->addr + m->old_len)
		return -EINVAL;
	return as->vma_count + 5 >= vma_count_max ? -ENOMEM : 0;
}

/* May v, which lies at m->addr or does not exist, be remapped so? as->lock held. */
static int check_vma(const struct remap *m, const struct vma *v)
{
	bool stays = !(m->how & (REMAP_AT | REMAP_KEEP)) && m->new_len <= m->old_len;
	u64 end;

	if (!v || v->range.start > m->addr)
		return -EFAULT;
	if (v->flags & VMA_SEALED)
		return -EPERM;
	if (m->old_len == 0 && !(v->flags & VMA_SHARED))
		return -EINVAL;
	if ((v->flags & VMA_SPECIAL) && (m->how & REMAP_KEEP))
		return -EINVAL;
	if (stays)
		return 0;
	/* The tail that a shrinking move leaves behind is only unmapped: it may lie in other VMAs. */
	if (MIN(m->old_len, m->new_len) > v->range.end - m->addr)
		return -EFAULT;
	if (m->new_len <= m->old_len)
		return 0;
	if (__builtin_add_overflow(v->object_offset + (m->addr - v->range.start), m->new_len, &end))
		return -EINVAL;
	if (v->flags & VMA_SPECIAL)
		return -EFAULT;
	if (lock_limit_check(m->as, v->flags, grown_pages(m)))
		return -EAGAIN;
	if (aspace_exceeds_limits(m->as, grown_pages(m), vma_flags_are_data(v->flags) ? grown_pages(m) : 0))
		return -ENOMEM;
	return 0;
}

static bool can_grow_in_place(const struct remap *m, struct vma *v)
{
	u64 end = m->addr + m->new_len;
	struct vma *next = vma_next(v);

	return v->range.end == m->addr + m->old_len && m->old_len && end <= USER_TOP &&
	       (!next || next->range.start >= end);
}

static void note_growth(struct remap *m, const struct vma *v, u64 at)
{
	if ((v->flags & VMA_LOCKED) && m->new_len > m->old_len)
		m->fill = (struct range){at + m->old_len, at + m->new_len};
}

static int grow_in_place(struct remap *m, struct vma *v)
{
	if ((v->flags & VMA_ACCOUNT) && !commit_allows(m->as, grown_pages(m)))
		return -ENOMEM;
	note_growth(m, v, m->addr);
	vma_tree_resize(m->as, v, (struct range){v->range.start, m->addr + m->new_len});
	history_add(m->as, MAP_OP_REMAP, (struct range){m->addr, m->addr + m->new_len});
	/* What has grown is its upper end; a lower neighbour that a fork left apart stays apart. */
	vma_merge_above(m->as, v, m->dead);
	return 0;
}

/* What a move takes before it may not fail any more. */
struct move_nodes {
	struct carve carve;
	struct vma *copy; /* for the new place, when the old one stays */
};

static void free_nodes(struct move_nodes *n)
{
	carve_done(&n->carve);
	kfree(n->copy);
}

static int prepare_move(const struct remap *m, struct range from, struct move_nodes *n)
{
	struct tlb_batch batch;
	int err = 0;

	*n = (struct move_nodes){0};
	if (range_empty(from) || (m->how & REMAP_KEEP)) {
		n->copy = vma_alloc(m->as);
		if (!n->copy)
			return -ENOMEM;
	}
	if (range_empty(from))
		return 0;
	if (!(m->how & REMAP_KEEP))
		err = carve_prepare(m->as, from, &n->carve);
	if (!err) {
		tlb_batch_init(&batch, &m->as->pmap);
		err = pmap_prepare_move(&m->as->pmap, from, m->to, &batch);
		tlb_flush(&batch);
	}
	return err;
}

/* The VMA at the new place: v itself, or a copy when v stays. */
static struct vma *move_or_copy(const struct remap *m, struct vma *v, struct move_nodes *n)
{
	const struct range to = {m->to, m->to + m->new_len};
	u64 offset = v->object_offset + (m->addr - v->range.start);
	struct vma *copy = n->copy;

	if (!v->object && !v->anon_family)
		offset = m->to;
	if (!copy) {
		vma_tree_move(m->as, v, to, offset);
		return v;
	}
	n->copy = NULL;
	*copy = *v;
	copy->range = to;
	copy->object_offset = offset;
	vma_take_backing(copy);
	vma_tree_insert(m->as, copy);
	return copy;
}

/*
 * The old VMA of MREMAP_DONTUNMAP, of which `from` is empty now: it stays one, and is not locked any more, nor is the new
 * one if the two were joined.
 */
static void leave_empty(const struct remap *m, struct range from)
{
	struct vma *v = aspace_find(m->as, from.start);

	vma_tree_reflag(m->as, v, v->flags & ~(u32)(VMA_LOCKED | VMA_LOCK_ON_FAULT));
	if (v->range.start == from.start && v->range.end == from.end) {
		v->anon_family = 0;
		v->anon_from_fork = false;
	}
	m->as->unjoined = true;
}

/*
 * Linux joins the new place with its neighbours first, and cuts the old one out of its VMA then. So where one joins what is
 * left of the VMA that it came from, all that is left of that has what cannot be lost by joining.
 */
static void keep_guard_flag(struct aspace *as, struct range source, const struct vma *joined)
{
	struct vma *v;

	if (!(joined->flags & VMA_MAY_GUARD) || joined->range.start >= source.end ||
	    joined->range.end <= source.start)
		return;
	for (v = aspace_find(as, source.start); v && v->range.start < source.end; v = vma_next(v))
		vma_tree_reflag(as, v, v->flags | VMA_MAY_GUARD);
}

static void commit_move(struct remap *m, struct range from, struct move_nodes *n)
{
	struct vma *v = aspace_find(m->as, m->addr), *moved;
	const struct range source = v->range;
	struct tlb_batch batch;
	bool stays = n->copy;

	if (!range_empty(from) && !stays)
		carve_commit(m->as, from, &n->carve);
	v = aspace_find(m->as, m->addr);
	note_growth(m, v, m->to);
	if (!range_empty(from)) {
		tlb_batch_init(&batch, &m->as->pmap);
		pmap_move(&m->as->pmap, from, m->to, &batch);
		tlb_flush(&batch);
	}
	moved = move_or_copy(m, v, n);
	moved = vma_merge_around(m->as, moved, m->dead);
	if (!stays)
		keep_guard_flag(m->as, source, moved);
	else if (!range_empty(from))
		leave_empty(m, from);
	history_add(m->as, MAP_OP_REMAP, from);
	history_add(m->as, MAP_OP_REMAP, (struct range){m->to, m->to + m->new_len});
}

/* Moves what v, at m->addr, shows to m->to, which is free; v is not longer than the new place. */
static int move_vma(struct remap *m, const struct vma *v)
{
	struct range from = {m->addr, m->addr + m->old_len};
	u64 charge = m->how & REMAP_KEEP ? m->new_len >> PAGE_SHIFT : grown_pages(m);
	struct move_nodes nodes;
	int err;

	if (m->as->vma_count + 3 >= vma_count_max)
		return -ENOMEM;
	/* A special mapping is known by its place: it moves as a whole. */
	if ((v->flags & VMA_SPECIAL) && (v->range.start != from.start || v->range.end != from.end))
		return -EINVAL;
	if ((v->flags & VMA_ACCOUNT) && !commit_allows(m->as, charge))
		return -ENOMEM;
	err = prepare_move(m, from, &nodes);
	if (!err)
		commit_move(m, from, &nodes);
	free_nodes(&nodes);
	return err;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP, for one VMA that check_vma allowed. Sets m->to. */
static int move_to(struct remap *m)
{
	struct range r = {m->to, m->to + m->new_len};
	struct vma *v = aspace_find(m->as, m->addr);
	u64 pages = m->new_len >> PAGE_SHIFT;
	int err = 0;

	if (m->how & REMAP_AT)
		err = m->to < USER_MIN ? -EPERM : unmap_locked(m->as, r, m->dead);
	if (!err && m->new_len < m->old_len) {
		err = unmap_locked(m->as, (struct range){m->addr + m->new_len, m->addr + m->old_len},
				   m->dead);
		m->old_len = m->new_len;
	}
	if (err)
		return err;
	v = aspace_find(m->as, m->addr);
	/* A second view of shared memory may have been asked for in place of the first. */
	if (!v || v->range.start > m->addr)
		return -EFAULT;
	if ((m->how & REMAP_KEEP) &&
	    aspace_exceeds_limits(m->as, pages, vma_flags_are_data(v->flags) ? pages : 0))
		return -ENOMEM;
	if (!(m->how & REMAP_AT)) {
		err = place_anywhere(m->as, m->to, m->new_len, &r);
		if (err)
			return err;
		m->to = r.start;
	}
	return move_vma(m, v);
}

/* Several VMAs, each by itself, with the holes between them. */
static int move_all(struct remap *m)
{
	struct range all = {m->addr, m->addr + m->old_len};
	u64 to = m->to, at = all.start;
	struct vma *v = aspace_find(m->as, at);

	if (!v || v->range.start > at)
		return -EFAULT;
	while (v && at < all.end && v->range.start < all.end) {
		u64 end = MIN(v->range.end, all.end);
		int err;

		if ((v->flags & VMA_SPECIAL) && (at != all.start || end < all.end))
			return -EFAULT;
		at = MAX(v->range.start, at);
		m->addr = at;
		m->old_len = end - at;
		m->new_len = end - at;
		m->to = to + (at - all.start);
		err = check_vma(m, v);
		if (!err)
			err = move_to(m);
		if (err)
			return err;
		at = end;
		v = aspace_find(m->as, at);
	}
	m->to = to;
	return 0;
}

/* No place is asked for: in place if it can be, else anywhere. */
static int resize(struct remap *m, struct vma *v)
{
	struct range r;
	int err;

	if (m->new_len < m->old_len) {
		r = (struct range){m->addr + m->new_len, m->addr + m->old_len};
		m->to = m->addr;
		return unmap_locked(m->as, r, m->dead);
	}
	if (m->new_len == m->old_len || can_grow_in_place(m, v)) {
		m->to = m->addr;
		return m->new_len == m->old_len ? 0 : grow_in_place(m, v);
	}
	if (!(m->how & REMAP_MAY_MOVE))
		return -ENOMEM;
	err = place_anywhere(m->as, 0, m->new_len, &r);
	if (err)
		return err;
	m->to = r.start;
	return move_vma(m, v);
}

static int remap_locked(struct remap *m)
{
	struct vma *v = aspace_find(m->as, m->addr);
	int err = check_request(m->as, m);

	if (err)
		return err;
	if (m->old_len > USER_TOP || m->addr > USER_TOP - m->old_len)
		return -EFAULT;
	if ((m->how & REMAP_AT) && m->old_len == m->new_len)
		return move_all(m);
	err = check_vma(m, v);
	if (err)
		return err;
	return m->how & (REMAP_AT | REMAP_KEEP) ? move_to(m) : resize(m, v);
}

int aspace_remap(struct aspace *as, const struct remap_request *req, u64 *addr_out)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct remap m = {
		.as = as,
		.addr = req->addr,
		.old_len = ALIGN_UP(req->old_len, PAGE_SIZE),
		.new_len = ALIGN_UP(req->new_len, PAGE_SIZE),
		.to = req->new_addr,
		.how = req->how,
		.dead = &dead,
	};
	int err;

	rwlock_write(&as->lock);
	err = remap_locked(&m);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	if (err)
		return err;
	*addr_out = m.to;
	if (!range_empty(m.fill))
		aspace_fill(as, m.fill, VMA_LOCKED);
	return 0;
}
