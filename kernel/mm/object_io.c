/* SPDX-License-Identifier: MIT */
/*
 * Reading, writing and seeking in a memory object.
 *
 * Bytes move page by page. The object's lock is held only while a page is looked up; the copy itself runs on
 * a reference to the page, because the caller's buffer may be a mapping of this same object. So a reader may
 * see half of a concurrent write, as on Linux; who wants more takes the inode's lock around the call.
 */
#include <asm/errno.h>
#include <moat/object.h>
#include <moat/panic.h>
#include <moat/reclaim.h>
#include "object_internal.h"

/* Between two pages of a long call. False: the program has been killed. */
static bool go_on(void)
{
	waitq_give_way();
	return !waitq_kill_due();
}

static u64 size_now(struct mobj *obj)
{
	return __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE);
}

/* Bytes from `offset` to the end of its page. */
static size_t page_rest(u64 offset)
{
	return PAGE_SIZE - offset % PAGE_SIZE;
}

/* Moves n bytes, which lie in one page, to the reader. Bytes moved, or -errno. */
static ssize_t read_piece(struct mobj *obj, u64 offset, struct uio *u, size_t n)
{
	struct page *page;
	size_t moved;
	int err;

	/* What lies below can be read again: pages that could be given up make room before the reader hears of it. */
	do
		err = mobj_page(obj, offset >> PAGE_SHIFT, 0, &page);
	while (err == -ENOMEM && memory_reclaim() > 0);
	if (err)
		return err;
	if (!page)
		return (ssize_t)uio_zero_out(u, n);
	moved = uio_copy_out(u, (u8 *)page_address(page) + offset % PAGE_SIZE, n);
	frame_put(page);
	return (ssize_t)moved;
}

ssize_t mobj_read(struct mobj *obj, u64 offset, struct uio *u)
{
	const bool direct = obj->ops && obj->ops->read && !u->kernel;
	struct direct_plan plan = {0};
	u64 size = size_now(obj);
	ssize_t done = 0;

	while (u->left > 0 && offset < size) {
		size_t n = MIN(MIN(u->left, page_rest(offset)), size - offset);
		ssize_t moved = direct ? (ssize_t)object_read_direct(obj, offset, size, u, &plan) : 0;

		if (moved)
			n = (size_t)moved;
		else
			moved = read_piece(obj, offset, u, n);
		if (moved < 0)
			return done ? done : moved;
		done += moved;
		offset += (u64)moved;
		if ((size_t)moved < n)
			return done ? done : -EFAULT;
		if (u->left && !go_on())
			break;
	}
	return done;
}

static void grow_to(struct mobj *obj, u64 size_bytes)
{
	mutex_lock(&obj->lock);
	if (size_bytes > obj->size_bytes)
		__atomic_store_n(&obj->size_bytes, size_bytes, __ATOMIC_RELEASE);
	mutex_unlock(&obj->lock);
}

/*
 * How the page for a piece is got. A whole page from kernel memory (which cannot fault half way), past the end of the
 * object (where nobody can map or read it yet), need not be cleared first: that is how the archive is unpacked.
 */
static unsigned piece_flags(struct mobj *obj, u64 offset, const struct uio *u, size_t n)
{
	return MOBJ_CREATE | (u->kernel && n == PAGE_SIZE && offset >= size_now(obj) ? MOBJ_WHOLE : 0);
}

/* Moves n bytes, which lie in one page, from the writer. Bytes moved, or -errno. */
static ssize_t write_piece(struct mobj *obj, u64 offset, struct uio *u, size_t n)
{
	struct page *page;
	size_t moved;
	int err;

	/* Before the page is touched: a bad buffer must neither make a page nor destroy what is in one. */
	n = uio_fault_in(u, n);
	if (n == 0)
		return 0;
	err = mobj_check_write(obj, offset + n);
	mobj_note_change(obj);
	if (err)
		return err;
	do
		err = mobj_page(obj, offset >> PAGE_SHIFT, piece_flags(obj, offset, u, n), &page);
	while (err == -ENOMEM && memory_retry());
	if (err)
		return err;
	moved = uio_copy_in(u, (u8 *)page_address(page) + offset % PAGE_SIZE, n);
	frame_put(page);
	if (offset + moved > size_now(obj))
		grow_to(obj, offset + moved);
	return (ssize_t)moved;
}

ssize_t mobj_write(struct mobj *obj, u64 offset, struct uio *u)
{
	ssize_t done = 0;

	while (u->left > 0) {
		size_t n = MIN(u->left, page_rest(offset));
		ssize_t moved = write_piece(obj, offset, u, n);

		if (moved < 0)
			return done ? done : moved;
		/* What was moved may have made the object longer, and more of a buffer that shows it readable: on, as Linux does. */
		if (moved == 0)
			return done ? done : -EFAULT;
		done += moved;
		offset += (u64)moved;
		if (u->left && !go_on())
			break;
	}
	return done;
}

/*
 * The first hole at or after offset: the first index that the run of pages does not reach. Object lock held.
 */
static u64 next_hole(struct mobj *obj, u64 offset)
{
	u64 want = offset >> PAGE_SHIFT, index = want;

	while (radix_next(&obj->pages, &index) && index == want) {
		index = ++want;
		waitq_give_way();
	}
	return MAX(want << PAGE_SHIFT, offset);
}

/* lseek(2), SEEK_DATA and SEEK_HOLE: the end of the file counts as a hole. */
s64 mobj_seek(struct mobj *obj, u64 offset, bool hole)
{
	bool fills = object_fills(obj); /* all of it is data */
	u64 index = offset >> PAGE_SHIFT, size, at;

	mutex_lock(&obj->lock);
	size = obj->size_bytes;
	if (hole)
		at = fills ? size : MIN(next_hole(obj, offset), size);
	else if (fills)
		at = offset;
	else
		at = radix_next(&obj->pages, &index) ? MAX(index << PAGE_SHIFT, offset) : size;
	mutex_unlock(&obj->lock);
	if (offset >= size || (!hole && at >= size))
		return -ENXIO;
	return (s64)at;
}
