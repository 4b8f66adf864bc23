/* SPDX-License-Identifier: MIT */
/* Advice, the break and locks without memory. */
#define _GNU_SOURCE
#include "failures.h"

/* --- madvise --- */

static void advise(struct attempt *a, int advice)
{
	call(a, SYS_madvise, PLACE + 2 * PAGE, 2 * PAGE, advice, 0, 0, 0);
}

static void madvise_dontneed(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_DONTNEED);
}

static void madvise_dontneed_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	advise(a, MADV_DONTNEED);
}

static void madvise_free(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_FREE);
}

static void madvise_dontfork(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_DONTFORK);
}

static void madvise_wipeonfork(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_WIPEONFORK);
}

static void madvise_dontdump(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_DONTDUMP);
}

static void madvise_random(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_RANDOM);
}

static void madvise_hugepage(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_HUGEPAGE);
}

static void madvise_nohugepage(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	advise(a, MADV_NOHUGEPAGE);
}

static void madvise_guard(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	advise(a, MADV_GUARD_INSTALL);
}

static void madvise_guard_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	advise(a, MADV_GUARD_INSTALL);
}

static void mseal_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, 462 /* mseal(2) */, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void madvise_collapse(struct attempt *a)
{
	filled_at(a, PLACE, HUGE);
	call(a, SYS_madvise, PLACE, HUGE, MADV_COLLAPSE, 0, 0, 0);
}

static void madvise_populate_read(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	advise(a, MADV_POPULATE_READ);
}

static void madvise_populate_write(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	advise(a, MADV_POPULATE_WRITE);
}

static void madvise_remove(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(8 * PAGE));
	fill(a, (void *)PLACE, 8 * PAGE);
	advise(a, MADV_REMOVE);
}

/* --- brk, mlock --- */

static void brk_by(struct attempt *a, long by)
{
	call(a, SYS_brk, syscall(SYS_brk, 0) + by, 0, 0, 0, 0, 0);
}

static void brk_grow(struct attempt *a)
{
	brk_by(a, 16 * PAGE);
}

static void brk_shrink(struct attempt *a)
{
	brk_by(a, 16 * PAGE);
	syscall(SYS_brk, a->arguments[0]);
	brk_by(a, -8 * PAGE);
}

static void mlock_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mlock, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void mlock_empty(struct attempt *a)
{
	empty_at(PLACE, 4 * PAGE);
	call(a, SYS_mlock, PLACE, 4 * PAGE, 0, 0, 0, 0);
}

static void mlock_on_fault(struct attempt *a)
{
	empty_at(PLACE, 8 * PAGE);
	call(a, SYS_mlock2, PLACE + 2 * PAGE, 2 * PAGE, 1, 0, 0, 0);
}

static void munlock_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mlock((void *)PLACE, (size_t)(8 * PAGE)))
		broken("mlock");
	call(a, SYS_munlock, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void mlockall_future(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mlockall, MCL_FUTURE, 0, 0, 0, 0, 0);
}

static void munlockall_all(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mlock((void *)(PLACE + PAGE), (size_t)(2 * PAGE)))
		broken("mlock");
	call(a, SYS_munlockall, 0, 0, 0, 0, 0, 0);
}

const struct test advise_cases[] = {
	{"MADV_DONTNEED", madvise_dontneed, 0, 0},
	{"MADV_DONTNEED in a huge page", madvise_dontneed_of_huge, 0, 0},
	{"MADV_FREE", madvise_free, 0, 0},
	{"MADV_DONTFORK", madvise_dontfork, 0, EAGAIN},
	{"MADV_WIPEONFORK", madvise_wipeonfork, 0, EAGAIN},
	{"MADV_DONTDUMP", madvise_dontdump, 0, EAGAIN},
	{"MADV_RANDOM", madvise_random, 0, EAGAIN},
	{"MADV_HUGEPAGE", madvise_hugepage, 0, EAGAIN},
	{"MADV_NOHUGEPAGE", madvise_nohugepage, 0, EAGAIN},
	{"MADV_GUARD_INSTALL", madvise_guard, 0, 0},
	{"MADV_GUARD_INSTALL in a huge page", madvise_guard_of_huge, 0, 0},
	{"mseal", mseal_middle, 0, 0},
	{"MADV_COLLAPSE", madvise_collapse, 0, EAGAIN},
	{"MADV_POPULATE_READ", madvise_populate_read, 0, 0},
	{"MADV_POPULATE_WRITE", madvise_populate_write, 0, 0},
	{"MADV_REMOVE", madvise_remove, 0, 0},
	{"brk", brk_grow, RETURNS_BREAK, 0},
	{"brk, smaller", brk_shrink, RETURNS_BREAK, 0},
	{"mlock of the middle", mlock_middle, 0, 0},
	{"mlock of untouched pages", mlock_empty, HALF_DONE, EAGAIN},
	{"mlock2 on fault", mlock_on_fault, 0, 0},
	{"munlock of the middle", munlock_middle, 0, 0},
	{"mlockall", mlockall_future, 0, 0},
	{"munlockall", munlockall_all, 0, 0},
	{NULL, NULL, 0, 0},
};
