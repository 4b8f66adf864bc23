/* SPDX-License-Identifier: MIT */
/* Mappings of files: what is shared, what is private, what the way of opening allows, the end of the file. */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf back;

static void leave(int signal)
{
	siglongjmp(back, signal);
}

/* The byte at p, or minus the signal that reading it brings. */
static int peek(const volatile char *p)
{
	int signal = sigsetjmp(back, 1);

	return signal ? -signal : *p;
}

static int poke(volatile char *p, char value)
{
	int signal = sigsetjmp(back, 1);

	if (signal)
		return -signal;
	*p = value;
	return value;
}

static char *map_file(int prot, int flags, int fd)
{
	return mmap(NULL, 2 * PAGE, prot, flags, fd, 0);
}

int main(void)
{
	char byte = 0, *shared, *second, *private;
	int rw, ro, append, wo;

	abi_scratch();
	signal(SIGSEGV, leave);
	signal(SIGBUS, leave);
	abi_write_file("f", "hello");
	rw = R(open("f", O_RDWR));
	ro = R(open("f", O_RDONLY));
	append = R(open("f", O_RDWR | O_APPEND));
	wo = R(open("f", O_WRONLY));

	P(shared = map_file(PROT_READ | PROT_WRITE, MAP_SHARED, rw));
	P(second = map_file(PROT_READ, MAP_SHARED, ro));
	P(private = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE, ro));
	P(map_file(PROT_READ | PROT_WRITE, MAP_SHARED, ro));
	P(map_file(PROT_READ, MAP_PRIVATE, wo));
	P(map_file(PROT_READ | PROT_WRITE, MAP_SHARED, append));
	R(mprotect(second, PAGE, PROT_READ | PROT_WRITE));
	R(peek(shared));
	R(peek(private));
	R(poke(shared, 'J'));
	R(peek(second));
	R(peek(private));
	R(poke(private + 1, 'u'));
	R(peek(private));
	R(peek(shared + 1));
	R(poke(second, 'x'));
	R(pread(rw, &byte, 1, 0));
	R(byte);
	R(pwrite(rw, "K", 1, 0));
	R(peek(shared));
	R(peek(private));
	R(peek(shared + 5));
	R(peek(shared + PAGE - 1));
	R(peek(shared + PAGE));
	R(poke(private + PAGE, 'z'));
	R(ftruncate(rw, 2 * PAGE));
	R(peek(shared + PAGE));
	R(poke(shared + PAGE, 'y'));
	R(pread(ro, &byte, 1, PAGE));
	R(byte);
	R(close(rw));
	R(peek(shared));
	R(munmap(shared, 2 * PAGE));
	R(peek(shared));

	/* Truncation and holes reach what is mapped; a private copy survives only the hole. */
	rw = R(open("f", O_RDWR));
	P(shared = map_file(PROT_READ | PROT_WRITE, MAP_SHARED, rw));
	P(private = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE, rw));
	R(poke(shared, 'a'));
	R(poke(shared + PAGE, 'b'));
	R(peek(private));
	R(poke(private + PAGE, 'c'));
	R(fallocate(rw, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE));
	R(peek(shared));
	R(peek(shared + PAGE));
	R(peek(private));
	R(peek(private + PAGE));
	R(poke(shared + 100, 'd'));
	R(ftruncate(rw, 100));
	R(peek(shared + 100));
	R(peek(shared + PAGE));
	R(peek(private + PAGE));
	R(ftruncate(rw, 2 * PAGE));
	R(peek(private + PAGE));
	R(close(rw));

	/* What a failed fallocate took must come back. */
	rw = R(open("big", O_RDWR | O_CREAT, 0600));
	R(fallocate(rw, 0, 0, 1l << 50) == -1);
	R(ftruncate(rw, 0));
	R(pwrite(rw, "x", 1, 0));
	return 0;
}
