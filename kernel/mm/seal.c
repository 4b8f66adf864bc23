/* SPDX-License-Identifier: MIT */
/*
 * Sealing: mseal(2). A sealed VMA can no more be unmapped, moved, given other rights or, where the program may not write,
 * emptied; each of those calls looks at VMA_SEALED. There is no way back but exec and exit.
 */
#include <asm/errno.h>
#include "aspace_internal.h"

int aspace_seal(struct aspace *as, u64 addr, u64 len)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range r;
	int err = user_range(addr, len, &r);

	if (err || range_empty(r))
		return err;
	rwlock_write(&as->lock);
	err = mapped_end(as, r) < r.end ? -ENOMEM : reflag_range(as, r, 0, VMA_SEALED, &dead);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	return err;
}
