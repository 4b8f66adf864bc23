/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * Memory objects: what backs a file's contents and shared memory. An object is a sparse array of frames (its
 * page cache) and a size; `read`, `write` and `mmap` of one file all see these frames, so they always agree.
 *
 * A missing page reads as zeros, unless the object's owner gives a `fill` operation (a file system with a
 * device below it). tmpfs gives none: its frames are the only copy.
 */
#ifndef MOAT_OBJECT_H
#define MOAT_OBJECT_H

#include <sys/queue.h>
#include <moat/frame.h>
#include <moat/mutex.h>
#include <moat/radix.h>
#include <moat/refcount.h>
#include <moat/uio.h>

struct mobj;

struct mobj_ops {
	/* Fills a fresh, zeroed page with the bytes at index * PAGE_SIZE; 0 or -errno. May sleep. */
	int (*fill)(struct mobj *obj, u64 index, struct page *page);
	/* Writes the bytes back to what lies below; NULL: nothing to do. May sleep. */
	int (*sync)(struct mobj *obj, struct range bytes);
};

struct mobj {
	struct refcount refs;
	struct mutex lock;	    /* RANK_OBJECT */
	struct radix pages;	    /* [lock] struct page *, one reference each */
	u8 frame_owner;		    /* [I once it has a page] FRAME_CACHE (the default), FRAME_SHMEM */
	u64 size_bytes;		    /* [lock for change, a for read] */
	const struct mobj_ops *ops; /* [I] may be NULL */
	void *owner;		    /* [I] for ops */
	u64 committed_pages;	    /* [I] counted as committed as long as the object lives; see commit.c */
	struct mutex zap_lock;	    /* RANK_ZAP: one zap at a time */
	struct spinlock maps_lock;  /* RANK_MAPS */
	TAILQ_HEAD(, vma)
	maps;		    /* [maps_lock] every VMA that shows the object; see object_zap.c for the order */
	u64 writable_maps;  /* [maps_lock] of them those that can write, or become able to */
	u32 seals;	    /* [maps_lock for change, a for read] F_SEAL_*; see object_seal.c */
	u64 zap_generation; /* [maps_lock] counts the rounds of zaps */
};

enum mobj_flags {
	MOBJ_CREATE = 1 << 0, /* allocate a missing page */
	MOBJ_WHOLE = 1 << 1,  /* with it: not cleared, the caller fills all of it before anybody can see it */
};

struct mobj *__must_check mobj_create(const struct mobj_ops *ops, void *owner); /* size 0, or NULL */
void mobj_get(struct mobj *obj);
void mobj_put(struct mobj *obj); /* the last one frees all pages */

/*
 * The page at index (in pages) with a reference for the caller in *out. Without MOBJ_CREATE a hole of an
 * object with no fill gives *out = NULL and 0. -ENOMEM, or what fill said. Does not look at the size. May
 * sleep.
 */
int __must_check mobj_page(struct mobj *obj, u64 index, unsigned flags, struct page **out);
/*
 * Those of the n pages from `index` on that are there, with a reference each, in out[]; NULL for the others and those past
 * the object's end. n is at most RADIX_SLOTS.
 */
void mobj_pages_present(struct mobj *obj, u64 index, unsigned n, struct page **out);
/*
 * Up to u->left bytes at offset, ending at the object's size; bytes moved, or -EFAULT/-ENOMEM/-EIO if none.
 */
ssize_t mobj_read(struct mobj *obj, u64 offset, struct uio *u);
/* Writes all of u at offset, growing the object; bytes moved, or -errno if none. */
ssize_t mobj_write(struct mobj *obj, u64 offset, struct uio *u);
/*
 * Sets the size; pages past it are dropped, also from every address space that shows them (private copies too), and the
 * tail of the last one cleared. 0, or -errno with nothing changed. No address space's lock held; growing and shrinking are the caller's to
 * serialise (a file's: by its inode's mutex).
 */
int __must_check mobj_resize(struct mobj *obj, u64 size_bytes);
/*
 * Frees whole pages in the range and clears its ragged ends (hole punching). Address spaces that show the pages lose them,
 * but not private copies. 0, or -errno with nothing changed. No address space's lock held.
 */
int __must_check mobj_punch(struct mobj *obj, struct range bytes);

enum zap_flags {
	ZAP_PRIVATE = 1 << 0, /* private copies too (truncation) */
};
/*
 * Taking the pages [start, end) of the object, counted in pages, out of every address space that shows them: who touches
 * them again faults. Prepare may fail (-ENOMEM, nothing changed); after it the caller changes what he has to and calls
 * commit with the same arguments, which cannot fail, or cancel. Each takes each aspace->lock for writing, and may sleep; zap_lock
 * is held from the first to the second.
 */
int __must_check mobj_zap_prepare(struct mobj *obj, struct range pages, unsigned flags);
void mobj_zap_commit(struct mobj *obj, struct range pages, unsigned flags);
void mobj_zap_cancel(struct mobj *obj);
/* Offset of the first data (hole = false) or hole (hole = true) at or after offset; -ENXIO past the end. */
s64 mobj_seek(struct mobj *obj, u64 offset, bool hole);
bool mobj_has_page(struct mobj *obj, u64 index); /* is it in memory? */
u64 mobj_resident_pages(struct mobj *obj);

static inline u32 mobj_seals(const struct mobj *obj)
{
	return __atomic_load_n(&obj->seals, __ATOMIC_ACQUIRE);
}
/* fcntl(2), F_ADD_SEALS: -EPERM (sealed), -EBUSY (something can write through a mapping). */
int __must_check mobj_add_seals(struct mobj *obj, u32 seals);
/*
 * Before and after a mapping of the object is made: no seal against writing comes in between. -EPERM when there is one
 * already and the mapping is to write; else the flags (enum vma_flags) may get VMA_NO_WRITE. mobj_map_end wants them as
 * they were left.
 */
int __must_check mobj_map_begin(struct mobj *obj, u32 *vma_flags);
void mobj_map_end(struct mobj *obj, u32 vma_flags);
/* Do the seals allow to write up to `end`, to grow to it, to change the size? 0 or -EPERM. */
int __must_check mobj_check_write(struct mobj *obj, u64 end);
int __must_check mobj_check_grow(struct mobj *obj, u64 end);
int __must_check mobj_check_resize(struct mobj *obj, u64 size_bytes);

#endif
