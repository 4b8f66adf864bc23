/* SPDX-License-Identifier: MIT */
/* Page faults without memory. */
#define _GNU_SOURCE
#include "failures.h"

/* --- page faults --- */

static void fault_read(struct attempt *a)
{
	empty_at(PLACE, PAGE);
	call(a, LOOK, PLACE, 0, 0, 0, 0, 0);
}

static void fault_write(struct attempt *a)
{
	empty_at(PLACE, PAGE);
	call(a, TOUCH, PLACE, 0, 0, 0, 0, 0);
}

static void fault_write_after_read(struct attempt *a)
{
	volatile unsigned char *p = empty_at(PLACE, PAGE);

	(void)*p;
	call(a, TOUCH, PLACE, 0, 0, 0, 0, 0);
}

static void fault_huge(struct attempt *a)
{
	if (madvise(empty_at(PLACE, HUGE), (size_t)HUGE, MADV_HUGEPAGE))
		broken("madvise");
	call(a, TOUCH, PLACE + 5 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_shared(struct attempt *a)
{
	map_at(PLACE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	call(a, TOUCH, PLACE, 0, 0, 0, 0, 0);
}

static void fault_hole(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ, MAP_SHARED, memory_file(8 * PAGE));
	call(a, LOOK, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_read(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ, MAP_PRIVATE, filled_file(8 * PAGE));
	call(a, LOOK, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_copy(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, filled_file(8 * PAGE));
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_copy_after_read(struct attempt *a)
{
	volatile unsigned char *p =
		map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, filled_file(8 * PAGE));

	(void)p[3 * PAGE];
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_file_shared(struct attempt *a)
{
	map_at(PLACE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, filled_file(8 * PAGE));
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

/* The parent and its child share the pages; this is the child. */
static void become_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		return;
	if (child < 0 || waitpid(child, &status, 0) != child)
		broken("fork");
	fflush(stdout);
	if (WIFSIGNALED(status))
		kill(getpid(), WTERMSIG(status));
	_exit(WEXITSTATUS(status));
}

static void fault_after_fork(struct attempt *a)
{
	filled_at(a, PLACE, 8 * PAGE);
	a->bytes = NULL;
	become_child();
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_huge_after_fork(struct attempt *a)
{
	huge_at(a, PLACE);
	a->bytes = NULL;
	become_child();
	call(a, TOUCH, PLACE + 3 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_stack(struct attempt *a)
{
	call(a, TOUCH, (long)__builtin_frame_address(0) - 64 * PAGE, 0, 0, 0, 0, 0);
}

static void fault_of_kernel(struct attempt *a)
{
	empty_at(PLACE, PAGE);
	call(a, SYS_getrandom, PLACE, 16, 0, 0, 0, 0);
}

const struct test fault_cases[] = {
	{"fault: read", fault_read, FAULTS, 0},
	{"fault: write", fault_write, FAULTS, 0},
	{"fault: write after read", fault_write_after_read, FAULTS, 0},
	{"fault: huge page", fault_huge, FAULTS | MAY_DO_WITHOUT, 0},
	{"fault: shared", fault_shared, FAULTS, 0},
	{"fault: hole of a file", fault_hole, FAULTS, 0},
	{"fault: file", fault_file_read, FAULTS | MAY_DO_WITHOUT, 0},
	{"fault: copy of a file", fault_file_copy, FAULTS, 0},
	{"fault: copy of a file after read", fault_file_copy_after_read, FAULTS, 0},
	{"fault: shared file", fault_file_shared, FAULTS | MAY_DO_WITHOUT, 0},
	{"fault: after fork", fault_after_fork, FAULTS, 0},
	{"fault: huge page after fork", fault_huge_after_fork, FAULTS, 0},
	{"fault: stack", fault_stack, FAULTS, 0},
	{"fault: of the kernel", fault_of_kernel, FAULTS, EFAULT},
	{NULL, NULL, 0, 0},
};
