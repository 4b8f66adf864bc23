/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: lifetime, pages and size. Reading and writing through a uio is in object_io.c.
 *
 *     index       0      1      2      3      4
 *     pages   | page | hole | page | page |  -          radix: index -> struct page *, one reference each
 *     bytes   |----------------------|                  size_bytes: need not be a multiple of a page
 *                                     \ the rest of the last page is zeros
 *
 * Invariants: no page lies wholly past the size for longer than a call takes; the bytes of the last page past
 * the size are zero unless a program wrote them through a mapping.
 *
 * Lock order: the object's mutex is taken under an address space's lock (a fault) and under an inode's; under
 * it only spinlocks are taken, and never user memory touched, which could fault on the same object.
 */
#include <asm/errno.h>
#include <arch/mmu.h>
#include <moat/commit.h>
#include <moat/heap.h>
#include <moat/object.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "object_internal.h"

struct mobj *mobj_create(const struct mobj_ops *ops, void *owner)
{
	struct mobj *obj = kzalloc(sizeof(*obj));

	if (!obj)
		return NULL;
	ref_init(&obj->refs, 1);
	mutex_init(&obj->lock, RANK_OBJECT);
	radix_init(&obj->pages, heap_node_alloc, heap_node_free);
	obj->frame_owner = FRAME_CACHE;
	obj->ops = ops;
	obj->owner = owner;
	mutex_init(&obj->zap_lock, RANK_ZAP);
	spin_init(&obj->maps_lock, RANK_MAPS);
	TAILQ_INIT(&obj->maps);
	return obj;
}

void mobj_get(struct mobj *obj)
{
	ref_get(&obj->refs);
}

/*
 * Drops every page from index `first` up to, not with, `end`. Object lock held, or the last reference gone.
 */
static void drop_pages(struct mobj *obj, u64 first, u64 end)
{
	u64 index = first;
	struct page *page;

	while ((page = radix_next(&obj->pages, &index)) != NULL && index < end) {
		radix_remove(&obj->pages, index);
		frame_put(page);
		index++;
		waitq_give_way();
	}
}

void mobj_put(struct mobj *obj)
{
	if (!ref_put(&obj->refs))
		return;
	object_cache_forget(obj);
	drop_pages(obj, 0, UINT64_MAX);
	commit_add(-(s64)obj->committed_pages);
	if (obj->ops && obj->ops->destroy)
		obj->ops->destroy(obj);
	kfree(obj);
}

/* A page that was missing: a cleared frame, stored at index. Object lock held. */
static int create_page(struct mobj *obj, u64 index, unsigned flags, struct page **out)
{
	struct page *page = frame_alloc(0, flags & MOBJ_WHOLE ? 0 : FRAME_ZERO, obj->frame_owner);
	int err;

	if (!page)
		return -ENOMEM;
	page->cache.object = obj;
	page->cache.index = index;
	err = radix_set(&obj->pages, index, page);
	if (err) {
		frame_put(page);
		return err;
	}
	*out = page;
	return 0;
}

/* As mobj_page, but the reference stays with the object. Object lock held. */
static int find_page(struct mobj *obj, u64 index, unsigned flags, struct page **out)
{
	DEBUG_ASSERT(mutex_is_held(&obj->lock));
	*out = radix_get(&obj->pages, index);
	if (*out)
		return 0;
	if (object_fills(obj))
		return object_fill(obj, index, out);
	return flags & MOBJ_CREATE ? create_page(obj, index, flags, out) : 0;
}

int mobj_page(struct mobj *obj, u64 index, unsigned flags, struct page **out)
{
	int err;

	mutex_lock(&obj->lock);
	if (object_fills(obj) && !radix_get(&obj->pages, index)) {
		mutex_unlock(&obj->lock);
		mobj_cache_balance();
		mutex_lock(&obj->lock);
	}
	err = find_page(obj, index, flags, out);
	if (!err && *out)
		frame_get(*out);
	mutex_unlock(&obj->lock);
	return err;
}

void mobj_pages_present(struct mobj *obj, u64 index, unsigned n, struct page **out)
{
	u64 end;

	mutex_lock(&obj->lock);
	end = ALIGN_UP(obj->size_bytes, PAGE_SIZE) >> PAGE_SHIFT;
	radix_get_run(&obj->pages, index, n, (void **)out);
	for (unsigned i = 0; i < n; i++) {
		if (index + i >= end)
			out[i] = NULL;
		else if (out[i])
			frame_get(out[i]);
	}
	mutex_unlock(&obj->lock);
}

/* Clears the bytes [from, to) of one page, if it is there or its owner has other bytes than zeros for it. */
static int clear_part(struct mobj *obj, u64 index, u64 from, u64 to)
{
	struct page *page;
	int err;

	if (from >= to)
		return 0;
	mobj_note_change(obj);
	err = find_page(obj, index, 0, &page);
	if (!err && page)
		memset((u8 *)page_address(page) + from, 0, to - from);
	return err;
}

static void set_size(struct mobj *obj, u64 size_bytes)
{
	__atomic_store_n(&obj->size_bytes, size_bytes, __ATOMIC_RELEASE);
}

/* Has the page that clear_part will clear in memory, so that it cannot fail: nothing else takes it away. */
static int load_part(struct mobj *obj, u64 index, u64 from, u64 to)
{
	struct page *page;
	int err;

	if (from >= to)
		return 0;
	err = mobj_page(obj, index, 0, &page);
	if (!err && page)
		frame_put(page);
	return err;
}

/*
 * Nothing changes before all that may fail is done. Then the new size comes first: a fault that looked at the old one is undone by
 * the zap, which waits for it, and one that looks later finds the end. Only then can the pages go, since nobody can bring
 * one back.
 */
static int shrink(struct mobj *obj, u64 size_bytes)
{
	const struct range gone = {ALIGN_UP(size_bytes, PAGE_SIZE) >> PAGE_SHIFT, UINT64_MAX};
	u64 last = size_bytes >> PAGE_SHIFT, rest = size_bytes % PAGE_SIZE, end = rest ? PAGE_SIZE : 0;
	int err = mobj_zap_prepare(obj, gone, ZAP_PRIVATE);

	if (err)
		return err;
	err = load_part(obj, last, rest, end);
	if (err) {
		mobj_zap_cancel(obj);
		return err;
	}
	mutex_lock(&obj->lock);
	set_size(obj, size_bytes);
	mutex_unlock(&obj->lock);
	mobj_zap_commit(obj, gone, ZAP_PRIVATE);
	mutex_lock(&obj->lock);
	err = clear_part(obj, last, rest, end);
	drop_pages(obj, gone.start, gone.end);
	mutex_unlock(&obj->lock);
	return err;
}

int mobj_resize(struct mobj *obj, u64 size_bytes)
{
	int err = mobj_check_resize(obj, size_bytes);

	if (err)
		return err;
	/* Pages may lie behind the end too: fallocate(2) with FALLOC_FL_KEEP_SIZE, or one that failed. */
	if (size_bytes <= __atomic_load_n(&obj->size_bytes, __ATOMIC_RELAXED))
		return shrink(obj, size_bytes);
	mutex_lock(&obj->lock);
	set_size(obj, size_bytes);
	mutex_unlock(&obj->lock);
	return 0;
}

/*
 *     range           [===================)
 *     pages      |......|......|......|......|
 *                    ^^^ cleared       ^^ cleared
 *                        ^^^^^^^^^^^^^^ dropped
 */
int mobj_punch(struct mobj *obj, struct range bytes)
{
	u64 head = bytes.start % PAGE_SIZE, tail = bytes.end % PAGE_SIZE;
	u64 first = bytes.start >> PAGE_SHIFT, last = bytes.end >> PAGE_SHIFT;
	const u64 head_end = first == last ? tail : head ? PAGE_SIZE : 0;
	const struct range whole = {first + (head != 0), last};
	int err = mobj_check_write(obj, 0);

	if (err || range_empty(bytes))
		return err;
	if (first == last)
		tail = 0;
	err = load_part(obj, first, head, head_end);
	if (!err)
		err = load_part(obj, last, 0, tail);
	if (!err && whole.start < whole.end)
		err = mobj_zap_prepare(obj, whole, 0);
	if (err)
		return err;
	mutex_lock(&obj->lock);
	err = clear_part(obj, first, head, head_end);
	if (!err)
		err = clear_part(obj, last, 0, tail);
	if (whole.start < whole.end)
		drop_pages(obj, whole.start, whole.end);
	mutex_unlock(&obj->lock);
	/* After the pages: a fault meanwhile brings a new one, which the zap may take away in vain. */
	if (whole.start < whole.end)
		mobj_zap_commit(obj, whole, 0);
	return err;
}

bool mobj_has_page(struct mobj *obj, u64 index)
{
	bool has;

	mutex_lock(&obj->lock);
	has = radix_get(&obj->pages, index);
	mutex_unlock(&obj->lock);
	return has;
}

bool mobj_next_page(struct mobj *obj, u64 *index)
{
	bool found;

	mutex_lock(&obj->lock);
	found = radix_next(&obj->pages, index);
	mutex_unlock(&obj->lock);
	return found;
}

u64 mobj_resident_pages(struct mobj *obj)
{
	/* One word: the lock would make it no truer a moment later. */
	return __atomic_load_n(&obj->pages.count, __ATOMIC_RELAXED);
}
