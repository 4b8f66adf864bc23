/* SPDX-License-Identifier: MIT */
/*
 * Path text to components, and components to path text. Nothing here knows a directory.
 *
 *     "//usr/./lib64/"      usr        .        lib64
 *                           NAME       DOT      NAME, last, slash
 */
#include <asm/errno.h>
#include <moat/string.h>
#include "path.h"

static enum path_kind kind_of(const char *name, size_t len)
{
	if (name[0] != '.')
		return PATH_NAME;
	if (len == 1)
		return PATH_DOT;
	if (len == 2 && name[1] == '.')
		return PATH_DOTDOT;
	return PATH_NAME;
}

bool path_next(const char **pos, struct path_part *out)
{
	const char *p = *pos;

	while (*p == '/')
		p++;
	if (!*p) {
		*pos = p;
		return false;
	}
	out->name = p;
	while (*p && *p != '/')
		p++;
	out->len = (size_t)(p - out->name);
	out->kind = kind_of(out->name, out->len);
	out->slash = *p == '/';
	while (*p == '/')
		p++;
	out->last = !*p;
	*pos = p;
	return true;
}

void path_builder_init(struct path_builder *b, char *buf, size_t size)
{
	*b = (struct path_builder){.buf = buf, .size = size, .at = size - 1};
	buf[size - 1] = '\0';
}

void path_builder_prepend(struct path_builder *b, const char *name, size_t len)
{
	if (b->overflow || len >= b->at) {
		b->overflow = true;
		return;
	}
	b->at -= len;
	memcpy(b->buf + b->at, name, len);
	b->buf[--b->at] = '/';
}

ssize_t path_builder_finish(struct path_builder *b)
{
	size_t len = b->size - 1 - b->at;

	if (len == 0 && !b->overflow)
		path_builder_prepend(b, "", 0);
	if (b->overflow)
		return -ENAMETOOLONG;
	len = b->size - 1 - b->at;
	memmove(b->buf, b->buf + b->at, len + 1);
	return (ssize_t)len;
}
