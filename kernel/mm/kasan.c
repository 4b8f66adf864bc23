/* SPDX-License-Identifier: MIT */
/*
 * The shadow of the address checker (<moat/kasan.h>), and what instrumented code calls.
 *
 *     physical   0 ............... image | tables | struct pages | shadow | free ...... max
 *                 │ 8 bytes                                                              │
 *     shadow     [b]...................................................................[b]
 *
 * The compilers are asked for calls, not for inline checks, so the shadow may lie anywhere: it is an array by physical
 * address, and found for addresses of the direct map and of the image. Other addresses (kernel stacks, devices) are not
 * checked.
 *
 * The array is not cleared at boot, since a large machine would wait for it. Bytes of a unit of 2 MiB mean something
 * once `known` says so: the units that boot keeps from the beginning, others when they are carved (frame_fresh.c).
 * A check looks there only after it has seen a bad byte.
 *
 * This file is not instrumented, and takes no lock: each byte of shadow belongs to whoever owns the memory.
 */
#include <arch/impl/mmu.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/symbols.h>
#include "kasan_internal.h"

#if KASAN

#define GRANULE	    (1ull << KASAN_SHIFT)
#define UNIT_SHIFT  21
#define CHECKED_MAX GIB(16) /* RAM above is not checked: its shadow would not fit below 4 GiB */
#define SPILL	    16	    /* shadow that a check of two bytes at the very end may read */

static struct kasan_places places; /* [I] but for kasan_off */
static u64 direct_bytes;	   /* of the direct map that are checked; 0: nothing is */
static u64 image_bytes;
static u8 *image_shadow;
static u8 known[CHECKED_MAX >> UNIT_SHIFT]; /* [zone lock] */

/* What gcc (ABI 8) and clang describe a global by. */
struct asan_global {
	const void *start;
	size_t bytes, room;
	const char *name, *module;
	size_t has_dynamic_init;
	const void *place;
	uintptr_t odr;
};

static inline u8 *shadow_of(u64 addr)
{
	u64 offset = addr - direct_map_base;

	if (likely(offset < direct_bytes))
		return places.shadow + (offset >> KASAN_SHIFT);
	offset = addr - places.image.start;
	if (likely(offset < image_bytes))
		return image_shadow + (offset >> KASAN_SHIFT);
	return NULL;
}

static inline bool is_known(const u8 *shadow)
{
	return known[(u64)(shadow - places.shadow) >> (UNIT_SHIFT - KASAN_SHIFT)];
}

u8 kasan_state(u64 addr)
{
	const u8 *s = shadow_of(addr);

	return s && is_known(s) ? *s : KASAN_GOOD;
}

static void fill(u8 *shadow, u8 value, u64 n)
{
	typedef u64 __attribute__((may_alias)) word;
	u64 pattern = 0x0101010101010101ull * value;

	for (; n > 0 && !IS_ALIGNED((uintptr_t)shadow, 8); n--)
		*shadow++ = value;
	for (; n >= 8; n -= 8, shadow += 8)
		*(volatile word *)shadow = pattern;
	for (; n > 0; n--)
		*(volatile u8 *)shadow++ = value;
}

void kasan_mark(const void *addr, size_t bytes, size_t room, u8 state)
{
	u8 *s = shadow_of((u64)addr);
	u64 good = bytes >> KASAN_SHIFT, rest = bytes & (GRANULE - 1);

	if (!s)
		return;
	fill(s, KASAN_GOOD, good);
	if (rest)
		s[good++] = (u8)rest;
	fill(s + good, state, (room >> KASAN_SHIFT) - good);
}

static void mark_frames(u64 pfn, u64 frames, u8 state)
{
	u64 at = pfn << PAGE_SHIFT;

	if (at < direct_bytes)
		fill(places.shadow + (at >> KASAN_SHIFT), state, (frames << PAGE_SHIFT) >> KASAN_SHIFT);
}

void kasan_frames_alloc(u64 pfn, unsigned order)
{
	mark_frames(pfn, 1ull << order, KASAN_GOOD);
}

void kasan_frames_free(u64 pfn, unsigned order)
{
	mark_frames(pfn, 1ull << order, KASAN_FREE_FRAME);
}

/* Whole units of 2 MiB; those that boot knew keep their bytes. */
void kasan_frames_carve(struct range pfns)
{
	u64 unit = pfns.start >> (UNIT_SHIFT - PAGE_SHIFT);

	if (pfns.start << PAGE_SHIFT >= direct_bytes || known[unit])
		return;
	mark_frames(pfns.start, MIN(pfns.end, direct_bytes >> PAGE_SHIFT) - pfns.start, KASAN_GOOD);
	known[unit] = true;
}

/* --- the check --- */

/* True when one of the bytes that a granule's part [.., last] needs is bad. */
static inline bool is_bad(const u8 *shadow, unsigned last)
{
	u8 s = *shadow;

	return unlikely(s != 0) && (s >= GRANULE || last >= s) && is_known(shadow);
}

/* The first bad address of [addr, addr + n), or 0. */
static inline u64 first_bad(u64 addr, size_t n)
{
	const u8 *s = shadow_of(addr);
	u64 last = addr + n - 1;

	if (!s || n == 0)
		return 0;
	for (u64 at = addr; (at >> KASAN_SHIFT) < (last >> KASAN_SHIFT); at = (at | (GRANULE - 1)) + 1, s++) {
		if (is_bad(s, GRANULE - 1))
			return *s < GRANULE ? MAX(at, ALIGN_DOWN(at, GRANULE) + *s) : at;
	}
	if (shadow_of(last) == s && is_bad(s, last & (GRANULE - 1)))
		return *s < GRANULE ? MAX(addr, ALIGN_DOWN(last, GRANULE) + *s)
				    : MAX(addr, ALIGN_DOWN(last, GRANULE));
	return 0;
}

static __always_inline void check(u64 addr, size_t n, const char *access, const void *caller)
{
	if (unlikely(first_bad(addr, n) != 0))
		kasan_report(addr, n, access, caller);
}

void kasan_read(const void *p, size_t n)
{
	check((u64)p, n, "read", KASAN_CALLER);
}

void kasan_write(const void *p, size_t n)
{
	check((u64)p, n, "write", KASAN_CALLER);
}

/* --- reports --- */

u32 kasan_pack_caller(const void *caller)
{
	return (u32)((u64)caller - places.image.start);
}

void kasan_log_caller(const char *what, u32 packed)
{
	u32 distance = 0;
	const char *name = symbol_name(packed, &distance);

	log_force("kasan: %s %s+%#x\n", what, name, distance);
}

static const char *what_is_there(u64 bad)
{
	u8 state = kasan_state(bad);

	/* The end of an object shares its 8 bytes; what comes next tells the kind. */
	if (state < GRANULE)
		state = kasan_state(bad + GRANULE);
	switch (state) {
	case KASAN_FREE_FRAME:
		return "a free frame";
	case KASAN_HEAP_FREED:
		return "a freed heap object";
	case KASAN_HEAP_UNUSED:
		return "heap memory that was never allocated";
	case KASAN_GLOBAL:
		return "the border of a global";
	default:
		return "the border of a heap object";
	}
}

void kasan_off(void)
{
	direct_bytes = 0;
	image_bytes = 0;
}

__noreturn void kasan_report(u64 addr, size_t n, const char *access, const void *caller)
{
	u64 bad = first_bad(addr, n);
	const char *what = what_is_there(bad ? bad : addr);

	kasan_log_caller("found before", kasan_pack_caller(caller));
	kasan_heap_describe(bad ? bad : addr);
	kasan_off();
	if (n == 0)
		panic("kasan: %s of %s at %#lx", access, what, addr);
	panic("kasan: %s of %zu bytes at %#lx hits %s", access, n, addr, what);
}

/* --- globals --- */

void __asan_register_globals(const struct asan_global *globals, size_t n);
void __asan_register_globals(const struct asan_global *globals, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kasan_mark(globals[i].start, globals[i].bytes, globals[i].room, KASAN_GLOBAL);
}

void __asan_unregister_globals(const struct asan_global *globals, size_t n);
void __asan_unregister_globals(const struct asan_global *globals, size_t n)
{
	(void)globals;
	(void)n;
}

u64 kasan_shadow_bytes(u64 phys_bytes)
{
	return (MIN(phys_bytes, CHECKED_MAX) >> KASAN_SHIFT) + SPILL;
}

#pragma GCC visibility push(hidden)
extern void (*const constructors_start[])(void), (*const constructors_end[])(void);
#pragma GCC visibility pop

void kasan_init(const struct kasan_places *p)
{
	u64 checked = MIN(p->phys_bytes, CHECKED_MAX), start = ALIGN_DOWN(p->image_phys, 1ull << UNIT_SHIFT);

	places = *p;
	image_shadow = p->shadow + (p->image_phys >> KASAN_SHIFT);
	/* Of what boot keeps only the image is worth a map; its last units are shared with memory to be carved. */
	u64 end = MIN(ALIGN_UP(p->image_phys + range_len(p->image), 1ull << UNIT_SHIFT), checked);
	for (u64 at = start; at < end; at += 1ull << UNIT_SHIFT)
		known[at >> UNIT_SHIFT] = true;
	fill(p->shadow + (start >> KASAN_SHIFT), KASAN_GOOD, (end - start) >> KASAN_SHIFT);
	direct_bytes = checked;
	image_bytes = range_len(p->image);
	for (void (*const *c)(void) = constructors_start; c < constructors_end; c++)
		(*c)();
}

/* --- what instrumented code calls --- */

#define CHECKS(n)                                      \
	void __asan_load##n##_noabort(u64 addr);       \
	void __asan_load##n##_noabort(u64 addr)        \
	{                                              \
		check(addr, n, "read", KASAN_CALLER);  \
	}                                              \
	void __asan_store##n##_noabort(u64 addr);      \
	void __asan_store##n##_noabort(u64 addr)       \
	{                                              \
		check(addr, n, "write", KASAN_CALLER); \
	}

CHECKS(1)
CHECKS(2)
CHECKS(4)
CHECKS(8)
CHECKS(16)

void __asan_loadN_noabort(u64 addr, size_t n);
void __asan_loadN_noabort(u64 addr, size_t n)
{
	check(addr, n, "read", KASAN_CALLER);
}

void __asan_storeN_noabort(u64 addr, size_t n);
void __asan_storeN_noabort(u64 addr, size_t n)
{
	check(addr, n, "write", KASAN_CALLER);
}

/* Stacks are not instrumented: nothing is to be undone where a function does not return. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}

#endif
