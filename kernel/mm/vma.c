/* SPDX-License-Identifier: MIT */
/*
 * VMAs as values: splitting, merging, what they count for. Nothing here takes a lock, allocates, or knows a
 * tree.
 *
 *     split at x      |-------- v --------|   ->   |---- v ----|-- high --|
 *                                 x                            x
 *     merge           |-- low --|-- high --|  ->   |--------- low --------|
 */
#include <moat/aspace.h>
#include <moat/mempolicy.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/*
 * Private pages that came into being together are one family (Linux's anon_vma). Two families never merge. A VMA without
 * private pages joins any family but one that came from a parent by fork.
 */
static bool families_match(const struct vma *a, const struct vma *b)
{
	u64 fa = __atomic_load_n(&a->anon_family, __ATOMIC_RELAXED);
	u64 fb = __atomic_load_n(&b->anon_family, __ATOMIC_RELAXED);

	if (fa == fb)
		return true;
	if (fa && fb)
		return false;
	return fa ? !a->anon_from_fork : !b->anon_from_fork;
}

/* Do low and high show one run of bytes of one thing, apart from their flags? */
static bool continues(const struct vma *low, const struct vma *high)
{
	return low->range.end == high->range.start && low->object == high->object &&
	       low->file == high->file && low->name == high->name &&
	       low->object_offset + range_len(low->range) == high->object_offset;
}

/* Two neighbours that could be one, by the rules of Linux. */
bool vma_can_merge(const struct vma *low, const struct vma *high)
{
	return continues(low, high) && !((low->flags ^ high->flags) & ~(u32)VMA_MAY_GUARD) &&
	       !(low->flags & VMA_SPECIAL) && mempolicy_equal(low->policy, high->policy) &&
	       families_match(low, high);
}

/* The family that a's first private page may join: that of a neighbour from which only rights differ. */
u64 vma_family_of_neighbour(const struct vma *low, const struct vma *high, const struct vma *neighbour)
{
	if (!neighbour || ((low->flags ^ high->flags) & ~(u32)(VMA_PROT | VMA_MAY_GUARD)) ||
	    !continues(low, high))
		return 0;
	return neighbour->anon_from_fork ? 0 : __atomic_load_n(&neighbour->anon_family, __ATOMIC_RELAXED);
}

/*
 * Fills `high`, and shortens v; references to what both show, and v's place in a tree, are the caller's to
 * mend.
 */
void vma_split(struct vma *v, struct vma *high, u64 at)
{
	DEBUG_ASSERT(IS_ALIGNED(at, PAGE_SIZE));
	DEBUG_ASSERT(at > v->range.start && at < v->range.end);
	*high = *v;
	high->range.start = at;
	high->object_offset = v->object_offset + (at - v->range.start);
	v->range.end = at;
}
