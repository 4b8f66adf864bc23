/* SPDX-License-Identifier: MIT */
/* Mapping, unmapping, protecting and moving without memory. */
#define _GNU_SOURCE
#include "failures.h"

/* --- mmap --- */

static void mmap_new(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void mmap_over_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mmap, PLACE + 2 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
}

static void mmap_over_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ) || munmap((void *)(PLACE + 5 * PAGE), PAGE))
		broken("mprotect, munmap");
	a->bytes_len = 3 * PAGE;
	call(a, SYS_mmap, PLACE + PAGE, 6 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void mmap_over_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mmap, PLACE + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void mmap_shared(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void mmap_file(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, filled_file(4 * PAGE),
	     0);
}

static void mmap_populate(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);
}

static void mmap_locked(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_LOCKED, -1, 0);
}

static void mmap_growsdown(struct attempt *a)
{
	call(a, SYS_mmap, PLACE, 4 * PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN, -1, 0);
}

/* --- munmap --- */

static void munmap_whole(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_munmap, PLACE, 8 * PAGE, 0, 0, 0, 0);
}

static void munmap_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_munmap, PLACE + 2 * PAGE, 2 * PAGE, 0, 0, 0, 0);
}

static void munmap_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ))
		broken("mprotect");
	call(a, SYS_munmap, PLACE + PAGE, 6 * PAGE, 0, 0, 0, 0);
}

static void munmap_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_munmap, PLACE + 5 * PAGE, PAGE, 0, 0, 0, 0);
}

static void munmap_of_file(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(8 * PAGE));
	fill(a, (void *)PLACE, 8 * PAGE);
	call(a, SYS_munmap, PLACE + 2 * PAGE, PAGE, 0, 0, 0, 0);
}

/* --- mprotect --- */

static void mprotect_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mprotect, PLACE + 2 * PAGE, 2 * PAGE, PROT_READ, 0, 0, 0);
}

static void mprotect_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ | PROT_EXEC))
		broken("mprotect");
	call(a, SYS_mprotect, PLACE + PAGE, 6 * PAGE, PROT_READ, 0, 0, 0);
}

static void mprotect_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mprotect, PLACE + 5 * PAGE, PAGE, PROT_READ, 0, 0, 0);
}

static void mprotect_private_file(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ, MAP_PRIVATE, filled_file(8 * PAGE));
	call(a, SYS_mprotect, PLACE + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, 0, 0, 0);
}

/* --- mremap --- */

static void mremap_grow(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 4 * PAGE, 8 * PAGE, 0, 0, 0);
}

static void mremap_shrink(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mremap, PLACE, 8 * PAGE, 4 * PAGE, 0, 0, 0);
}

static void mremap_shrink_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	call(a, SYS_mremap, PLACE + PAGE, 4 * PAGE, 2 * PAGE, 0, 0, 0);
}

static void mremap_grow_by_moving(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	empty_at(PLACE + 4 * PAGE, PAGE);
	if (mprotect((void *)(PLACE + 4 * PAGE), PAGE, PROT_NONE))
		broken("mprotect");
	call(a, SYS_mremap, PLACE, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, 0, 0);
}

static void mremap_to(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_middle_over_middle(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	empty_at(OTHER, 8 * PAGE);
	call(a, SYS_mremap, PLACE + 2 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	     OTHER + 2 * PAGE, 0);
}

static void mremap_keep(struct attempt *a)
{
	filled_at(a, PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
	     OTHER, 0);
}

static void mremap_again(struct attempt *a)
{
	map_at(PLACE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(4 * PAGE));
	fill(a, (void *)PLACE, 4 * PAGE);
	call(a, SYS_mremap, PLACE, 0, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_several(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	if (mprotect((void *)(PLACE + 3 * PAGE), PAGE, PROT_READ))
		broken("mprotect");
	a->bytes = NULL;
	call(a, SYS_mremap, PLACE + PAGE, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mremap, PLACE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER, 0);
}

static void mremap_of_huge(struct attempt *a)
{
	huge_at(a, PLACE);
	call(a, SYS_mremap, PLACE + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, OTHER + 7 * PAGE,
	     0);
}

const struct test map_cases[] = {
	{"mmap", mmap_new, 0, 0},
	{"mmap over the middle", mmap_over_middle, 0, 0},
	{"mmap over several", mmap_over_several, 0, 0},
	{"mmap over a part of a huge page", mmap_over_huge, 0, 0},
	{"mmap, shared", mmap_shared, 0, 0},
	{"mmap of a file", mmap_file, 0, 0},
	{"mmap, populated", mmap_populate, MAY_DO_WITHOUT, 0},
	{"mmap, locked", mmap_locked, MAY_DO_WITHOUT, 0},
	{"mmap, growing down", mmap_growsdown, 0, 0},
	{"munmap", munmap_whole, 0, 0},
	{"munmap of the middle", munmap_middle, 0, 0},
	{"munmap of several", munmap_several, 0, 0},
	{"munmap of a part of a huge page", munmap_of_huge, 0, 0},
	{"munmap of the middle of a file", munmap_of_file, 0, 0},
	{"mprotect of the middle", mprotect_middle, 0, 0},
	{"mprotect of several", mprotect_several, 0, 0},
	{"mprotect of a part of a huge page", mprotect_of_huge, 0, 0},
	{"mprotect of a private file", mprotect_private_file, 0, 0},
	{"mremap, in place", mremap_grow, 0, 0},
	{"mremap, smaller", mremap_shrink, 0, 0},
	{"mremap, the middle smaller", mremap_shrink_middle, 0, 0},
	{"mremap, larger elsewhere", mremap_grow_by_moving, 0, 0},
	{"mremap to a place", mremap_to, 0, 0},
	{"mremap, the middle over a middle", mremap_middle_over_middle, HALF_DONE, 0},
	{"mremap, the old stays", mremap_keep, 0, 0},
	{"mremap, mapped again", mremap_again, 0, 0},
	{"mremap of several", mremap_several, HALF_DONE, 0},
	{"mremap of a huge page", mremap_huge, 0, 0},
	{"mremap of a part of a huge page", mremap_of_huge, 0, 0},
	{NULL, NULL, 0, 0},
};
