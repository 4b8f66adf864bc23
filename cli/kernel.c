/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel lies: what --kernel says, else the environment variable MOAT_KERNEL, else beside the
 * command (a build folder), else in ../lib/moat from it (an installation).
 */
#include "kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

/* Folder that the running command lies in. */
static char *command_folder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return must_copy(path);
}

static char *find_installed(void)
{
	static const char *const places[] = {"moat-kernel", "../lib/moat/moat-kernel"};
	char *folder = command_folder(), *found = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
		found = must_format("%s/%s", folder, places[i]);
		if (access(found, R_OK)) {
			free(found);
			found = NULL;
		}
	}
	free(folder);
	return found;
}

/**
 * kernel_find - find the kernel to boot.
 * @path: receives its path, to be freed by the caller.
 *
 * Returns 0, or a negative number with @v set (status 125).
 */
int kernel_find(const struct options *options, char **path, struct verdict *v)
{
	const char *given = options->kernel ? options->kernel : getenv("MOAT_KERNEL");

	*path = given && *given ? must_copy(given) : find_installed();
	if (!*path)
		return verdict_error(v, STATUS_MOAT_FAILED,
				     "no kernel: moat-kernel is not installed (see --kernel)");
	if (access(*path, R_OK) == 0)
		return 0;
	verdict_error(v, STATUS_MOAT_FAILED, "kernel %s: %s", *path, strerror(errno));
	free(*path);
	*path = NULL;
	return -ENOENT;
}
