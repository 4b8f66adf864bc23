/* SPDX-License-Identifier: MIT */
/* Clocks and sleeping: clock_gettime(2), clock_nanosleep(2), time(2), gettimeofday(2), times(2). */
#include <asm/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/times.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_time.h"

#define NS_PER_SEC 1000000000ull
#define TICK_NS	   4000000ull /* resolution of the coarse clocks */
#define USER_HZ	   100

/* The value of a clock in ns, or -EINVAL. */
static int read_clock(int id, u64 *ns)
{
	struct cpu_clock cpu;
	int err;

	if (clock_is_cpu(id)) {
		err = cpu_clock_decode(id, CPU_CLOCK_READ, &cpu);
		*ns = err ? 0 : cpu_clock_now(&cpu);
		return err;
	}
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_REALTIME_COARSE:
		*ns = clock_realtime_ns() / TICK_NS * TICK_NS;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
		*ns = clock_monotonic_ns();
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*ns = clock_monotonic_ns() / TICK_NS * TICK_NS;
		return 0;
	default:
		return -EINVAL;
	}
}

static int put_timespec(struct __kernel_timespec __user *to, u64 ns)
{
	struct __kernel_timespec ts = {.tv_sec = (s64)(ns / NS_PER_SEC), .tv_nsec = (s64)(ns % NS_PER_SEC)};

	return put_user(ts, to);
}

s64 sys_clock_gettime(int clockid, struct __kernel_timespec __user *tp)
{
	u64 ns;
	int err = read_clock(clockid, &ns);

	return err ? err : put_timespec(tp, ns);
}

/* Clocks of CPU time by the tick are those that Linux counts so: of two of three kinds. */
static bool is_coarse(int id)
{
	return id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE || (id < 0 && (id & 3) != 2);
}

s64 sys_clock_getres(int clockid, struct __kernel_timespec __user *res)
{
	u64 ns;
	int err = read_clock(clockid, &ns);

	if (err || !res)
		return err;
	return put_timespec(res, is_coarse(clockid) ? TICK_NS : 1);
}

s64 sys_gettimeofday(void __user *tv, void __user *tz)
{
	u64 ns = clock_realtime_ns();
	s64 out[2] = {(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / 1000)};
	int zone[2];

	time_zone_get(zone);
	if (tv && copy_to_user(tv, out, sizeof(out)))
		return -EFAULT;
	return tz && copy_to_user(tz, zone, sizeof(zone)) ? -EFAULT : 0;
}

s64 sys_time(void __user *tloc)
{
	s64 now = (s64)(clock_realtime_ns() / NS_PER_SEC);

	if (tloc && copy_to_user(tloc, &now, sizeof(now)))
		return -EFAULT;
	return now;
}

int user_time_get(const struct __kernel_timespec __user *from, u64 *ns)
{
	struct __kernel_timespec ts;

	if (copy_from_user(&ts, from, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NS_PER_SEC)
		return -EINVAL;
	*ns = (u64)ts.tv_sec > (u64)INT64_MAX / NS_PER_SEC - 1
		      ? (u64)INT64_MAX
		      : (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	return 0;
}

u64 monotonic_of_realtime(u64 realtime_ns)
{
	u64 now = clock_realtime_ns();

	return clock_monotonic_ns() + (realtime_ns > now ? realtime_ns - now : 0);
}

/* Sleeps for ns and, when a signal ended it early, tells what was left. */
static s64 sleep_for(u64 ns, struct __kernel_timespec __user *rem)
{
	u64 now = clock_monotonic_ns(), deadline = now + ns < now ? UINT64_MAX : now + ns;
	int err = sleep_until_ns(deadline);

	if (err && rem) {
		now = clock_monotonic_ns();
		if (put_timespec(rem, deadline > now ? deadline - now : 0))
			return -EFAULT;
	}
	return err;
}

s64 sys_nanosleep(const struct __kernel_timespec __user *req, struct __kernel_timespec __user *rem)
{
	u64 ns;
	int err = user_time_get(req, &ns);

	return err ? err : sleep_for(ns, rem);
}

/* Until a process, or another thread of one's own, has used so much CPU time. */
static s64 sleep_cpu(int clockid, int flags, u64 ns, struct __kernel_timespec __user *rem)
{
	struct cpu_clock cpu;
	u64 now;
	int err = cpu_clock_decode(clockid, CPU_CLOCK_TIMER, &cpu);

	if (err)
		return err;
	if (cpu.tid == current_thread()->tid)
		return -EINVAL; /* it would never wake up */
	if (!(flags & TIMER_ABSTIME))
		ns += MIN(cpu_clock_now(&cpu), UINT64_MAX - ns);
	err = cpu_clock_sleep(&cpu, ns);
	if (!err || (flags & TIMER_ABSTIME) || !rem)
		return err;
	now = cpu_clock_now(&cpu);
	return put_timespec(rem, ns > now ? ns - now : 0) ? -EFAULT : err;
}

/* The clocks that cannot be slept on. */
static int check_sleep(int id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_ALARM: /* nothing wakes this machine */
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		return clock_is_cpu(id) ? 0 : -EINVAL;
	}
}

s64 sys_clock_nanosleep(int clockid, int flags, const struct __kernel_timespec __user *req,
			struct __kernel_timespec __user *rem)
{
	u64 ns;
	int err = check_sleep(clockid);

	if (!err)
		err = user_time_get(req, &ns);
	if (err)
		return err;
	if (clock_is_cpu(clockid))
		return sleep_cpu(clockid, flags, ns, rem);
	if (!(flags & TIMER_ABSTIME))
		return sleep_for(ns, rem);
	/* A span is the same on all clocks; a moment of real time moves when that clock is set. */
	return clockid == CLOCK_REALTIME || clockid == CLOCK_TAI ? sleep_until_realtime_ns(ns)
								 : sleep_until_ns(ns);
}

s64 sys_times(void __user *buf)
{
	struct process *p = current_process();
	u64 user, sys;
	struct tms t;

	process_cpu_times(p, &user, &sys);
	t = (struct tms){.tms_utime = (long)(user * USER_HZ / NS_PER_SEC),
			 .tms_stime = (long)(sys * USER_HZ / NS_PER_SEC),
			 .tms_cutime = (long)(p->children_usage.user_ns * USER_HZ / NS_PER_SEC),
			 .tms_cstime = (long)(p->children_usage.sys_ns * USER_HZ / NS_PER_SEC)};
	if (buf && copy_to_user(buf, &t, sizeof(t)))
		return -EFAULT;
	return (s64)(clock_monotonic_ns() * USER_HZ / NS_PER_SEC);
}
