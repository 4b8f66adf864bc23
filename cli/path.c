/* SPDX-License-Identifier: MIT */
/*
 * Guest path names. They are absolute and tidy: no empty, "." or ".." component and no slash at the end,
 * except for "/" itself, so that one file has one name in the archive.
 */
#include "pack.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* Length of `out` (a tidy path of `length` characters) without its last component. */
static size_t parent_length(const char *out, size_t length)
{
	while (length > 0 && out[length - 1] != '/')
		length--;
	return length > 0 ? length - 1 : 0;
}

static char *tidy(const char *path)
{
	char *out = must_alloc(strlen(path) + 2);
	size_t length = 0;

	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && memcmp(path, "..", 2) == 0) {
			length = parent_length(out, length);
		} else if (part > 0 && !(part == 1 && *path == '.')) {
			out[length++] = '/';
			memcpy(out + length, path, part);
			length += part;
		}
		path += part;
		path += *path == '/';
	}
	if (length == 0)
		out[length++] = '/';
	out[length] = '\0';
	return out;
}

/**
 * path_absolute - the tidy absolute name of a path; a relative one is taken from the working directory.
 *
 * Symbolic links are not followed: the name is what the guest shall see, not where the file lies.
 * Returns a string to be freed by the caller.
 */
char *path_absolute(const char *path)
{
	char *here, *joined, *out;

	if (*path == '/')
		return tidy(path);
	here = getcwd(NULL, 0);
	joined = must_format("%s/%s", here ? here : "", path);
	out = tidy(joined);
	free(joined);
	free(here);
	return out;
}
