/* SPDX-License-Identifier: MIT */
/*
 * The words `virtio_mmio.device=SIZE@ADDRESS:GSI` of the kernel command line, by which a machine without
 * firmware tables says where its virtio devices are (the form is Linux's, admin-guide/kernel-parameters).
 * Pure.
 */
#include <asm/errno.h>
#include <moat/parse.h>
#include <moat/string.h>
#include <moat/virtio.h>

#define NUMBER_CHARS 24

/* The number before `stop` (or before the end, for '\0'); *text moves behind it. */
static int parse_field(const char **text, char stop, u64 *out)
{
	char field[NUMBER_CHARS];
	const char *end = stop ? strchr(*text, stop) : *text + strlen(*text);

	if (!end || (size_t)(end - *text) >= sizeof(field))
		return -EINVAL;
	memcpy(field, *text, (size_t)(end - *text));
	field[end - *text] = '\0';
	*text = stop ? end + 1 : end;
	return parse_u64(field, out);
}

/* Powers of two that a unit letter stands for, or -1. */
static int unit_shift(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	default:
		return -1;
	}
}

/* As parse_field up to '@', with an optional unit. */
static int parse_size(const char **text, u64 *out)
{
	char field[NUMBER_CHARS];
	const char *end = strchr(*text, '@');
	int shift = 0;

	if (!end || end == *text || (size_t)(end - *text) >= sizeof(field))
		return -EINVAL;
	size_t len = (size_t)(end - *text);
	if (unit_shift(end[-1]) > 0) {
		shift = unit_shift(end[-1]);
		len--;
	}
	memcpy(field, *text, len);
	field[len] = '\0';
	*text = end + 1;
	int err = parse_u64(field, out);
	if (err)
		return err;
	return __builtin_mul_overflow(*out, (u64)1 << shift, out) ? -ERANGE : 0;
}

int virtio_window_parse(const char *text, struct virtio_window *out)
{
	u64 size, start, gsi;
	int err = parse_size(&text, &size);

	if (!err)
		err = parse_field(&text, ':', &start);
	if (!err)
		err = parse_field(&text, '\0', &gsi);
	if (err)
		return err;
	if (size == 0)
		return -EINVAL;
	if (gsi > UINT32_MAX || !range_make(start, size, &out->regs))
		return -ERANGE;
	out->gsi = (u32)gsi;
	return 0;
}
