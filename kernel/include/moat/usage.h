/* SPDX-License-Identifier: MIT */
/* room: mm */
/* What memory is used for, in numbers, and looking at an address space from outside: for /proc. */
#ifndef MOAT_USAGE_H
#define MOAT_USAGE_H

#include <moat/aspace.h>
#include <moat/frame.h>

/* All in pages. Each frame of the machine is counted once in free, kernel, tables, cache, shmem and anon. */
struct memory_figures {
	u64 total, free, kernel, tables, cache, shmem, anon;
	u64 available; /* free, or given up without loss */
	u64 committed, commit_limit;
};
/* The one source for meminfo, sysinfo(2) and the report, which so agree. */
void memory_figures_read(struct memory_figures *out);

/* A node's free blocks of each order, 2^order frames each. Takes the zone lock once for each order. */
void frame_blocks_read(unsigned node, u64 blocks[FRAME_ORDERS]);

enum aspace_access_how {
	ASPACE_PEEK, /* read */
	ASPACE_POKE, /* write */
};
/*
 * Moves len bytes, all in one page, between a kernel buffer and an address space, as a debugger may (Linux's FOLL_FORCE):
 * whatever the rights of the mapping, but shared memory that is read-only is not written. -EIO: nothing there, or
 * refused; -ENOMEM. Takes as->lock; may sleep.
 */
int __must_check aspace_access_forced(struct aspace *as, u64 addr, void *buf, size_t len,
				      enum aspace_access_how how);

enum aspace_kinds {
	ASPACE_PRIVATE = 1 << 0, /* VMAs without an object */
	ASPACE_OBJECTS = 1 << 1,
};
/* Forgets that pages of these kinds were accessed. 0 or -ENOMEM. Takes as->lock for writing, once for each VMA. */
int __must_check aspace_forget_accessed(struct aspace *as, unsigned kinds);
/* The most that was resident counts from now on. Takes as->lock for writing. */
void aspace_reset_peak(struct aspace *as);

#endif
