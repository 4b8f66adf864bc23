/* SPDX-License-Identifier: MIT */
/* room: sys */
/* The buffers of a call that takes an array of them. */
#ifndef SYS_RW_H
#define SYS_RW_H

#include <moat/uio.h>

struct iovec;

enum { SEGS_ON_STACK = 8 };

struct buffers {
	struct uio uio;
	struct uio_seg few[SEGS_ON_STACK];
	struct uio_seg *many; /* heap, or NULL */
};

/* Copies the array and checks it: -EINVAL, -EFAULT, -ENOMEM. */
int __must_check sys_get_buffers(struct buffers *b, const struct iovec __user *iov, size_t count);
void sys_put_buffers(struct buffers *b);

#endif
