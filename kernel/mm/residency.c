/* SPDX-License-Identifier: MIT */
/*
 * Which pages are in memory: mincore(2). A page counts that has an entry, whatever its rights; of an object also one that
 * the object has and nobody mapped here yet.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "aspace_internal.h"

struct vector {
	u64 start; /* address that bytes[0] tells of */
	u8 *bytes;
};

static bool note_entry(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const struct vector *vec = arg;

	if (frame_is_guard(pfn_to_page(leaf->pfn)))
		return true;
	memset(&vec->bytes[(addr - vec->start) >> PAGE_SHIFT], 1, leaf->pages);
	return true;
}

static void note_object(const struct vma *v, u64 addr, u64 pages, u8 *bytes)
{
	u64 first = (v->object_offset + (addr - v->range.start)) >> PAGE_SHIFT;

	for (u64 i = 0; i < pages; i++)
		if (!bytes[i] && mobj_has_page(v->object, first + i))
			bytes[i] = 1;
}

s64 aspace_resident(struct aspace *as, u64 addr, u64 pages, u8 *vector)
{
	struct vector vec = {addr, vector};
	s64 result = -ENOMEM;
	struct vma *v;

	DEBUG_ASSERT(IS_ALIGNED(addr, PAGE_SIZE));
	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	if (v && v->range.start <= addr) {
		pages = MIN(pages, (v->range.end - addr) >> PAGE_SHIFT);
		memset(vector, 0, pages);
		pmap_for_each(&as->pmap, (struct range){addr, addr + (pages << PAGE_SHIFT)}, note_entry,
			      &vec);
		if (v->object)
			note_object(v, addr, pages, vector);
		result = (s64)pages;
	}
	rwlock_read_done(&as->lock);
	return result;
}
