/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * Physical memory: frames of 4 KiB, in blocks of 2^order of them, from a buddy allocator with a list for each
 * CPU in front of it.
 *
 * `struct page` describes one frame. The array of them is as large as the machine, but an entry is written
 * only when its frame is first carved out of memory that was never used ("fresh spans"), so that a large
 * machine boots as fast as a small one.
 */
#ifndef MOAT_FRAME_H
#define MOAT_FRAME_H

#include <sys/queue.h>
#include <arch/impl/mmu.h> /* direct_map */
#include <moat/numa.h>
#include <moat/spinlock.h>
#include <moat/types.h>

#define FRAME_ORDERS 10 /* orders 0..9: 4 KiB .. 2 MiB */

/* The ledger: each frame of the machine has one owner, and the sum over owners is the machine (M8). */
enum frame_owner {
	FRAME_FREE,
	FRAME_KERNEL, /* heap, stacks, boot image and tables, metadata */
	FRAME_TABLE,  /* page tables of address spaces */
	FRAME_CACHE,  /* pages of memory objects that are files */
	FRAME_SHMEM,  /* pages of memory objects that are shared memory */
	FRAME_ANON,   /* anonymous memory of processes */
	FRAME_OWNERS
};

enum frame_flags {
	FRAME_ZERO = 1 << 0, /* contents cleared */
};

/* 32 bytes for each 4 KiB frame. */
struct page {
	u32 refs; /* [a] holders: table entries, objects, the kernel; 0 = free */
	u8 owner; /* enum frame_owner; [I] while allocated */
	u8 flags; /* allocator's own */
	union {
		struct {
			u8 order; /* of the block that this page heads */
			u8 node;  /* NUMA node; [I] once carved */
		};
		u16 place; /* both, see frame_place: the short way asks for both in one step */
	};
	union {
		LIST_ENTRY(page) link;	      /* free block: [zone lock] */
		struct {		      /* page table; its references: the entries that point to it */
			struct spinlock lock; /* RANK_TABLE */
			u16 live; /* entries that are not zero; [lock, or pmap lock above the last level] */
			u16 resident
				[3]; /* last level: of them resident, by owner, FRAME_CACHE first; [lock] */
		} table;
		struct { /* page of an object */
			struct mobj *object;
			u64 index;
		} cache;
		LIST_ENTRY(page) slab_link; /* frame of the heap with free cells: [class lock] */
	};
	union {
		struct {	  /* frame of the heap, see heap.c; [class lock] */
			u16 free; /* first cell of the free list, in units of 16 bytes */
			u16 cut;  /* cells cut off so far */
			u16 used; /* cells handed out */
			u8 class; /* size class, or HEAP_LARGE; [I] */
		} heap;
		u64 groups; /* page table: a bit for every 8 entries, set if one of them is or was live; [as table.live] */
	};
};

#define FRAME_PLACE_ORDER 63u /* of page.place: the order, as far as it can be */
static inline u16 frame_place(unsigned order, unsigned node)
{
	return (u16)(order | node << 8);
}

struct frame_stats {
	u64 total;		 /* frames of RAM that the allocator was given or that boot kept */
	u64 owned[FRAME_OWNERS]; /* sum = total */
	u64 fresh;		 /* of the free ones: never used yet */
};

/*
 * What the nodes of the machine are, and on which node each CPU is: before frames_init, else there is one. A unit
 * of 2 MiB, in which memory is carved, belongs to the node of its first byte. Boot.
 */
void frames_set_topology(const struct numa_topology *t, const u8 cpu_node[], unsigned cpu_count);
/*
 * Starts the allocator. `pages` is room for one struct page for each frame below max_pfn, contents undefined;
 * `boot_frames` counts frames that boot keeps for ever (image, tables, metadata). Once, at boot.
 */
void frames_init(struct page *pages, u64 max_pfn, u64 boot_frames);
extern u64 frames_in_machine;	     /* [I after boot] */
static inline u64 frames_total(void) /* frames of RAM, whoever owns them */
{
	return frames_in_machine;
}
/* Hands over RAM that was never used: whole frames, physical bytes. Boot, once for each free span. */
void frames_add_span(struct range phys);
/* Takes back boot memory (the unpacked archive) as ordinary free frames. */
void frames_release_boot(struct range phys);

/*
 * A block of 2^order frames with one reference, or NULL when memory is out. Physically contiguous and aligned
 * to its size. Any context; takes RANK_FRAMES.
 */
struct page *__must_check frame_alloc(unsigned order, unsigned flags, enum frame_owner owner);
/*
 * The same from the nodes in the set `allowed` only, that nearest to `first` before the others. Not the short way:
 * takes a lock.
 */
struct page *__must_check frame_alloc_from(unsigned first, unsigned allowed, unsigned order, unsigned flags,
					   enum frame_owner owner);
void frame_get(struct page *p);
/*
 * The single frame p is all zeros, its holder is the last one, and nobody writes to it before it is freed: who gets it next
 * need not clear it.
 */
void frame_mark_clear(struct page *p);
/* Gives back one reference; the last one frees the whole block. */
void frame_put(struct page *p);
static inline u32 frame_refs(const struct page *p)
{
	return __atomic_load_n(&p->refs, __ATOMIC_RELAXED);
}

extern struct page *frame_pages; /* the entry for frame 0; [I] after frames_init */

/* The frame must be RAM that was allocated. */
static inline struct page *pfn_to_page(pfn_t pfn)
{
	return &frame_pages[pfn.raw];
}

static inline pfn_t page_to_pfn(const struct page *p)
{
	return (pfn_t){(u64)(p - frame_pages)};
}

/* The frame's bytes through the kernel's direct map. */
static inline void *page_address(const struct page *p)
{
	return direct_map(pfn_to_paddr(page_to_pfn(p)));
}
void frame_stats_read(struct frame_stats *out);

extern struct numa_topology numa; /* [I] after boot */
extern u8 numa_cpu_node[];	  /* [I] after boot: CPU_MAX of them */

/*
 * Frames handed out, by node (Linux's numastat). Frames count when they go from a node's lists to a CPU, which is a batch
 * at a time; a CPU that uses its frames again does not count them again.
 */
struct node_stats {
	u64 hit;     /* from this node, as intended */
	u64 miss;    /* from this node, while another was intended */
	u64 foreign; /* intended for this node, but from another */
	u64 interleave_hit;
	u64 local; /* from this node, to a CPU on it */
	u64 other; /* from this node, to a CPU on another */
};
void node_stats_read(unsigned node, struct node_stats *out);
void node_count_interleave(unsigned node);
/* Frames of one node, by owner: looks at each frame that was ever used, so that nothing need be counted. No lock. */
void node_frames_read(unsigned node, struct frame_stats *out);

/*
 * Blocks that several huge entries map: a reference to the block for each. When one of them is taken apart, the block
 * becomes single frames for good, each with as many references as the block had; the others' references then count for
 * each of its frames. frame_block_get and _put know which it is (frame_block.c). Any context.
 */
void frame_block_get(struct page *head);
void frame_block_put(struct page *head);
void frame_block_split(struct page *head);		   /* does nothing when it was done before */
bool frame_block_is_single_owner(const struct page *head); /* not split, and one reference */

/*
 * The frame that every untouched page of anonymous memory shows to readers: all zeros, never mapped writable,
 * not counted as resident. Made by the first aspace_create; never freed.
 */
extern struct page *zero_frame;
/* The one frame whose entries are guards (madvise(2), MADV_GUARD_INSTALL): they allow nothing. Made with the first one. */
extern struct page *guard_frame;

static inline bool frame_is_guard(const struct page *p)
{
	return p == guard_frame;
}

static inline bool frame_is_zero(const struct page *p)
{
	return p == zero_frame;
}

/* Fault injection (debug kernel, hosted tests): let the n-th allocation from now fail, 0 = off. */
void frame_fail_after(u64 n);

#endif
