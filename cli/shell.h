/* SPDX-License-Identifier: MIT */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include "options.h"
#include "pack.h"

/* What `moat shell` adds to a run. */
struct shell {
	char *path;  /* the shell's, in the guest */
	char **argv; /* its arguments, NULL at the end */
	char **env;  /* NAME=VALUE, those that were made here first */
	size_t env_made;
};

int shell_prepare(struct shell *shell, struct options *options, struct pack *pack, struct verdict *v);
void shell_free(struct shell *shell);

#endif
