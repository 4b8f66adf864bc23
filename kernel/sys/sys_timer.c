/* SPDX-License-Identifier: MIT */
/* Timers that send signals: alarm(2), setitimer(2), timer_create(2) and its kin. */
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/task.h>

#define NS_PER_SEC  1000000000ull
#define NS_PER_US   1000u
#define US_PER_SEC  1000000
#define SECONDS_MAX (INT64_MAX / NS_PER_SEC) /* 292 years; Linux's limit, which getitimer(2) shows */

/* Seconds and a part of one, checked before. */
static u64 span_ns(s64 seconds, u64 ns)
{
	return (u64)seconds < SECONDS_MAX ? (u64)seconds * NS_PER_SEC + ns : INT64_MAX;
}

static int get_timeval(const struct __kernel_old_timeval *tv, u64 *ns)
{
	if (tv->tv_sec < 0 || tv->tv_usec < 0 || tv->tv_usec >= US_PER_SEC)
		return -EINVAL;
	*ns = span_ns(tv->tv_sec, (u64)tv->tv_usec * NS_PER_US);
	return 0;
}

static struct __kernel_old_timeval to_timeval(u64 ns)
{
	return (struct __kernel_old_timeval){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / NS_PER_US)};
}

static int put_itimer(void __user *to, const struct timer_span *s)
{
	struct __kernel_old_itimerval v = {to_timeval(s->interval_ns), to_timeval(s->value_ns)};

	return copy_to_user(to, &v, sizeof(v)) ? -EFAULT : 0;
}

s64 sys_getitimer(int which, void __user *value)
{
	struct timer_span s;

	if (which < 0 || which >= ITIMERS)
		return -EINVAL;
	itimer_set(which, NULL, &s);
	return put_itimer(value, &s);
}

s64 sys_setitimer(int which, const void __user *value, void __user *old_value)
{
	struct __kernel_old_itimerval v = {0};
	struct timer_span new, old;

	if (value && copy_from_user(&v, value, sizeof(v)))
		return -EFAULT;
	if (get_timeval(&v.it_value, &new.value_ns) || get_timeval(&v.it_interval, &new.interval_ns))
		return -EINVAL;
	if (which < 0 || which >= ITIMERS)
		return -EINVAL;
	itimer_set(which, &new, &old);
	return old_value ? put_itimer(old_value, &old) : 0;
}

/* What was left is rounded to seconds, but never down to nothing. */
s64 sys_alarm(u32 seconds)
{
	struct timer_span new = {.value_ns = (u64)seconds * NS_PER_SEC}, old;

	itimer_set(ITIMER_REAL, &new, &old);
	if (old.value_ns && old.value_ns < NS_PER_SEC)
		return 1;
	return (s64)((old.value_ns + NS_PER_SEC / 2) / NS_PER_SEC);
}

/* The part of struct sigevent that means something here. */
struct event_head {
	sigval_t value;
	int signo, notify, tid;
};

static int get_event(const void __user *sevp, struct timer_request *r)
{
	struct event_head e;

	*r = (struct timer_request){.clock = r->clock, .notify = SIGEV_SIGNAL, .signo = SIGALRM};
	if (!sevp)
		return 0;
	if (copy_from_user(&e, sevp, sizeof(e)))
		return -EFAULT;
	r->notify = e.notify;
	r->signo = e.signo;
	r->tid = e.tid;
	r->value = e.value;
	r->has_value = true;
	return 0;
}

s64 sys_timer_create(int clockid, const void __user *sevp, void __user *timerid)
{
	struct timer_request r = {.clock = clockid};
	int id, err = get_event(sevp, &r);

	if (err)
		return err;
	err = posix_timer_create(&r, &id);
	if (err == -EOPNOTSUPP && clockid < 0) {
		unsupported_flag("timer_create", "clock of another process");
		return -EINVAL;
	}
	if (err)
		return err;
	if (!copy_to_user(timerid, &id, sizeof(id)))
		return 0;
	err = posix_timer_delete(id);
	return err ? err : -EFAULT;
}

static int put_spec(void __user *to, const struct timer_span *s)
{
	struct __kernel_itimerspec v = {
		.it_interval = {(s64)(s->interval_ns / NS_PER_SEC), (s64)(s->interval_ns % NS_PER_SEC)},
		.it_value = {(s64)(s->value_ns / NS_PER_SEC), (s64)(s->value_ns % NS_PER_SEC)},
	};

	return copy_to_user(to, &v, sizeof(v)) ? -EFAULT : 0;
}

static bool is_time(const struct __kernel_timespec *ts)
{
	return ts->tv_sec >= 0 && (u64)ts->tv_nsec < NS_PER_SEC;
}

s64 sys_timer_settime(int timerid, int flags, const void __user *new_value, void __user *old_value)
{
	struct timer_span new, old;
	struct __kernel_itimerspec v;
	int err;

	if (!new_value)
		return -EINVAL;
	if (copy_from_user(&v, new_value, sizeof(v)))
		return -EFAULT;
	if (!is_time(&v.it_value) || !is_time(&v.it_interval))
		return -EINVAL;
	new = (struct timer_span){
		.value_ns = span_ns(v.it_value.tv_sec, (u64)v.it_value.tv_nsec),
		.interval_ns = span_ns(v.it_interval.tv_sec, (u64)v.it_interval.tv_nsec),
	};
	err = posix_timer_set(timerid, flags & TIMER_ABSTIME ? TIMER_AT : 0, &new, &old);
	if (err)
		return err;
	return old_value ? put_spec(old_value, &old) : 0;
}

s64 sys_timer_gettime(int timerid, void __user *value)
{
	struct timer_span left;
	int err = posix_timer_get(timerid, &left);

	return err ? err : put_spec(value, &left);
}

s64 sys_timer_getoverrun(int timerid)
{
	return posix_timer_overrun(timerid);
}

s64 sys_timer_delete(int timerid)
{
	return posix_timer_delete(timerid);
}
