/* SPDX-License-Identifier: MIT */
/* room: sys */
/* Waiting for one of several files: what poll(2) and select(2) share. */
#ifndef SYS_POLL_H
#define SYS_POLL_H

#include "sys_fs.h"

#define POLL_FOREVER UINT64_MAX /* a deadline that never comes */

struct poll_item {
	int fd;		   /* for the caller */
	u32 events;	   /* asked for, POLL*; POLLERR, POLLHUP and POLLNVAL come unasked */
	u32 revents;	   /* what is so */
	struct file *file; /* with a reference; NULL: nothing to look at */
	u32 queues;	   /* on which it waits now */
	struct waiter waiters[POLL_QUEUES];
};

/*
 * Waits until one of the items is ready, the monotonic clock shows deadline_ns, or a signal is due. The number of items
 * with revents (those that had them already count and end the wait at once), or -EINTR.
 */
s64 poll_wait(struct poll_item *items, size_t count, u64 deadline_ns);
/* A relative time (NULL: for ever) as a deadline; -EFAULT, -EINVAL. */
int __must_check poll_deadline(const struct __kernel_timespec __user *timeout, u64 *deadline_ns);
/* Writes what is left until the deadline back to where the time came from; failure is ignored, as on Linux. */
void poll_put_left(struct __kernel_timespec __user *timeout, u64 deadline_ns);

/*
 * ppoll and pselect6 wait with another signal mask (NULL: none is given). poll_mask_end gives the old one back: at once, or
 * after the handler when the wait ended by a signal.
 */
int __must_check poll_mask_begin(const void __user *sigmask, size_t sigsetsize);
void poll_mask_end(const void __user *sigmask, s64 result);

#endif
