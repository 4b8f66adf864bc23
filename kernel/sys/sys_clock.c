/* SPDX-License-Identifier: MIT */
/*
 * Setting the clock of real time: clock_settime(2), settimeofday(2), adjtimex(2). It is set in one step, always: this clock's rate
 * is the hypervisor's business, so nothing makes it run faster or slower, and what asks for that is refused. The rest of
 * what adjtimex(2) keeps is kept, for who reads it.
 */
#include <linux/capability.h>
#include <linux/timex.h>
#include <arch/timer.h>
#include <arch/uaccess.h>
#include <moat/cred.h>
#include <moat/event.h>
#include <moat/ktimer.h>
#include <moat/syscall.h>
#include "sys_fs.h"
#include "sys_time.h"

#define NS_PER_SEC 1000000000ll
#define NS_PER_US  1000ll
#define US_PER_SEC 1000000ll
#define SECONDS_MAX \
	((INT64_MAX / NS_PER_SEC) - 30ll * 365 * 24 * 3600) /* as Linux: thirty years before the end */
#define ZONE_MAX       (15 * 60)
#define TICK_US	       10000
#define ERROR_UNKNOWN  16000000l
#define TOLERANCE      32768000l
#define CONSTANT_MAX   10
#define ADJ_BY_ADJTIME 0x8000u /* of ADJ_OFFSET_SINGLESHOT and _SS_READ */
#define ADJ_READS_ONLY 0x2000u
#define STATUS_KEPT    (STA_UNSYNC | STA_FREQHOLD | STA_PLL | STA_FLL)

/* [lock] the rest of this file's, and the steps of the clock. */
static struct mutex lock = {
	.rank = RANK_INODE,
	.waiters = {.lock = SPINLOCK_INIT(RANK_WAITQ),
		    .waiters = TAILQ_HEAD_INITIALIZER(lock.waiters.waiters)},
};
static int zone[2];
static struct {
	u32 status;
	long max_error, est_error, constant;
} discipline = {STA_UNSYNC, ERROR_UNKNOWN, ERROR_UNKNOWN, 2};

void time_zone_get(int to[2])
{
	mutex_lock(&lock);
	to[0] = zone[0];
	to[1] = zone[1];
	mutex_unlock(&lock);
}

/* The clock's zero is never after the kernel's start. Locked. */
static int set_locked(s64 ns)
{
	if (ns < (s64)clock_monotonic_ns())
		return -EINVAL;
	clock_set_realtime_ns((u64)ns);
	ktimers_realtime_was_set();
	timerfd_realtime_was_set();
	return 0;
}

/* part_ns is less than a second. */
static int set_time(s64 seconds, s64 part_ns)
{
	int err;

	if (seconds < 0 || seconds >= SECONDS_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	mutex_lock(&lock);
	err = set_locked(seconds * NS_PER_SEC + part_ns);
	mutex_unlock(&lock);
	return err;
}

s64 sys_clock_settime(int clockid, const struct __kernel_timespec __user *tp)
{
	struct __kernel_timespec ts;
	struct cpu_clock cpu;

	if (clockid < 0 && clock_is_cpu(clockid)) {
		if (copy_from_user(&ts, tp, sizeof(ts)))
			return -EFAULT;
		return cpu_clock_decode(clockid, CPU_CLOCK_TIMER, &cpu) ? -EINVAL : -EPERM;
	}
	if (clockid != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, tp, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_nsec < 0 || ts.tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	return set_time(ts.tv_sec, ts.tv_nsec);
}

s64 sys_settimeofday(const void __user *tv, const void __user *tz)
{
	s64 time[2];
	int new_zone[2];

	if (tv && copy_from_user(time, tv, sizeof(time)))
		return -EFAULT;
	if (tv && (time[1] < 0 || time[1] >= US_PER_SEC))
		return -EINVAL;
	if (tz && copy_from_user(new_zone, tz, sizeof(new_zone)))
		return -EFAULT;
	if (tv && (time[0] < 0 || time[0] >= SECONDS_MAX))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (tz && (new_zone[0] > ZONE_MAX || new_zone[0] < -ZONE_MAX))
		return -EINVAL;
	if (tz) {
		mutex_lock(&lock);
		zone[0] = new_zone[0];
		zone[1] = new_zone[1];
		mutex_unlock(&lock);
	}
	return tv ? set_time(time[0], time[1] * NS_PER_US) : 0;
}

/* --- adjtimex(2) --- */

static int refuse(const char *what)
{
	unsupported_flag("adjtimex", what);
	return -EINVAL;
}

/* Rights and ranges, in Linux's order. */
static int check_adjust(const struct __kernel_timex *t)
{
	bool by_adjtime = t->modes & ADJ_BY_ADJTIME;
	s64 part_max = t->modes & ADJ_NANO ? NS_PER_SEC : US_PER_SEC;

	if (by_adjtime && !(t->modes & ADJ_OFFSET))
		return -EINVAL;
	if (t->modes && !(by_adjtime && (t->modes & ADJ_READS_ONLY)) && !capable(CAP_SYS_TIME))
		return -EPERM;
	if (by_adjtime)
		return 0;
	if ((t->modes & ADJ_TICK) && (t->tick < TICK_US * 9 / 10 || t->tick > TICK_US * 11 / 10))
		return -EINVAL;
	if ((t->modes & ADJ_SETOFFSET) && (t->time.tv_usec < 0 || t->time.tv_usec >= part_max))
		return -EINVAL;
	return 0;
}

/* What would change the clock's rate, or shift another clock. */
static int check_rate(const struct __kernel_timex *t)
{
	if ((t->modes & ADJ_FREQUENCY) && t->freq)
		return refuse("ADJ_FREQUENCY");
	if ((t->modes & ADJ_TICK) && t->tick != TICK_US)
		return refuse("ADJ_TICK");
	if ((t->modes & ADJ_OFFSET) && t->offset && !(t->modes & ADJ_BY_ADJTIME))
		return refuse("ADJ_OFFSET");
	if ((t->modes & ADJ_TAI) && t->constant)
		return refuse("ADJ_TAI");
	if ((t->modes & ADJ_STATUS) && (t->status & ~(int)(STATUS_KEPT | STA_RONLY)))
		return refuse("ADJ_STATUS");
	return 0;
}

/* Locked. */
static int step_by(s64 seconds, s64 part_ns)
{
	if (seconds < -SECONDS_MAX || seconds > SECONDS_MAX)
		return -EINVAL;
	return set_locked((s64)clock_realtime_ns() + seconds * NS_PER_SEC + part_ns);
}

/* Locked; all was checked. */
static int adjust_locked(const struct __kernel_timex *t)
{
	s64 unit = t->modes & ADJ_NANO ? 1 : NS_PER_US;

	if (t->modes & ADJ_BY_ADJTIME)
		return t->modes & ADJ_READS_ONLY
			       ? 0
			       : step_by(t->offset / US_PER_SEC, t->offset % US_PER_SEC * NS_PER_US);
	if (t->modes & ADJ_STATUS)
		discipline.status = (discipline.status & STA_NANO) | ((u32)t->status & STATUS_KEPT);
	if (t->modes & ADJ_NANO)
		discipline.status |= STA_NANO;
	if (t->modes & ADJ_MICRO)
		discipline.status &= ~(u32)STA_NANO;
	if (t->modes & ADJ_MAXERROR)
		discipline.max_error = MIN(MAX((long)t->maxerror, 0l), ERROR_UNKNOWN);
	if (t->modes & ADJ_ESTERROR)
		discipline.est_error = MIN(MAX((long)t->esterror, 0l), ERROR_UNKNOWN);
	if (t->modes & ADJ_TIMECONST)
		discipline.constant = MIN(MAX((long)t->constant, 0l), (long)CONSTANT_MAX);
	return t->modes & ADJ_SETOFFSET ? step_by(t->time.tv_sec, t->time.tv_usec * unit) : 0;
}

/* Locked. */
static int report_locked(struct __kernel_timex *t)
{
	u64 now = clock_realtime_ns();
	bool nano = discipline.status & STA_NANO;

	*t = (struct __kernel_timex){
		.modes = t->modes,
		.maxerror = discipline.max_error,
		.esterror = discipline.est_error,
		.status = (int)discipline.status,
		.constant = discipline.constant,
		.precision = 1,
		.tolerance = TOLERANCE,
		.tick = TICK_US,
	};
	t->time.tv_sec = (s64)now / NS_PER_SEC;
	t->time.tv_usec = (s64)now % NS_PER_SEC / (nano ? 1 : NS_PER_US);
	return discipline.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

s64 sys_adjtimex(void __user *buf)
{
	struct __kernel_timex t;
	int result;

	if (copy_from_user(&t, buf, sizeof(t)))
		return -EFAULT;
	result = check_adjust(&t);
	if (!result)
		result = check_rate(&t);
	if (result)
		return result;
	mutex_lock(&lock);
	result = adjust_locked(&t);
	if (!result)
		result = report_locked(&t);
	mutex_unlock(&lock);
	return result >= 0 && copy_to_user(buf, &t, sizeof(t)) ? -EFAULT : result;
}

s64 sys_clock_adjtime(int clockid, void __user *buf)
{
	struct __kernel_timex t;

	if (clockid < 0 ? !clock_is_cpu(clockid) : clockid > CLOCK_TAI || clockid == 10)
		return -EINVAL;
	if (clockid == CLOCK_REALTIME)
		return sys_adjtimex(buf);
	return copy_from_user(&t, buf, sizeof(t)) ? -EFAULT : -EOPNOTSUPP;
}
