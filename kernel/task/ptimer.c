/* SPDX-License-Identifier: MIT */
/*
 * Interval timers (setitimer(2)) and what all timers of processes share.
 *
 * Timers of real and monotonic time are kernel timers, whose functions run in interrupt context. Those of CPU time are
 * looked at when the tick interrupts a thread of the process: it comes after each 4 ms that a CPU is busy, so they expire up to
 * that much late, never early. A timer that repeats more often than each 100 us expires only that often, with many
 * timers accordingly less: what it missed is counted as overrun.
 *
 * Lock: the table's, under which a signal may be sent to any process. A kernel timer is cancelled without it, since its
 * function takes it.
 */
#include <asm/errno.h>
#include <linux/time.h>
#include <arch/timer.h>
#include "posix_timer.h"
#include "table.h"

#define NS_PER_SEC 1000000000ull

u64 timer_next(const struct process *p, const struct timer_span *s, u64 now_ns, u64 *missed)
{
	u64 expired_ns = s->value_ns, interval_ns = s->interval_ns, periods;
	u64 soon = now_ns + TIMER_GAP_NS * (p->timers.count + 1);

	*missed = 0;
	if (expired_ns + interval_ns >= soon)
		return expired_ns + interval_ns;
	periods = (soon - expired_ns + interval_ns - 1) / interval_ns;
	*missed = periods - 1;
	return expired_ns + periods * interval_ns;
}

static void real_expired(struct ktimer *t)
{
	struct process *p = CONTAINER_OF(t, struct process, timers.real);
	struct timer_span *s = &p->timers.spans[ITIMER_REAL];
	u64 irq = table_lock(), now = clock_monotonic_ns(), missed;

	if (s->value_ns && s->value_ns <= now) {
		s->value_ns = s->interval_ns ? timer_next(p, s, now, &missed) : 0;
		if (s->value_ns)
			ktimer_set(&p->timers.real, s->value_ns);
		signal_send_kernel(p, SIGALRM);
	}
	table_unlock(irq);
}

void process_timers_init(struct process *p)
{
	ktimer_init(&p->timers.real, real_expired);
	LIST_INIT(&p->timers.posix);
}

void process_timers_exec(struct process *p)
{
	posix_timers_free(p);
}

void process_timers_end(struct process *p)
{
	u64 irq = table_lock();

	p->timers.spans[ITIMER_REAL].value_ns = 0;
	table_unlock(irq);
	(void)ktimer_cancel_sync(&p->timers.real);
	posix_timers_free(p);
}

/* What the clock of an interval timer shows. Locked. */
static u64 clock_of(const struct process *p, int which)
{
	u64 user, sys;

	if (which == ITIMER_REAL)
		return clock_monotonic_ns();
	process_cpu_times_locked(p, &user, &sys);
	return which == ITIMER_VIRTUAL ? user : user + sys;
}

void timers_watch_cpu(struct process *p, bool before, bool now)
{
	__atomic_store_n(&p->timers.on_cpu_time, p->timers.on_cpu_time + (u32)now - (u32)before,
			 __ATOMIC_RELAXED);
}

void itimer_set(int which, const struct timer_span *new, struct timer_span *old)
{
	struct process *p = current_process();
	struct timer_span *s = &p->timers.spans[which];
	u64 irq = table_lock(), now = clock_of(p, which);

	*old = *s;
	if (old->value_ns)
		old->value_ns = MAX(old->value_ns, now + 1000) - now; /* what is set is never 0 */
	if (new) {
		if (which != ITIMER_REAL)
			timers_watch_cpu(p, s->value_ns != 0, new->value_ns != 0);
		*s = *new;
		if (s->value_ns)
			s->value_ns += now;
		if (which == ITIMER_REAL) {
			s->interval_ns *= s->value_ns != 0; /* as on Linux; the other two keep it */
			ktimer_set(&p->timers.real, s->value_ns ? s->value_ns : KTIMER_NEVER);
		}
	}
	table_unlock(irq);
}

static void itimer_tick(struct process *p, int which, int signo, u64 now)
{
	struct timer_span *s = &p->timers.spans[which];
	u64 missed;

	if (!s->value_ns || s->value_ns > now)
		return;
	s->value_ns = s->interval_ns ? timer_next(p, s, now, &missed) : 0;
	if (!s->value_ns)
		timers_watch_cpu(p, true, false);
	signal_send_kernel(p, signo);
}

/* SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one (setrlimit(2)). */
static void limit_tick(struct process *p, u64 used)
{
	const struct rlimit_pair *l = &p->limits[RLIMIT_CPU];

	if (l->hard != RLIM_INFINITY && used / NS_PER_SEC >= l->hard) {
		signal_send_kernel(p, SIGKILL);
		return;
	}
	if (used / NS_PER_SEC < l->soft || used < p->timers.next_xcpu_ns)
		return;
	p->timers.next_xcpu_ns = (used / NS_PER_SEC + 1) * NS_PER_SEC;
	signal_send_kernel(p, SIGXCPU);
}

void process_timers_tick(struct process *p)
{
	u64 irq, user, sys;

	if (likely(p->limits[RLIMIT_CPU].soft == RLIM_INFINITY &&
		   p->limits[RLIMIT_CPU].hard == RLIM_INFINITY &&
		   !__atomic_load_n(&p->timers.on_cpu_time, __ATOMIC_RELAXED)))
		return;
	irq = table_lock();
	process_cpu_times_locked(p, &user, &sys);
	itimer_tick(p, ITIMER_VIRTUAL, SIGVTALRM, user);
	itimer_tick(p, ITIMER_PROF, SIGPROF, user + sys);
	posix_timers_tick(p, user + sys);
	limit_tick(p, user + sys);
	table_unlock(irq);
}
