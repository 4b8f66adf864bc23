/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * The machine contract for page tables. `struct pmap` is one set of them; its user half belongs to one address
 * space, its kernel half is shared by all and never changes at the top level after boot.
 *
 * Every function here takes page-aligned user addresses. A pmap has one lock of its own (RANK_PMAP), taken inside
 * each function; callers hold the address-space lock so that VMAs do not change underneath.
 *
 * An entry that is taken away is not reused before the TLB has forgotten it: callers collect what they change in
 * a tlb_batch and drop frames only after tlb_flush().
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

/* A leaf entry as found by a walk. */
struct pmap_leaf {
	pfn_t pfn;
	unsigned prot;	/* what all levels together allow */
	u64 size_bytes; /* 4 KiB, 2 MiB or 1 GiB */
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
/* Gives a frame's reference to the batch; flushes when the batch is full. */
void tlb_batch_frame(struct tlb_batch *b, struct page *frame);
/* Flushes what was recorded, on every CPU where the pmap is active, then drops the frames. */
void tlb_flush(struct tlb_batch *b);
/* The other named operations of U11. */
void tlb_flush_page(struct pmap *pmap, u64 addr);
void tlb_flush_range(struct pmap *pmap, struct range r);
void tlb_flush_pmap(struct pmap *pmap);
void tlb_flush_all(void); /* kernel entries too */

int __must_check pmap_init(struct pmap *pmap); /* 0 or -ENOMEM */
/* Frees the tables; every user entry must have been removed. */
void pmap_destroy(struct pmap *pmap);
void pmap_activate(struct pmap *pmap); /* on this CPU; NULL: the kernel's own tables */

/*
 * Sets the entry for addr, which must be empty (-EEXIST otherwise: another thread was faster). The entry takes over
 * the caller's reference to the frame. 0, -EEXIST, -ENOMEM (no memory for a table). No flush is needed.
 */
int __must_check pmap_enter(struct pmap *pmap, u64 addr, pfn_t pfn, unsigned prot);
/*
 * Replaces the entry for addr if it still holds old_pfn: -EAGAIN if not. The entry's reference to the
 * old frame goes to the batch. Used for copy-on-write and to raise rights (old_pfn == pfn: no reference moves).
 */
int __must_check pmap_replace(struct pmap *pmap, u64 addr, pfn_t old_pfn, pfn_t pfn, unsigned prot,
			      struct tlb_batch *batch);
/*
 * Removes every entry in the range; frames go to the batch. Returns how many entries there were, those of the shared
 * zero frame (frame_is_zero) not counted: the number by which the resident set shrinks.
 */
u64 pmap_remove(struct pmap *pmap, struct range r, struct tlb_batch *batch);
/*
 * Takes away rights: every entry in the range keeps at most prot. Never adds any. An entry that is left with no right
 * at all (PROT_NONE) lets nobody through, the kernel included, but stays an entry and keeps its frame: pmap_enter
 * says -EEXIST, pmap_query and pmap_for_each show it with prot 0, pmap_replace can give it rights again.
 */
void pmap_restrict(struct pmap *pmap, struct range r, unsigned prot, struct tlb_batch *batch);
/* The leaf that maps addr, by a walk that honours PRESENT, USER, WRITABLE and NX at each level. */
bool pmap_query(struct pmap *pmap, u64 addr, struct pmap_leaf *out);
/* Calls fn for each present user entry in the range, in order, under the pmap lock; stops when fn returns false. */
void pmap_for_each(struct pmap *pmap, struct range r,
		   bool (*fn)(u64 addr, const struct pmap_leaf *leaf, void *arg), void *arg);

/* Clears and copies whole frames by the fastest way that this CPU has. */
void arch_clear_page(void *page);
void arch_copy_page(void *dst, const void *src);
/*
 * The direct map: where the kernel sees physical memory. Defined by arch/impl/mmu.h:
 * void *direct_map(paddr_t pa), paddr_t direct_map_paddr(const void *p)
 */

#endif
