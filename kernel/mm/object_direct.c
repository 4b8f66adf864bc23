/* SPDX-License-Identifier: MIT */
/*
 * Large reads past an object's pages: what lies below goes straight into the pages of the program.
 *
 *     file      |....|....|----|----|----|----|----|here|          up to the first page that the object has
 *     buffer       [=========|=========|======...                  pages of private memory, entered and writable
 *
 * A copy costs several times what the device needs to bring the bytes, so who reads a file in large pieces fares best when
 * nothing is kept of it, also the second time. What the object has counts as always: a page that is there may differ from
 * what lies below, so bytes of it are copied from it.
 *
 * The address space is held for reading from the look at the page table until the bytes are there, as it is by a fault on a
 * file: nobody unmaps, protects, forks or moves the pages meanwhile, and no entry that is writable changes otherwise. The
 * object is held for that time, as it is while it is filled. So it is as if the bytes had been copied at once.
 *
 * Only pages of private memory that are this address space's alone qualify, in a space that one process has: if its thread is
 * killed, the device may go on writing into pages that nobody looks at any more. Whatever else a buffer is, and whatever
 * goes wrong: 0 is the answer, and the ordinary way finds out what is to be done or said.
 */
#include <moat/panic.h>
#include "aspace_internal.h"
#include "object_internal.h"

#define DIRECT_MIN KIB(128) /* bytes: a smaller piece goes by the object's pages, with those round it */
#define PAGES_MAX  (MOBJ_READ_MAX / PAGE_SIZE + 1)
#define OWN_TRIES  8 /* against somebody who forks all the time */

/* The pages of a buffer. as->lock held. */
struct target {
	struct range range; /* whole pages; start: the first one that was not looked at */
	struct page **pages;
	unsigned count;
};

static struct aspace *(*current_aspace)(void); /* [I after boot] */

void aspace_register_current(struct aspace *(*fn)(void))
{
	current_aspace = fn;
}

/* Under the lock of a table. */
static bool note_page(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const unsigned need = PMAP_WRITE | PMAP_DIRTY;
	struct target *t = arg;
	struct page *page = pfn_to_page(leaf->pfn);

	if (addr != t->range.start || (leaf->prot & need) != need || leaf->size_bytes != PAGE_SIZE ||
	    page->owner != FRAME_ANON)
		return false;
	t->pages[t->count++] = page;
	t->range.start += PAGE_SIZE;
	return true;
}

/*
 * Finds the pages, as far as they qualify, and brings those that are missing or not writable yet. as->lock held for
 * reading. What the last fault said.
 */
static enum fault_result find_pages(struct aspace *as, struct target *t)
{
	const u32 flags = VMA_WRITE | VMA_SHARED | VMA_IO;
	struct vma *v = aspace_find(as, t->range.start);
	enum fault_result result = FAULT_DONE;
	u64 end = t->range.end, at = 0;

	if (!v || v->range.start > t->range.start || (v->flags & flags) != VMA_WRITE)
		return FAULT_NO_ACCESS;
	end = MIN(end, v->range.end);
	while (result == FAULT_DONE && t->range.start < end) {
		pmap_for_each(&as->pmap, (struct range){t->range.start, end}, note_page, t);
		/* A fault on it has not helped: a huge page, or one that is lazily free. */
		if (t->range.start == end || t->range.start == at)
			break;
		at = t->range.start;
		result = fault_page(as, v, at, FAULT_PRESENT | FAULT_WRITE);
	}
	return result;
}

/* As much as the object has no page of. as->lock held. Bytes; 0: there is one at offset; -errno. */
static s64 read_absent(struct mobj *obj, u64 offset, size_t n, const struct target *t, u32 in_page)
{
	u64 index = offset >> PAGE_SHIFT;
	s64 got = 0;

	mutex_lock(&obj->lock);
	if (radix_next(&obj->pages, &index))
		n = MIN(n, MAX(index << PAGE_SHIFT, offset) - offset);
	if (n)
		got = obj->ops->read(obj, offset, t->pages, in_page, (u32)n);
	mutex_unlock(&obj->lock);
	DEBUG_ASSERT(got <= (s64)n);
	return got;
}

/* Up to n bytes at offset to the user address base. Bytes, 0, -errno; *shared_at: there a table is to become our own first. */
static s64 read_into(struct mobj *obj, u64 offset, u64 base, size_t n, struct page **pages, u64 *shared_at)
{
	struct aspace *as = current_aspace();
	struct target t = {{ALIGN_DOWN(base, PAGE_SIZE), ALIGN_UP(base + n, PAGE_SIZE)}, pages, 0};
	s64 got = -EFAULT;

	*shared_at = 0;
	rwlock_read(&as->lock);
	if (find_pages(as, &t) == FAULT_SHARED_TABLE)
		*shared_at = t.range.start;
	else if (t.count)
		got = read_absent(obj, offset, MIN(n, t.range.start - base), &t, (u32)(base % PAGE_SIZE));
	rwlock_read_done(&as->lock);
	return got;
}

static s64 read_some(struct mobj *obj, u64 offset, u64 base, size_t n)
{
	struct page **pages = kcalloc(PAGES_MAX, sizeof(struct page *));
	u64 shared_at = 0;
	s64 got = -ENOMEM;

	for (unsigned i = 0; pages && i < OWN_TRIES; i++) {
		got = read_into(obj, offset, base, n, pages, &shared_at);
		if (!shared_at || fault_own_table(current_aspace(), shared_at))
			break;
	}
	kfree(pages);
	return got;
}

/* Is there an address space that the bytes can go to? */
static bool may_read(void)
{
	struct aspace *as = current_aspace ? current_aspace() : NULL;

	return as && ref_read(&as->refs) == 1;
}

size_t object_read_direct(struct mobj *obj, u64 offset, u64 size, struct uio *u, struct direct_plan *plan)
{
	u64 base;
	size_t n;
	s64 got;

	if (offset < plan->from)
		return 0;
	n = MIN(uio_user_piece(u, &base), size - offset);
	if (offset >= plan->end) {
		plan->end = plan->from = offset + n;
		if (n < DIRECT_MIN || !may_read())
			return 0;
	}
	/* What is left of a piece that was large goes the same way, so that it brings no page round it into the object. */
	plan->from = offset + DIRECT_MIN;
	got = mobj_has_page(obj, offset >> PAGE_SHIFT) ? 0
						       : read_some(obj, offset, base, MIN(n, MOBJ_READ_MAX));
	if (got < 0)
		plan->from = plan->end;
	if (got <= 0)
		return 0;
	plan->from = 0;
	uio_skip(u, (size_t)got);
	return (size_t)got;
}
