/* SPDX-License-Identifier: MIT */
/* POSIX message queues: mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2). */
#include <linux/limits.h>
#include <linux/time_types.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/mqueue.h>
#include <moat/string.h>
#include "sys_fs.h"
#include "sys_time.h"

/* A name: no slash, no dots. To be freed. */
static int get_name(const char __user *from, char **out)
{
	int err = sys_get_path(from, out);

	if (err)
		return err;
	if (strchr(*out, '/') || strcmp(*out, ".") == 0 || strcmp(*out, "..") == 0)
		err = -EACCES;
	else if (strlen(*out) > NAME_MAX)
		err = -ENAMETOOLONG;
	if (err)
		kfree(*out);
	return err;
}

s64 sys_mq_open(const char __user *name, int flags, u32 mode, const void __user *attr)
{
	struct fd_table *files = current_thread()->files;
	struct mq_attr copy;
	struct file *f;
	char *text;
	int err, fd;

	if (attr && copy_from_user(&copy, attr, sizeof(copy)))
		return -EFAULT;
	err = get_name(name, &text);
	if (err)
		return err;
	/* Such a descriptor never survives an exec. */
	fd = fd_reserve(files, 0, sys_fd_limit(), true);
	err = fd < 0 ? fd : mq_open_queue(text, (u32)flags, mode, attr ? &copy : NULL, &f);
	kfree(text);
	if (fd < 0)
		return fd;
	if (err)
		fd_unreserve(files, fd);
	else
		fd_fill(files, fd, f);
	return err ? err : fd;
}

s64 sys_mq_unlink(const char __user *name)
{
	char *text;
	int err = get_name(name, &text);

	if (err)
		return err;
	err = mq_unlink_queue(text);
	kfree(text);
	return err;
}

/* A time of the real-time clock, as one of the monotonic clock; NULL: for ever. */
static int get_deadline(const struct __kernel_timespec __user *from, u64 *out)
{
	u64 at;
	int err;

	*out = KTIMER_NEVER;
	if (!from)
		return 0;
	err = user_time_get(from, &at);
	if (!err && at != INT64_MAX)
		*out = monotonic_of_realtime(at);
	return err;
}

s64 sys_mq_timedsend(int fd, const void __user *msg, size_t len, u32 priority,
		     const struct __kernel_timespec __user *timeout)
{
	struct uio text;
	struct file *f;
	u64 deadline;
	s64 err = get_deadline(timeout, &deadline);

	if (err)
		return err;
	if (priority >= MQ_PRIORITIES)
		return -EINVAL;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	uio_init_user(&text, (void __user *)(u64)msg, len);
	err = mq_send_message(f, priority, &text, deadline);
	file_put(f);
	return err;
}

s64 sys_mq_timedreceive(int fd, void __user *msg, size_t len, void __user *priority,
			const struct __kernel_timespec __user *timeout)
{
	struct uio text;
	struct file *f;
	u64 deadline;
	u32 prio;
	s64 n = get_deadline(timeout, &deadline);

	if (n)
		return n;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	uio_init_user(&text, msg, len);
	n = mq_receive_message(f, &prio, &text, deadline);
	if (n >= 0 && priority && put_user(prio, (u32 __user *)priority))
		n = -EFAULT;
	file_put(f);
	return n;
}

/* What can be asked for: nothing or a signal. A thread is the C library's business, by way of a socket of AF_NETLINK. */
static s64 check_event(const struct sigevent *e)
{
	if (e->sigev_notify == SIGEV_THREAD) {
		unsupported_flag("mq_notify", "SIGEV_THREAD");
		return -EBADF;
	}
	if (e->sigev_notify != SIGEV_NONE && e->sigev_notify != SIGEV_SIGNAL)
		return -EINVAL;
	return e->sigev_notify == SIGEV_SIGNAL && (u32)e->sigev_signo > SIGNAL_MAX ? -EINVAL : 0;
}

s64 sys_mq_notify(int fd, const void __user *event)
{
	struct sigevent e;
	struct file *f;
	s64 err = 0;

	if (event)
		err = copy_from_user(&e, event, sizeof(e)) ? -EFAULT : check_event(&e);
	if (err)
		return err;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	err = mq_set_notify(f, event ? &e : NULL);
	file_put(f);
	return err;
}

s64 sys_mq_getsetattr(int fd, const void __user *new_attr, void __user *old_attr)
{
	struct mq_attr new, old;
	struct file *f;
	s64 err;

	if (new_attr && copy_from_user(&new, new_attr, sizeof(new)))
		return -EFAULT;
	if (new_attr && (new.mq_flags & ~O_NONBLOCK))
		return -EINVAL;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	err = mq_get_attr(f, &old);
	if (!err && new_attr)
		file_change_flags(f, O_NONBLOCK, (u32) new.mq_flags);
	file_put(f);
	return !err && old_attr && copy_to_user(old_attr, &old, sizeof(old)) ? -EFAULT : err;
}
