/* SPDX-License-Identifier: MIT */
/* Anonymous mmap, munmap and mprotect: placement, contents, protection as the kernel sees it, errors. */
#include "abi.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static int probe;

/* What the kernel may do with a byte: 'w' write (and read), 'r' read, '-' nothing. */
static int rights(char *p)
{
	if (pread(probe, p, 1, 0) == 1)
		return 'w';
	if (pwrite(probe, p, 1, 100) == 1)
		return 'r';
	return '-';
}

static void show_rights(int line, char *p, int pages)
{
	printf("%d: ", line);
	for (int i = 0; i < pages; i++)
		putchar(rights(p + (size_t)i * PAGE));
	putchar('\n');
}
#define RIGHTS(p, pages) show_rights(__LINE__, p, pages)

static char *map(size_t pages)
{
	return mmap(NULL, pages * PAGE, RW, ANON, -1, 0);
}

static void contents(void)
{
	char *p = P(map(100));
	int wrong = 0;

	HOLDS((uintptr_t)p % PAGE == 0 && (uintptr_t)p < 0x7ffffffff000);
	for (size_t i = 0; i < 100 * PAGE; i += 97)
		wrong += p[i] != 0;
	R(wrong);
	memset(p, 0x5a, 100 * PAGE);
	R(munmap(p, 100 * PAGE));
	p = P(map(100));
	for (size_t i = 0; i < 100 * PAGE; i++)
		wrong += p[i] != 0;
	R(wrong);
	R(munmap(p, 100 * PAGE));
	R(munmap(p, 100 * PAGE));
}

static void errors(void)
{
	char *p = map(4);

	P(mmap(NULL, 0, RW, ANON, -1, 0));
	P(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	P((void *)syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	P((void *)syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, 99, 0));
	P((void *)syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, probe, 1));
	P((void *)syscall(SYS_mmap, NULL, -1ul, RW, ANON, -1, 0));
	P((void *)syscall(SYS_mmap, NULL, 0x800000000000, RW, ANON, -1, 0));
	P((void *)syscall(SYS_mmap, NULL, 0x7ffffffff001, RW, ANON, -1, 0));
	P((void *)syscall(SYS_mmap, p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	P((void *)syscall(SYS_mmap, 0x7ffffffff000, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	P((void *)syscall(SYS_mmap, -PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	P((void *)syscall(SYS_mmap, p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	R(munmap(p + 1, PAGE));
	R(munmap(p, 0));
	R(munmap((void *)0x7ffffffff000, PAGE));
	R(munmap(p, (size_t)-1));
	R(munmap((void *)-PAGE, PAGE));
	R(munmap((void *)0x10000000, PAGE));
	R(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ));
	R(syscall(SYS_mprotect, p, 0ul, PROT_READ));
	R(syscall(SYS_mprotect, p, PAGE, 0x10000));
	R(syscall(SYS_mprotect, p, (size_t)-1, PROT_READ));
	R(syscall(SYS_mprotect, (void *)0x10000000, PAGE, PROT_READ));
	R(syscall(SYS_mprotect, (void *)0x10000000, 0ul, PROT_READ));
	RIGHTS(p, 4);
	R(munmap(p, 4 * PAGE));
}

static void odd_lengths(void)
{
	char *p = map(4);

	R(munmap(p + 3 * PAGE, 1));
	RIGHTS(p, 4);
	R(mprotect(p + PAGE, PAGE + 1, PROT_READ));
	RIGHTS(p, 4);
	R(munmap(p, 3 * PAGE));
	p = P(mmap(NULL, 2 * PAGE + 1, RW, ANON, -1, 0));
	RIGHTS(p, 3);
	R(munmap(p, 2 * PAGE + 1));
	RIGHTS(p, 3);
}

static void protection(void)
{
	char *p = map(8);

	memset(p, 1, 8 * PAGE);
	R(mprotect(p + PAGE, PAGE, PROT_READ));
	R(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_NONE));
	R(mprotect(p + 5 * PAGE, PAGE, PROT_READ | PROT_EXEC));
	R(mprotect(p + 6 * PAGE, PAGE, PROT_WRITE));
	RIGHTS(p, 8);
	R(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	RIGHTS(p, 8);
	R(p[2 * PAGE]);
	R(munmap(p + 4 * PAGE, PAGE));
	R(mprotect(p, 8 * PAGE, RW));
	RIGHTS(p, 8);
	R(mprotect(p, 4 * PAGE, RW));
	RIGHTS(p, 8);
	R(munmap(p, 8 * PAGE));
	p = P(mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0));
	RIGHTS(p, 1);
	R(mprotect(p, PAGE, RW));
	RIGHTS(p, 1);
	R(munmap(p, PAGE));
	p = P(mmap(NULL, PAGE, PROT_READ, ANON, -1, 0));
	R(p[0]);
	RIGHTS(p, 1);
	R(mprotect(p, PAGE, RW));
	p[0] = 7;
	R(p[0]);
	R(munmap(p, PAGE));
}

/*
 *   0   1   2   3   4   5   6   7
 *   |   | x |   |   | x |   |   |    unmap two pages, map over others
 */
static void fixed(void)
{
	char *p = map(8), *q;

	memset(p, 2, 8 * PAGE);
	R(munmap(p + 2 * PAGE, PAGE));
	R(munmap(p + 5 * PAGE, PAGE));
	RIGHTS(p, 8);
	q = mmap(p + PAGE, 2 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
	R(q - p);
	RIGHTS(p, 8);
	R(p[0]);
	R(p[PAGE]);
	R(p[3 * PAGE]);
	q = mmap(p + 4 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	R(errno == EEXIST);
	q = mmap(p + 5 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	R(q - p);
	q = mmap(p + 3 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	R(q - p);
	RIGHTS(p, 8);
	R(p[7 * PAGE]);
	R(p[4 * PAGE]);
	R(munmap(p, 8 * PAGE));
	RIGHTS(p, 8);
}

static void hints_and_holes(void)
{
	char *p = map(16), *q, *r;

	R(munmap(p + 8 * PAGE, PAGE));
	q = mmap(p + 8 * PAGE, PAGE, RW, ANON, -1, 0);
	R(q - p);
	q = mmap(p + 9 * PAGE, PAGE, RW, ANON, -1, 0);
	HOLDS(q < p || q >= p + 16 * PAGE);
	R(munmap(q, PAGE));
	R(munmap(p + 8 * PAGE, 2 * PAGE));
	q = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
	r = mmap(NULL, PAGE, RW, ANON, -1, 0);
	HOLDS(q != MAP_FAILED && r != MAP_FAILED);
	HOLDS(r + PAGE <= q || r >= q + 2 * PAGE);
	R(munmap(q, 2 * PAGE));
	R(munmap(r, PAGE));
	q = mmap((void *)0x20000000, PAGE, RW, ANON, -1, 0);
	HOLDS(q == (char *)0x20000000);
	r = mmap((void *)0x20000001, PAGE, RW, ANON, -1, 0);
	HOLDS(r != q && r != MAP_FAILED);
	R(munmap(q, PAGE));
	R(munmap(r, PAGE));
	q = P(mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0));
	HOLDS((uintptr_t)q < 1ul << 31);
	R(munmap(q, PAGE));
	R(munmap(p, 16 * PAGE));
}

/* Thousands of small mappings with alternate protection, then all of them away in one call. */
static void many(void)
{
	enum { COUNT = 3000 };
	char *p = map(COUNT);
	long failed = 0, sum = 0;

	for (int i = 0; i < COUNT; i += 2)
		failed += mprotect(p + (size_t)i * PAGE, PAGE, PROT_READ) != 0;
	for (int i = 1; i < COUNT; i += 2)
		p[(size_t)i * PAGE] = 1;
	for (int i = 0; i < COUNT; i++)
		sum += p[(size_t)i * PAGE];
	R(failed);
	R(sum);
	for (int i = 0; i < COUNT; i += 3)
		failed += munmap(p + (size_t)i * PAGE, PAGE) != 0;
	R(failed);
	RIGHTS(p, 24);
	R(munmap(p, COUNT * PAGE));
	RIGHTS(p, 24);
}

static void flags(void)
{
	char *p;

	p = P(mmap(NULL, 8 * PAGE, RW, ANON | MAP_POPULATE, -1, 0));
	R(p[3 * PAGE]);
	R(munmap(p, 8 * PAGE));
	p = P(mmap(NULL, 1ul << 30, RW, ANON | MAP_NORESERVE, -1, 0));
	p[(1ul << 30) - 1] = 1;
	R(p[1 << 29]);
	R(munmap(p, 1ul << 30));
	p = P(mmap(NULL, 8 * PAGE, RW, ANON | MAP_STACK, -1, 0));
	R(munmap(p, 8 * PAGE));
	p = P(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	if (p != MAP_FAILED) {
		p[5] = 5;
		R(munmap(p, PAGE));
	}
}

int main(void)
{
	abi_scratch();
	probe = open("probe", O_RDWR | O_CREAT, 0600);
	R(write(probe, "", 1));
	contents();
	errors();
	odd_lengths();
	protection();
	fixed();
	hints_and_holes();
	many();
	flags();
	return 0;
}
