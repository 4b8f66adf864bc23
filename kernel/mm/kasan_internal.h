/* SPDX-License-Identifier: MIT */
/* room: mm */
/* What kasan.c (shadow), kasan_heap.c (objects) and heap.c share. */
#ifndef MM_KASAN_INTERNAL_H
#define MM_KASAN_INTERNAL_H

#include <moat/kasan.h>

/* Shadow bytes: 0 all 8 bytes are good; 1 to 7 so many are; the rest: none, because they are … */
enum kasan_state {
	KASAN_GOOD = 0,
	KASAN_FREE_FRAME = 0xff,
	KASAN_HEAP_FREED = 0xfb,
	KASAN_HEAP_REDZONE = 0xfc,
	KASAN_HEAP_UNUSED = 0xfa,
	KASAN_GLOBAL = 0xf9,
};

/* The state of the 8 bytes at addr; KASAN_GOOD where nothing is known. */
u8 kasan_state(u64 addr);
/* The first `bytes` of `room` bytes at addr are good, the others have this state. addr and room: multiples of 8. */
void kasan_mark(const void *addr, size_t bytes, size_t room, u8 state);
__noreturn void kasan_report(u64 addr, size_t n, const char *access, const void *caller);
/* Writes who allocated and freed the object that addr lies in or behind. */
void kasan_heap_describe(u64 addr);
/* Callers as 32 bits: their offset in the image. */
u32 kasan_pack_caller(const void *caller);
void kasan_log_caller(const char *what, u32 packed);

/* The cell of the heap that addr lies in, in a frame that the heap has: its start, its size; or NULL. */
void *heap_cell(u64 addr, size_t *bytes);
/* kfree as the release kernel has it. */
void heap_release(void *p);

#endif
