/* SPDX-License-Identifier: MIT */
/*
 * The address checker's view of the heap: a border behind each object, a while between kfree and reuse.
 *
 *     cell   | object, `bytes` long | border .................. | tag |
 *                                     never shorter than the tag
 *
 * The tag, in the last 16 bytes of each cell, says who allocated and who freed it. An object larger than the largest
 * class has whole frames for itself, a border up to the end of the last one, and no tag.
 *
 * kfree puts cells of the classes into a ring and frees the oldest in it instead, so that a late use finds a freed object
 * and not the next one. The ring holds at most RING cells, and is emptied before the heap is counted.
 *
 * Not instrumented. Lock: the ring's (RANK_HEAP, interrupts disabled), never together with that of a class.
 */
#include <arch/mmu.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/spinlock.h>
#include "kasan_internal.h"

#if KASAN

#define RING	 128
#define CELL_MAX 2048 /* the largest class of heap.c */

struct tag {
	u32 allocated; /* callers, as kasan_pack_caller gives them */
	u32 freed;     /* 0: in use */
	u32 bytes;
	u32 check; /* TAG_CHECK */
};
#define TAG_CHECK 0x6d6f6174u

static struct spinlock ring_lock = SPINLOCK_INIT(RANK_HEAP);
static void *ring[RING];   /* [ring_lock] */
static unsigned ring_next; /* [ring_lock] the oldest */

/* A power of two stays one, for the sake of its alignment. */
size_t kasan_heap_room(size_t bytes)
{
	size_t room = bytes + sizeof(struct tag);

	if (bytes > CELL_MAX)
		return bytes;
	if ((bytes & (bytes - 1)) == 0)
		room = MAX(room, 2 * bytes);
	return room;
}

static struct tag *tag_of(void *cell, size_t cell_bytes)
{
	return (struct tag *)((u8 *)cell + cell_bytes) - 1;
}

void kasan_heap_frame(void *page)
{
	kasan_mark(page, 0, PAGE_SIZE, KASAN_HEAP_UNUSED);
}

void *kasan_heap_alloc(void *p, size_t bytes, const void *caller)
{
	size_t room;
	void *cell;

	if (!p)
		return NULL;
	cell = heap_cell((u64)p, &room);
	kasan_mark(p, bytes, room, KASAN_HEAP_REDZONE);
	if (room <= CELL_MAX)
		*tag_of(cell, room) = (struct tag){kasan_pack_caller(caller), 0, (u32)bytes, TAG_CHECK};
	return p;
}

void kasan_heap_caller(void *p, const void *caller)
{
	size_t room;
	void *cell = heap_cell((u64)p, &room);

	if (room <= CELL_MAX)
		tag_of(cell, room)->allocated = kasan_pack_caller(caller);
}

/* Puts p in the ring: what leaves it, or NULL. */
static void *ring_swap(void *p)
{
	u64 irq = spin_lock_irqsave(&ring_lock);
	void *old = ring[ring_next];

	ring[ring_next] = p;
	ring_next = (ring_next + 1) % RING;
	spin_unlock_irqrestore(&ring_lock, irq);
	return old;
}

void *kasan_heap_free(void *p, const void *caller)
{
	size_t room;
	u8 state = kasan_state((u64)p);
	void *cell;

	if (state == KASAN_HEAP_FREED || state == KASAN_FREE_FRAME || state == KASAN_HEAP_UNUSED)
		kasan_report((u64)p, 0, "free", caller);
	cell = heap_cell((u64)p, &room);
	if (cell != p)
		kasan_report((u64)p, 0, "free of the middle", caller);
	if (room > CELL_MAX)
		return p;
	tag_of(cell, room)->freed = kasan_pack_caller(caller);
	kasan_mark(p, 0, room, KASAN_HEAP_FREED);
	return ring_swap(p);
}

void kasan_heap_settle(void)
{
	for (unsigned i = 0; i < RING; i++) {
		void *old = ring_swap(NULL);
		if (old)
			heap_release(old);
	}
}

void kasan_heap_describe(u64 addr)
{
	u8 state = kasan_state(addr);
	const struct tag *t;
	size_t room;
	void *cell;

	if (state == KASAN_FREE_FRAME || state == KASAN_GLOBAL || state == KASAN_HEAP_UNUSED)
		return;
	cell = heap_cell(addr, &room);
	if (!cell || room > CELL_MAX)
		return;
	t = tag_of(cell, room);
	if (t->check != TAG_CHECK)
		return;
	log_force("kasan: %llu bytes from the start of an object of %u bytes\n",
		  (unsigned long long)(addr - (u64)cell), t->bytes);
	kasan_log_caller("allocated before", t->allocated);
	if (t->freed)
		kasan_log_caller("freed before", t->freed);
}

#endif
