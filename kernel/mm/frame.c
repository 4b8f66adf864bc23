/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator: who owns each 4 KiB frame of the machine.
 *
 * Three layers, from the caller inwards:
 *
 *                                               of a node:
 *     frame_alloc ──> list of this CPU ──batch──> buddy lists (zone lock) ──2 MiB──> fresh spans
 *     frame_put   ──>   (interrupts off)                                        (frame_fresh.c)
 *
 * The list of a CPU holds single frames, newest on top; taking or giving one is a few instructions with
 * interrupts disabled and no lock. It is refilled and spilled in batches.
 *
 * Each node of a machine with several has lists and spans of its own, its zone. A CPU's list holds frames of its own node
 * only; a frame of another goes back to its zone at once. When the own node has none left, the nearest other one gives
 * (frame_node.c counts that).
 *
 * Page tables are all zeros again when they are freed: who frees one says so (frame_mark_clear), and who wants a cleared
 * frame and finds such a one on the list need not clear it.
 *
 * The buddy lists (Knuth, TAOCP 2.5) hold free blocks of 2^order frames aligned to their size. A block and
 * its buddy, the neighbour whose number differs in one bit, become one when both are free. The largest order
 * is 2 MiB, which is also the unit in which fresh memory is carved: all metadata that a merge may look at
 * lies inside one such unit, and so has been written.
 *
 * Ledger: each CPU counts the frames it handed out and took back for each owner. One CPU's figure may be
 * negative (allocated here, freed there); only the sum means anything. What nobody owns is free.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <moat/fail.h>
#include <moat/kasan.h>
#include <moat/panic.h>
#include "frame_internal.h"

#define CACHE_FRAMES 64 /* at most on a CPU's list */
#define BATCH_ORDER  5	/* 32 frames travel at once */
#define BATCH_FRAMES (1u << BATCH_ORDER)
#define NODE_OF_CPU  NODES_MAX /* in place of a node */

/* [this CPU, interrupts disabled] */
struct frame_cache {
	u32 count;
	u8 node;	 /* [I after boot] of the CPU, and so of all frames on the list */
	u16 short_place; /* [I after boot] page.place of what may go on the list */
	struct page *frames[CACHE_FRAMES];
	s64 owned[FRAME_OWNERS]; /* [a for readers] */
} __aligned(64);

struct page *frame_pages;
u64 frame_max_pfn;
u64 frame_boot_frames, frames_in_machine;

static struct frame_cache caches[CPU_MAX];
static u64 fail_countdown; /* [a] fault injection: allocations until the one that fails; 0 = off */

/* True when fault injection wants this allocation to fail. */
static bool injected_failure(void)
{
	if (!CONFIG_DEBUG)
		return false;
	if (unlikely(alloc_fail_due()))
		return true;
	if (likely(__atomic_load_n(&fail_countdown, __ATOMIC_RELAXED) == 0))
		return false;
	return __atomic_sub_fetch(&fail_countdown, 1, __ATOMIC_RELAXED) == 0;
}

void frame_fail_after(u64 n)
{
	__atomic_store_n(&fail_countdown, n, __ATOMIC_RELAXED);
}

static void free_list_add(struct frame_zone *zone, struct page *p, unsigned order)
{
	p->order = (u8)order;
	p->flags = PAGE_IS_FREE_BLOCK;
	LIST_INSERT_HEAD(&zone->free[order], p, link);
}

static void free_list_remove(struct page *p)
{
	LIST_REMOVE(p, link);
	p->flags &= (u8)~PAGE_IS_FREE_BLOCK;
}

/* The buddy of the block, if it can be merged with it: free, and whole. */
static struct page *free_buddy(u64 pfn, unsigned order)
{
	u64 buddy = pfn ^ (1ull << order);
	struct page *p = &frame_pages[buddy];

	if (buddy >= frame_max_pfn || !(p->flags & PAGE_IS_FREE_BLOCK) || p->order != order)
		return NULL;
	return p;
}

void buddy_give(struct frame_zone *zone, u64 pfn, unsigned order)
{
	struct page *buddy;

	DEBUG_ASSERT(spin_is_held(&zone->lock));
	zone->free_frames += 1ull << order;
	while (order < FRAME_ORDERS - 1 && (buddy = free_buddy(pfn, order)) != NULL) {
		free_list_remove(buddy);
		pfn &= ~(1ull << order);
		order++;
	}
	free_list_add(zone, &frame_pages[pfn], order);
}

/* A block of exactly this order, split from a larger one if need be, or NULL. Zone lock held. */
static struct page *buddy_take(struct frame_zone *zone, unsigned order)
{
	unsigned from = order;
	struct page *p;

	while (from < FRAME_ORDERS && LIST_EMPTY(&zone->free[from]))
		from++;
	if (from == FRAME_ORDERS)
		return NULL;
	p = LIST_FIRST(&zone->free[from]);
	free_list_remove(p);
	while (from > order) {
		from--;
		free_list_add(zone, p + (1u << from), from);
	}
	zone->free_frames -= 1ull << order;
	return p;
}

/* As buddy_take, carving fresh memory when the lists are empty. Zone lock held. */
static struct page *zone_take(struct frame_zone *zone, unsigned order)
{
	struct page *p;

	DEBUG_ASSERT(spin_is_held(&zone->lock));
	do {
		p = buddy_take(zone, order);
	} while (!p && fresh_carve(zone));
	return p;
}

/* Gives the oldest n frames of the list back to the node. Interrupts disabled. */
static __noinline void cache_spill(struct frame_cache *cache, u32 n)
{
	struct frame_zone *zone = &frame_zones[cache->node];

	spin_lock(&zone->lock);
	for (u32 i = 0; i < n; i++) {
		cache->frames[i]->flags = 0;
		buddy_give(zone, (u64)(cache->frames[i] - frame_pages), 0);
	}
	spin_unlock(&zone->lock);
	cache->count -= n;
	for (u32 i = 0; i < cache->count; i++)
		cache->frames[i] = cache->frames[i + n];
}

/* A block of one node. The frames on this CPU's list may be what a merge lacks. Interrupts disabled. */
static struct page *node_take(struct frame_cache *cache, unsigned node, unsigned order)
{
	struct frame_zone *zone = &frame_zones[node];
	struct page *p;

	spin_lock(&zone->lock);
	p = zone_take(zone, order);
	spin_unlock(&zone->lock);
	if (p || cache->count == 0 || cache->node != node)
		return p;
	cache_spill(cache, cache->count);
	spin_lock(&zone->lock);
	p = zone_take(zone, order);
	spin_unlock(&zone->lock);
	return p;
}

/* A block of the allowed node that is nearest to `first`. Interrupts disabled. */
static struct page *nodes_take(struct frame_cache *cache, unsigned first, unsigned allowed, unsigned order)
{
	for (unsigned i = 0; i < numa.nodes; i++) {
		unsigned node = frame_zones[first].nearest[i];
		struct page *p = allowed & 1u << node ? node_take(cache, node, order) : NULL;

		if (p) {
			node_count(first, node, cache->node, order);
			return p;
		}
	}
	return NULL;
}

/* The largest block up to a batch that a node has. Interrupts disabled. */
static __always_inline struct page *batch_take(struct frame_zone *zone, unsigned *order)
{
	struct page *block = NULL;

	*order = BATCH_ORDER + 1;
	spin_lock(&zone->lock);
	while (!block && *order > 0)
		block = zone_take(zone, --*order);
	if (block)
		zone->batched += 1u << *order;
	spin_unlock(&zone->lock);
	return block;
}

/* A look at numbers that others change: it need not be true a moment later. */
static bool zone_is_low(const struct frame_zone *zone)
{
	return __atomic_load_n(&zone->free_frames, __ATOMIC_RELAXED) +
		       __atomic_load_n(&zone->fresh_frames, __ATOMIC_RELAXED) <
	       zone->total_frames / FRAMES_LOW_SHARE;
}

/*
 * Puts a batch of this CPU's node on its empty list, cut into frames. When the node is out of memory, one frame of
 * another, so that the list never keeps any that it would hand out as local later. Interrupts disabled. False when
 * memory is out.
 */
static __noinline bool cache_refill(struct frame_cache *cache)
{
	unsigned order;
	struct page *block = batch_take(&frame_zones[cache->node], &order);

	if (unlikely(!block)) {
		order = 0;
		block = nodes_take(cache, cache->node, ALL_NODES & ~(1u << cache->node), 0);
	}
	if (!block)
		return false;
	/* Highest first, so that frames leave in ascending order. */
	for (u32 i = 1u << order; i > 0; i--) {
		block[i - 1].order = 0;
		cache->frames[cache->count++] = &block[i - 1];
	}
	if (unlikely(zone_is_low(&frame_zones[cache->node])))
		memory_note_low();
	return true;
}

/*
 * Gives a frame or block that was just taken its owner. `cache`: that of the CPU which took it, interrupts
 * disabled.
 */
static void hand_out(struct frame_cache *cache, struct page *p, unsigned order, enum frame_owner owner)
{
	DEBUG_ASSERT(p->refs == 0);
	cache->owned[owner] += 1ll << order;
	p->refs = 1;
	p->owner = (u8)owner;
	p->order = (u8)order;
	kasan_frames_alloc((u64)(p - frame_pages), order);
}

/* From `first` on, or where the CPU is (NODE_OF_CPU), and not by the short way. */
static __noinline struct page *block_alloc(unsigned first, unsigned allowed, unsigned order, unsigned flags,
					   enum frame_owner owner)
{
	u64 irq = cpu_irq_save();
	struct frame_cache *cache = &caches[cpu_id()];
	struct page *p = NULL;

	if (order < FRAME_ORDERS)
		p = nodes_take(cache, first == NODE_OF_CPU ? cache->node : first, allowed, order);
	if (p)
		hand_out(cache, p, order, owner);
	cpu_irq_restore(irq);
	if (p && (flags & FRAME_ZERO))
		for (u64 i = 0; i < 1ull << order; i++)
			arch_clear_page(page_address(p + i));
	return p;
}

struct page *frame_alloc_from(unsigned first, unsigned allowed, unsigned order, unsigned flags,
			      enum frame_owner owner)
{
	DEBUG_ASSERT(first < numa.nodes);
	return injected_failure() ? NULL : block_alloc(first, allowed, order, flags, owner);
}

/* Clears a frame that was taken from the list, unless it is clear. */
static void clear_taken(struct page *p)
{
	const u64 *word = page_address(p);

	if (!(p->flags & PAGE_IS_CLEAR)) {
		arch_clear_page(page_address(p));
		return;
	}
	for (unsigned i = 0; CONFIG_DEBUG && i < PAGE_SIZE / sizeof(*word); i++)
		ASSERT(word[i] == 0);
}

/* The short way, for one frame, is what most page faults take: nothing rare is inlined into it. */
struct page *frame_alloc(unsigned order, unsigned flags, enum frame_owner owner)
{
	struct frame_cache *cache;
	struct page *p;
	u64 irq;

	if (injected_failure())
		return NULL;
	if (unlikely(order > 0))
		return block_alloc(NODE_OF_CPU, ALL_NODES, order, flags, owner);
	irq = cpu_irq_save();
	cache = &caches[cpu_id()];
	if (unlikely(cache->count == 0) && !cache_refill(cache)) {
		cpu_irq_restore(irq);
		return NULL;
	}
	p = cache->frames[--cache->count];
	hand_out(cache, p, 0, owner);
	cpu_irq_restore(irq);
	if (flags & FRAME_ZERO)
		clear_taken(p);
	p->flags = 0;
	return p;
}

/* A block, or a frame of another node: it goes home. Interrupts disabled. */
static __noinline void zone_put(struct page *p)
{
	struct frame_zone *zone = &frame_zones[p->node];

	p->flags = 0;
	spin_lock(&zone->lock);
	buddy_give(zone, (u64)(p - frame_pages), p->order);
	spin_unlock(&zone->lock);
}

/* The last reference is gone. One comparison asks for the order and the node. */
static void frame_free(struct page *p)
{
	u64 irq = cpu_irq_save();
	struct frame_cache *cache = &caches[cpu_id()];
	u16 place = p->place;

	cache->owned[p->owner] -= 1ll << (place & (u16)(FRAME_PLACE_ORDER));
	p->owner = FRAME_FREE;
	kasan_frames_free((u64)(p - frame_pages), p->order);
	if (unlikely(place != cache->short_place)) {
		zone_put(p);
	} else {
		if (unlikely(cache->count == CACHE_FRAMES))
			cache_spill(cache, BATCH_FRAMES);
		cache->frames[cache->count++] = p;
	}
	cpu_irq_restore(irq);
}

void frame_mark_clear(struct page *p)
{
	DEBUG_ASSERT(frame_refs(p) == 1 && p->order == 0);
	p->flags = PAGE_IS_CLEAR;
}

void frame_get(struct page *p)
{
	u32 was = __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);

	DEBUG_ASSERT(was != 0 && was != UINT32_MAX);
	(void)was;
}

void frame_put(struct page *p)
{
	u32 was = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);

	DEBUG_ASSERT(was != 0);
	if (was == 1)
		frame_free(p);
}

void frame_stats_read(struct frame_stats *out)
{
	u64 owned = 0;

	for (unsigned o = FRAME_FREE + 1; o < FRAME_OWNERS; o++) {
		s64 sum = o == FRAME_KERNEL ? (s64)frame_boot_frames : 0;

		for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
			sum += __atomic_load_n(&caches[cpu].owned[o], __ATOMIC_RELAXED);
		out->owned[o] = (u64)sum;
		owned += (u64)sum;
	}
	out->total = frames_total();
	out->fresh = 0;
	for (unsigned node = 0; node < numa.nodes; node++)
		out->fresh += frame_zones[node].fresh_frames;
	out->owned[FRAME_FREE] = out->total - owned;
}

void frames_init(struct page *pages, u64 max_pfn, u64 boot_frames)
{
	frame_pages = pages;
	frame_max_pfn = max_pfn;
	frame_boot_frames = boot_frames;
	frames_in_machine = boot_frames;
	zones_init();
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		caches[cpu] = (struct frame_cache){
			.node = numa_cpu_node[cpu],
			.short_place = frame_place(0, numa_cpu_node[cpu]),
		};
}
