/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of a new address space go: numbers in, addresses out. Pure.
 *
 *     USER_TOP  0x7ffffffff000
 *        │  up to 16 GiB of randomness (2^22 pages)
 *     stack_top           the stack grows down from here; the vDSO may lie just above
 *        │  RLIMIT_STACK (between 128 MiB and 5/6 of user space) and its gap
 *        │  up to 1 TiB of randomness (2^28 pages)
 *     mmap_top            mmap searches downward from here
 *        ┊
 *     pie_base 0x555555554000, plus up to 1 TiB of randomness (2^28 pages)
 *
 * The distances and the bits of randomness are those of Linux on x86-64, so that programs which look at their
 * addresses find what they know.
 */
#ifndef TASK_EXEC_LAYOUT_H
#define TASK_EXEC_LAYOUT_H

#include <moat/types.h>

#define PIE_BASE	   0x555555554000ul
#define MMAP_RANDOM_PAGES  (1ul << 28)
#define STACK_RANDOM_PAGES (1ul << 22)
#define BRK_RANDOM_PAGES   (GIB(1) >> PAGE_SHIFT)
#define SP_RANDOM_BYTES	   8192u

/* Independent random numbers, one for each thing that moves; only their low bits are used. */
struct layout_random {
	u64 pie, mmap, stack, sp, brk, vdso;
};

struct exec_layout {
	u64 pie_base;  /* lowest address of a position-independent program */
	u64 stack_top; /* page-aligned */
	u64 mmap_top;  /* page-aligned */
	u64 sp_drop;   /* bytes to leave free between strings and stack pointer */
	u64 brk_gap;   /* bytes between the last segment's page and the heap */
	u64 vdso_hint; /* page-aligned; 0: anywhere */
};

/*
 * stack_limit_bytes is RLIMIT_STACK, vdso_bytes the length of the vDSO with its data. r = NULL: nothing moves
 * (personality ADDR_NO_RANDOMIZE).
 */
void exec_layout_choose(const struct layout_random *r, u64 stack_limit_bytes, u64 vdso_bytes,
			struct exec_layout *out);

/*
 * The load bias for an image whose pages are `pages` (relative), alignment `align`, so that its first page is
 * at or below `base`. 0, or -ENOMEM when it does not fit into user space there.
 */
int __must_check exec_layout_bias(struct range pages, u64 align, u64 base, u64 *bias_out);

#endif
