/* SPDX-License-Identifier: MIT */
/* room: mm */
/* What frame.c (lists), frame_fresh.c (memory that was never used) and frame_node.c (nodes) share. */
#ifndef MM_FRAME_INTERNAL_H
#define MM_FRAME_INTERNAL_H

#include <moat/frame.h>

#define SPANS_MAX	   64
#define CARVE_FRAMES	   (1ull << (FRAME_ORDERS - 1)) /* 2 MiB */
#define PAGE_IS_FREE_BLOCK (1u << 0)			/* page.flags: heads a block on a buddy list */
#define PAGE_IS_CLEAR	   (1u << 1) /* page.flags: all zeros; freed as such, or on a list of a CPU */

/* A run of RAM, in frame numbers. `fresh` shrinks from its ends; what `all` has more than it was carved. */
struct frame_span {
	struct range all;   /* [I] */
	struct range fresh; /* [zone lock] */
};

/* The memory of one node. */
struct frame_zone {
	struct spinlock lock;		      /* RANK_FRAMES; interrupts disabled */
	u8 node;			      /* [I] */
	u8 nearest[NODES_MAX];		      /* [I] nodes in order of distance, this one first */
	u64 total_frames;		      /* [lock] given to the allocator */
	u64 free_frames;		      /* [lock] on the buddy lists */
	u64 fresh_frames;		      /* [lock] in the spans */
	LIST_HEAD(, page) free[FRAME_ORDERS]; /* [lock] */
	struct frame_span spans[SPANS_MAX];   /* [lock] */
	unsigned span_count;		      /* [lock] */
	u64 batched;			      /* [lock] frames that went to lists of CPUs of this node */
	struct node_stats stats;	      /* [a] all others */
};

#define FRAMES_LOW_SHARE 16 /* memory is low where less than this part of it is free */
/* reclaim.c: a node is low. Interrupts disabled. */
void memory_note_low(void);

extern struct frame_zone frame_zones[NODES_MAX];
extern u64 frame_max_pfn;     /* [I] */
extern u64 frame_boot_frames; /* [boot only] RAM that boot keeps, of any node */
#define ALL_NODES ((1u << NODES_MAX) - 1)

/* Puts a block, which nothing refers to, on the buddy lists. Zone lock held. */
void buddy_give(struct frame_zone *zone, u64 pfn, unsigned order);
/*
 * Moves up to 2 MiB from the fresh spans to the buddy lists; false when there is none left. Zone lock held.
 */
bool fresh_carve(struct frame_zone *zone);
/* Empty zones for the topology that is set; frame_node.c. */
void zones_init(void);
/* The node of a unit of CARVE_FRAMES frames. */
unsigned node_of_unit(u64 pfn);
/* 2^order frames went from a node's lists to a CPU of node `cpu_node`, which had wanted them of node `intended`. */
void node_count(unsigned intended, unsigned got, unsigned cpu_node, unsigned order);

#endif
