/* SPDX-License-Identifier: MIT */
/*
 * brk(2) by number: the break grows and shrinks, what appears is zero, what has gone is gone.
 *
 * The library's own allocator may live below the break of the start; this test only moves above it.
 */
#include "abi.h"

static char *base;

static char *move_to(long offset)
{
	return (char *)syscall(SYS_brk, base + offset);
}

/* Whether the kernel can read that byte: write() to /dev/null does not look, a file does. */
static long readable(const char *p)
{
	int fd = open("probe", O_RDWR | O_CREAT, 0600);
	long result = write(fd, p, 1);

	result = result < 0 ? -errno : result;
	close(fd);
	return result;
}

static long first_nonzero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return (long)i;
	}
	return -1;
}

int main(void)
{
	static char stream[BUFSIZ];

	setvbuf(stdout, stream, _IOFBF, sizeof(stream));
	abi_scratch();
	base = (char *)syscall(SYS_brk, 0l);
	HOLDS(base != NULL);
	base = move_to((long)(-(uintptr_t)base & (PAGE - 1)));
	R(move_to(0) - base);
	R(readable(base));

	R(move_to(10) - base);
	R(first_nonzero(base, PAGE));
	base[0] = 'a';
	R(move_to(3 * PAGE + 1) - base);
	R(base[0]);
	R(first_nonzero(base + 1, 4 * PAGE - 1));
	memset(base, 'b', 4 * PAGE);
	R(readable(base + 4 * PAGE - 1));
	R(readable(base + 4 * PAGE));

	R(move_to(PAGE) - base);
	R(readable(base + PAGE - 1));
	R(readable(base + PAGE));
	R(move_to(PAGE + 1) - base);
	R(first_nonzero(base + PAGE, PAGE));
	R(move_to(2 * PAGE) - base);
	base[2 * PAGE - 1] = 'c';
	R(move_to(PAGE + 5) - base);
	R(base[2 * PAGE - 1]);

	R(move_to(64 << 20) - base);
	R(first_nonzero(base + (64 << 20) - PAGE, PAGE));
	base[(64 << 20) - 1] = 1;
	R(move_to(0) - base);
	R(readable(base));
	R((char *)syscall(SYS_brk, 0l) - base);
	R((char *)syscall(SYS_brk, 8l) - base);
	R((char *)syscall(SYS_brk, -1l) - base);
	R((char *)syscall(SYS_brk, 0xffff800000000000) - base);
	R((char *)syscall(SYS_brk, 0x7fffffffe000) - base);
	R((char *)syscall(SYS_brk, 0l) - base);

	/* A mapping in the way stops the break. */
	P(mmap(base + 16 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	R(move_to(8 * PAGE) - base);
	R(move_to(17 * PAGE) - base);
	R(munmap(base + 16 * PAGE, PAGE));
	R(move_to(17 * PAGE) - base);
	R(munmap(base + 4 * PAGE, PAGE));
	R(readable(base + 4 * PAGE));
	R(move_to(0) - base);
	return 0;
}
