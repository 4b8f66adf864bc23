/* SPDX-License-Identifier: MIT */
/*
 * The initial stack of a program (x86-64 psABI 3.4.1), built page by page from the top. Pure: pages come from
 * a function that the caller gives, so that the loader builds it in frames and a test in plain memory.
 *
 * All places are depths: bytes below the top of the stack, which may still move by whole pages until
 * stack_finish writes the pointers.
 *
 *     depth 0 ── top ─────────────────────────────────────
 *        8       null word
 *                name of the program file (AT_EXECFN)
 *                environment strings, the last one highest
 *                argument strings, the last one highest
 *                … free: alignment and randomisation
 *                platform name (AT_PLATFORM)
 *                16 random bytes (AT_RANDOM)
 *                … free: alignment
 *                auxiliary vector, ending in AT_NULL
 *                envp[0] … envp[envc - 1], NULL
 *                argv[0] … argv[argc - 1], NULL
 *      used ──   argc                              ← rsp, a multiple of 16
 *
 * So the strings are pushed in this order: file name, environment from the last to the first, arguments from
 * the last to the first. A script's interpreter takes away argv[0] again and pushes its own.
 */
#ifndef TASK_STACK_IMAGE_H
#define TASK_STACK_IMAGE_H

#include <moat/types.h>

#define ARG_STRING_BYTES_MAX KIB(128) /* of one string with its NUL, as Linux (MAX_ARG_STRLEN) */
#define STACK_RANDOM_BYTES   16

struct stack_image {
	/*
	 * Bytes of the index-th page below the top, index rising by at most one at a time; a new one is made
	 * and is zero. NULL when memory is out.
	 */
	u8 *(*page)(void *arg, u32 index);
	void *arg;
	u64 used;	  /* depth of the lowest byte in use */
	u64 strings_max;  /* depth that strings may reach */
	u64 execfn_depth; /* where the name of the program file starts */
	u32 pages;	  /* that exist */
	u32 argc, envc;	  /* strings that have been pushed or are announced */
};

struct auxv_pair {
	u64 type, value; /* AT_… of <linux/auxvec.h> */
};

/* What stack_finish adds below the strings. */
struct stack_tail {
	u64 top;	/* address of the top, page-aligned */
	u64 drop_bytes; /* to leave free below the strings, at most two pages */
	const char *platform;
	const u8 *random; /* STACK_RANDOM_BYTES of them */
	const struct auxv_pair
		*auxv; /* without AT_NULL; AT_RANDOM, AT_EXECFN and AT_PLATFORM are filled in */
	u32 auxv_count;
};

/* Addresses of the finished stack, as /proc shows them. */
struct stack_places {
	u64 sp;
	struct range args, env; /* the strings */
};

/*
 * Starts an image for argc arguments and envc environment strings and pushes the name of the program file.
 * stack_limit_bytes: RLIMIT_STACK; strings and pointers together may take a quarter of it, between 128 KiB
 * and 6 MiB, as execve(2) says. 0, -E2BIG, -ENOMEM.
 */
int __must_check stack_begin(struct stack_image *img, u8 *(*page)(void *arg, u32 index), void *arg,
			     u64 stack_limit_bytes, const char *execfn, u32 argc, u32 envc);
/* Makes room for len bytes below what is there, at depth img->used. 0, -E2BIG, -ENOMEM. */
int __must_check stack_reserve(struct stack_image *img, u64 len);
/* Pushes a string with its NUL; errors as stack_reserve, and -E2BIG when it is longer than one string may be.
 */
int __must_check stack_push(struct stack_image *img, const char *s);
/* The bytes at `depth` (in use) that are contiguous in memory: a pointer, and how many upward in *len. */
u8 *stack_bytes(struct stack_image *img, u64 depth, u64 *len);
/* Takes the lowest string away again: argv[0], once all are pushed. argc > 0. */
void stack_pop(struct stack_image *img);
/* Writes everything below the strings. 0 or -ENOMEM. */
int __must_check stack_finish(struct stack_image *img, const struct stack_tail *tail,
			      struct stack_places *out);

#endif
