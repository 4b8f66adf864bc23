/* SPDX-License-Identifier: MIT */
/*
 * Memory of the command itself. All of it is small and is taken before the machine starts, so running out
 * means that the host is in no state to run anything: the command says so in one line and ends with 125.
 * None of these functions returns NULL.
 */
#include "alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

/** must_have - `memory` itself when it is not NULL; otherwise the command ends. */
void *must_have(void *memory)
{
	if (memory)
		return memory;
	fputs("moat: the host is out of memory\n", stderr);
	exit(STATUS_MOAT_FAILED);
}

/** must_alloc - zeroed memory of `bytes` bytes. */
void *must_alloc(size_t bytes)
{
	return must_have(calloc(1, bytes));
}

/** must_grow - resize the array `old` (or NULL) to `count` elements of `size` bytes; new ones are not
 * cleared. */
void *must_grow(void *old, size_t count, size_t size)
{
	return must_have(reallocarray(old, count, size));
}

/** must_copy - a copy of a string, to be freed by the caller. */
char *must_copy(const char *text)
{
	return must_have(strdup(text));
}

/** must_format - a string made as by printf(3), to be freed by the caller. */
char *must_format(const char *format, ...)
{
	char *text = NULL;
	va_list list;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	return must_have(length < 0 ? NULL : text);
}
