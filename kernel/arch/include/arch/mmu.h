/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The machine contract for page tables. `struct pmap` is one set of them; its user half belongs to one address
 * space, its kernel half is shared by all and never changes at the top level after boot.
 *
 * Every function here takes page-aligned user addresses. What the address-space lock must be is said at each:
 *
 *   "read"   at least: VMAs do not change, tables are only added. pmap_enter, pmap_replace.
 *   "write"  everything else that changes entries. Nobody else changes any of this pmap's entries meanwhile.
 *   "none"   queries.
 *
 * After pmap_fork two pmaps share their last-level tables. A shared table is never changed: pmap_own makes a pmap's own
 * copy of it first, pmap_prepare does so for a range. A range may be mapped by a huge entry (2 MiB); pmap_own and
 * pmap_prepare also take such an entry apart.
 *
 * An entry that is taken away is not reused before the TLB has forgotten it: callers collect what they change in
 * a tlb_batch and drop frames only after tlb_flush().
 *
 * A pmap counts its resident pages: entries that hold a frame of FRAME_CACHE, FRAME_SHMEM or FRAME_ANON (so not those of
 * the shared zero frame), as Linux counts RSS.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <arch/impl/mmu.h> /* struct pmap */
#include <moat/frame.h>
#include <moat/types.h>

enum pmap_prot {
	PMAP_READ = 1 << 0,
	PMAP_WRITE = 1 << 1,
	PMAP_EXEC = 1 << 2,
	PMAP_USER = 1 << 3,	/* result of queries only: user entries always have it */
	PMAP_DIRTY = 1 << 4,	/* result of queries only */
	PMAP_ACCESSED = 1 << 5, /* result of queries only */
};

#define HUGE_BYTES MIB(2)
#define HUGE_PAGES (HUGE_BYTES / PAGE_SIZE)
#define HUGE_ORDER 9

/* A leaf entry as found by a walk. */
struct pmap_leaf {
	pfn_t pfn;	   /* of the page asked for */
	unsigned prot;	   /* what all levels together allow */
	bool table_shared; /* the entry lies in a table that another pmap has too */
	u64 size_bytes;	   /* of the entry: 4 KiB, 2 MiB or 1 GiB */
	u64 pages;	   /* pmap_for_each: pages of the entry that lie in the range, from the address on */
	u32 owners;	   /* pmap_for_each: how many pmaps have the table that it lies in, or 0: one */
};

#define TLB_BATCH_FRAMES 64

/*
 * What must be forgotten, and the frames to drop once it is. Up to TLB_SINGLE_MAX single pages are remembered,
 * beyond that the whole address space is flushed. Lives on the caller's stack.
 */
#define TLB_SINGLE_MAX 24
struct tlb_batch {
	struct pmap *pmap;
	u32 pages; /* recorded in addr[]; > TLB_SINGLE_MAX: flush all */
	u32 frame_count;
	u64 addr[TLB_SINGLE_MAX];
	struct page *frames[TLB_BATCH_FRAMES]; /* a reference each, dropped by tlb_flush */
};

void tlb_batch_init(struct tlb_batch *b, struct pmap *pmap);
void tlb_batch_add(struct tlb_batch *b, u64 addr);
/* Everything that the pmap maps must be forgotten. */
void tlb_batch_all(struct tlb_batch *b);
/* Gives a frame's reference to the batch; flushes when the batch is full. */
void tlb_batch_frame(struct tlb_batch *b, struct page *frame);
/* Flushes what was recorded, on every CPU where the pmap is active, then drops the frames. */
void tlb_flush(struct tlb_batch *b);
/* The other named operations of U11. */
void tlb_flush_page(struct pmap *pmap, u64 addr);
void tlb_flush_range(struct pmap *pmap, struct range r);
void tlb_flush_pmap(struct pmap *pmap);
/*
 * Returns when this CPU and every other that runs a thread of pmap (NULL: any thread) has passed a full memory barrier.
 * Locks as for a flush.
 */
void pmap_barrier(const struct pmap *pmap);
void tlb_flush_all(void); /* kernel entries too */

int __must_check pmap_init(struct pmap *pmap); /* of cleared memory: 0 or -ENOMEM */
/* Frees the tables; every user entry must have been removed. */
void pmap_destroy(struct pmap *pmap);
void pmap_activate(struct pmap *pmap); /* on this CPU; NULL: the kernel's own tables */

/*
 * Sets the entry for addr, which must be empty (-EEXIST otherwise: another thread was faster). The entry takes over
 * the caller's reference to the frame. 0, -EEXIST, -ENOMEM (no memory for a table), -EBUSY (pmap_own first). No flush is
 * needed. Lock: read.
 */
int __must_check pmap_enter(struct pmap *pmap, u64 addr, pfn_t pfn, unsigned prot);
/*
 * Sets the entries of n pages of one owner from addr on, where pages[i] is not NULL and the entry is empty. All lie in one
 * aligned window of PMAP_MANY pages. What it entered takes over the caller's reference: a bitmap of those. Makes no table:
 * 0 when there is none, or one that is shared. Lock: read.
 */
#define PMAP_MANY 16
unsigned pmap_enter_many(struct pmap *pmap, u64 addr, struct page *const pages[], unsigned n, unsigned prot);
/*
 * The same for the huge entry at addr (aligned to HUGE_BYTES) and a block of HUGE_ORDER; -EEXIST also when there is a
 * table of single pages. Lock: read.
 */
int __must_check pmap_enter_huge(struct pmap *pmap, u64 addr, struct page *block, unsigned prot);
/*
 * Puts a huge entry for the block in place of the table of single pages at addr, whose frames go to the batch. 0, or
 * -EINVAL: there is no such table. Lock: write.
 */
int __must_check pmap_collapse(struct pmap *pmap, u64 addr, struct page *block, unsigned prot,
			       struct tlb_batch *batch);
/*
 * Replaces the entry for addr if it still holds old_pfn: -EAGAIN if not; -EBUSY: pmap_own first. The entry's reference
 * to the old frame goes to the batch. Used for copy-on-write and to raise rights (old_pfn == pfn: no reference moves;
 * a huge entry's rights are raised only where nobody else holds the block). Lock: read.
 */
int __must_check pmap_replace(struct pmap *pmap, u64 addr, pfn_t old_pfn, pfn_t pfn, unsigned prot,
			      struct tlb_batch *batch);
/* Makes the table that holds the entry for addr this pmap's own, of single pages. 0 or -ENOMEM. Lock: write. */
int __must_check pmap_own(struct pmap *pmap, u64 addr, struct tlb_batch *batch);

enum pmap_change {
	PMAP_REMOVE, /* pmap_remove of the range */
	PMAP_CHANGE, /* pmap_restrict, pmap_clean */
};
/*
 * After it such a change of the range cannot fail: shared tables that the change would alter are copied, huge entries
 * that it would alter in part are taken apart. 0 or -ENOMEM (with nothing changed that a program can see). Lock: write.
 */
int __must_check pmap_prepare(struct pmap *pmap, struct range r, enum pmap_change change,
			      struct tlb_batch *batch);

enum pmap_remove_flags {
	PMAP_KEEP_ANON = 1 << 0, /* private pages stay: only pages of objects are taken out */
	PMAP_ONLY_LAZY = 1 << 1, /* only private pages that are lazily free: entries that are not dirty */
};
/*
 * Removes the entries in the range; frames go to the batch. After pmap_prepare with PMAP_REMOVE (with PMAP_KEEP_ANON or
 * PMAP_ONLY_LAZY: PMAP_CHANGE). A program on another CPU may write to a page up to the moment when its entry goes: with
 * PMAP_ONLY_LAZY the page then stays. Lock: write.
 */
void pmap_remove(struct pmap *pmap, struct range r, unsigned flags, struct tlb_batch *batch);
/*
 * Takes away rights: every entry in the range keeps at most prot. Never adds any. An entry that is left with no right
 * at all (PROT_NONE) lets nobody through, the kernel included, but stays an entry and keeps its frame: pmap_enter
 * says -EEXIST, pmap_query and pmap_for_each show it with prot 0, pmap_replace can give it rights again. After
 * pmap_prepare with PMAP_CHANGE. Lock: write.
 */
void pmap_restrict(struct pmap *pmap, struct range r, unsigned prot, struct tlb_batch *batch);
/*
 * Gives rights: entries of the range for private pages that nobody else holds get what they lack of prot; it may also leave
 * that to the next fault. Lock: write.
 */
void pmap_allow(struct pmap *pmap, struct range r, unsigned prot);
/*
 * Clears PMAP_ACCESSED and PMAP_DIRTY, as given in `bits`, of the entries in the range. A private page whose entry is not
 * dirty is lazily free (madvise(2), MADV_FREE). After pmap_prepare with PMAP_CHANGE. Lock: write.
 */
void pmap_clean(struct pmap *pmap, struct range r, unsigned bits, struct tlb_batch *batch);
/*
 * Moves the entries of the range so that it starts at `to`; the two do not overlap, and the destination is empty. Lock:
 * write. The first makes the tables that it takes: 0 or -ENOMEM; the second then cannot fail.
 */
int __must_check pmap_prepare_move(struct pmap *pmap, struct range from, u64 to, struct tlb_batch *batch);
void pmap_move(struct pmap *pmap, struct range from, u64 to, struct tlb_batch *batch);
/*
 * Makes `child`, which is empty, map what `parent` maps: last-level tables and huge blocks become shared, and nobody may
 * write through them until pmap_own. The caller flushes the parent's TLB through the batch. 0, or -ENOMEM with the child
 * to be removed and destroyed. Both locks: write.
 */
int __must_check pmap_fork(struct pmap *child, struct pmap *parent, struct tlb_batch *batch);

/*
 * The leaf that maps addr, with a reference to its frame, which is the caller's to drop: for who reads the frame while
 * faults may put another one in its place. A huge entry is not replaced by a fault: its frame comes without a reference,
 * *held is NULL. Lock: read.
 */
bool pmap_query_held(struct pmap *pmap, u64 addr, struct pmap_leaf *out, struct page **held);
/* The leaf that maps addr, by a walk that honours PRESENT, USER, WRITABLE and NX at each level. Lock: none. */
bool pmap_query(struct pmap *pmap, u64 addr, struct pmap_leaf *out);
/*
 * Calls fn for each user entry in the range, in order, stops when it returns false. fn may not sleep. Lock: read.
 */
void pmap_for_each(struct pmap *pmap, struct range r,
		   bool (*fn)(u64 addr, const struct pmap_leaf *leaf, void *arg), void *arg);
/* Has the window of HUGE_BYTES at addr neither entries nor a table? Lock: read. */
bool pmap_window_is_empty(struct pmap *pmap, u64 addr);

/* Resident pages of one kind (FRAME_CACHE, FRAME_SHMEM, FRAME_ANON), and of all; and the most there ever were. */
u64 pmap_resident(const struct pmap *pmap, enum frame_owner owner);
u64 pmap_resident_pages(const struct pmap *pmap);
u64 pmap_peak_pages(const struct pmap *pmap);
/* Frames that this pmap's tables take, those that it shares counted whole (VmPTE). */
u64 pmap_table_pages(const struct pmap *pmap);
/* Has at most one CPU these tables loaded? A hint: it may be otherwise a moment later. Lock: none. */
bool pmap_is_alone(const struct pmap *pmap);

/* Clears and copies whole frames by the fastest way that this CPU has. */
void arch_clear_page(void *page);
void arch_copy_page(void *dst, const void *src);
/*
 * The direct map: where the kernel sees physical memory. Defined by arch/impl/mmu.h:
 * void *direct_map(paddr_t pa), paddr_t direct_map_paddr(const void *p)
 */

#endif
