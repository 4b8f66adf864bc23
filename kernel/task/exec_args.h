/* SPDX-License-Identifier: MIT */
/* The strings of a new program, as the rest of exec sees them. */
#ifndef TASK_EXEC_ARGS_H
#define TASK_EXEC_ARGS_H

#include <moat/aspace.h>

#include "stack_image.h"

/* The frames are those of the future stack: frames[0] is the highest page. One reference each. */
struct exec_args {
	struct stack_image image;
	struct page **frames;
	u32 frame_count, frame_capacity;
	char *execfn; /* path as given to execve */
};

/* argv of a script becomes { interpreter, [argument,] script, argv[1] … }. 0, -E2BIG, -ENOMEM. */
int __must_check exec_args_prepend(struct exec_args *args, const char *interpreter, const char *argument,
				   const char *script);
/*
 * Enters the frames below `top` into the address space, with `prot` (enum pmap_prot), where a stack VMA is.
 * 0 or -ENOMEM; frames that were entered belong to the address space then.
 */
int __must_check exec_args_enter(struct exec_args *args, struct aspace *as, u64 top, unsigned prot);

#endif
