/* SPDX-License-Identifier: MIT */
/*
 * Faulting pages in before they are touched: MAP_POPULATE, MADV_POPULATE_READ and _WRITE, the first stack
 * pages. These are not counted as faults: the program took none.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include <moat/reclaim.h>
#include "aspace_internal.h"

int populate_own(struct aspace *as, u64 addr, u32 flags)
{
	enum fault_result result;
	struct vma *v;

	do {
		result = FAULT_DONE;
		rwlock_read(&as->lock);
		v = aspace_find(as, addr);
		/* Unmapped or unlocked meanwhile: not ours to fill any more. */
		if (v && v->range.start <= addr && (v->flags & flags) == flags)
			result =
				fault_page(as, v, addr,
					   FAULT_PRESENT | ((v->flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE
								    ? FAULT_WRITE
								    : FAULT_READ));
		rwlock_read_done(&as->lock);
		if (result == FAULT_SHARED_TABLE && fault_own_table(as, addr))
			result = FAULT_NO_MEMORY;
	} while (result == FAULT_SHARED_TABLE || (result == FAULT_NO_MEMORY && memory_retry()));
	if (result == FAULT_NO_MEMORY)
		return -ENOMEM;
	return result == FAULT_DONE ? 0 : -EFAULT;
}

/* One page; the lock is taken for each, so that a long range does not keep writers out. */
static int populate_page(struct aspace *as, u64 addr, unsigned access)
{
	enum fault_result result = FAULT_NO_VMA;
	struct vma *v;

again:
	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	/* Unlike a program's own read, this one needs the right to read: memory that is only writable has it not. */
	if (v && v->range.start <= addr)
		result = (v->flags & (access & FAULT_WRITE ? VMA_WRITE : VMA_READ)) && !(v->flags & VMA_IO)
				 ? fault_page(as, v, addr, access)
				 : FAULT_NO_ACCESS;
	rwlock_read_done(&as->lock);
	if (result == FAULT_SHARED_TABLE && fault_own_table(as, addr))
		result = FAULT_NO_MEMORY;
	if (result == FAULT_SHARED_TABLE || (result == FAULT_NO_MEMORY && memory_retry()))
		goto again;
	/* The errors of madvise(2), MADV_POPULATE_READ. */
	if (result == FAULT_NO_VMA || result == FAULT_NO_MEMORY)
		return -ENOMEM;
	if (result == FAULT_NO_ACCESS)
		return -EINVAL;
	return result == FAULT_DONE ? 0 : -EFAULT;
}

int aspace_enter_frame(struct aspace *as, u64 addr, struct page *frame, unsigned prot)
{
	struct vma *v;
	int err;

	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	DEBUG_ASSERT(v && v->range.start <= addr);
	anon_family_set(v);
	vma_note_entry(v);
	err = pmap_enter(&as->pmap, addr, page_to_pfn(frame), prot);
	rwlock_read_done(&as->lock);
	if (err)
		frame_put(frame);
	return err;
}

int aspace_populate(struct aspace *as, u64 addr, u64 len, u32 access)
{
	unsigned how = FAULT_PRESENT | ((access & VMA_WRITE) ? FAULT_WRITE : FAULT_READ);
	struct range r;
	int err = user_range(addr, len, &r);

	if (err)
		return err;
	for (u64 at = r.start; !err && at < r.end; at += PAGE_SIZE) {
		waitq_give_way();
		err = waitq_kill_due() ? -EINTR : populate_page(as, at, how);
	}
	return err;
}
