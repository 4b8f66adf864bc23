/* SPDX-License-Identifier: MIT */
/*
 * Writing back what was written through mappings: msync(2). An object without a `sync` operation is the only copy of its
 * bytes and has nothing to do.
 *
 * The operation may take locks that come before the address space's: it is called with none, on an object that is held
 * by a reference; the walk then goes on at the address after it.
 */
#include <asm/errno.h>
#include <linux/mman.h>
#include <moat/panic.h>
#include "aspace_internal.h"

struct sync_step {
	struct mobj *object; /* a reference, or NULL: nothing to write here */
	struct range bytes;  /* of the object */
	u64 next;	     /* where to go on */
};

static bool needs_sync(const struct vma *v, int flags)
{
	return (flags & MS_SYNC) && (v->flags & VMA_SHARED) && v->object && v->object->ops &&
	       v->object->ops->sync;
}

/* Looks at the VMA at or above r.start. 0; 1 when there was a hole before it; -ENOMEM, -EBUSY. as->lock held. */
static int look(struct aspace *as, struct range r, int flags, struct sync_step *step)
{
	struct vma *v = aspace_find(as, r.start);
	u64 start;

	*step = (struct sync_step){.next = r.end};
	if (!v || v->range.start >= r.end)
		return -ENOMEM;
	if (v->range.start > r.start && flags == MS_ASYNC)
		return -ENOMEM;
	if ((flags & MS_INVALIDATE) && (v->flags & VMA_LOCKED))
		return -EBUSY;
	start = MAX(v->range.start, r.start);
	step->next = MIN(v->range.end, r.end);
	if (needs_sync(v, flags)) {
		u64 offset = v->object_offset + (start - v->range.start);

		mobj_get(v->object);
		step->object = v->object;
		step->bytes = (struct range){offset, offset + (step->next - start)};
	}
	return v->range.start > r.start;
}

int aspace_sync(struct aspace *as, u64 addr, u64 len, int flags)
{
	struct range r = {addr, addr + ALIGN_UP(len, PAGE_SIZE)};
	struct sync_step step;
	int err = 0;
	bool hole = false;

	if (r.end < r.start)
		return -ENOMEM;
	for (; !range_empty(r); r.start = step.next) {
		waitq_give_way();
		rwlock_read(&as->lock);
		err = look(as, r, flags, &step);
		rwlock_read_done(&as->lock);
		if (err < 0)
			return err;
		hole |= err;
		if (step.object) {
			err = step.object->ops->sync(step.object, step.bytes);
			mobj_put(step.object);
			if (err)
				return err;
		}
	}
	return hole ? -ENOMEM : 0;
}
