/* SPDX-License-Identifier: MIT */
/*
 * memcpy, memmove and memset: the three functions that the compiler itself calls.
 *
 * Up to 32 bytes a copy is a few loads, then a few stores, the last ones overlapping the first, so that no
 * length needs a loop over bytes. Up to LONG_BYTES it is a loop of 32 bytes by 8-byte moves, which starts at
 * once. Above, it is one counted string instruction, which real processors run at the width of their
 * caches, and an emulator counts as one instruction for each 8 bytes.
 *
 * No vector registers: the kernel never touches the program's.
 */
#include <moat/kasan.h>
#include <moat/string.h>

#define LONG_BYTES 256

/* Memory as words of any alignment, and of any type that was stored there. */
typedef u64 __attribute__((may_alias, aligned(1))) word64;
typedef u32 __attribute__((may_alias, aligned(1))) word32;
typedef u16 __attribute__((may_alias, aligned(1))) word16;

/* Without this the compiler may see a memcpy in the loops below, and call it. */
#if defined(__clang__)
#define NO_LIBRARY_CALLS __attribute__((no_builtin))
#else
#define NO_LIBRARY_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

static inline u64 load64(const u8 *p)
{
	return *(const word64 *)p;
}

static inline void store64(u8 *p, u64 v)
{
	*(word64 *)p = v;
}

/*
 * At most 16 bytes, overlapping or not: all loads stand before the first store.
 *
 *     n = 11:   [0 . . . . . . 7]          first word
 *                     [3 . . . . . . 10]   last word
 */
static inline void copy_upto_16(u8 *dst, const u8 *src, size_t n)
{
	if (n >= 8) {
		u64 first = load64(src), last = load64(src + n - 8);
		store64(dst, first);
		store64(dst + n - 8, last);
	} else if (n >= 4) {
		u32 first = *(const word32 *)src, last = *(const word32 *)(src + n - 4);
		*(word32 *)dst = first;
		*(word32 *)(dst + n - 4) = last;
	} else if (n >= 2) {
		u16 first = *(const word16 *)src, last = *(const word16 *)(src + n - 2);
		*(word16 *)dst = first;
		*(word16 *)(dst + n - 2) = last;
	} else if (n == 1) {
		*dst = *src;
	}
}

/* 17 to 32 bytes, overlapping or not. */
static inline void copy_upto_32(u8 *dst, const u8 *src, size_t n)
{
	u64 a = load64(src), b = load64(src + 8);
	u64 c = load64(src + n - 16), d = load64(src + n - 8);

	store64(dst, a);
	store64(dst + 8, b);
	store64(dst + n - 16, c);
	store64(dst + n - 8, d);
}

/* `words` times 8 bytes upwards. */
static inline void copy_words(u8 *dst, const u8 *src, size_t words)
{
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}

static inline void set_words(u8 *dst, u64 pattern, size_t words)
{
	__asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(pattern) : "memory");
}

NO_LIBRARY_CALLS void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	kasan_write(dst, n);
	kasan_read(src, n);
	if (n <= 16) {
		copy_upto_16(d, s, n);
		return dst;
	}
	if (n <= 32) {
		copy_upto_32(d, s, n);
		return dst;
	}
	u8 *last_d = d + n - 32;
	const u8 *last_s = s + n - 32;
	if (n <= LONG_BYTES) {
		for (; d < last_d; d += 32, s += 32)
			copy_upto_32(d, s, 32);
	} else {
		copy_words(d, s, n / 8);
	}
	copy_upto_32(last_d, last_s, 32);
	return dst;
}

/* The ranges overlap: word by word from the end that the other range does not reach. */
NO_LIBRARY_CALLS static void move_up(u8 *dst, const u8 *src, size_t n)
{
	while (n >= 8) {
		n -= 8;
		store64(dst + n, load64(src + n));
	}
	while (n > 0) {
		n--;
		dst[n] = src[n];
	}
}

NO_LIBRARY_CALLS static void move_down(u8 *dst, const u8 *src, size_t n)
{
	size_t done = 0;

	for (; n - done >= 8; done += 8)
		store64(dst + done, load64(src + done));
	for (; done < n; done++)
		dst[done] = src[done];
}

void *memmove(void *dst, const void *src, size_t n)
{
	uintptr_t d = (uintptr_t)dst, s = (uintptr_t)src;

	kasan_write(dst, n);
	kasan_read(src, n);
	if (n <= 16)
		copy_upto_16(dst, src, n);
	else if (d - s >= n && s - d >= n)
		memcpy(dst, src, n);
	else if (d > s)
		move_up(dst, src, n);
	else
		move_down(dst, src, n);
	return dst;
}

static inline void set_32(u8 *dst, u64 pattern)
{
	store64(dst, pattern);
	store64(dst + 8, pattern);
	store64(dst + 16, pattern);
	store64(dst + 24, pattern);
}

NO_LIBRARY_CALLS void *memset(void *dst, int byte, size_t n)
{
	u8 *d = dst;
	u64 pattern = 0x0101010101010101u * (u8)byte;

	kasan_write(dst, n);
	if (n < 8) {
		for (size_t i = 0; i < n; i++)
			d[i] = (u8)byte;
		return dst;
	}
	u8 *last = d + n - 8;
	if (n > LONG_BYTES) {
		set_words(d, pattern, n / 8);
	} else if (n >= 32) {
		for (; d < last - 24; d += 32)
			set_32(d, pattern);
		set_32(last - 24, pattern);
		return dst;
	} else {
		for (; d < last; d += 8)
			store64(d, pattern);
	}
	store64(last, pattern);
	return dst;
}
