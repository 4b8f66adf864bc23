/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Reading cpio archives of the "newc" format (cpio(5)). Pure: bytes in, entries out. */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include <moat/types.h>

struct cpio_reader {
	const u8 *bytes;
	size_t len;
	size_t at; /* the next header; 0 at the start */
};

struct cpio_entry {
	const char *name; /* inside the archive, terminated */
	size_t name_len;  /* without the terminator, > 0 */
	const u8 *data;
	size_t data_len;
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 dev_major, dev_minor, rdev_major, rdev_minor;
};

void cpio_reader_init(struct cpio_reader *r, const void *bytes, size_t len);
/*
 * The next entry: 1 with *out filled, 0 at the end of the archive, -EINVAL when it is malformed (truncated, a
 * field that is no number, a name without its terminator). Archives that were joined end to end, with zeros
 * between them, are read as one. An empty file is an empty archive.
 */
int __must_check cpio_next(struct cpio_reader *r, struct cpio_entry *out);

#endif
