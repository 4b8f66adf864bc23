/* SPDX-License-Identifier: MIT */
/*
 * Where VMAs come from and go to. A VMA holds a reference to its object and to its file; the files are the fs
 * room's, which registers how they are counted.
 *
 * The last reference to a file may have much to do, and takes locks that come before the address space's. So
 * VMAs are first detached to a list, and freed when no lock is held.
 */
#include <moat/heap.h>
#include "aspace_internal.h"

static const struct vma_file_ops *file_ops; /* [I after boot] */

void vma_register_file_ops(const struct vma_file_ops *ops)
{
	file_ops = ops;
}

struct vma *vma_alloc(void)
{
	struct vma *v = kmalloc(sizeof(*v));

	if (v)
		*v = (struct vma){0};
	return v;
}

void vma_take_backing(struct vma *v)
{
	if (v->object)
		mobj_get(v->object);
	if (v->file && file_ops)
		file_ops->get(v->file);
}

void vma_list_free(struct vma_list *list)
{
	struct vma *v;

	while ((v = SLIST_FIRST(list)) != NULL) {
		SLIST_REMOVE_HEAD(list, detached);
		if (v->object)
			mobj_put(v->object);
		if (v->file && file_ops)
			file_ops->put(v->file);
		kfree(v);
	}
}
