/* SPDX-License-Identifier: MIT */
/*
 * Comparing and searching bytes and strings, as ISO C defines them.
 *
 * Comparison goes by 8-byte words, since the kernel compares whole structures and page-long buffers;
 * searching goes byte by byte, since what it searches is short (paths, options, names). Copying and filling
 * are the machine's (arch/x86_64/memops.c). In hosted builds the C library has all of it but str_copy.
 */
#include <moat/string.h>

#if !defined(MOAT_HOSTED)

/* Without this the compiler may see a strlen in the loops below, and call it. */
#if defined(__clang__)
#define NO_LIBRARY_CALLS __attribute__((no_builtin))
#else
#define NO_LIBRARY_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

typedef u64 __attribute__((may_alias, aligned(1))) word64;

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;
	const size_t all = n;

	while (n >= 8 && *(const word64 *)x == *(const word64 *)y) {
		x += 8;
		y += 8;
		n -= 8;
	}
	/* What is left, with some of what was equal. */
	if (n < 8 && all >= 8 && *(const word64 *)(x + n - 8) == *(const word64 *)(y + n - 8))
		return 0;
	for (; n > 0; x++, y++, n--) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
	const u8 *p = s;

	for (; n > 0; p++, n--) {
		if (*p == (u8)byte)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

NO_LIBRARY_CALLS size_t strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return (size_t)(end - s);
}

NO_LIBRARY_CALLS size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

__noinline int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; a++, b++, n--) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			break;
	}
	return 0;
}

__noinline char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)(uintptr_t)found;
	}
}

char *strstr(const char *haystack, const char *needle)
{
	size_t len = strlen(needle);

	for (;; haystack++) {
		if (strncmp(haystack, needle, len) == 0)
			return (char *)(uintptr_t)haystack;
		if (!*haystack)
			return NULL;
	}
}

#endif

size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size > 0) {
		size_t n = MIN(len, size - 1);
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}
