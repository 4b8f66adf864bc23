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

#define MOBJ_FILL_MAX 128			  /* pages that are filled at once */
#define MOBJ_READ_MAX (MOBJ_FILL_MAX * PAGE_SIZE) /* bytes that are read past the object at once */

struct mobj_ops {
	/*
	 * Pages that are to be brought when the one at `index` is missing: [start, end) with it, at most MOBJ_FILL_MAX.
	 * NULL: it alone. Object lock held.
	 */
	struct range (*window)(struct mobj *obj, u64 index);
	/*
	 * Fills n fresh pages, contents undefined, with the bytes from first * PAGE_SIZE on, zeros behind the end. 0 or
	 * -errno. Object lock held, and the address space's if this is a fault. May sleep, killably (-EINTR).
	 */
	int (*fill)(struct mobj *obj, u64 first, struct page *const pages[], unsigned n);
	/*
	 * Up to MOBJ_READ_MAX bytes of the file from `offset` on to somebody's pages, from byte in_page of the first on; NULL: all
	 * reading goes by the object's pages, of which none has these bytes. Bytes, of which there may be fewer, 0 if it ends
	 * there; or -errno, with some of them changed. Locks and sleep as for fill. Whoever was killed gets -EINTR and leaves the
	 * pages, with references, to the device.
	 */
	s64 (*read)(struct mobj *obj, u64 offset, struct page *const pages[], u32 in_page, u32 bytes);
	/* Writes the bytes back to what lies below; NULL: nothing to do. May sleep. */
	int (*sync)(struct mobj *obj, struct range bytes);
	/* Gives back `owner`: the last reference is gone. NULL: nothing to do. May be called under an address space's lock. */
	void (*destroy)(struct mobj *obj);
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
	/* Objects that are filled from below, see object_fill.c. */
	bool changed;		  /* [a] some page may differ from what lies below: none is given up */
	bool listed;		  /* [cache_lock] */
	u64 shrink_index;	  /* [lock] where giving up pages goes on */
	TAILQ_ENTRY(mobj) cached; /* [cache_lock] */
};

/* The object's pages may from now on differ from what lies below it. */
static inline void mobj_note_change(struct mobj *obj)
{
	__atomic_store_n(&obj->changed, true, __ATOMIC_RELEASE);
}

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
/*
 * Takes all pages of the object but private copies out of every address space, for they can be brought back. False: not out
 * of all, because memory is wanting for that too, or because a zap is going on. Locks as above.
 */
bool mobj_zap_try(struct mobj *obj);
/* Offset of the first data (hole = false) or hole (hole = true) at or after offset; -ENXIO past the end. */
s64 mobj_seek(struct mobj *obj, u64 offset, bool hole);
/*
 * Who reads the object in order has come to index, a page that is missing: pages some way behind are given up, if the object
 * is large, all of it can be read again, and nobody else holds them. Object lock held (an owner's `window`).
 */
void mobj_read_on(struct mobj *obj, u64 index);
/* When little memory is left, gives up pages that can be read again. No object's lock held. */
void mobj_cache_balance(void);
/* Gives up all pages that can be read again and that nobody shows. No object's lock held. */
void mobj_cache_drop(void);
bool mobj_has_page(struct mobj *obj, u64 index);   /* is it in memory? */
bool mobj_next_page(struct mobj *obj, u64 *index); /* the first one in memory at or after *index, or false */
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
