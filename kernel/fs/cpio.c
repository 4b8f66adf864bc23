/* SPDX-License-Identifier: MIT */
/*
 * The newc format, an entry at a time:
 *
 *     | magic 6 | 13 fields of 8 hex digits | name NUL | pad to 4 | data | pad to 4 | next header …
 *     |<----------- 110 bytes -------------->|
 *
 * Offsets count from the start of the archive. The last entry is named TRAILER!!!; zeros may follow it, and
 * then another archive. Every length is checked against what is left before it is used, so no archive makes
 * this file read outside its bytes.
 */
#include <asm/errno.h>
#include <moat/string.h>
#include "cpio.h"

enum {
	CPIO_HEADER_BYTES = 110,
	CPIO_MAGIC_BYTES = 6,
	CPIO_FIELD_BYTES = 8,
};

/* Order of the fields in the header. */
enum cpio_field {
	FIELD_INO,
	FIELD_MODE,
	FIELD_UID,
	FIELD_GID,
	FIELD_NLINK,
	FIELD_MTIME,
	FIELD_FILESIZE,
	FIELD_DEV_MAJOR,
	FIELD_DEV_MINOR,
	FIELD_RDEV_MAJOR,
	FIELD_RDEV_MINOR,
	FIELD_NAMESIZE,
	FIELD_CHECK, /* unused by newc */
	FIELD_COUNT
};

static const char trailer[] = "TRAILER!!!";

void cpio_reader_init(struct cpio_reader *r, const void *bytes, size_t len)
{
	*r = (struct cpio_reader){.bytes = bytes, .len = len};
}

typedef u64 __attribute__((may_alias, aligned(1))) word64;

/*
 * Eight hexadecimal digits: false when one of them is not. All eight at once, a byte each: a boot reads 13 fields for each
 * file that is copied in. A letter has bit 6, and its low half is 9 less than its value; whatever is no digit is found by
 * writing the values down again.
 */
static bool read_field(const u8 *text, u32 *out)
{
	const u64 each = 0x0101010101010101;
	u64 given = *(const word64 *)text, letters = given >> 6 & each;
	u64 lower = given | letters << 5;
	u64 values = (lower & 0x0f * each) + 9 * letters;
	u64 high = (values + 0x76 * each) >> 7 & each; /* 10 and more */
	u64 v = __builtin_bswap64(values);

	v = (v | v >> 4) & 0x00ff00ff00ff00ff;
	v = (v | v >> 8) & 0x0000ffff0000ffff;
	*out = (u32)(v | v >> 16);
	return (values & 0xf0 * each) == 0 && values + '0' * each + high * ('a' - '0' - 10) == lower;
}

static bool read_header(const u8 *header, u32 fields[FIELD_COUNT])
{
	if (memcmp(header, "070701", CPIO_MAGIC_BYTES) != 0)
		return false;
	header += CPIO_MAGIC_BYTES;
	for (int i = 0; i < FIELD_COUNT; i++, header += CPIO_FIELD_BYTES) {
		if (!read_field(header, &fields[i]))
			return false;
	}
	return true;
}

/* Takes len bytes at r->at and the padding behind them; NULL when there are fewer (padding may be cut off).
 */
static const u8 *take(struct cpio_reader *r, size_t len)
{
	const u8 *start = r->bytes + r->at;

	if (len > r->len - r->at)
		return NULL;
	r->at = MIN(ALIGN_UP(r->at + len, 4), r->len);
	return start;
}

static void skip_zeros(struct cpio_reader *r)
{
	while (r->at < r->len && r->bytes[r->at] == 0)
		r->at++;
}

/* One entry, the trailer included. */
static int read_entry(struct cpio_reader *r, struct cpio_entry *out)
{
	u32 fields[FIELD_COUNT];
	size_t name_bytes;

	if (r->len - r->at < CPIO_HEADER_BYTES || !read_header(r->bytes + r->at, fields))
		return -EINVAL;
	r->at += CPIO_HEADER_BYTES;
	name_bytes = fields[FIELD_NAMESIZE];
	out->name = (const char *)take(r, name_bytes);
	if (!out->name || name_bytes < 2 || memchr(out->name, 0, name_bytes) != out->name + name_bytes - 1)
		return -EINVAL;
	out->name_len = name_bytes - 1;
	out->data_len = fields[FIELD_FILESIZE];
	out->data = take(r, out->data_len);
	if (!out->data)
		return -EINVAL;
	out->ino = fields[FIELD_INO];
	out->mode = fields[FIELD_MODE];
	out->uid = fields[FIELD_UID];
	out->gid = fields[FIELD_GID];
	out->nlink = fields[FIELD_NLINK];
	out->mtime = fields[FIELD_MTIME];
	out->dev_major = fields[FIELD_DEV_MAJOR];
	out->dev_minor = fields[FIELD_DEV_MINOR];
	out->rdev_major = fields[FIELD_RDEV_MAJOR];
	out->rdev_minor = fields[FIELD_RDEV_MINOR];
	return 1;
}

int cpio_next(struct cpio_reader *r, struct cpio_entry *out)
{
	for (;;) {
		int got;

		skip_zeros(r);
		if (r->at == r->len)
			return 0;
		got = read_entry(r, out);
		if (got < 0)
			return got;
		if (out->name_len != sizeof(trailer) - 1 || memcmp(out->name, trailer, sizeof(trailer)) != 0)
			return 1;
	}
}
