/* SPDX-License-Identifier: MIT */
/*
 * The last 2 MiB of user space, which are one page short: their page table moves only page by page, as the place that
 * it comes to may have a page more. What lies there, the stack among it, goes away: all runs on another one.
 */
#include "mem.h"

#define WINDOW	  0x200000ul
#define TOP	  0x7ffffffff000ul
#define LAST	  ((char *)(TOP + PAGE - WINDOW))
#define SHORT	  (WINDOW - PAGE)
#define ELSEWHERE ((char *)0x100000000000ul)

static char stack[1 << 16];

static void move_last(int number)
{
	char *from, *to;

	(void)number;
	from = mmap(LAST, SHORT, RW, FIXANON, -1, 0);
	HOLDS(from == LAST);
	from[0] = 1;
	from[SHORT - 1] = 2;
	to = mmap(ELSEWHERE, WINDOW, RW, FIXANON, -1, 0);
	HOLDS(to == ELSEWHERE);
	to[0] = 3;
	to[WINDOW - 1] = 4;
	P(mremap(from, SHORT, SHORT, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	HOLDS(to[0] == 1 && to[SHORT - 1] == 2);
	HOLDS(to[WINDOW - 1] == 4);
	P(mremap(to, SHORT, SHORT, MREMAP_MAYMOVE | MREMAP_FIXED, from));
	HOLDS(from[0] == 1 && from[SHORT - 1] == 2);
	HOLDS(to[WINDOW - 1] == 4);
	fflush(stdout);
	_exit(0);
}

int main(void)
{
	stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = move_last, .sa_flags = SA_ONSTACK};

	R(sigaltstack(&other, NULL));
	R(sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	return 1;
}
