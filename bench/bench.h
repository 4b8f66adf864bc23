/* SPDX-License-Identifier: MIT */
/* What the groups of rows share: the clocks, a row, and pages to work on. See bench.c for the method. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ul
#define MIB  (1ul << 20)

/* One timed run: filled by start() and stop() around the operations only. */
struct sample {
	uint64_t ns;
	uint64_t ticks;
	unsigned long arg; /* the row's own */
};

/* A row does `count` operations between start() and stop(); returns 0 or a positive errno. */
struct row {
	const char *name;
	unsigned int count;
	int (*run)(struct sample *s, unsigned int count);
	unsigned long arg;
};

struct rows {
	const struct row *row;
	size_t count;
};

extern const struct rows memory_rows, process_rows, talk_rows, scale_rows, names_rows;
extern const char *own_path; /* of this program, to run it once more */

void start(struct sample *s);
void stop(struct sample *s);

/* The system call instruction itself, without a library's wrapper around it. */
static inline long call3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

/* `count` fresh writable pages, which huge pages do not serve; NULL with errno. */
char *fresh_pages(size_t count);
/* Writes the first byte of each of `count` pages. */
void touch_pages(volatile char *p, size_t count);
/* Waits for the one child; 0, or an errno, EIO if it did not exit with 0. */
int reap(long pid);
/* What a second CPU brings: see smp.c. The exit status. */
int run_smp(void);

#endif
