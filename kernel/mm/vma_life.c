/* SPDX-License-Identifier: MIT */
/*
 * Where VMAs come from and go to. A VMA holds a reference to its object and to its file; the files are the fs
 * room's, which registers how they are counted.
 *
 * The last reference to a file may have much to do, and takes locks that come before the address space's. So
 * VMAs are first detached to a list, and freed when no lock is held.
 *
 * A program that maps and unmaps makes and frees one VMA after the other: an address space keeps the last one. The debug
 * kernel does not, so that it sees every use of a freed one.
 */
#include <moat/heap.h>
#include "aspace_internal.h"

static const struct vma_file_ops *file_ops; /* [I after boot] */

void vma_register_file_ops(const struct vma_file_ops *ops)
{
	file_ops = ops;
}

struct vma *vma_alloc(struct aspace *as)
{
	struct vma *v = NULL;

	if (__atomic_load_n(&as->spare, __ATOMIC_RELAXED))
		v = __atomic_exchange_n(&as->spare, NULL, __ATOMIC_ACQUIRE);
	if (!v)
		v = kmalloc(sizeof(*v));
	if (v)
		*v = (struct vma){.aspace = as};
	return v;
}

void vma_get_backing(struct vma *v)
{
	if (v->object)
		mobj_get(v->object);
	if (v->file && file_ops)
		file_ops->get(v->file);
}

/* Keeps v for its address space, or frees it. */
static void vma_free(struct vma *v)
{
	struct vma *none = NULL;

	if (CONFIG_DEBUG || !__atomic_compare_exchange_n(&v->aspace->spare, &none, v, false, __ATOMIC_RELEASE,
							 __ATOMIC_RELAXED))
		kfree(v);
}

void vma_list_drop(struct vma_list *list)
{
	struct vma *v;

	while ((v = SLIST_FIRST(list)) != NULL) {
		SLIST_REMOVE_HEAD(list, detached);
		if (v->object)
			mobj_put(v->object);
		if (v->file && file_ops)
			file_ops->put(v->file);
		vma_free(v);
		waitq_give_way();
	}
}
