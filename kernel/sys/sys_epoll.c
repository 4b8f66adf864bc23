/* SPDX-License-Identifier: MIT */
/* epoll_create(2), epoll_ctl(2), epoll_wait(2) and their relatives. */
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/cred.h>
#include <moat/epoll.h>
#include "sys_poll.h"

#define EVENTS_MAX ((int)(INT32_MAX / sizeof(struct epoll_event)))
#define NS_PER_MS  1000000ull

s64 sys_epoll_create1(int flags)
{
	struct file *f;
	int fd;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	f = epoll_create();
	if (!f)
		return -ENOMEM;
	fd = fd_install(current_thread()->files, f, 0, sys_fd_limit(), flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_epoll_create(int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}

s64 sys_epoll_ctl(int epfd, int op, int fd, void __user *user_event)
{
	struct epoll_event event = {0};
	struct file *f, *target;
	int err = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&event, user_event, sizeof(event)))
		return -EFAULT;
	/* This machine never sleeps, so nothing is to be kept awake; who may not ask for that is not told, as on Linux. */
	if (!capable(CAP_BLOCK_SUSPEND))
		event.events &= ~(u32)EPOLLWAKEUP;
	f = sys_file(epfd);
	target = f ? sys_file(fd) : NULL;
	if (target)
		err = epoll_control(f, op, target, fd, &event);
	if (target)
		file_put(target);
	if (f)
		file_put(f);
	return err;
}

/* The order of errors is Linux's. */
static int check_wait(const struct file *f, const void __user *events, int max)
{
	if (max <= 0 || max > EVENTS_MAX)
		return -EINVAL;
	if (!sys_in_user_half((u64)events, (u64)max * sizeof(struct epoll_event)))
		return -EFAULT;
	return file_is_epoll(f) ? 0 : -EINVAL;
}

static s64 do_wait(int epfd, void __user *events, int max, u64 deadline_ns)
{
	struct file *f = sys_file(epfd);
	s64 n;

	if (!f)
		return -EBADF;
	n = check_wait(f, events, max);
	if (!n)
		n = epoll_wait(f, events, max, deadline_ns);
	file_put(f);
	return n;
}

static u64 deadline_of_ms(int timeout_ms)
{
	return timeout_ms < 0 ? POLL_FOREVER : clock_monotonic_ns() + (u64)timeout_ms * NS_PER_MS;
}

s64 sys_epoll_wait(int epfd, void __user *events, int maxevents, int timeout_ms)
{
	return do_wait(epfd, events, maxevents, deadline_of_ms(timeout_ms));
}

static s64 do_pwait(int epfd, void __user *events, int max, u64 deadline_ns, const void __user *sigmask,
		    size_t sigsetsize)
{
	s64 result = poll_mask_begin(sigmask, sigsetsize);

	if (result)
		return result;
	result = do_wait(epfd, events, max, deadline_ns);
	poll_mask_end(sigmask, result);
	return result;
}

s64 sys_epoll_pwait(int epfd, void __user *events, int maxevents, int timeout_ms, const void __user *sigmask,
		    size_t sigsetsize)
{
	return do_pwait(epfd, events, maxevents, deadline_of_ms(timeout_ms), sigmask, sigsetsize);
}

s64 sys_epoll_pwait2(int epfd, void __user *events, int maxevents,
		     const struct __kernel_timespec __user *timeout, const void __user *sigmask,
		     size_t sigsetsize)
{
	u64 deadline;
	s64 result = poll_deadline(timeout, &deadline);

	return result ? result : do_pwait(epfd, events, maxevents, deadline, sigmask, sigsetsize);
}
