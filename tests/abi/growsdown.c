/* SPDX-License-Identifier: MIT */
/* The stack and MAP_GROWSDOWN: growth by a touch, the guard gap, RLIMIT_STACK, what stops it. */
#include "mem.h"
#include <sys/resource.h>

#define ARENA_PAGES 1024
#define AT(page)    (arena + (page)*PAGE)
#define GROW	    (FIXANON | MAP_GROWSDOWN)

static char signal_stack[64 << 10];
static volatile unsigned depth;

static void growing(void)
{
	mmap(AT(1000), 2 * PAGE, RW, GROW, -1, 0);
	MAPS(arena, ARENA_PAGES);
	PUT(AT(999) + 100, 1);
	PUT(AT(990), 2);
	MAPS(arena, ARENA_PAGES);
	LOOK(AT(980) + 5);
	MAPS(arena, ARENA_PAGES);
	/* By a call of the kernel. */
	R(pwrite(open("file", O_RDWR | O_CREAT, 0600), AT(970), 1, 0));
	R(pread(open("file", O_RDWR | O_CREAT, 0600), AT(960), 1, 0));
	MAPS(arena, ARENA_PAGES);
	/* Above it is nothing. */
	LOOK(AT(1002));
	R(mprotect(AT(1000), PAGE, PROT_READ));
	PUT(AT(1000), 1);
	LOOK(AT(950));
	MAPS(arena, ARENA_PAGES);
	munmap(arena, ARENA_PAGES * PAGE);
}

/* Another mapping below stops the growth 256 pages before it, one without rights does not. */
static void gap(void)
{
	mmap(AT(1000), PAGE, RW, GROW, -1, 0);
	mmap(AT(600), PAGE, RW, FIXANON, -1, 0);
	LOOK(AT(857));
	LOOK(AT(856));
	LOOK(AT(700));
	LOOK(AT(601));
	MAPS(arena, ARENA_PAGES);
	R(mprotect(AT(600), PAGE, PROT_NONE));
	LOOK(AT(700));
	LOOK(AT(601));
	LOOK(AT(600));
	MAPS(arena, ARENA_PAGES);
	munmap(arena, ARENA_PAGES * PAGE);
	/* A mapping placed by hint or without replacing may come as near as it likes. */
	mmap(AT(1000), PAGE, RW, GROW, -1, 0);
	W(mmap(AT(999), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	LOOK(AT(998));
	R(munmap(AT(999), PAGE));
	LOOK(AT(999));
	munmap(arena, ARENA_PAGES * PAGE);
	/* A second one below it that grows too. */
	mmap(AT(1000), PAGE, RW, GROW, -1, 0);
	mmap(AT(500), PAGE, RW, GROW, -1, 0);
	LOOK(AT(757));
	LOOK(AT(756));
	LOOK(AT(501));
	LOOK(AT(499));
	MAPS(arena, ARENA_PAGES);
	munmap(arena, ARENA_PAGES * PAGE);
}

static void limit(void)
{
	struct rlimit old, few = {8 * PAGE, RLIM_INFINITY};

	getrlimit(RLIMIT_STACK, &old);
	few.rlim_max = old.rlim_max;
	mmap(AT(1000), 4 * PAGE, RW, GROW, -1, 0);
	R(setrlimit(RLIMIT_STACK, &few));
	LOOK(AT(997));
	LOOK(AT(996));
	LOOK(AT(995));
	MAPS(arena, ARENA_PAGES);
	R(setrlimit(RLIMIT_STACK, &old));
	LOOK(AT(995));
	MAPS(arena, ARENA_PAGES);
	munmap(arena, ARENA_PAGES * PAGE);
}

/* A protection change of a part with PROT_GROWSDOWN reaches to the mapping's start. */
static void protect(void)
{
	mmap(AT(1000), 8 * PAGE, RW, GROW, -1, 0);
	mmap(AT(100), 8 * PAGE, RW, FIXANON, -1, 0);
	R(mprotect(AT(1004), PAGE, PROT_READ | PROT_GROWSDOWN));
	MAPS(arena, ARENA_PAGES);
	R(mprotect(AT(104), PAGE, PROT_READ | PROT_GROWSDOWN));
	R(mprotect(AT(104), PAGE, PROT_READ | PROT_GROWSUP));
	R(mprotect(AT(1004), PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
	MAPS(arena, ARENA_PAGES);
	W(mremap(AT(1000), PAGE, 2 * PAGE, 0));
	R(madvise(AT(1000), PAGE, MADV_DONTNEED));
	IN_CHILD({
		LOOK(AT(990));
		MAPS(arena, ARENA_PAGES);
	});
	MAPS(arena, ARENA_PAGES);
	munmap(arena, ARENA_PAGES * PAGE);
	W(mmap(AT(1000), PAGE, RW, SHANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
	LOOK(AT(999));
	munmap(arena, ARENA_PAGES * PAGE);
}

/* The real stack: deep but allowed, then without end on another stack for the handler. */
static __attribute__((noinline)) void descend(unsigned rounds)
{
	volatile char frame[16 << 10];

	frame[0] = 1;
	depth++;
	if (rounds)
		descend(rounds - 1);
	depth += frame[0] == 0;
}

static void on_overflow(int signal, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d code %d, depth within the limit: %s\n", signal, info->si_code,
	       depth > 100 && depth < 130 ? "yes" : "NO");
	fflush(stdout);
	_exit(0);
}

static void stack(void)
{
	struct rlimit limit = {2 << 20, 0};
	stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction action = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	descend(300);
	R(depth);
	depth = 0;
	IN_CHILD({
		getrlimit(RLIMIT_STACK, &limit);
		limit.rlim_cur = 2 << 20;
		R(setrlimit(RLIMIT_STACK, &limit));
		/* What the parent used is mapped already, and more than the limit. */
		R(sigaltstack(&alternate, NULL));
		R(sigaction(SIGSEGV, &action, NULL));
		descend(100);
		R(depth);
	});
}

int main(void)
{
	abi_scratch();
	mem_catch();
	mem_arena(ARENA_PAGES);
	growing();
	gap();
	limit();
	protect();
	stack();
	return 0;
}
