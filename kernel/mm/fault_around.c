/* SPDX-License-Identifier: MIT */
/*
 * Fault-around: who reads one page of a file will soon read its neighbours. So a fault that reads enters, after its own
 * page, all others of the same aligned 64 KiB that the object has already. None is made or filled for it, and entries that
 * exist stay.
 *
 *     window      |  .  .  .  .  .  .  .  F  .  .  .  .  .  .  .  .  |     16 pages, aligned by address
 *     VMA               |----------------------------------- ...
 *     object            p  p  -  p  p  p  -  p  -  -  -                  p: there, -: not
 *     entered           x  x     x  x  x     x
 *
 * As with every fault the caller holds as->lock, so a truncation waits and then takes the entries away again.
 */
#include <moat/panic.h>
#include "aspace_internal.h"

#define WINDOW (PMAP_MANY * PAGE_SIZE)

/* Gives back the references that no entry took over. */
static void settle(struct page *const pages[], unsigned n, unsigned entered)
{
	for (unsigned i = 0; i < n; i++) {
		if (pages[i] && !(entered & 1u << i))
			frame_put(pages[i]);
	}
}

void fault_around(struct aspace *as, const struct vma *v, u64 addr, unsigned prot)
{
	u64 window = ALIGN_DOWN(addr, WINDOW);
	u64 start = MAX(window, v->range.start), end = MIN(window + WINDOW, v->range.end);
	u64 index = (v->object_offset + (start - v->range.start)) >> PAGE_SHIFT;
	unsigned n = (unsigned)((end - start) >> PAGE_SHIFT);
	struct page *pages[PMAP_MANY];

	DEBUG_ASSERT(rwlock_is_held(&as->lock));
	if (n == 1)
		return;
	mobj_pages_present(v->object, index, n, pages);
	settle(pages, n, pmap_enter_many(&as->pmap, start, pages, n, prot));
}
