/* SPDX-License-Identifier: MIT */
/* room: mm */
/* The parts of madvise(2). as->lock held for writing; part lies in v. */
#ifndef MM_ADVISE_H
#define MM_ADVISE_H

#include <linux/mman.h>
#include <moat/aspace.h>

#ifndef MADV_GUARD_INSTALL /* Linux 6.13, newer than the headers that some distributions have */
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

/* DONTNEED, DONTNEED_LOCKED, FREE, COLD, PAGEOUT, GUARD_INSTALL, GUARD_REMOVE: 0, -EINVAL, -EAGAIN, -ENOMEM. */
int __must_check advise_pages(struct aspace *as, struct vma *v, struct range part, int advice);
/*
 * REMOVE of a whole range: -EINVAL, -EACCES, -ENOMEM (hole), what mobj_punch says. No lock held: punching takes the lock
 * of every address space that shows the object.
 */
int __must_check advise_remove(struct aspace *as, struct range r);

#endif
