/* SPDX-License-Identifier: MIT */
/* room: mm */
/* What frame.c (lists) and frame_fresh.c (memory that was never used) share. */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include <moat/frame.h>

#define SPANS_MAX	   64
#define CARVE_FRAMES	   (1ull << (FRAME_ORDERS - 1)) /* 2 MiB */
#define PAGE_IS_FREE_BLOCK (1u << 0)			/* page.flags: heads a block on a buddy list */

/* A run of RAM, in frame numbers. `fresh` shrinks from its ends; what `all` has more than it was carved. */
struct frame_span {
	struct range all;   /* [I] */
	struct range fresh; /* [zone lock] */
};

struct frame_zone {
	struct spinlock lock;		      /* RANK_FRAMES; interrupts disabled */
	struct page *pages;		      /* [I] indexed by frame number; written only where carved */
	u64 max_pfn;			      /* [I] */
	u64 boot_frames;		      /* [zone lock] RAM that boot keeps */
	u64 total_frames;		      /* [zone lock] */
	u64 free_frames;		      /* [lock] on the buddy lists */
	u64 fresh_frames;		      /* [lock] in the spans */
	LIST_HEAD(, page) free[FRAME_ORDERS]; /* [lock] */
	struct frame_span spans[SPANS_MAX];   /* [lock] */
	unsigned span_count;		      /* [lock] */
};

extern struct frame_zone zone;

/* Puts a block, which nothing refers to, on the buddy lists. Zone lock held. */
void buddy_give(u64 pfn, unsigned order);
/*
 * Moves up to 2 MiB from the fresh spans to the buddy lists; false when there is none left. Zone lock held.
 */
bool fresh_carve(void);

#endif
