/* SPDX-License-Identifier: MIT */
/*
 * Seals of memory objects: what may never be done to one again (fcntl(2), "File Sealing").
 *
 * A seal against writing may not be broken by a mapping that could still write. So the object counts the shared mappings
 * that are writable or could become so by mprotect(2), and takes the seal only while there is none; who maps announces
 * himself first, so that no seal can come between his look at the seals and his mapping.
 *
 * maps_lock protects the seals for change and the count; the seals are read without it.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/panic.h>
#include "aspace_internal.h"

#define SEALS_NO_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

bool vma_flags_may_write_object(u32 flags)
{
	return (flags & (VMA_SHARED | VMA_NO_WRITE)) == VMA_SHARED;
}

int mobj_map_begin(struct mobj *obj, u32 *vma_flags)
{
	int err = 0;

	if (!vma_flags_may_write_object(*vma_flags))
		return 0;
	spin_lock(&obj->maps_lock);
	if (!(obj->seals & SEALS_NO_WRITE)) {
		obj->writable_maps++;
		mobj_note_change(obj);
	} else if (*vma_flags & VMA_WRITE) {
		err = -EPERM;
	} else {
		*vma_flags |= VMA_NO_WRITE;
	}
	spin_unlock(&obj->maps_lock);
	return err;
}

void mobj_map_end(struct mobj *obj, u32 vma_flags)
{
	if (!vma_flags_may_write_object(vma_flags))
		return;
	spin_lock(&obj->maps_lock);
	DEBUG_ASSERT(obj->writable_maps > 0);
	obj->writable_maps--;
	spin_unlock(&obj->maps_lock);
}

int mobj_add_seals(struct mobj *obj, u32 seals)
{
	int err = 0;

	spin_lock(&obj->maps_lock);
	if (obj->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & ~obj->seals & F_SEAL_WRITE) && obj->writable_maps)
		err = -EBUSY;
	else
		__atomic_store_n(&obj->seals, obj->seals | seals, __ATOMIC_RELEASE);
	spin_unlock(&obj->maps_lock);
	return err;
}

int mobj_check_write(struct mobj *obj, u64 end)
{
	u32 seals = mobj_seals(obj);

	if (likely(!(seals & (SEALS_NO_WRITE | F_SEAL_GROW))))
		return 0;
	if (seals & SEALS_NO_WRITE)
		return -EPERM;
	return mobj_check_grow(obj, end);
}

int mobj_check_grow(struct mobj *obj, u64 end)
{
	u64 size = __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE);

	return end > size && (mobj_seals(obj) & F_SEAL_GROW) ? -EPERM : 0;
}

int mobj_check_resize(struct mobj *obj, u64 size_bytes)
{
	u64 size = __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE);

	if (size_bytes < size && (mobj_seals(obj) & F_SEAL_SHRINK))
		return -EPERM;
	return mobj_check_grow(obj, size_bytes);
}
