/* SPDX-License-Identifier: MIT */
/* room: mm */
/* What the files of memory objects tell one another. */
#ifndef MM_OBJECT_INTERNAL_H
#define MM_OBJECT_INTERNAL_H

#include <moat/object.h>

/* Is there something below the object that its missing pages are read from? */
static inline bool object_fills(const struct mobj *obj)
{
	return obj->ops && obj->ops->fill;
}

/*
 * Brings the missing page at index, and those around it that the owner wants to come along. Borrowed in *out. 0, -ENOMEM,
 * or what the owner said. Object lock held; may sleep.
 */
int __must_check object_fill(struct mobj *obj, u64 index, struct page **out);
/* Which part of one mobj_read is tried past the object's pages; zeros at its start. */
struct direct_plan {
	u64 end;  /* offset where the piece ends that was looked at last */
	u64 from; /* up to here, by the pages */
};
/*
 * object_direct.c: reads a part of a large piece straight into the program's own pages. Bytes, or 0: the page at offset is to
 * be read by the object. No lock held of RANK_ASPACE or later.
 */
size_t object_read_direct(struct mobj *obj, u64 offset, u64 size, struct uio *u, struct direct_plan *plan);

/* Gives up all such pages, those that address spaces show too. Pages freed. No lock held of RANK_ZAP or later. */
u64 object_cache_reclaim(void);
/* Is it worth while to look for such pages? False for some time after none was found. Any context. */
bool object_cache_is_promising(void);
/* How many pages could be read again, apart from those that are in use just now. */
u64 object_cache_clean_pages(void);
/* The object is about to go: it has no reference. */
void object_cache_forget(struct mobj *obj);

#endif
