/* SPDX-License-Identifier: MIT */
/*
 * Pages of 2 MiB come, come apart and come together again without the program noticing anything but their number in
 * /proc/self/smaps (which the host shows too, where its policy is "madvise" or "always").
 */
#include "abi.h"
#include <sys/wait.h>

#define HUGE	(2ul << 20)
#define WINDOWS 4u
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static char *base; /* aligned, WINDOWS windows long */

/* AnonHugePages of the mappings in the area, in KiB. */
static long huge_kib(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kib;
	char line[512];
	long sum = 0;
	int inside = 0;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2 && strchr(line, '-') < strchr(line, ' '))
			inside = start < (unsigned long)base + WINDOWS * HUGE && end > (unsigned long)base;
		else if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			sum += (long)kib;
	}
	fclose(f);
	return sum;
}

static void fill(char seed)
{
	for (unsigned long i = 0; i < WINDOWS * HUGE; i += PAGE)
		base[i] = (char)(seed + i / PAGE);
}

/* Pages of [from, to) whose first byte is not what fill() wrote. */
static unsigned long wrong(char seed, unsigned long from, unsigned long to)
{
	unsigned long bad = 0;

	for (unsigned long i = from; i < to; i += PAGE)
		bad += base[i] != (char)(seed + i / PAGE);
	return bad;
}

static void make_area(void)
{
	char *p =
		mmap(NULL, (WINDOWS + 1) * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	base = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));
	printf("advice %d\n", madvise(base, WINDOWS * HUGE, MADV_HUGEPAGE));
	fill(1);
	printf("filled: huge %ld KiB, wrong %lu\n", huge_kib(), wrong(1, 0, WINDOWS * HUGE));
}

static void in_child(void)
{
	int status;

	fflush(stdout);
	if (fork() == 0) {
		printf("child: wrong %lu\n", wrong(1, 0, WINDOWS * HUGE));
		base[0] = 99;
		base[HUGE + 5 * PAGE] = 98;
		printf("child wrote: %d %d, rest wrong %lu\n", base[0], base[HUGE + 5 * PAGE],
		       wrong(1, 0, WINDOWS * HUGE));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	printf("parent after child: wrong %lu, status %d\n", wrong(1, 0, WINDOWS * HUGE), status);
	fill(2);
	printf("parent writes: wrong %lu\n", wrong(2, 0, WINDOWS * HUGE));
	fill(1);
}

/* The parent writes while the child still has the pages. */
static void both_write(void)
{
	int ready[2], go[2], status;
	char c = 0;

	pipe(ready);
	pipe(go);
	fflush(stdout);
	if (fork() == 0) {
		read(go[0], &c, 1);
		printf("child sees the old contents: wrong %lu\n", wrong(1, 0, WINDOWS * HUGE));
		fill(7);
		printf("child's own: wrong %lu\n", wrong(7, 0, WINDOWS * HUGE));
		fflush(stdout);
		_exit(0);
	}
	fill(3);
	write(go[1], &c, 1);
	wait(&status);
	printf("parent's own: wrong %lu\n", wrong(3, 0, WINDOWS * HUGE));
	fill(1);
}

static void in_parts(void)
{
	printf("protect: %d\n", mprotect(base + HUGE + 3 * PAGE, 2 * PAGE, PROT_READ));
	printf("wrong %lu\n", wrong(1, 0, WINDOWS * HUGE));
	printf("back: %d\n", mprotect(base + HUGE + 3 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
	fill(1);
	printf("unmap: %d\n", munmap(base + 2 * HUGE + 7 * PAGE, PAGE));
	printf("wrong %lu\n",
	       wrong(1, 0, 2 * HUGE + 7 * PAGE) + wrong(1, 2 * HUGE + 8 * PAGE, WINDOWS * HUGE));
	printf("discard: %d\n", madvise(base + 3 * HUGE, PAGE, MADV_DONTNEED));
	printf("%d then wrong %lu\n", base[3 * HUGE], wrong(1, 3 * HUGE + PAGE, WINDOWS * HUGE));
}

static void together(void)
{
	long before = huge_kib();

	printf("collapse: %d\n", madvise(base + HUGE, HUGE, MADV_COLLAPSE));
	printf("more than before: %d, wrong %lu\n", huge_kib() > before, wrong(1, HUGE, 2 * HUGE));
	base[HUGE] = 55;
	printf("%d\n", base[HUGE]);
}

static void whole_window_protected(void)
{
	char *p = mmap(NULL, 3 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
	char *w = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));

	madvise(w, HUGE, MADV_HUGEPAGE);
	w[5 * PAGE] = 5;
	printf("none: %d\n", mprotect(w, HUGE, PROT_NONE));
	printf("read: %d\n", mprotect(w, HUGE, PROT_READ));
	printf("%d\n", w[5 * PAGE]);
	printf("write: %d\n", mprotect(w, HUGE, PROT_READ | PROT_WRITE));
	w[6 * PAGE] = 6;
	printf("%d %d\n", w[5 * PAGE], w[6 * PAGE]);
	q = mmap(NULL, HUGE + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(w, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	printf("moved: %d %d %d\n", q != MAP_FAILED, q[5 * PAGE], q[6 * PAGE]);
	q[7 * PAGE] = 7;
	printf("%d %d\n", q[7 * PAGE], q[8 * PAGE]);
}

/*
 * A move whose destination ends in the window of 2 MiB where its source begins.
 *
 *     windows    |---------|---------|---------|---------|
 *     from                     |=============)
 *     to         |=============)
 */
static void moved_next_to_itself(void)
{
	size_t len = HUGE + HUGE / 2, bad = 0;
	char *p = mmap(NULL, 5 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;
	char *to = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1)), *from = to + len;

	mprotect(from, len, PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < len; i += PAGE)
		from[i] = (char)(3 + i / PAGE);
	q = mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	for (size_t i = 0; i < len; i += PAGE)
		bad += q[i] != (char)(3 + i / PAGE);
	printf("moved next to itself: %d, wrong %zu\n", q == to, bad);
}

/* A window with a guard in it is not put together: the guard would be gone. */
static void guard_stays(void)
{
	char *p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *w = (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));
	int ends[2];

	memset(w, 1, HUGE);
	R(pipe(ends));
	R(madvise(w + 5 * PAGE, PAGE, 102 /* MADV_GUARD_INSTALL */));
	R(madvise(w, HUGE, 25 /* MADV_COLLAPSE */));
	R(write(ends[1], w + 5 * PAGE, 1));
	R(write(ends[1], w + 6 * PAGE, 1));
	R(madvise(w, HUGE, 103 /* MADV_GUARD_REMOVE */));
	R(write(ends[1], w + 5 * PAGE, 1));
}

int main(void)
{
	make_area();
	in_child();
	both_write();
	in_parts();
	together();
	whole_window_protected();
	moved_next_to_itself();
	guard_stays();
	return 0;
}
