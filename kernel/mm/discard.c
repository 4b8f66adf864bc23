/* SPDX-License-Identifier: MIT */
/*
 * Dropping contents: madvise(2) with MADV_DONTNEED. The VMAs stay; the next access finds zeros, or the
 * object's page.
 *
 * The lock is held for writing although no VMA changes: a fault that copies a page relies on the page staying
 * where it is as long as it holds the lock for reading.
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* Drops what is mapped in r; -ENOMEM when there were holes. as->lock held for writing. */
static int discard_locked(struct aspace *as, struct range r)
{
	struct tlb_batch batch;
	u64 at = r.start;
	int err = 0;

	tlb_batch_init(&batch, &as->pmap);
	for (struct vma *v = aspace_find(as, r.start); v && v->range.start < r.end; v = vma_next(v)) {
		struct range part = {MAX(v->range.start, r.start), MIN(v->range.end, r.end)};

		err = pmap_prepare(&as->pmap, part, PMAP_REMOVE, &batch);
		if (err)
			break;
		pmap_remove(&as->pmap, part, 0, &batch);
		if (part.start == at)
			at = part.end;
	}
	tlb_flush(&batch);
	return err || at == r.end ? err : -ENOMEM;
}

int aspace_discard(struct aspace *as, u64 addr, u64 len)
{
	struct range r;
	int err = user_range(addr, len, &r);

	if (err || range_empty(r))
		return err;
	rwlock_write(&as->lock);
	err = discard_locked(as, r);
	rwlock_write_done(&as->lock);
	return err;
}
