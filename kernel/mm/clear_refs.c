/* SPDX-License-Identifier: MIT */
/* Forgetting what was measured: /proc/PID/clear_refs. */
#include "aspace_internal.h"
#include <moat/usage.h>

/* as->lock held for writing. */
static int forget(struct aspace *as, const struct vma *v, unsigned kinds)
{
	struct tlb_batch batch;
	int err = 0;

	if (!(kinds & (v->object ? ASPACE_OBJECTS : ASPACE_PRIVATE)))
		return 0;
	tlb_batch_init(&batch, &as->pmap);
	err = pmap_prepare(&as->pmap, v->range, PMAP_CHANGE, &batch);
	if (!err)
		pmap_clean(&as->pmap, v->range, PMAP_ACCESSED, &batch);
	tlb_flush(&batch);
	return err;
}

int aspace_forget_accessed(struct aspace *as, unsigned kinds)
{
	u64 at = 0;
	int err = 0;

	while (at < USER_TOP && !err) {
		struct vma *v;

		rwlock_write(&as->lock);
		v = aspace_find(as, at);
		if (v)
			err = forget(as, v, kinds);
		at = v ? v->range.end : USER_TOP;
		rwlock_write_done(&as->lock);
	}
	return err;
}

void aspace_reset_peak(struct aspace *as)
{
	rwlock_write(&as->lock);
	as->pmap.peak = 0;
	rwlock_write_done(&as->lock);
}
