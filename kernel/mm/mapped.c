/* SPDX-License-Identifier: MIT */
/* Is every page of a range mapped? What madvise(2) asks before a piece of advice that changes nothing. */
#include <asm/errno.h>
#include <moat/aspace.h>

int aspace_check_mapped(struct aspace *as, u64 addr, u64 len)
{
	struct range r;
	struct vma *v;
	u64 at = addr;

	if (!range_make(addr, ALIGN_UP(len, PAGE_SIZE), &r) || (len && range_empty(r)))
		return -EINVAL;
	rwlock_read(&as->lock);
	for (v = aspace_find(as, at); at < r.end && v && v->range.start <= at; v = vma_next(v))
		at = v->range.end;
	rwlock_read_done(&as->lock);
	return at < r.end ? -ENOMEM : 0;
}
