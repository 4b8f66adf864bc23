/* SPDX-License-Identifier: MIT */
/* room: lib */
/* The C library's memory and string functions that a freestanding kernel needs, as ISO C defines them. */
#ifndef MOAT_STRING_H
#define MOAT_STRING_H

#include <moat/types.h>

#if defined(MOAT_HOSTED)
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *haystack, const char *needle);
#endif

/* Copies at most size - 1 bytes and always terminates; returns the length of src (BSD strlcpy). */
size_t str_copy(char *dst, const char *src, size_t size);

#endif
