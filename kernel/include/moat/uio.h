/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * A cursor over the buffers of one read or write: one or several pieces, in user or in kernel memory.
 *
 * File systems and devices move bytes only through it, so that they need not know whose memory it is, and a
 * fault half way leaves an exact count. A uio is used by one thread.
 */
#ifndef MOAT_UIO_H
#define MOAT_UIO_H

#include <moat/types.h>

struct uio_seg {
	u64 base; /* user address, or kernel pointer when uio.kernel */
	size_t len;
};

struct uio {
	const struct uio_seg *segs;
	unsigned count;	   /* segments */
	unsigned at;	   /* current segment */
	size_t seg_offset; /* bytes of it already moved */
	size_t left;	   /* bytes not yet moved */
	bool kernel : 1;
	bool peer_gone : 1; /* a write moved something, then found that nobody reads any more: SIGPIPE */
	bool no_signal : 1; /* and an EPIPE of this write is one without SIGPIPE */
	struct uio_seg one; /* storage for the single-segment forms */
};

static inline void uio_init_one(struct uio *u, u64 base, size_t len, bool kernel)
{
	u->one = (struct uio_seg){.base = base, .len = len};
	u->segs = &u->one;
	u->count = 1;
	u->at = 0;
	u->seg_offset = 0;
	u->left = len;
	u->kernel = kernel;
	u->peer_gone = u->no_signal = false;
}

static inline void uio_init_user(struct uio *u, void __user *buf, size_t len)
{
	uio_init_one(u, (u64)(__force uintptr_t)buf, len, false);
}

static inline void uio_init_kernel(struct uio *u, void *buf, size_t len)
{
	uio_init_one(u, (u64)(uintptr_t)buf, len, true);
}

/* segs must outlive u and have been checked (sum of lengths fits in ssize_t). */
void uio_init_user_segs(struct uio *u, const struct uio_seg *segs, unsigned count);

/*
 * Moves up to n bytes between a kernel buffer and the cursor and advances it by what was moved. Returns the
 * bytes moved: fewer than MIN(n, left) means that user memory could not be reached (the caller returns its
 * short count, or -EFAULT when nothing was moved at all). No spinlock held (a user page may fault in).
 */
size_t uio_copy_out(struct uio *u, const void *src, size_t n); /* kernel -> the reader's buffer */
size_t uio_copy_in(struct uio *u, void *dst, size_t n);	       /* the writer's buffer -> kernel */
size_t uio_zero_out(struct uio *u, size_t n);
/*
 * How many of the next n bytes of a writer's buffer can be read, faulting their pages in; moves nothing.
 * copy_from_user clears what it could not fill, so who copies straight over data that must survive a bad
 * buffer asks first.
 */
size_t uio_fault_in(struct uio *u, size_t n);
/* Where the next bytes go, in user memory: *base, and how many lie there in one piece; 0 if it is not user memory. */
size_t uio_user_piece(struct uio *u, u64 *base);
/* Advances without moving (writing to /dev/null). */
void uio_skip(struct uio *u, size_t n);

#endif
