/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * The address checker of the debug kernel: one shadow byte says of each 8 bytes of RAM whether they may be used.
 *
 * The compilers' -fsanitize=kernel-address calls the checker before each access; what follows are the places where the
 * kernel itself says what memory is for. All of it is nothing in the release kernel and in hosted builds, which have
 * a sanitizer of their own.
 */
#ifndef MOAT_KASAN_H
#define MOAT_KASAN_H

#include <moat/types.h>

#if CONFIG_DEBUG && !defined(MOAT_HOSTED)
#define KASAN 1
#else
#define KASAN 0
#endif

#define KASAN_SHIFT  3 /* one shadow byte for 8 bytes */
#define KASAN_CALLER __builtin_return_address(0)

/* Where RAM and image are; the image is good, everything else is unknown until it is carved. */
struct kasan_places {
	u8 *shadow;	    /* kasan_shadow_bytes(), contents undefined */
	u64 phys_bytes;	    /* RAM ends here */
	struct range image; /* virtual */
	u64 image_phys;
};

#if KASAN

/* Bytes of shadow for RAM that ends at phys_bytes. */
u64 kasan_shadow_bytes(u64 phys_bytes);
/* Checking begins, and globals get their borders. Once, at boot, before frames_init. */
void kasan_init(const struct kasan_places *p);
/* No more checks: a report is being written. */
void kasan_off(void);

/* A range that code without instrumentation is about to use. */
void kasan_read(const void *p, size_t n);
void kasan_write(const void *p, size_t n);

/* Frames [pfn, pfn + 2^order) have an owner from now on, or none. */
void kasan_frames_alloc(u64 pfn, unsigned order);
void kasan_frames_free(u64 pfn, unsigned order);
/* Metadata of these frames was written for the first time: no frame of them is free yet. */
void kasan_frames_carve(struct range pfns);

/* What kmalloc takes instead of `bytes`, so that something stands behind each object. */
size_t kasan_heap_room(size_t bytes);
/* kmalloc is about to return p: returns it, too. */
void *kasan_heap_alloc(void *p, size_t bytes, const void *caller);
/* The same object, seen from one function further out. */
void kasan_heap_caller(void *p, const void *caller);
/* A frame whose cells are not handed out yet. */
void kasan_heap_frame(void *page);
/* kfree(p): reports what is not an object. Returns what is to be freed in its place now, or NULL. */
void *kasan_heap_free(void *p, const void *caller);
/* Frees all that was held back to find late uses: before the heap is counted. */
void kasan_heap_settle(void);

#else

static inline u64 kasan_shadow_bytes(u64 phys_bytes)
{
	(void)phys_bytes;
	return 0;
}
static inline void kasan_init(const struct kasan_places *p)
{
	(void)p;
}
static inline void kasan_off(void)
{
}
static inline void kasan_read(const void *p, size_t n)
{
	(void)p;
	(void)n;
}
static inline void kasan_write(const void *p, size_t n)
{
	(void)p;
	(void)n;
}
static inline void kasan_frames_alloc(u64 pfn, unsigned order)
{
	(void)pfn;
	(void)order;
}
static inline void kasan_frames_free(u64 pfn, unsigned order)
{
	(void)pfn;
	(void)order;
}
static inline void kasan_frames_carve(struct range pfns)
{
	(void)pfns;
}
static inline size_t kasan_heap_room(size_t bytes)
{
	return bytes;
}
static inline void *kasan_heap_alloc(void *p, size_t bytes, const void *caller)
{
	(void)bytes;
	(void)caller;
	return p;
}
static inline void kasan_heap_caller(void *p, const void *caller)
{
	(void)p;
	(void)caller;
}
static inline void kasan_heap_frame(void *page)
{
	(void)page;
}
static inline void *kasan_heap_free(void *p, const void *caller)
{
	(void)caller;
	return p;
}
static inline void kasan_heap_settle(void)
{
}

#endif
#endif
