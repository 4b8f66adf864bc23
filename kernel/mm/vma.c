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
#include <moat/panic.h>
#include "aspace_internal.h"

/* Two pieces of one thing, or two nameless anonymous neighbours alike: as Linux merges them. */
bool vma_can_merge(const struct vma *low, const struct vma *high)
{
	if (low->range.end != high->range.start || low->flags != high->flags)
		return false;
	if (low->flags & VMA_SPECIAL)
		return false;
	if (low->object != high->object || low->file != high->file || low->name != high->name)
		return false;
	return !low->object || low->object_offset + range_len(low->range) == high->object_offset;
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
	if (v->object)
		high->object_offset = v->object_offset + (at - v->range.start);
	v->range.end = at;
}

u64 vma_pages(const struct vma *v)
{
	return range_len(v->range) >> PAGE_SHIFT;
}

bool vma_flags_are_data(u32 flags)
{
	return (flags & (VMA_WRITE | VMA_SHARED | VMA_GROWSDOWN)) == VMA_WRITE;
}

/* x86 knows no memory that can be written or executed but not read. */
unsigned vma_pmap_prot(u32 flags)
{
	unsigned prot = 0;

	if (flags & VMA_PROT)
		prot |= PMAP_READ;
	if (flags & VMA_WRITE)
		prot |= PMAP_WRITE;
	if (flags & VMA_EXEC)
		prot |= PMAP_EXEC;
	return prot;
}

u64 vma_gap_start(const struct vma *v)
{
	if (!(v->flags & VMA_GROWSDOWN))
		return v->range.start;
	return v->range.start > STACK_GAP ? v->range.start - STACK_GAP : 0;
}
