/* SPDX-License-Identifier: MIT */
/* Making newc archives in memory, for tests. */
#ifndef CPIO_MAKE_H
#define CPIO_MAKE_H

#include "unit.h"

#define CPIO_MAKE_MAX 65536

struct cpio_make {
	char bytes[CPIO_MAKE_MAX];
	size_t len;
};

struct cpio_file {
	const char *name;
	u32 mode, ino, nlink, rdev_major, rdev_minor, uid, gid, mtime;
	const char *data;
	size_t data_len; /* 0: the length of the text */
};

static inline void cpio_pad(struct cpio_make *m)
{
	while (m->len % 4)
		m->bytes[m->len++] = '\0';
}

static inline void cpio_add(struct cpio_make *m, const struct cpio_file *f)
{
	size_t data_len = f->data_len ? f->data_len : f->data ? strlen(f->data) : 0;

	m->len += (size_t)sprintf(
		m->bytes + m->len, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", f->ino,
		f->mode, f->uid, f->gid, f->nlink ? f->nlink : 1, f->mtime, (unsigned)data_len, 8u, 1u,
		f->rdev_major, f->rdev_minor, (unsigned)strlen(f->name) + 1, 0u);
	memcpy(m->bytes + m->len, f->name, strlen(f->name) + 1);
	m->len += strlen(f->name) + 1;
	cpio_pad(m);
	if (data_len)
		memcpy(m->bytes + m->len, f->data, data_len);
	m->len += data_len;
	cpio_pad(m);
}

static inline void cpio_end(struct cpio_make *m)
{
	cpio_add(m, &(struct cpio_file){.name = "TRAILER!!!"});
}

#endif
