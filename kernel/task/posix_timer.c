/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers (timer_create(2)). Each has a number in its process and sends a signal when it expires. Expirations since the
 * last signal that arrived are counted; what arrives tells of all up to that moment: one, and the rest as overrun. A signal
 * that waits when its timer is set anew or deleted does not arrive any more.
 *
 * Lock: the table's; see ptimer.c.
 */
#include <asm/errno.h>
#include <linux/time.h>
#include <arch/timer.h>
#include <moat/heap.h>
#include "posix_timer.h"
#include "signal_queue.h"
#include "table.h"

struct posix_timer {
	struct ktimer timer;
	LIST_ENTRY(posix_timer) link; /* [table] */
	struct process *process;      /* [I] */
	int id;			      /* [I] */
	struct timer_request how;     /* [I] */
	struct cpu_clock cpu;	      /* [I] if how.clock is one of CPU time */
	struct timer_span span;	      /* [table] value_ns: when it expires on its clock; 0: it is not set */
	bool of_realtime;	      /* [table] a time of CLOCK_REALTIME, not a span */
	u64 overrun;		      /* [table] of the last signal that arrived */
	u64 untold;		      /* [table] expirations since then */
	struct queued_signal *told;   /* [hand lock] the signal that waits to arrive, or NULL */
	struct signal_queue *told_in; /* [table] with it, where */
};

static bool is_cpu_clock(const struct posix_timer *t)
{
	return clock_is_cpu(t->how.clock);
}

/* Locked. */
static u64 now_of(const struct posix_timer *t)
{
	if (is_cpu_clock(t))
		return cpu_clock_now_locked(&t->cpu);
	return t->of_realtime ? clock_realtime_ns() : clock_monotonic_ns();
}

/* Takes t's signal back if it is pending: its entry, to be freed, or NULL. Locked. */
static struct queued_signal *take_back(struct posix_timer *t)
{
	struct sighand *h = t->process->signals.hand;
	struct queued_signal *q;

	t->untold = 0;
	spin_lock(&h->lock);
	q = t->told;
	if (q)
		signal_unqueue_held(t->process, t->told_in, q);
	spin_unlock(&h->lock);
	return q;
}

/* `missed`: periods that passed without a look. Locked. */
static void tell(struct posix_timer *t, u64 missed)
{
	struct thread *target = NULL;
	siginfo_t info;

	if (t->how.notify == SIGEV_NONE)
		return;
	t->untold += missed + 1;
	if (__atomic_load_n(&t->told, __ATOMIC_RELAXED))
		return;
	if (t->how.notify == SIGEV_THREAD_ID) {
		target = table_find_thread(t->how.tid);
		if (!target || target->process != t->process)
			return;
	}
	signal_make_info(&info, t->how.signo, SI_TIMER);
	info.si_tid = t->id;
	info.si_value = t->how.value;
	t->told_in = target ? &target->signals : &t->process->signals.shared;
	(void)signal_send_held(t->process, target, &info, &t->told);
}

static void set_hardware(struct posix_timer *t)
{
	if (is_cpu_clock(t))
		return;
	if (t->of_realtime && t->span.value_ns)
		ktimer_set_realtime(&t->timer, t->span.value_ns);
	else
		ktimer_set(&t->timer, t->span.value_ns ? t->span.value_ns : KTIMER_NEVER);
}

/* If it is time. Locked. */
static void expire(struct posix_timer *t, u64 now)
{
	u64 missed = 0;

	if (!t->span.value_ns || t->span.value_ns > now)
		return;
	if (t->span.interval_ns) {
		t->span.value_ns = timer_next(t->process, &t->span, now, &missed);
	} else {
		t->span.value_ns = 0;
		if (is_cpu_clock(t))
			timers_watch_cpu(t->process, true, false);
	}
	set_hardware(t);
	tell(t, missed);
}

static void fired(struct ktimer *k)
{
	struct posix_timer *t = CONTAINER_OF(k, struct posix_timer, timer);
	u64 irq = table_lock();

	expire(t, now_of(t));
	table_unlock(irq);
}

void posix_timers_tick(struct process *p, u64 cpu_ns)
{
	struct posix_timer *t;

	LIST_FOREACH (t, &p->timers.posix, link) {
		if (is_cpu_clock(t))
			expire(t, t->cpu.tid || t->cpu.user_only ? now_of(t) : cpu_ns);
	}
}

static struct posix_timer *find(struct process *p, int id)
{
	struct posix_timer *t;

	LIST_FOREACH (t, &p->timers.posix, link) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

void posix_timer_arrived(siginfo_t *info)
{
	struct process *p = current_process();
	u64 irq = table_lock(), missed = 0, now;
	struct posix_timer *t = find(p, info->si_tid);

	if (t && t->untold) {
		now = now_of(t);
		if (t->span.interval_ns && t->span.value_ns && t->span.value_ns <= now) {
			t->span.value_ns = timer_next(p, &t->span, now, &missed);
			t->untold += missed + 1;
			set_hardware(t);
		}
		t->overrun = MIN(t->untold - 1, (u64)INT32_MAX);
		t->untold = 0;
		info->si_overrun = (int)t->overrun;
	}
	table_unlock(irq);
}

/* The clocks whose time can be waited for. */
static int check_clock(int clock, struct cpu_clock *cpu)
{
	int err;

	if (clock_is_cpu(clock)) {
		err = cpu_clock_decode(clock, CPU_CLOCK_TIMER, cpu);
		/* Its ticks look at timers of the process that it runs for only. */
		return !err && !cpu->tid && cpu->pid != current_process()->pid ? -EOPNOTSUPP : err;
	}
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* SIGEV_THREAD_ID means a thread of the same process. Locked. */
static int check_target(const struct timer_request *how)
{
	const struct thread *t;

	if (how->notify == SIGEV_NONE)
		return 0;
	if (how->signo <= 0 || how->signo > SIGNAL_MAX)
		return -EINVAL;
	if (how->notify == SIGEV_SIGNAL || how->notify == SIGEV_THREAD)
		return 0;
	if (how->notify != SIGEV_THREAD_ID)
		return -EINVAL;
	t = table_find_thread(how->tid);
	return t && t->process == current_process() ? 0 : -EINVAL;
}

int posix_timer_create(const struct timer_request *req, int *id)
{
	struct process *p = current_process();
	struct cpu_clock cpu = {0};
	struct posix_timer *t;
	int err = check_clock(req->clock, &cpu);
	u64 irq;

	if (err)
		return err;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	ktimer_init(&t->timer, fired);
	t->process = p;
	t->how = *req;
	t->cpu = cpu;
	irq = table_lock();
	err = p->timers.count >= p->limits[RLIMIT_SIGPENDING].soft ? -EAGAIN : check_target(req);
	if (!err) {
		t->id = p->timers.next_id++ & INT32_MAX;
		if (!req->has_value)
			t->how.value = (sigval_t){.sival_int = t->id};
		*id = t->id;
		p->timers.count++;
		LIST_INSERT_HEAD(&p->timers.posix, t, link);
	}
	table_unlock(irq);
	if (err)
		kfree(t);
	return err;
}

/* t, which nobody finds any more, and its pending signal. */
static void destroy(struct posix_timer *t, struct queued_signal *pending)
{
	(void)ktimer_cancel_sync(&t->timer);
	kfree(pending);
	kfree(t);
}

/* Its pending signal, to be freed, or NULL. Locked. */
static struct queued_signal *unlink_timer(struct posix_timer *t)
{
	LIST_REMOVE(t, link);
	t->process->timers.count--;
	if (is_cpu_clock(t))
		timers_watch_cpu(t->process, t->span.value_ns != 0, false);
	t->span.value_ns = 0;
	return take_back(t);
}

int posix_timer_delete(int id)
{
	u64 irq = table_lock();
	struct posix_timer *t = find(current_process(), id);
	struct queued_signal *pending = t ? unlink_timer(t) : NULL;

	table_unlock(irq);
	if (!t)
		return -EINVAL;
	destroy(t, pending);
	return 0;
}

void posix_timers_free(struct process *p)
{
	struct queued_signal *pending;
	struct posix_timer *t;
	u64 irq;

	/* Only p's own threads make timers, and this is the last of them. */
	while (!LIST_EMPTY(&p->timers.posix)) {
		irq = table_lock();
		t = LIST_FIRST(&p->timers.posix);
		pending = unlink_timer(t);
		table_unlock(irq);
		destroy(t, pending);
	}
}

/* What is left of its time. Locked. */
static struct timer_span left_of(struct posix_timer *t)
{
	struct timer_span left = {.interval_ns = t->span.interval_ns};
	u64 now = now_of(t);

	if (t->span.value_ns)
		left.value_ns = MAX(t->span.value_ns, now + 1) - now;
	return left;
}

int posix_timer_set(int id, unsigned flags, const struct timer_span *new, struct timer_span *old)
{
	u64 irq = table_lock();
	struct posix_timer *t = find(current_process(), id);
	struct queued_signal *pending;

	if (!t) {
		table_unlock(irq);
		return -EINVAL;
	}
	*old = left_of(t);
	pending = take_back(t);
	if (is_cpu_clock(t))
		timers_watch_cpu(t->process, t->span.value_ns != 0, new->value_ns != 0);
	t->span = *new;
	t->of_realtime = (flags & TIMER_AT) && (t->how.clock == CLOCK_REALTIME || t->how.clock == CLOCK_TAI);
	if (new->value_ns && !(flags & TIMER_AT))
		t->span.value_ns += now_of(t);
	t->overrun = 0;
	set_hardware(t);
	table_unlock(irq);
	kfree(pending);
	return 0;
}

int posix_timer_get(int id, struct timer_span *left)
{
	u64 irq = table_lock();
	struct posix_timer *t = find(current_process(), id);

	if (t)
		*left = left_of(t);
	table_unlock(irq);
	return t ? 0 : -EINVAL;
}

int posix_timer_overrun(int id)
{
	u64 irq = table_lock();
	const struct posix_timer *t = find(current_process(), id);
	int overrun = t ? (int)MIN(t->overrun, (u64)INT32_MAX) : -EINVAL;

	table_unlock(irq);
	return overrun;
}
