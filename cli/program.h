/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "pack.h"
#include "verdict.h"
#include "view.h"

/* The program to run, found and packed. */
struct program {
	const char *name; /* as the command line has it */
	char *guest;	  /* absolute path in the guest */
	char *loader;	  /* dynamic loader that it, or its interpreter, asks for (PT_INTERP), or NULL */
};

char *program_search(const char *name, int *error);
int program_find(struct program *program, const char *name, const struct view *view, struct pack *pack,
		 struct verdict *v);
void program_free(struct program *program);

#endif
