/* SPDX-License-Identifier: MIT */
/* room: ipc */
/* POSIX message queues (mq_overview(7)): messages with priorities, in queues that have names and are open files. */
#ifndef MOAT_MQUEUE_H
#define MOAT_MQUEUE_H

#include <asm/siginfo.h>
#include <linux/mqueue.h>
#include <moat/file.h>

#define MQ_PRIORITIES	32768 /* MQ_PRIO_MAX */
#define MQ_QUEUES_MAX	256   /* fs.mqueue.queues_max and its like: what is not root may have */
#define MQ_MESSAGES_MAX 10
#define MQ_LENGTH_MAX	8192
#define MQ_DEPTH_LIMIT	65536 /* and what nobody may */
#define MQ_LENGTH_LIMIT 16777216

/*
 * mq_open(3): name without the slash in front, flags of open(2), attr NULL: the defaults. A description, or -ENOENT, -EEXIST,
 * -EACCES, -EINVAL, -ENOSPC, -EMFILE (RLIMIT_MSGQUEUE), -ENOMEM.
 */
int __must_check mq_open_queue(const char *name, u32 flags, u32 mode, const struct mq_attr *attr,
			       struct file **out);
int __must_check mq_unlink_queue(const char *name); /* -ENOENT, -EPERM */
/* deadline_ns: of the monotonic clock. -EBADF (no such queue, or not open for it), -EMSGSIZE, -EAGAIN, -ETIMEDOUT, -EINTR. */
int __must_check mq_send_message(struct file *f, u32 priority, struct uio *text, u64 deadline_ns);
ssize_t mq_receive_message(struct file *f, u32 *priority, struct uio *text, u64 deadline_ns);
/* mq_notify(3); what NULL: no more. -EBADF, -EBUSY. */
int __must_check mq_set_notify(struct file *f, const struct sigevent *what);
int __must_check mq_get_attr(struct file *f, struct mq_attr *out);

#endif
