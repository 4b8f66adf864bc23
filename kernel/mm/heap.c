/* SPDX-License-Identifier: MIT */
/*
 * The kernel heap, after Bonwick's slabs in their smallest form.
 *
 * A size class cuts single frames into equal cells. The frame's `struct page` says which class it is, so that
 * kfree needs no header in front of a cell, and keeps the free list: indices in units of 16 bytes, each
 * stored in the free cell before it. Cells are cut off one by one when the list is empty, so a new frame
 * costs nothing up front.
 *
 *     frame   | cell | cell | free | cell | not cut yet ............ |
 *                              │                    ▲
 *                page.heap.free┘      page.heap.cut ┘
 *
 * A frame is on its class's list exactly when it has room, and goes back to the frame allocator when its last
 * cell is freed. What is larger than the largest class is a block of frames of its own.
 *
 * Locks: one for each class (RANK_HEAP, interrupts disabled), then the frame allocator's.
 */
#include <arch/mmu.h>
#include <moat/fail.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "frame_internal.h"
#include "kasan_internal.h"

#define CELL_UNIT  16
#define NO_CELL	   UINT16_MAX
#define HEAP_LARGE UINT8_MAX /* page.heap.class of a block of frames */
#define POISON	   0xdb	     /* freed memory in the debug kernel */

LIST_HEAD(page_list, page);

struct heap_class {
	struct spinlock lock;
	u16 cell_bytes;	       /* [I] */
	struct page_list room; /* [lock] frames with a free cell */
};

#define CLASS(bytes)                                                    \
	{                                                               \
		.lock = SPINLOCK_INIT(RANK_HEAP), .cell_bytes = (bytes) \
	}

static struct heap_class classes[] = {
	CLASS(16),  CLASS(32),	CLASS(48),  CLASS(64),	CLASS(96),   CLASS(128),  CLASS(192),
	CLASS(256), CLASS(384), CLASS(512), CLASS(768), CLASS(1024), CLASS(1536), CLASS(2048),
};
#define CLASS_MAX_BYTES 2048

static u64 heap_frames;	   /* [a] */
static u64 heap_live;	   /* [a] objects in use, debug kernel */
static u64 fail_countdown; /* [a] as in frame.c */

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

void heap_fail_after(u64 n)
{
	__atomic_store_n(&fail_countdown, n, __ATOMIC_RELAXED);
}

/*
 * The class for a size of 1 to CLASS_MAX_BYTES. Above 32 bytes two classes share each power of two:
 *     (32, 48] (48, 64] (64, 96] (96, 128] ...
 */
static unsigned class_of(size_t bytes)
{
	unsigned log2, half;

	if (bytes <= 32)
		return bytes > 16;
	log2 = 63 - (unsigned)__builtin_clzl(bytes - 1); /* 2^log2 < bytes <= 2^(log2 + 1) */
	half = bytes > (3ul << (log2 - 1));
	return 2 + 2 * (log2 - 5) + half;
}

static struct page *heap_frames_alloc(unsigned order, u8 class)
{
	struct page *p = frame_alloc(order, 0, FRAME_KERNEL);

	if (!p)
		return NULL;
	p->heap.free = NO_CELL;
	p->heap.cut = 0;
	p->heap.used = 0;
	p->heap.class = class;
	__atomic_add_fetch(&heap_frames, 1ull << order, __ATOMIC_RELAXED);
	if (class != HEAP_LARGE)
		kasan_heap_frame(page_address(p));
	return p;
}

static void heap_frames_free(struct page *p)
{
	__atomic_sub_fetch(&heap_frames, 1ull << p->order, __ATOMIC_RELAXED);
	frame_put(p);
}

static bool frame_is_full(const struct heap_class *c, const struct page *p)
{
	return p->heap.used == PAGE_SIZE / c->cell_bytes;
}

/* One cell of a frame that has room. Class lock held. */
static void *cell_take(struct heap_class *c, struct page *p)
{
	u8 *base = page_address(p);
	void *cell;

	if (p->heap.free != NO_CELL) {
		cell = base + (size_t)p->heap.free * CELL_UNIT;
		p->heap.free = *(u16 *)cell;
	} else {
		cell = base + (size_t)p->heap.cut * c->cell_bytes;
		p->heap.cut++;
	}
	p->heap.used++;
	if (frame_is_full(c, p))
		LIST_REMOVE(p, slab_link);
	return cell;
}

static void *class_alloc(unsigned index)
{
	struct heap_class *c = &classes[index];
	struct page *p;
	void *cell;
	u64 irq = spin_lock_irqsave(&c->lock);

	p = LIST_FIRST(&c->room);
	if (!p) {
		p = heap_frames_alloc(0, (u8)index);
		if (p)
			LIST_INSERT_HEAD(&c->room, p, slab_link);
	}
	cell = p ? cell_take(c, p) : NULL;
	spin_unlock_irqrestore(&c->lock, irq);
	return cell;
}

static void *large_alloc(size_t bytes)
{
	unsigned order = 0;
	struct page *p;

	while (order < FRAME_ORDERS && (PAGE_SIZE << order) < bytes)
		order++;
	p = heap_frames_alloc(order, HEAP_LARGE);
	return p ? page_address(p) : NULL;
}

#if KASAN
void *heap_cell(u64 addr, size_t *bytes)
{
	u64 pfn = (addr - direct_map_base) >> PAGE_SHIFT;
	struct page *page;
	u64 base;

	if (pfn >= frame_max_pfn)
		return NULL;
	page = pfn_to_page((pfn_t){pfn});
	if (page->owner != FRAME_KERNEL ||
	    (page->heap.class != HEAP_LARGE && page->heap.class >= ARRAY_SIZE(classes)))
		return NULL;
	base = (u64)page_address(page);
	if (page->heap.class == HEAP_LARGE) {
		*bytes = PAGE_SIZE << page->order;
		return (void *)base;
	}
	*bytes = classes[page->heap.class].cell_bytes;
	return (void *)(base + (addr - base) / *bytes * *bytes);
}
#endif

void *kmalloc(size_t bytes)
{
	size_t room = kasan_heap_room(bytes);
	void *p;

	if (injected_failure())
		return NULL;
	p = likely(room <= CLASS_MAX_BYTES) ? class_alloc(class_of(room)) : large_alloc(room);
	if (CONFIG_DEBUG && p)
		__atomic_add_fetch(&heap_live, 1, __ATOMIC_RELAXED);
	return kasan_heap_alloc(p, bytes, KASAN_CALLER);
}

__noinline void *kzalloc(size_t bytes)
{
	void *p = kmalloc(bytes);

	if (p) {
		kasan_heap_caller(p, KASAN_CALLER);
		memset(p, 0, bytes);
	}
	return p;
}

__noinline void *kcalloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kzalloc(bytes);
}

static inline void class_free(struct page *page, void *cell)
{
	struct heap_class *c = &classes[page->heap.class];
	size_t offset = (size_t)((u8 *)cell - (u8 *)page_address(page));
	bool empty;
	u64 irq;

	DEBUG_ASSERT(offset % c->cell_bytes == 0 && offset / c->cell_bytes < page->heap.cut);
	if (CONFIG_DEBUG && !KASAN)
		memset(cell, POISON, c->cell_bytes);
	irq = spin_lock_irqsave(&c->lock);
	if (frame_is_full(c, page))
		LIST_INSERT_HEAD(&c->room, page, slab_link);
	*(u16 *)cell = page->heap.free;
	page->heap.free = (u16)(offset / CELL_UNIT);
	page->heap.used--;
	empty = page->heap.used == 0;
	if (empty)
		LIST_REMOVE(page, slab_link);
	spin_unlock_irqrestore(&c->lock, irq);
	if (empty)
		heap_frames_free(page);
}

static __always_inline void release(void *p)
{
	struct page *page = pfn_to_page(paddr_to_pfn(direct_map_paddr(p)));

	DEBUG_ASSERT(page->owner == FRAME_KERNEL && page->refs == 1);
	if (page->heap.class == HEAP_LARGE)
		heap_frames_free(page);
	else
		class_free(page, p);
}

void kfree(void *p)
{
	if (!p)
		return;
	if (CONFIG_DEBUG)
		__atomic_sub_fetch(&heap_live, 1, __ATOMIC_RELAXED);
	p = kasan_heap_free(p, KASAN_CALLER);
	if (!KASAN || p)
		release(p);
}

#if KASAN
void heap_release(void *p)
{
	release(p);
}
#endif

__noinline char *kstrdup(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = kmalloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	kasan_heap_caller(copy, KASAN_CALLER);
	return copy;
}

u64 heap_bytes(void)
{
	kasan_heap_settle();
	return __atomic_load_n(&heap_frames, __ATOMIC_RELAXED) << PAGE_SHIFT;
}

u64 heap_objects(void)
{
	return __atomic_load_n(&heap_live, __ATOMIC_RELAXED);
}

void *heap_node_alloc(size_t bytes)
{
	return kzalloc(bytes);
}

void heap_node_free(void *node, size_t bytes)
{
	(void)bytes;
	kfree(node);
}
