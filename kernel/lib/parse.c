/* SPDX-License-Identifier: MIT */
/*
 * Text to numbers, bytes and option values. Everything here is a function of its arguments.
 */
#include <asm/errno.h>
#include <moat/parse.h>
#include <moat/string.h>

int parse_u64(const char *s, u64 *out)
{
	int base = 10;
	u64 value = 0;
	bool overflow = false;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		int digit = hex_digit((u8)*s);
		if (digit < 0 || digit >= base)
			return -EINVAL;
		overflow |= __builtin_mul_overflow(value, (u64)base, &value);
		overflow |= __builtin_add_overflow(value, (u64)digit, &value);
	}
	if (overflow)
		return -ERANGE;
	*out = value;
	return 0;
}

int parse_hex_bytes(const char *s, u8 *out, size_t n)
{
	if (strnlen(s, 2 * n + 1) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++) {
		if (hex_digit((u8)s[i]) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (u8)(hex_digit((u8)s[2 * i]) * 16 + hex_digit((u8)s[2 * i + 1]));
	return 0;
}

/* The value inside `word` of `len` bytes if its key is `key` (empty for a bare word), or NULL. */
static const char *word_value(const char *word, size_t len, const char *key)
{
	size_t key_len = strlen(key);

	if (len < key_len || memcmp(word, key, key_len) != 0)
		return NULL;
	if (len == key_len)
		return word + len;
	return word[key_len] == '=' ? word + key_len + 1 : NULL;
}

bool cmdline_next(const char **pos, const char *key, char *out, size_t size)
{
	for (;;) {
		const char *word = *pos;
		while (*word == ' ')
			word++;
		if (!*word)
			return false;
		const char *end = word;
		while (*end && *end != ' ')
			end++;
		*pos = end;
		const char *value = word_value(word, (size_t)(end - word), key);
		if (value && (size_t)(end - value) < size) {
			memcpy(out, value, (size_t)(end - value));
			out[end - value] = '\0';
			return true;
		}
	}
}

bool cmdline_get(const char *cmdline, const char *key, char *out, size_t size)
{
	return cmdline_next(&cmdline, key, out, size);
}
