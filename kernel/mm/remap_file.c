/* SPDX-License-Identifier: MIT */
/*
 * remap_file_pages(2): a part of a shared mapping shows other pages of the same file. As Linux does since 4.0, the call is a
 * new mapping in place of the old one, so that each such part becomes a VMA of its own.
 *
 *     before     |0 1 2 3 4 5 6 7|        after (pages 2 and 3, offset 6)     |0 1|6 7|4 5 6 7|
 */
#include <asm/errno.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* A VMA whose mapping the program could write to for good, which Linux demands. */
static bool is_shared(const struct vma *v)
{
	return (v->flags & (VMA_SHARED | VMA_NO_WRITE)) == VMA_SHARED;
}

/* The VMA at r.start, if all of r shows one file with the same flags; or NULL. as->lock held. */
static struct vma *find_shown(struct aspace *as, struct range r)
{
	struct vma *first = aspace_find(as, r.start), *v = first;
	u64 at = r.start;

	if (!v || !is_shared(v))
		return NULL;
	while (v && v->range.start <= at && v->object == first->object && v->file == first->file &&
	       v->flags == first->flags) {
		at = v->range.end;
		if (at >= r.end)
			return first;
		v = vma_next(v);
	}
	return NULL;
}

/* A copy of that VMA with references of its own, in no tree; NULL: -EINVAL or -ENOMEM. */
static int copy_shown(struct aspace *as, struct range r, struct vma **out)
{
	struct vma *copy = vma_alloc(as);
	const struct vma *v;

	if (!copy)
		return -ENOMEM;
	rwlock_read(&as->lock);
	v = find_shown(as, r);
	if (v) {
		*copy = *v;
		vma_take_backing(copy);
	}
	rwlock_read_done(&as->lock);
	if (!v) {
		kfree(copy);
		return -EINVAL;
	}
	*out = copy;
	return 0;
}

int aspace_remap_file(struct aspace *as, struct range r, u64 object_offset, u32 how)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct vma *shown;
	int err = copy_shown(as, r, &shown);
	struct map_request req;
	u64 addr;

	DEBUG_ASSERT((how & ~(u32)MAP_FILL) == 0);
	if (err)
		return err;
	req = (struct map_request){
		.addr = r.start,
		.len = range_len(r),
		.vma_flags = shown->flags & (VMA_PROT | VMA_SHARED | VMA_LOCKED),
		.how = MAP_AT | how,
		.object = shown->object,
		.object_offset = object_offset,
		.file = shown->file,
		.name = shown->name,
	};
	err = mobj_map_begin(req.object, &req.vma_flags);
	if (!err) {
		err = aspace_map(as, &req, &addr);
		mobj_map_end(req.object, req.vma_flags);
	}
	SLIST_INSERT_HEAD(&dead, shown, detached);
	vma_list_free(&dead);
	return err;
}
