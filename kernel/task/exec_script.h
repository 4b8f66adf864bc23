/* SPDX-License-Identifier: MIT */
/* The first line of a script: pure. */
#ifndef TASK_EXEC_SCRIPT_H
#define TASK_EXEC_SCRIPT_H

#include <moat/types.h>

#define SCRIPT_LINE_BYTES 256 /* that are looked at, as Linux */

struct script_line {
	char text[SCRIPT_LINE_BYTES]; /* what the two pointers point into */
	const char *interpreter;
	const char *argument; /* NULL: there is none */
};

bool script_is_one(const void *bytes, size_t len);
/*
 * Takes apart the first `len` bytes (at most SCRIPT_LINE_BYTES) of a script: "#!", blanks, path, and perhaps
 * blanks and one argument that goes on to the end of the line. 0, or -ENOEXEC when there is no path or it is
 * cut off.
 */
int __must_check script_parse(const void *bytes, size_t len, struct script_line *out);

#endif
