/* SPDX-License-Identifier: MIT */
/*
 * Random memory calls in an arena of 48 pages: mmap (fixed, not replacing, anonymous and of a file), munmap, mprotect,
 * madvise, and touches whose faults are caught. The same seed must print the same here and there.
 *
 *     mmfuzz SEED STEPS
 */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>

#define PAGES 48u
#ifndef MADV_POPULATE_READ /* newer than musl's headers */
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static char *arena;
static sigjmp_buf back;
static unsigned long state;
static int file;

static unsigned draw(unsigned bound)
{
	state = state * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(state >> 33) % bound;
}

static void leave(int signal)
{
	siglongjmp(back, signal);
}

static int load(const volatile char *p)
{
	int signal = sigsetjmp(back, 1);

	return signal ? -signal : *p;
}

static int store(volatile char *p, char value)
{
	int signal = sigsetjmp(back, 1);

	if (signal)
		return -signal;
	*p = value;
	return value;
}

/* What an address is, relative to the arena. */
static long place(const void *p)
{
	return p == MAP_FAILED ? -1 : (const char *)p - arena;
}

static void map(char *at, size_t len, unsigned n)
{
	static const int how[] = {MAP_FIXED, MAP_FIXED, MAP_FIXED_NOREPLACE};
	int prot = (int)draw(4), flags = how[draw(3)] | (draw(4) ? MAP_PRIVATE : MAP_SHARED);
	unsigned of_file = draw(3) == 0, offset = draw(4);
	void *p;

	errno = 0;
	p = mmap(at, len, prot, flags | (of_file ? 0 : MAP_ANONYMOUS), of_file ? file : -1,
		 of_file ? (off_t)(offset * PAGE) : 0);
	printf("%u: map %ld+%zu prot %d flags %#x file %u at %u: %ld %s\n", n, place(at), len, prot,
	       (unsigned)flags, of_file, offset, place(p), errno ? abi_error(errno) : "");
}

static void step(unsigned n)
{
	static const int advice[] = {MADV_DONTNEED, MADV_NORMAL, MADV_WILLNEED, MADV_POPULATE_READ,
				     MADV_POPULATE_WRITE};
	unsigned page = draw(PAGES), pages = 1 + draw(draw(2) ? 3 : 12), a;
	char *at = arena + page * PAGE;
	size_t len = (page + pages > PAGES ? PAGES - page : pages) * PAGE;

	errno = 0;
	switch (draw(8)) {
	case 0:
	case 1:
		map(at, len, n);
		break;
	case 2:
		a = (unsigned)-munmap(at, len);
		printf("%u: unmap %ld+%zu: %u %s\n", n, place(at), len, a, errno ? abi_error(errno) : "");
		break;
	case 3:
		a = draw(4);
		printf("%u: protect %ld+%zu %u: %d", n, place(at), len, a, mprotect(at, len, (int)a));
		printf(" %s\n", errno ? abi_error(errno) : "");
		break;
	case 4:
		a = draw(5);
		printf("%u: advise %ld+%zu %u: %d", n, place(at), len, a, madvise(at, len, advice[a]));
		printf(" %s\n", errno ? abi_error(errno) : "");
		break;
	case 5:
		printf("%u: store %ld: %d\n", n, place(at), store(at + draw(PAGE), (char)(1 + draw(100))));
		break;
	default:
		a = draw(PAGE);
		printf("%u: load %ld: %d\n", n, place(at + a), load(at + a));
	}
}

int main(int argc, char **argv)
{
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 100;
	static char text[3 * PAGE];

	abi_scratch();
	state = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	signal(SIGSEGV, leave);
	signal(SIGBUS, leave);
	memset(text, 'F', sizeof(text) - 100);
	file = open("file", O_RDWR | O_CREAT, 0600);
	if (file < 0 || write(file, text, sizeof(text) - 100) < 0)
		return 1;
	/* A hole of the arena's size with room on both sides, so that nothing outside merges or moves. */
	arena = mmap(NULL, (PAGES + 32) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		     0);
	if (arena == MAP_FAILED)
		return 1;
	arena += 16 * PAGE;
	munmap(arena, PAGES * PAGE);
	for (unsigned n = 0; n < steps; n++)
		step(n);
	return 0;
}
