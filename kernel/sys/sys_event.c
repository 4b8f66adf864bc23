/* SPDX-License-Identifier: MIT */
/* eventfd(2), timerfd_create(2), timerfd_settime(2), timerfd_gettime(2), signalfd(2). */
#include <linux/capability.h>
#include <linux/time_types.h>
#include <linux/timerfd.h>
#include <arch/uaccess.h>
#include <moat/cred.h>
#include <moat/event.h>
#include <moat/signalfd.h>
#include "sys_fs.h"

#define NS_PER_SEC 1000000000ull

/* A descriptor for f, which it takes over; or what was wrong with making it. */
static s64 install(int err, struct file *f, bool cloexec)
{
	int fd;

	if (err)
		return err;
	fd = fd_install(current_thread()->files, f, 0, sys_fd_limit(), cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_eventfd2(u32 count, int flags)
{
	struct file *f = NULL;
	int err = eventfd_create(count, (u32)flags & ~(u32)O_CLOEXEC, &f);

	return install(err, f, flags & O_CLOEXEC);
}

s64 sys_eventfd(u32 count)
{
	return sys_eventfd2(count, 0);
}

static bool may_wake_alarm(void)
{
	return capable(CAP_WAKE_ALARM);
}

s64 sys_timerfd_create(int clockid, int flags)
{
	struct file *f = NULL;
	int err = timerfd_create(clockid, (u32)flags & ~(u32)O_CLOEXEC, may_wake_alarm(), &f);

	return install(err, f, flags & O_CLOEXEC);
}

/* 0 or -EINVAL. What is longer than the clock counts is as long as it counts. */
static int time_to_ns(const struct __kernel_timespec *ts, u64 *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || (u64)ts->tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	*ns = (u64)ts->tv_sec >= INT64_MAX / NS_PER_SEC ? INT64_MAX
							: (u64)ts->tv_sec * NS_PER_SEC + (u64)ts->tv_nsec;
	return 0;
}

static struct __kernel_timespec time_from_ns(u64 ns)
{
	return (struct __kernel_timespec){.tv_sec = (s64)(ns / NS_PER_SEC),
					  .tv_nsec = (s64)(ns % NS_PER_SEC)};
}

static int put_setting(void __user *to, struct timerfd_setting s)
{
	struct __kernel_itimerspec spec = {.it_interval = time_from_ns(s.interval_ns),
					   .it_value = time_from_ns(s.value_ns)};

	return copy_to_user(to, &spec, sizeof(spec)) ? -EFAULT : 0;
}

/* The timer behind fd, with a reference: -EBADF, -EINVAL. */
static int get_timer(int fd, struct file **out)
{
	struct file *f = sys_file(fd);

	if (!f)
		return -EBADF;
	*out = f;
	if (file_is_timerfd(f))
		return 0;
	file_put(f);
	return -EINVAL;
}

s64 sys_timerfd_settime(int fd, int flags, const void __user *new_value, void __user *old_value)
{
	struct __kernel_itimerspec spec;
	struct timerfd_setting s, old;
	struct file *f;
	int err;

	if (copy_from_user(&spec, new_value, sizeof(spec)))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    time_to_ns(&spec.it_value, &s.value_ns) || time_to_ns(&spec.it_interval, &s.interval_ns))
		return -EINVAL;
	err = get_timer(fd, &f);
	if (err)
		return err;
	err = timerfd_set(f, (u32)flags, s, may_wake_alarm(), &old);
	file_put(f);
	return !err && old_value ? put_setting(old_value, old) : err;
}

s64 sys_timerfd_gettime(int fd, void __user *value)
{
	struct timerfd_setting s;
	struct file *f;
	int err = get_timer(fd, &f);

	if (err)
		return err;
	timerfd_get(f, &s);
	file_put(f);
	return put_setting(value, s);
}

/* fd -1: a new one. The flags are checked in either case. */
static s64 do_signalfd(int fd, u64 mask, u32 flags)
{
	struct file *f = NULL;
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (fd == -1) {
		err = signalfd_create(mask, flags & O_NONBLOCK, &f);
		return install(err, f, flags & O_CLOEXEC);
	}
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	err = signalfd_set(f, mask);
	file_put(f);
	return err ? err : fd;
}

s64 sys_signalfd4(int fd, const void __user *user_mask, size_t sizemask, int flags)
{
	u64 mask;

	if (sizemask != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user_mask, sizeof(mask)))
		return -EFAULT;
	return do_signalfd(fd, mask, (u32)flags);
}

s64 sys_signalfd(int fd, const void __user *mask, size_t sizemask)
{
	return sys_signalfd4(fd, mask, sizemask, 0);
}
