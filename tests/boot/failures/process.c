/* SPDX-License-Identifier: MIT */
/* Files of memory, and new processes, without memory. */
#define _GNU_SOURCE
#include "failures.h"

/* --- files of memory --- */

static void memfd_new(struct attempt *a)
{
	call(a, SYS_memfd_create, (long)"name", 0, 0, 0, 0, 0);
}

static void memfd_write(struct attempt *a)
{
	static unsigned char bytes[3 * PAGE];

	fill(a, bytes, sizeof(bytes));
	a->bytes = NULL;
	call(a, SYS_pwrite64, memory_file(8 * PAGE), (long)bytes, PAGE, PAGE, 0, 0);
}

static void memfd_allocate(struct attempt *a)
{
	call(a, SYS_fallocate, memory_file(8 * PAGE), 0, 0, 4 * PAGE, 0, 0);
}

static void memfd_punch(struct attempt *a)
{
	call(a, SYS_fallocate, filled_file(8 * PAGE), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
	     4 * PAGE, 0, 0);
}

static void memfd_shrink(struct attempt *a)
{
	int fd = memory_file(8 * PAGE);

	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	fill(a, (void *)PLACE, 8 * PAGE);
	call(a, SYS_ftruncate, fd, 3 * PAGE + 7, 0, 0, 0, 0);
}

/* --- processes --- */

static void make_child(struct attempt *a, long flags)
{
	huge_at(a, PLACE);
	filled_at(a, OTHER, 8 * PAGE);
	map_at(OTHER + HUGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, filled_file(4 * PAGE));
	a->child_ends = 1;
	call(a, SYS_clone, flags | SIGCHLD, 0, 0, 0, 0, 0);
}

static void fork_child(struct attempt *a)
{
	make_child(a, 0);
	call(a, SYS_fork, 0, 0, 0, 0, 0, 0);
}

static void vfork_child(struct attempt *a)
{
	make_child(a, 0);
	call(a, SYS_vfork, 0, 0, 0, 0, 0, 0);
}

static void clone_memory(struct attempt *a)
{
	make_child(a, CLONE_VM);
}

static void clone_files(struct attempt *a)
{
	make_child(a, CLONE_FILES | CLONE_FS);
}

static void execute(struct attempt *a)
{
	static char text[16];
	static char *argv[] = {"failures", "executed", text, NULL}, *envp[] = {"A=1", NULL};

	filled_at(a, PLACE, 8 * PAGE);
	snprintf(text, sizeof(text), "%d", control);
	call(a, SYS_execve, (long)self, (long)argv, (long)envp, 0, 0, 0);
}

const struct test process_cases[] = {
	{"memfd_create", memfd_new, 0, 0},
	{"write to a memfd", memfd_write, 0, ENOSPC},
	{"fallocate", memfd_allocate, 0, ENOSPC},
	{"a hole punched", memfd_punch, 0, 0},
	{"ftruncate", memfd_shrink, 0, 0},
	{"fork", fork_child, MAKES_CHILD, 0},
	{"vfork", vfork_child, MAKES_CHILD, 0},
	{"clone, CLONE_VM", clone_memory, MAKES_CHILD, 0},
	{"clone, CLONE_FILES", clone_files, MAKES_CHILD, 0},
	{"execve", execute, EXECUTES | FAULTS, 0},
	{NULL, NULL, 0, 0},
};
