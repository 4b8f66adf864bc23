/* SPDX-License-Identifier: MIT */
/* What the cases of failing allocations share; main.c tells what it is about. */
#ifndef FAILURES_H
#define FAILURES_H

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE	  4096l
#define HUGE	  (2l << 20)
#define PLACE	  0x100000000000l /* nothing else is near: not even page tables */
#define OTHER	  0x200000000000l
#define TRIES_MAX 600

enum { LOOK = -1, TOUCH = -2 }; /* instead of a call's number: read or write the byte at argument 0 */

/* What a case may do besides failing with ENOMEM and changing nothing. */
enum flags {
	MAY_DO_WITHOUT = 1, /* comes through although an allocation failed: there is another way */
	FAULTS = 2,	    /* a page fault is part of it: SIGKILL */
	EXECUTES = 4,	    /* becomes another program */
	MAKES_CHILD = 8,    /* the result is a child's PID; the child ends at once */
	RETURNS_BREAK = 16, /* brk(2): failed is what does not return the argument */
	HALF_DONE = 32, /* as on Linux: mappings are locked, or the destination is empty, before it fails */
};

struct attempt {
	long number, arguments[6];
	long child_ends; /* where the call returns 0, that is a child, which exits */
	/* Bytes that a failure must leave alone, as `fill` writes them. */
	unsigned char *bytes;
	long bytes_len;
};

struct test {
	const char *name;
	void (*prepare)(struct attempt *a);
	int flags;
	int error; /* allowed besides ENOMEM; 0: none */
};

/* Ended by one without a name. */
extern const struct test map_cases[], advise_cases[], process_cases[], fault_cases[], other_cases[];

extern const char *self; /* this program's path */
extern int control;	 /* /proc/moat/fail_after */

/* The call that a case is about, or LOOK or TOUCH. */
void call(struct attempt *a, long number, long p, long q, long r, long s, long t, long u);
/* Ends the try: what must work does not. */
void broken(const char *what);
unsigned char *map_at(long at, long len, int prot, int flags, int fd);
unsigned char *empty_at(long at, long len);
/* Bytes that must be there after a failure, too. */
unsigned char *fill(struct attempt *a, unsigned char *p, long len);
unsigned char *filled_at(struct attempt *a, long at, long len);
unsigned char byte_at(long i);
/* One block of 2 MiB, if there is one. */
unsigned char *huge_at(struct attempt *a, long at);
int memory_file(long len);
int filled_file(long len);

#endif
