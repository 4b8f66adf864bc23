/* SPDX-License-Identifier: MIT */
/*
 * Rows about many mappings: one page each, alternately read-only and writable so that they do not merge.
 *
 *     rw | r- | rw | r- | rw | r- …        SPOTS of them, spread over the whole, are worked on
 *
 * Unmapping, mapping again, faulting and protecting such a page neither splits nor merges, so that what grows
 * with the number of mappings is the search alone. The mappings are made once for each size and kept from row
 * to row; the rows of one size leave them as they were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

#define SPOTS	  256u
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static char *field;
static size_t field_pages;

/* Linux allows 65,530 mappings unless told otherwise; where that file is missing the limit is met or not there. */
static void raise_limit(void)
{
	int fd = open("/proc/sys/vm/max_map_count", O_WRONLY);

	if (fd >= 0) {
		if (write(fd, "300000\n", 7) < 0)
			errno = 0;
		close(fd);
	}
}

/* The field of `pages` mappings; 0 or an errno. */
static int make_field(size_t pages)
{
	if (field_pages == pages)
		return 0;
	if (field_pages)
		munmap(field, field_pages * PAGE);
	field_pages = 0;
	raise_limit();
	field = fresh_pages(pages);
	if (!field)
		return errno;
	for (size_t i = 1; i < pages; i += 2) {
		if (mprotect(field + i * PAGE, PAGE, PROT_READ)) {
			int err = errno;

			munmap(field, pages * PAGE);
			return err;
		}
	}
	field_pages = pages;
	return 0;
}

/* A writable page of the field; spot 0 and the last are inside, not at an end. */
static char *spot(unsigned int i)
{
	return field + ((i + 1) * (field_pages / (SPOTS + 2)) & ~(size_t)1) * PAGE;
}

static int unmap_spots(void)
{
	long err = 0;

	for (unsigned int i = 0; i < SPOTS; i++)
		err |= call3(SYS_munmap, (long)spot(i), PAGE, 0);
	return err ? ENOMEM : 0;
}

static int map_spots(void)
{
	for (unsigned int i = 0; i < SPOTS; i++) {
		if (mmap(spot(i), PAGE, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return errno;
	}
	return 0;
}

static int run_scale_unmap(struct sample *s, unsigned int count)
{
	int err = make_field(s->arg);

	(void)count;
	if (err)
		return err;
	start(s);
	err = unmap_spots();
	stop(s);
	return err ? err : map_spots();
}

static int run_scale_map(struct sample *s, unsigned int count)
{
	int err = make_field(s->arg);

	(void)count;
	if (!err)
		err = unmap_spots();
	if (err)
		return err;
	start(s);
	err = map_spots();
	stop(s);
	return err;
}

/* The kernel chooses the place, and has to find a gap. */
static int run_scale_map_anywhere(struct sample *s, unsigned int count)
{
	int err = make_field(s->arg);

	if (err)
		return err;
	start(s);
	for (unsigned int i = 0; i < count && !err; i++) {
		void *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || munmap(p, PAGE))
			err = errno;
	}
	stop(s);
	return err;
}

static int run_scale_fault(struct sample *s, unsigned int count)
{
	int err = make_field(s->arg);

	if (err)
		return err;
	/* The page tables stay, so that the row is the fault alone. */
	for (unsigned int i = 0; i < count; i++) {
		*(volatile char *)spot(i) = 1;
		madvise(spot(i), PAGE, MADV_DONTNEED);
	}
	start(s);
	for (unsigned int i = 0; i < count; i++)
		*(volatile char *)spot(i) = 1;
	stop(s);
	for (unsigned int i = 0; i < count; i++)
		madvise(spot(i), PAGE, MADV_DONTNEED);
	return 0;
}

static int run_scale_protect(struct sample *s, unsigned int count)
{
	int err = make_field(s->arg);

	if (err)
		return err;
	start(s);
	for (unsigned int i = 0; i < count && !err; i++)
		err = (int)-call3(SYS_mprotect, (long)spot(i), PAGE, PROT_READ | PROT_EXEC);
	stop(s);
	for (unsigned int i = 0; i < count; i++)
		mprotect(spot(i), PAGE, PROT_READ | PROT_WRITE);
	return err;
}

#define SCALE(text, size)                                                                   \
	{"VMAs " text ": map", SPOTS, run_scale_map, size},                                 \
		{"VMAs " text ": map+unmap anywhere", SPOTS, run_scale_map_anywhere, size}, \
		{"VMAs " text ": page fault", SPOTS, run_scale_fault, size},                \
		{"VMAs " text ": mprotect", SPOTS, run_scale_protect, size},                \
	{                                                                                   \
		"VMAs " text ": munmap", SPOTS, run_scale_unmap, size                       \
	}

static const struct row rows[] = {
	SCALE("1000", 1000),
	SCALE("10000", 10000),
	SCALE("60000", 60000),
	SCALE("100000", 100000),
};

const struct rows scale_rows = {rows, sizeof(rows) / sizeof(rows[0])};
