/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Path text to components (path_resolution(7)). Pure. */
#ifndef FS_PATH_H
#define FS_PATH_H

#include <moat/types.h>

enum path_kind {
	PATH_NAME,
	PATH_DOT,
	PATH_DOTDOT,
};

struct path_part {
	const char *name; /* inside the path's text, not terminated */
	size_t len;	  /* > 0 */
	enum path_kind kind;
	bool last;  /* nothing but slashes behind it */
	bool slash; /* at least one slash behind it */
};

/*
 * The next component at *pos, which is moved behind it and the slashes that follow; false at the end of the
 * text. The length of a name is not checked: which error comes first depends on the directory.
 */
bool path_next(const char **pos, struct path_part *out);

/* Joins the names that a path is made of from its end to its start, as getcwd needs it. */
struct path_builder {
	char *buf;
	size_t size;
	size_t at; /* the text starts here; buf[size - 1] is its terminator */
	bool overflow;
};

void path_builder_init(struct path_builder *b, char *buf, size_t size); /* size > 0 */
/* Puts "/name" in front. */
void path_builder_prepend(struct path_builder *b, const char *name, size_t len);
/* Moves the text ("/" when nothing was put) to the start of the buffer; its length or -ENAMETOOLONG. */
ssize_t path_builder_finish(struct path_builder *b);

#endif
