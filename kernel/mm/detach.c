/* SPDX-License-Identifier: MIT */
/*
 * Unmapping what one call mapped, by its address alone: shmdt(2).
 *
 *     shmat      |------------ file, offset 0 … ------------|
 *     later      |-- r --|--- rw ---|  hole  |- other -|-- r|
 *     shmdt       gone     gone                          gone
 *
 * A VMA belongs to it if it shows the same file and lies where the first call would have put that part of the file.
 */
#include <asm/errno.h>
#include "aspace_internal.h"

/* Does v show what a mapping of all of the file at addr shows there? */
static bool belongs(const struct vma *v, u64 addr)
{
	return v->range.start - addr == v->object_offset;
}

static struct vma *find_first(struct aspace *as, u64 addr, bool (*is)(const struct file *f, void *arg),
			      void *arg)
{
	struct vma *v = aspace_find(as, addr);

	while (v && !(v->file && belongs(v, addr) && is(v->file, arg)))
		v = vma_next(v);
	return v;
}

int aspace_unmap_whole(struct aspace *as, u64 addr, bool (*is)(const struct file *f, void *arg), void *arg)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	const struct file *file = NULL;
	struct vma *v, *next;
	u64 end = addr;
	int err = -EINVAL;

	rwlock_write(&as->lock);
	v = find_first(as, addr, is, arg);
	if (v) {
		file = v->file;
		end += ALIGN_UP(v->object->size_bytes, PAGE_SIZE);
		err = 0;
	}
	for (; v && v->range.start < end && !err; v = next) {
		next = vma_next(v);
		if (v->file == file && belongs(v, addr))
			err = unmap_locked(as, v->range, &dead);
	}
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	return err;
}
