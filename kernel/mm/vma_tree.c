/* SPDX-License-Identifier: MIT */
/*
 * The ordered set of VMAs: a red-black tree that also knows the free space between them.
 *
 * Each VMA knows the free run below it, down to the end of the one before, and, for the subtree under its node, the
 * longest of these:
 *
 *     |- a -|    run of b   |--- b ---| run of c |- c -|          (b)       longest(b) = run(a), run(b), run(c)
 *                                                                /   \
 *                                                              (a)   (c)
 *
 * What lies above the last VMA belongs to none. The longest is a function of the node and its two children only, so it is
 * mended by walking from the place of a change towards the root, as far as it changes. A node is linked or unlinked first,
 * then the path is mended, then the tree is balanced: a rotation keeps what lies under its place, so that nothing above it
 * changes any more. A search for space looks only into subtrees whose longest run is long enough: O(log n).
 *
 * One call looks for its VMA several times, and a program touches its memory in runs: aspace_find remembers what it found
 * last (as->found) and looks there first.
 *
 * The start of a VMA means, here, the start of the guard gap that a growing stack keeps below it.
 */
#define RB_AUGMENT(elm) vma_augment(elm)
#include <moat/types.h>
struct vma;
static inline bool vma_augment(struct vma *v);
#include <moat/aspace.h>
#include <moat/panic.h>
#include "aspace_internal.h"

static u64 distance(u64 from, u64 to)
{
	return to > from ? to - from : 0;
}

/* Works out the longest run under v from its children's; true when it is another than before. */
static inline bool vma_augment(struct vma *v)
{
	const struct vma *left = RB_LEFT(v, node), *right = RB_RIGHT(v, node);
	u64 longest = v->run, before = v->longest;

	if (left)
		longest = MAX(longest, left->longest);
	if (right)
		longest = MAX(longest, right->longest);
	v->longest = longest;
	return longest != before;
}

/* Mends v, whose children are right, and those above it that change with it. */
static void augment_path(struct vma *v)
{
	while (v && vma_augment(v))
		v = RB_PARENT(v, node);
}

static int vma_cmp(const struct vma *a, const struct vma *b)
{
	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

RB_GENERATE_STATIC(vma_tree, vma, node, vma_cmp)

static inline bool flags_are_code(u32 flags)
{
	return (flags & (VMA_GROWSDOWN | VMA_EXEC | VMA_WRITE)) == VMA_EXEC;
}

static inline void count(struct aspace *as, const struct vma *v, s64 sign)
{
	u64 pages = (u64)sign * vma_pages(v);

	/* What goes away was there: only then the most there ever was is noted. */
	if (sign < 0)
		as->mapped_peak = MAX(as->mapped_peak, as->mapped_pages);
	as->mapped_pages += pages;
	if (vma_flags_are_data(v->flags))
		as->data_pages += pages;
	if (v->flags & VMA_GROWSDOWN)
		as->stack_pages += pages;
	else if (flags_are_code(v->flags))
		as->exec_pages += pages;
	if (v->flags & VMA_LOCKED)
		as->locked_pages += pages;
	if (v->flags & VMA_ACCOUNT) {
		as->account_pages += pages;
		commit_add((s64)pages);
	}
}

/* The object's list of who shows it: those that a zap now under way has yet to visit stand first. */
static void join_object(struct vma *v)
{
	struct mobj *obj = v->object;

	spin_lock(&obj->maps_lock);
	obj->writable_maps += vma_flags_may_write_object(v->flags);
	if (v->zap_generation == ZAP_FRESH) {
		v->zap_generation = obj->zap_generation;
		TAILQ_INSERT_TAIL(&obj->maps, v, sharer);
	} else {
		v->zap_generation = 0;
		TAILQ_INSERT_HEAD(&obj->maps, v, sharer);
	}
	spin_unlock(&obj->maps_lock);
}

static void leave_object(struct vma *v)
{
	spin_lock(&v->object->maps_lock);
	v->object->writable_maps -= vma_flags_may_write_object(v->flags);
	TAILQ_REMOVE(&v->object->maps, v, sharer);
	spin_unlock(&v->object->maps_lock);
}

void vma_absorb_in_object(struct vma *low, const struct vma *high)
{
	struct mobj *obj = low->object;

	if (!obj)
		return;
	spin_lock(&obj->maps_lock);
	if (low->zap_generation != high->zap_generation) {
		low->zap_generation = 0;
		TAILQ_REMOVE(&obj->maps, low, sharer);
		TAILQ_INSERT_HEAD(&obj->maps, low, sharer);
	}
	spin_unlock(&obj->maps_lock);
}

/* The free run between two neighbours; without the lower one it starts at 0. */
static u64 run_between(const struct vma *prev, const struct vma *next)
{
	return distance(prev ? prev->range.end : 0, vma_gap_start(next));
}

/* The run below `next`, if there is one, may have changed: the one before it is prev, or none. */
static void mend_run(const struct vma *prev, struct vma *next)
{
	u64 run;

	if (!next)
		return;
	run = run_between(prev, next);
	if (run == next->run)
		return;
	next->run = run;
	augment_path(next);
}

/* Puts v into the empty place between its neighbours: under the one of them that has room, or as the root. */
static void link_between(struct aspace *as, struct vma *v, struct vma *prev, struct vma *next)
{
	struct vma *parent = prev && !RB_RIGHT(prev, node) ? prev : next;
	struct vma **place = &RB_ROOT(&as->vmas);

	if (parent)
		place = parent == prev ? &RB_RIGHT(prev, node) : &RB_LEFT(next, node);
	DEBUG_ASSERT(rwlock_is_write_held(&as->lock) && !*place);
	v->aspace = as;
	RB_SET(v, parent, node);
	*place = v;
	v->run = v->longest = run_between(prev, v);
	if (next)
		next->run = run_between(v, next);
	augment_path(parent);
	if (parent != next)
		augment_path(next);
	vma_tree_RB_INSERT_COLOR(&as->vmas, v);
	as->found = v;
	as->vma_count++;
	count(as, v, 1);
}

void vma_tree_insert_between(struct aspace *as, struct vma *v, struct vma *prev, struct vma *next)
{
	link_between(as, v, prev, next);
	if (v->object)
		join_object(v);
}

static void link_in_order(struct aspace *as, struct vma *v)
{
	struct vma *at = RB_ROOT(&as->vmas), *prev = NULL, *next = NULL;

	while (at) {
		if (v->range.start < at->range.start) {
			next = at;
			at = RB_LEFT(at, node);
		} else {
			prev = at;
			at = RB_RIGHT(at, node);
		}
	}
	link_between(as, v, prev, next);
}

void vma_tree_insert(struct aspace *as, struct vma *v)
{
	link_in_order(as, v);
	if (v->object)
		join_object(v);
}

/* Where the VMA before v ends; 0 without one. */
static u64 end_below(struct vma *v)
{
	const struct vma *prev;

	if (likely(!(v->flags & VMA_GROWSDOWN)))
		return v->range.start - v->run;
	prev = vma_prev(v);
	return prev ? prev->range.end : 0;
}

/* Takes out v, which has at most one child: the child takes its place. The run of `next` has changed, too. */
static void unlink(struct aspace *as, struct vma *v, struct vma *next)
{
	struct vma *parent = RB_PARENT(v, node);
	struct vma *child = RB_LEFT(v, node) ? RB_LEFT(v, node) : RB_RIGHT(v, node);

	if (child)
		RB_PARENT(child, node) = parent;
	if (!parent)
		RB_ROOT(&as->vmas) = child;
	else if (RB_LEFT(parent, node) == v)
		RB_LEFT(parent, node) = child;
	else
		RB_RIGHT(parent, node) = child;
	augment_path(parent);
	if (next != parent)
		augment_path(next);
	if (RB_COLOR(v, node) == RB_BLACK)
		vma_tree_RB_REMOVE_COLOR(&as->vmas, parent, child);
}

static void take_out(struct aspace *as, struct vma *v)
{
	struct vma *next = vma_next(v);

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	if (as->found == v)
		as->found = next;
	if (next)
		next->run = distance(end_below(v), vma_gap_start(next));
	/* With two children, the successor, `next`, moves into v's place and the tree mends its whole path itself. */
	if (RB_LEFT(v, node) && RB_RIGHT(v, node))
		RB_REMOVE(vma_tree, &as->vmas, v);
	else
		unlink(as, v, next);
	as->vma_count--;
	count(as, v, -1);
}

void vma_tree_remove(struct aspace *as, struct vma *v)
{
	if (v->object)
		leave_object(v);
	take_out(as, v);
}

void vma_tree_move(struct aspace *as, struct vma *v, struct range range, u64 object_offset)
{
	take_out(as, v);
	v->range = range;
	v->object_offset = object_offset;
	link_in_order(as, v);
}

/* The new range must leave v between the same neighbours. A start that moves takes object_offset along. */
void vma_tree_resize(struct aspace *as, struct vma *v, struct range range)
{
	bool start_moves = range.start != v->range.start, end_moves = range.end != v->range.end;

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	count(as, v, -1);
	v->object_offset += range.start - v->range.start;
	v->range = range;
	count(as, v, 1);
	if (start_moves)
		mend_run(vma_prev(v), v);
	if (end_moves)
		mend_run(v, vma_next(v));
}

/* All flags but VMA_GROWSDOWN, which the gaps depend on, and VMA_SHARED and VMA_NO_WRITE, which decide whether it counts as writing. */
void vma_tree_reflag(struct aspace *as, struct vma *v, u32 flags)
{
	u64 pages = vma_pages(v);
	u32 old = v->flags;

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	DEBUG_ASSERT(((v->flags ^ flags) & (VMA_GROWSDOWN | VMA_SHARED | VMA_NO_WRITE)) == 0);
	as->data_pages += pages * vma_flags_are_data(flags) - pages * vma_flags_are_data(old);
	as->exec_pages += pages * flags_are_code(flags) - pages * flags_are_code(old);
	if ((old ^ flags) & VMA_LOCKED)
		as->locked_pages += flags & VMA_LOCKED ? pages : -pages;
	if ((old ^ flags) & VMA_ACCOUNT) {
		s64 more = (s64)(flags & VMA_ACCOUNT ? pages : -pages);
		as->account_pages += (u64)more;
		commit_add(more);
	}
	v->flags = flags;
}

struct vma *vma_prev_of(struct aspace *as, struct vma *next)
{
	return next ? vma_prev(next) : RB_MAX(vma_tree, &as->vmas);
}

/* Is v the first VMA that ends above addr: does addr lie in it or in the free run below it? */
static inline bool is_first_above(const struct vma *v, u64 addr)
{
	/* Below the gap of a stack there may be another VMA in it. */
	u64 low = v->flags & VMA_GROWSDOWN ? v->range.start : v->range.start - v->run;

	return addr < v->range.end && addr >= low;
}

struct vma *aspace_find(struct aspace *as, u64 addr)
{
	struct vma *v = __atomic_load_n(&as->found, __ATOMIC_RELAXED), *best = NULL;

	DEBUG_ASSERT(rwlock_is_held(&as->lock));
	if (v && is_first_above(v, addr))
		return v;
	v = RB_ROOT(&as->vmas);
	while (v) {
		if (addr >= v->range.end) {
			v = RB_RIGHT(v, node);
			continue;
		}
		best = v;
		if (addr >= v->range.start)
			break;
		v = RB_LEFT(v, node);
	}
	/* Several CPUs that fault in several VMAs would only take the cache line away from each other. */
	if (best && pmap_is_alone(&as->pmap))
		__atomic_store_n(&as->found, best, __ATOMIC_RELAXED);
	return best;
}

struct vma *vma_next(struct vma *v)
{
	return RB_NEXT(vma_tree, NULL, v);
}

struct vma *vma_prev(struct vma *v)
{
	return RB_PREV(vma_tree, NULL, v);
}

/* The highest len bytes of a free run that lie in the window. */
static bool fit(struct range free, struct range window, u64 len, u64 *addr)
{
	u64 start = MAX(free.start, window.start), end = MIN(free.end, window.end);

	if (end < start || end - start < len)
		return false;
	*addr = end - len;
	return true;
}

/* What is looked for: the highest len bytes in the window. */
struct gap_search {
	struct range window;
	u64 len;
};

/* May the subtree of v have a run that serves? */
static inline bool is_promising(const struct vma *v, const struct gap_search *s)
{
	return v && v->longest >= s->len;
}

/* The VMA of the subtree of v whose run is to be looked at first: the runs under a right child lie above v. */
static inline struct vma *highest(struct vma *v, const struct gap_search *s)
{
	while (is_promising(RB_RIGHT(v, node), s) && v->range.end <= s->window.end - s->len)
		v = RB_RIGHT(v, node);
	return v;
}

/* Searches the runs below the VMAs, highest first, without those subtrees where none is long enough: the VMA above. */
static struct vma *find_run(struct vma *root, const struct gap_search *s, u64 *addr)
{
	struct vma *v = is_promising(root, s) ? highest(root, s) : NULL;

	while (v) {
		struct vma *left = RB_LEFT(v, node);
		u64 end = vma_gap_start(v);

		if (end < s->window.start + s->len)
			return NULL;
		if (v->run >= s->len && fit((struct range){end - v->run, end}, s->window, s->len, addr))
			return v;
		if (is_promising(left, s)) {
			v = highest(left, s);
			continue;
		}
		/* Up, to the next that has v under its right child. */
		while (RB_PARENT(v, node) && RB_LEFT(RB_PARENT(v, node), node) == v)
			v = RB_PARENT(v, node);
		v = RB_PARENT(v, node);
	}
	return NULL;
}

bool aspace_find_gap(struct aspace *as, u64 len, struct range window, u64 *addr)
{
	const struct gap_search search = {.window = window, .len = len};
	const struct vma *last = RB_MAX(vma_tree, &as->vmas);
	struct vma *above;

	DEBUG_ASSERT(rwlock_is_held(&as->lock));
	if (window.start > window.end || len > range_len(window))
		return false;
	if (fit((struct range){last ? last->range.end : 0, USER_TOP}, window, len, addr))
		return true;
	above = find_run(RB_ROOT(&as->vmas), &search, addr);
	/* Who finds a place looks next for what lies above it. */
	if (above)
		__atomic_store_n(&as->found, above, __ATOMIC_RELAXED);
	return above;
}

void vma_tree_check(struct aspace *as)
{
	struct vma *v, *prev = NULL;

	RB_FOREACH (v, vma_tree, &as->vmas) {
		ASSERT(v->run == run_between(prev, v) && !vma_augment(v));
		prev = v;
	}
}
