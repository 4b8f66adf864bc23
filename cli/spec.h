/* SPDX-License-Identifier: MIT */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include <stddef.h>

#include "options.h"
#include "program.h"
#include "view.h"

/* Where a deterministic run finds its standard input. */
#define SPEC_STDIN_PATH "/.moat/stdin"

int spec_make(const struct options *options, const struct program *program, const struct view *view,
	      char **spec, size_t *bytes, struct verdict *v);

#endif
