/* SPDX-License-Identifier: MIT */
/*
 * Carving a range out of the VMAs, in two steps (check-allocate-commit), and joining neighbours again.
 *
 *     before     |------ a ------|     |------ b ------|
 *     range              [====================)
 *     after      |-- a --|-------|     |------|-- b' --|     two splits: low at range.start, high at
 * range.end
 *
 * After the commit every VMA lies wholly inside or wholly outside the range.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* The VMA that has `at` in its inside, so that an edge there needs a split; or NULL. */
static struct vma *straddler(struct aspace *as, u64 at)
{
	struct vma *v = aspace_find(as, at);

	return v && v->range.start < at ? v : NULL;
}

int carve_prepare(struct aspace *as, struct range r, struct carve *c)
{
	const struct vma *first = aspace_find(as, r.start);

	c->low = NULL;
	c->high = NULL;
	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	/* Nothing in the range, or one VMA that is the range: most calls. */
	if (!first || first->range.start >= r.end ||
	    (first->range.start == r.start && first->range.end == r.end))
		return 0;
	if (first->range.start < r.start) {
		c->low = vma_alloc(as);
		if (!c->low)
			return -ENOMEM;
	}
	if (straddler(as, r.end)) {
		c->high = vma_alloc(as);
		if (!c->high) {
			kfree(c->low);
			c->low = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}

static void split_at(struct aspace *as, u64 at, struct vma **spare)
{
	struct vma *v = straddler(as, at), *high = *spare;
	struct range whole;

	if (!v)
		return;
	*spare = NULL;
	whole = v->range;
	vma_split(v, high, at);
	v->range = whole; /* the tree does its own counting */
	vma_tree_resize(as, v, (struct range){whole.start, at});
	vma_take_backing(high);
	vma_tree_insert(as, high);
}

void carve_split(struct aspace *as, struct range r, struct carve *c)
{
	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	if (c->low)
		split_at(as, r.start, &c->low);
	if (c->high)
		split_at(as, r.end, &c->high);
}

/* Joins low and high, which can be one; high is then dead. */
static void merge(struct aspace *as, struct vma *low, struct vma *high, struct vma_list *dead)
{
	if (!low->anon_family) {
		low->anon_family = high->anon_family;
		low->anon_from_fork = high->anon_from_fork;
	}
	low->entered |= high->entered;
	vma_absorb_in_object(low, high);
	vma_tree_remove(as, high);
	vma_tree_reflag(as, low, low->flags | (high->flags & VMA_MAY_GUARD));
	vma_tree_resize(as, low, (struct range){low->range.start, high->range.end});
	SLIST_INSERT_HEAD(dead, high, detached);
}

/* The same for any two, each of which may be NULL, if they can be one. */
static inline bool try_merge(struct aspace *as, struct vma *low, struct vma *high, struct vma_list *dead)
{
	if (!low || !high || low->range.end != high->range.start || !vma_can_merge(low, high))
		return false;
	merge(as, low, high, dead);
	return true;
}

void vma_merge_above(struct aspace *as, struct vma *v, struct vma_list *dead)
{
	try_merge(as, v, vma_next(v), dead);
}

struct vma *vma_merge_around(struct aspace *as, struct vma *v, struct vma_list *dead)
{
	/* Nothing touches it from below where there is a free run. */
	struct vma *low = v->run ? NULL : vma_prev(v);

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	/* The lower one first, as Linux does: where v could join either, but these not each other, it is seen. */
	if (try_merge(as, low, v, dead))
		v = low;
	try_merge(as, v, vma_next(v), dead);
	return v;
}

void vma_add(struct aspace *as, struct vma *v, struct vma *next, struct vma_list *dead)
{
	struct vma *prev = vma_prev_of(as, next);

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock) && !v->anon_family);
	if (prev && prev->range.end == v->range.start && vma_can_merge(prev, v)) {
		vma_tree_resize(as, prev, (struct range){prev->range.start, v->range.end});
		try_merge(as, prev, next, dead);
	} else if (next && vma_can_merge(v, next)) {
		vma_tree_resize(as, next, (struct range){v->range.start, next->range.end});
	} else {
		vma_tree_insert_between(as, v, prev, next);
		return;
	}
	SLIST_INSERT_HEAD(dead, v, detached);
}
