/* SPDX-License-Identifier: MIT */
/*
 * Objects whose pages come from below: files of a file system with a device.
 *
 *     window        [----------------------)          what the owner wants to bring at once
 *     pages      |here|    |    |want|    |here|
 *     run             [--------------)                the missing pages round the wanted one, as far as they join
 *
 * A run is filled in one go, into frames of its own, and joins the object only when all of it is there. The object's
 * lock is held meanwhile: a page that two threads want is brought once.
 *
 * As long as no page of an object can differ from what lies below (`changed` is false: nothing has been written to it, and
 * no writable shared mapping was ever made of it), each of them can be given up and read again. The list of such objects
 * is walked round and round; within an object, from low indexes to high ones, and round again. Three occasions:
 *
 *     a large file is read in order          pages that nobody but the object holds, some way behind
 *     little memory left: before a fill,     pages that nobody but the object holds
 *     before the next system call
 *     no memory left (reclaim.c)             all of them, after they were taken out of the address spaces
 *
 * A page that nobody else holds can get another holder only through the object, under its lock. Lock order: the object's
 * mutex (only tried, since its holder may be waiting for a device), then cache_lock.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include "frame_internal.h"
#include "object_internal.h"

#define SHRINK_MIN  512	 /* pages given up at once */
#define LARGE_SHARE 8	 /* a file that would take more than this part of memory is large */
#define STREAM_KEEP 1024 /* pages behind a reader that stay */
#define FUTILE_MAX  64	 /* after a search that found nothing: wishes that are not heard */

static struct spinlock cache_lock = SPINLOCK_INIT(RANK_MAPS);
static TAILQ_HEAD(, mobj) cached_objects = TAILQ_HEAD_INITIALIZER(cached_objects); /* [cache_lock] */
static u64 cached_count;							   /* [cache_lock] */
static u32 futile; /* [a] loosely: wishes that are not heard yet */

static void list_object(struct mobj *obj)
{
	spin_lock(&cache_lock);
	if (!obj->listed) {
		TAILQ_INSERT_TAIL(&cached_objects, obj, cached);
		cached_count++;
	}
	obj->listed = true;
	spin_unlock(&cache_lock);
}

void object_cache_forget(struct mobj *obj)
{
	if (!object_fills(obj))
		return;
	spin_lock(&cache_lock);
	if (obj->listed) {
		TAILQ_REMOVE(&cached_objects, obj, cached);
		cached_count--;
	}
	obj->listed = false;
	spin_unlock(&cache_lock);
}

/* ---- filling ---- */

/* The missing pages in the owner's window that join the one at index. Object lock held. */
static struct range choose_run(struct mobj *obj, u64 index)
{
	struct range w = {index, index + 1}, run = w;

	if (obj->ops->window)
		w = obj->ops->window(obj, index);
	DEBUG_ASSERT(range_contains(w, index) && range_len(w) <= MOBJ_FILL_MAX);
	while (run.end < w.end && !radix_get(&obj->pages, run.end))
		run.end++;
	while (run.start > w.start && !radix_get(&obj->pages, run.start - 1))
		run.start--;
	return run;
}

/* A frame for each page of the run; false when memory is out, with those that were got given back. */
static bool get_frames(struct mobj *obj, struct range run, struct page **pages)
{
	for (u64 i = 0; i < range_len(run); i++) {
		pages[i] = frame_alloc(0, 0, obj->frame_owner);
		if (!pages[i]) {
			while (i-- > 0)
				frame_put(pages[i]);
			return false;
		}
		pages[i]->cache.object = obj;
		pages[i]->cache.index = run.start + i;
	}
	return true;
}

/* Filled pages join the object; those for which there is no memory are dropped. */
static int store(struct mobj *obj, struct range run, struct page **pages, u64 index, struct page **out)
{
	*out = NULL;
	for (u64 i = 0; i < range_len(run); i++) {
		if (radix_set(&obj->pages, run.start + i, pages[i]))
			frame_put(pages[i]);
		else if (run.start + i == index)
			*out = pages[i];
	}
	return *out ? 0 : -ENOMEM;
}

static int fill_run(struct mobj *obj, struct range run, struct page **pages, u64 index, struct page **out)
{
	int err;

	if (!get_frames(obj, run, pages))
		return -ENOMEM;
	err = obj->ops->fill(obj, run.start, pages, (unsigned)range_len(run));
	if (!err)
		return store(obj, run, pages, index, out);
	for (u64 i = 0; i < range_len(run); i++)
		frame_put(pages[i]);
	return err;
}

int object_fill(struct mobj *obj, u64 index, struct page **out)
{
	struct range run = choose_run(obj, index);
	struct page **pages = range_len(run) > 1 ? kcalloc(range_len(run), sizeof(struct page *)) : NULL;
	int err = -ENOMEM;

	DEBUG_ASSERT(mutex_is_held(&obj->lock));
	list_object(obj);
	if (pages)
		err = fill_run(obj, run, pages, index, out);
	kfree(pages);
	/* Short of memory, or an error somewhere in the run: the wanted page alone may still do. */
	if (err && err != -EINTR)
		err = fill_run(obj, (struct range){index, index + 1}, (struct page *[1]){NULL}, index, out);
	return err;
}

/* ---- giving up ---- */

static bool is_clean(const struct mobj *obj)
{
	return !__atomic_load_n(&obj->changed, __ATOMIC_ACQUIRE);
}

/*
 * Gives up pages of one object that nobody else holds, `want` at most, unless somebody works on it. Only under its lock the
 * question whether it is clean has an answer that lasts: who is about to write says so first, and then takes a page.
 */
static u64 shrink_object(struct mobj *obj, u64 want)
{
	u64 index, freed = 0;
	struct page *page;

	if (!is_clean(obj) || !mutex_trylock(&obj->lock))
		return 0;
	if (!is_clean(obj)) {
		mutex_unlock(&obj->lock);
		return 0;
	}
	index = obj->shrink_index;
	while (freed < want && (page = radix_next(&obj->pages, &index)) != NULL) {
		if (frame_refs(page) == 1) {
			radix_remove(&obj->pages, index);
			frame_put(page);
			freed++;
		}
		index++;
	}
	obj->shrink_index = freed < want ? 0 : index;
	mutex_unlock(&obj->lock);
	return freed;
}

/* The object that was looked at longest ago, with a reference; NULL: it is going, or there is none. */
static struct mobj *next_object(void)
{
	struct mobj *obj;

	spin_lock(&cache_lock);
	obj = TAILQ_FIRST(&cached_objects);
	if (obj) {
		TAILQ_REMOVE(&cached_objects, obj, cached);
		TAILQ_INSERT_TAIL(&cached_objects, obj, cached);
		if (!ref_get_unless_zero(&obj->refs))
			obj = NULL;
	}
	spin_unlock(&cache_lock);
	return obj;
}

static u64 objects_now(void)
{
	return __atomic_load_n(&cached_count, __ATOMIC_RELAXED);
}

/*
 * The host has to find memory for each frame that was never used, which costs more than reading the page again: so the
 * frames of what was read serve for what is read next.
 */
void mobj_read_on(struct mobj *obj, u64 index)
{
	u64 end = index - MIN(index, (u64)STREAM_KEEP), at = end - MIN(end, (u64)MOBJ_FILL_MAX);
	u64 large_bytes = frames_total() / LARGE_SHARE * PAGE_SIZE;
	struct page *page;

	DEBUG_ASSERT(mutex_is_held(&obj->lock));
	if (__atomic_load_n(&obj->size_bytes, __ATOMIC_RELAXED) < large_bytes || !is_clean(obj))
		return;
	for (; (page = radix_next(&obj->pages, &at)) != NULL && at < end; at++) {
		if (frame_refs(page) == 1) {
			radix_remove(&obj->pages, at);
			frame_put(page);
		}
	}
}

u64 object_cache_clean_pages(void)
{
	u64 pages = 0;
	struct mobj *obj;

	spin_lock(&cache_lock);
	TAILQ_FOREACH (obj, &cached_objects, cached)
		pages += is_clean(obj) ? mobj_resident_pages(obj) : 0;
	spin_unlock(&cache_lock);
	return pages;
}

static u64 shrink(u64 want)
{
	u64 freed = 0;

	for (u64 i = objects_now(); i > 0 && freed < want; i--) {
		struct mobj *obj = next_object();

		if (!obj)
			continue;
		freed += shrink_object(obj, want - freed);
		mobj_put(obj);
	}
	return freed;
}

void mobj_cache_drop(void)
{
	(void)shrink(UINT64_MAX);
}

void mobj_cache_balance(void)
{
	struct frame_stats stats;

	frame_stats_read(&stats);
	if (stats.owned[FRAME_FREE] < stats.total / FRAMES_LOW_SHARE &&
	    !shrink(MAX(SHRINK_MIN, stats.total / FRAMES_LOW_SHARE / 4)))
		__atomic_store_n(&futile, FUTILE_MAX, __ATOMIC_RELAXED);
}

bool object_cache_is_promising(void)
{
	u32 left = __atomic_load_n(&futile, __ATOMIC_RELAXED);

	if (left)
		__atomic_store_n(&futile, left - 1, __ATOMIC_RELAXED);
	return !left && objects_now() > 0;
}

u64 object_cache_reclaim(void)
{
	u64 freed = shrink(SHRINK_MIN);

	for (u64 i = objects_now(); i > 0 && freed < SHRINK_MIN; i--) {
		struct mobj *obj = next_object();

		if (!obj)
			continue;
		/* What could not be taken out of an address space stays held, and so stays. */
		if (is_clean(obj) && mobj_zap_try(obj))
			freed += shrink_object(obj, UINT64_MAX);
		mobj_put(obj);
	}
	return freed;
}
