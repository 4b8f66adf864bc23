/* SPDX-License-Identifier: MIT */
/*
 * Rows about the calls and faults of memory. Each works beside an anchor: pages that stay mapped and resident
 * around what a row maps, as in a process that does something, so that the row does not pay for the page table
 * that the first page of a region needs and the last one gives back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

/* Low bits of the argument of the mapping rows beside the number of pages. */
#define TOUCH		      1u
#define MAPPING(pages, flags) ((unsigned long)(pages) << 8 | (flags))

static int run_map_pages(struct sample *s, unsigned int count)
{
	size_t pages = s->arg >> 8;
	char *anchor = fresh_pages(1);
	int err = 0;

	if (!anchor)
		return errno;
	touch_pages(anchor, 1);
	mprotect(anchor, PAGE, PROT_READ);
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return errno;
		if (s->arg & TOUCH)
			touch_pages(p, pages);
		if (munmap(p, pages * PAGE))
			err = errno;
	}
	stop(s);
	munmap(anchor, PAGE);
	return err;
}

/* Touched pages are given back by one call, `s->arg` chooses which: SYS_munmap or SYS_madvise. */
static int run_give_back(struct sample *s, unsigned int count)
{
	char *p = fresh_pages(count);
	long ret;

	if (!p)
		return errno;
	touch_pages(p, count);
	start(s);
	ret = call3((long)s->arg, (long)p, (long)(count * PAGE), MADV_DONTNEED);
	stop(s);
	munmap(p, count * PAGE);
	return (int)-ret;
}

/* A whole mapping changes its protection, back and forth: nothing splits. */
static int run_mprotect_whole(struct sample *s, unsigned int count)
{
	char *p = fresh_pages(1);
	int err = 0;

	if (!p)
		return errno;
	touch_pages(p, 1);
	start(s);
	for (unsigned int i = 0; i < count && !err; i++)
		err = (int)-call3(SYS_mprotect, (long)p, PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
	stop(s);
	munmap(p, PAGE);
	return err;
}

static int run_brk(struct sample *s, unsigned int count)
{
	long end = (call3(SYS_brk, 0, 0, 0) + (long)PAGE - 1) & ~((long)PAGE - 1);
	int err = 0;

	/* One page stays, or the heap itself would come and go. */
	if (call3(SYS_brk, end + (long)PAGE, 0, 0) != end + (long)PAGE)
		return ENOMEM;
	touch_pages((char *)end, 1);
	end += (long)PAGE;
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		if (call3(SYS_brk, end + (long)PAGE, 0, 0) != end + (long)PAGE)
			return ENOMEM;
		touch_pages((char *)end, 1);
		if (call3(SYS_brk, end, 0, 0) != end)
			err = ENOMEM;
	}
	stop(s);
	call3(SYS_brk, end - (long)PAGE, 0, 0);
	return err;
}

/* One MiB of resident pages goes back and forth between two places. */
static int run_mremap(struct sample *s, unsigned int count)
{
	char *hole = mmap(NULL, 4 * MIB, PROT_NONE, ANONYMOUS, -1, 0);
	char *at = fresh_pages(MIB / PAGE), *to[2];
	int err = 0;

	if (hole == MAP_FAILED || !at)
		return errno;
	touch_pages(at, MIB / PAGE);
	to[0] = hole + MIB / 2;
	to[1] = hole + MIB * 5 / 2;
	munmap(hole, 4 * MIB);
	start(s);
	for (unsigned int i = 0; i < count; i++) {
		char *now = mremap(at, MIB, MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to[i % 2]);

		if (now == MAP_FAILED) {
			err = errno;
			break;
		}
		at = now;
	}
	stop(s);
	munmap(at, MIB);
	return err;
}

static int run_populate(struct sample *s, unsigned int count)
{
	char *p;

	start(s);
	p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_POPULATE, -1, 0);
	stop(s);
	if (p == MAP_FAILED)
		return errno;
	munmap(p, count * PAGE);
	return 0;
}

/* A file of `pages` pages, all in the page cache; a descriptor or -1 with errno. */
static int warm_file(size_t pages)
{
	static char buffer[PAGE];
	int fd = open("bench.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return -1;
	unlink("bench.tmp");
	memset(buffer, 'm', sizeof(buffer));
	for (size_t i = 0; i < pages; i++) {
		if (pwrite(fd, buffer, PAGE, (off_t)(i * PAGE)) != (ssize_t)PAGE) {
			close(fd);
			errno = ENOSPC;
			return -1;
		}
	}
	return fd;
}

/* Every page of a mapped file is read, or, where `s->arg` says so, written: a private copy. */
static int run_file_fault(struct sample *s, unsigned int count)
{
	int fd = warm_file(count);
	volatile char *p;

	if (fd < 0)
		return errno;
	p = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return errno;
	start(s);
	if (s->arg) {
		touch_pages(p, count);
	} else {
		for (size_t i = 0; i < count; i++)
			(void)p[i * PAGE];
	}
	stop(s);
	munmap((char *)(uintptr_t)p, count * PAGE);
	return 0;
}

static int run_pread(struct sample *s, unsigned int count)
{
	static char buffer[65536] __attribute__((aligned(4096)));
	int fd = warm_file(16), err = 0;

	if (fd < 0)
		return errno;
	memset(buffer, 1, sizeof(buffer));
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		if (pread(fd, buffer, sizeof(buffer), 0) != (ssize_t)sizeof(buffer))
			err = EIO;
	}
	stop(s);
	close(fd);
	return err;
}

static void unprotect(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	call3(SYS_mprotect, (long)info->si_addr & ~((long)PAGE - 1), PAGE, PROT_READ | PROT_WRITE);
}

/* As a garbage collector's write barrier: a page is protected, written, and the handler opens it again. */
static int run_sigsegv(struct sample *s, unsigned int count)
{
	struct sigaction action = {.sa_sigaction = unprotect, .sa_flags = SA_SIGINFO}, old;
	volatile char *p = fresh_pages(1);

	if (!p)
		return errno;
	if (sigaction(SIGSEGV, &action, &old))
		return errno;
	touch_pages(p, 1);
	start(s);
	for (unsigned int i = 0; i < count; i++) {
		call3(SYS_mprotect, (long)p, PAGE, PROT_READ);
		*p = 2;
	}
	stop(s);
	sigaction(SIGSEGV, &old, NULL);
	munmap((char *)(uintptr_t)p, PAGE);
	return 0;
}

static const struct row rows[] = {
	{"map+unmap 1 page", 500, run_map_pages, MAPPING(1, 0)},
	{"map+unmap 256 pages", 500, run_map_pages, MAPPING(256, 0)},
	{"map+touch+unmap 1 page", 200, run_map_pages, MAPPING(1, TOUCH)},
	{"map+touch+unmap 16 pages", 100, run_map_pages, MAPPING(16, TOUCH)},
	{"map+touch+unmap 256 pages", 20, run_map_pages, MAPPING(256, TOUCH)},
	{"unmap a touched page", 256, run_give_back, SYS_munmap},
	{"MADV_DONTNEED a page", 256, run_give_back, SYS_madvise},
	{"mprotect 1 page", 1000, run_mprotect_whole, 0},
	{"brk up, touch, down", 500, run_brk, 0},
	{"mremap move 1 MiB", 50, run_mremap, 0},
	{"MAP_POPULATE a page", 256, run_populate, 0},
	{"file read fault", 256, run_file_fault, 0},
	{"private file write fault", 256, run_file_fault, 1},
	{"pread 64 KiB", 200, run_pread, 0},
	{"SIGSEGV handler+mprotect", 500, run_sigsegv, 0},
};

const struct rows memory_rows = {rows, sizeof(rows) / sizeof(rows[0])};
