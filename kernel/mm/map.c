/* SPDX-License-Identifier: MIT */
/*
 * Mapping: mmap(2) without its system call.
 *
 * Check, allocate, commit: the place is chosen and every limit checked, every node allocated, and only then
 * VMAs change.
 *
 *     place        MAP_AT: exactly there, replacing      MAP_AT_FREE: exactly there or -EEXIST
 *                  hint: there if it is free             else: the highest free place below mmap_top
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/wx.h>
#include "aspace_internal.h"

#define LOW_2G_START 0x40000000ul /* where Linux's MAP_32BIT window lies */
#define LOW_2G_END   0x80000000ul

bool wx_strict;

bool aspace_exceeds_limits(const struct aspace *as, u64 pages, u64 data_pages)
{
	u64 limit_as = __atomic_load_n(&as->limit_as_bytes, __ATOMIC_RELAXED) >> PAGE_SHIFT;
	u64 limit_data = __atomic_load_n(&as->limit_data_bytes, __ATOMIC_RELAXED) >> PAGE_SHIFT;

	return as->mapped_pages + pages > limit_as ||
	       (data_pages && as->data_pages + data_pages > limit_data);
}

static bool range_is_free(struct aspace *as, struct range r)
{
	struct vma *v = aspace_find(as, r.start);

	return !v || v->range.start >= r.end;
}

/* The place that MAP_AT or MAP_AT_FREE names. */
static int place_exact(struct aspace *as, const struct map_request *req, u64 len, struct range *r)
{
	if (req->addr > USER_TOP - len)
		return -ENOMEM;
	if (!IS_ALIGNED(req->addr, PAGE_SIZE))
		return -EINVAL;
	if (req->addr < USER_MIN)
		return -EPERM;
	*r = (struct range){req->addr, req->addr + len};
	if ((req->how & MAP_AT_FREE) && !range_is_free(as, *r))
		return -EEXIST;
	return 0;
}

/* Is the hint a good place: below top, and clear of VMAs and of the gaps below stacks? */
static bool hint_fits(struct aspace *as, u64 hint, u64 len, u64 top)
{
	struct vma *next;

	if (len > top || hint > top - len)
		return false;
	next = aspace_find(as, hint);
	return !next || hint + len <= vma_gap_start(next);
}

static int place_free(struct aspace *as, const struct map_request *req, u64 len, struct range *r)
{
	u64 addr, hint = ALIGN_DOWN(req->addr, PAGE_SIZE);
	u64 low = req->how & MAP_OVER_4G ? GIB(4) : USER_MIN;
	bool found;

	if (hint) {
		hint = MAX(hint, USER_MIN);
		if (hint_fits(as, hint, len, req->how & MAP_LOW_2G ? LOW_2G_END : USER_TOP)) {
			*r = (struct range){hint, hint + len};
			return 0;
		}
	}
	if (req->how & MAP_LOW_2G)
		found = aspace_find_gap(as, len, (struct range){LOW_2G_START, LOW_2G_END}, &addr);
	else
		found = aspace_find_gap(as, len, (struct range){low, as->mmap_top}, &addr) ||
			aspace_find_gap(as, len, (struct range){low, USER_TOP}, &addr);
	if (!found)
		return -ENOMEM;
	*r = (struct range){addr, addr + len};
	return 0;
}

int place_anywhere(struct aspace *as, u64 hint, u64 len, struct range *r)
{
	const struct map_request req = {.addr = hint};

	return place_free(as, &req, len, r);
}

int aspace_find_space(struct aspace *as, u64 hint, u64 len, u64 *addr_out)
{
	struct range r;
	int err;

	if (len > USER_TOP)
		return -ENOMEM;
	rwlock_read(&as->lock);
	err = place_anywhere(as, hint, ALIGN_UP(len, PAGE_SIZE), &r);
	rwlock_read_done(&as->lock);
	if (!err)
		*addr_out = r.start;
	return err;
}

/* Where a new mapping with these flags goes, with the errors that have to do with its place. as->lock held. */
static inline int choose_place(struct aspace *as, const struct map_request *req, u32 flags, u64 len,
			       struct range *r)
{
	int err;

	if (unlikely(as->vma_count > vma_count_max))
		return -ENOMEM;
	if (req->how & (MAP_AT | MAP_AT_FREE))
		err = place_exact(as, req, len, r);
	else
		err = place_free(as, req, len, r);
	if (!err && unlikely(req->vma_flags & VMA_LOCKED) &&
	    __atomic_load_n(&as->limit_lock_bytes, __ATOMIC_RELAXED) == 0)
		err = -EPERM;
	return err ? err : lock_limit_check(as, flags, len >> PAGE_SHIFT);
}

/* Pages in the range that are mapped, and of them those that count as data. */
static void count_mapped(struct aspace *as, struct range r, u64 *pages, u64 *data)
{
	*pages = 0;
	*data = 0;
	for (struct vma *v = aspace_find(as, r.start); v && v->range.start < r.end; v = vma_next(v)) {
		u64 n = (MIN(v->range.end, r.end) - MAX(v->range.start, r.start)) >> PAGE_SHIFT;

		*pages += n;
		if (vma_flags_are_data(v->flags))
			*data += n;
	}
}

/* Committed memory, RLIMIT_AS and RLIMIT_DATA, less what the new mapping replaces. first: in r, or NULL if it is free. */
static int check_limits(struct aspace *as, struct range r, u32 flags, const struct vma *first)
{
	u64 pages = range_len(r) >> PAGE_SHIFT, replaced = 0, replaced_data = 0;
	u64 data = vma_flags_are_data(flags) ? pages : 0;

	if ((flags & VMA_ACCOUNT) && !commit_allows(as, pages))
		return -ENOMEM;
	if (first)
		count_mapped(as, r, &replaced, &replaced_data);
	if (aspace_exceeds_limits(as, pages - replaced, data > replaced_data ? data - replaced_data : 0))
		return -ENOMEM;
	return 0;
}

/* An object for shared anonymous memory: only its mappings will know it. All of it is committed at once. */
static struct mobj *shared_object(u64 len, u32 flags)
{
	u64 pages = flags & VMA_NORESERVE ? 0 : len >> PAGE_SHIFT;
	struct mobj *obj = commit_allows(NULL, pages) ? mobj_create(NULL, NULL) : NULL;

	if (!obj)
		return NULL;
	obj->frame_owner = FRAME_SHMEM;
	if (mobj_resize(obj, len)) {
		mobj_put(obj);
		return NULL;
	}
	obj->committed_pages = pages;
	commit_add((s64)pages);
	return obj;
}

/* The new VMA, with references of its own, placed nowhere yet. */
static struct vma *new_vma(struct aspace *as, const struct map_request *req, u64 len)
{
	struct vma *v = vma_alloc(as);

	if (!v)
		return NULL;
	v->flags = req->vma_flags;
	v->zap_generation = ZAP_FRESH;
	if (commit_policy.mode == COMMIT_LIMIT)
		v->flags &= ~(u32)VMA_NORESERVE;
	if (vma_flags_are_accounted(v->flags))
		v->flags |= VMA_ACCOUNT;
	v->object = req->object;
	v->object_offset = req->object_offset;
	v->name = req->name;
	v->file = req->file;
	if (v->object || !(v->flags & VMA_SHARED)) {
		vma_take_backing(v);
		return v;
	}
	v->object = shared_object(len, v->flags);
	if (!v->object) {
		kfree(v);
		return NULL;
	}
	return v;
}

/*
 * Puts v at r, in place of what was there: from `first` on, or nothing if the place is free. above: the VMA behind r if the
 * place is free. as->lock held for writing. 0 or -ENOMEM with nothing changed.
 */
static int insert_at(struct aspace *as, struct vma *v, struct range r, const struct vma *first,
		     struct vma *above, struct vma_list *dead)
{
	int err = first ? unmap_range(as, r, dead) : 0;

	if (err)
		return err;
	v->range = r;
	if (!v->object)
		v->object_offset = r.start;
	vma_add(as, v, first ? aspace_find(as, r.end) : above, dead);
	return 0;
}

static int map_locked(struct aspace *as, const struct map_request *req, struct vma *v, u64 len,
		      struct range *r, struct vma_list *dead)
{
	struct vma *above, *first = NULL;
	int err;

	v->flags |= as->default_flags;
	err = choose_place(as, req, v->flags, len, r);
	/* Only private memory without a file grows down. */
	if (!err && (v->flags & VMA_GROWSDOWN) && v->object)
		err = -EINVAL;
	if (!err && exec_gain_forbids(as, v->flags, v->flags))
		err = -EACCES;
	if (err)
		return err;
	above = aspace_find(as, r->start);
	if (above && above->range.start < r->end)
		first = above;
	if (first && range_is_sealed(as, *r))
		err = -EPERM;
	if (!err)
		err = check_limits(as, *r, v->flags, first);
	if (!err)
		err = insert_at(as, v, *r, first, above, dead);
	if (!err)
		history_add(as, MAP_OP_MAP, *r);
	return err;
}

__noinline int aspace_map_check(struct aspace *as, const struct map_request *req)
{
	u64 len = ALIGN_UP(req->len, PAGE_SIZE);
	struct range r;
	int err;

	if (req->len == 0)
		return -EINVAL;
	if (len == 0 || len > USER_TOP)
		return -ENOMEM;
	rwlock_read(&as->lock);
	err = choose_place(as, req, req->vma_flags | as->default_flags, len, &r);
	rwlock_read_done(&as->lock);
	return err;
}

/* mmap(2). */
int aspace_map(struct aspace *as, const struct map_request *req, u64 *addr_out)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	u64 len = ALIGN_UP(req->len, PAGE_SIZE), end;
	struct range r;
	struct vma *v;
	bool lock;
	int err;

	if (wx_forbids(req->vma_flags))
		return -EACCES;
	if (req->len == 0 || !IS_ALIGNED(req->object_offset, PAGE_SIZE))
		return -EINVAL;
	if (len == 0 || len > USER_TOP)
		return -ENOMEM;
	if (__builtin_add_overflow(req->object_offset, len, &end))
		return -EOVERFLOW;
	v = new_vma(as, req, len);
	if (!v)
		return -ENOMEM;

	rwlock_write(&as->lock);
	err = map_locked(as, req, v, len, &r, &dead);
	lock = (as->default_flags | req->vma_flags) & VMA_LOCKED;
	rwlock_write_done(&as->lock);

	if (err)
		SLIST_INSERT_HEAD(&dead, v, detached);
	vma_list_free(&dead);
	if (err)
		return err;
	*addr_out = r.start;
	/* A wish: what cannot be had now faults later. */
	if (lock || (req->how & MAP_FILL))
		aspace_fill(as, r, lock ? VMA_LOCKED : 0);
	return 0;
}
