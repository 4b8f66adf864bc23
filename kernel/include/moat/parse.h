/* SPDX-License-Identifier: MIT */
/* room: lib */
/* Reading numbers and words out of text. Pure. */
#ifndef MOAT_PARSE_H
#define MOAT_PARSE_H

#include <moat/types.h>

/* The value of a hexadecimal digit, or -1. Two comparisons, and none that a loop would have to jump for. */
static inline int hex_digit(u8 c)
{
	u32 decimal = c - (u32)'0', letter = (c | 0x20u) - 'a';

	return decimal < 10 ? (int)decimal : letter < 6 ? (int)letter + 10 : -1;
}

/* Whole string to a number, base 10 or 0x…; 0, or -EINVAL (no digit, trailing text) or -ERANGE. */
int __must_check parse_u64(const char *s, u64 *out);
/* 2 * n hexadecimal digits to n bytes; 0 or -EINVAL. */
int __must_check parse_hex_bytes(const char *s, u8 *out, size_t n);
/*
 * The value of word `key` ("key=value" or bare "key") in a space-separated command line: copied to out,
 * terminated, empty for a bare word. True when the word is there and its value fits; the
 * first such word counts.
 */
bool cmdline_get(const char *cmdline, const char *key, char *out, size_t size);
/* The same from *pos on, which is moved behind the word: for words that repeat. */
bool cmdline_next(const char **pos, const char *key, char *out, size_t size);

#endif
