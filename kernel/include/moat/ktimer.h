/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * Kernel timers: a function that is called once when a clock shows a time. The deadline is in nanoseconds of the monotonic
 * clock, or of the clock of real time: then the timer follows when that clock is set.
 *
 *     ktimer_init(&t, fn);
 *     ktimer_set(&t, clock_monotonic_ns() + NS);     again: another deadline
 *     ktimer_cancel_sync(&t);                        before *t goes
 *
 * The function runs in interrupt context, interrupts off, no lock held, on the CPU that set the timer. It may set or cancel
 * its own timer and free what holds it.
 *
 * Who owns a timer takes care that only one thread at a time sets or cancels it; its function may do so meanwhile.
 */
#ifndef MOAT_KTIMER_H
#define MOAT_KTIMER_H

#include <bsd/sys/tree.h>
#include <moat/types.h>

#define KTIMER_NEVER UINT64_MAX

struct ktimer {
	RB_ENTRY(ktimer) node;	     /* [queue] */
	u64 deadline_ns;	     /* [queue] on the monotonic clock */
	u64 realtime_ns;	     /* [queue] and on that of real time; 0: it does not matter */
	void (*fn)(struct ktimer *); /* [I] */
	u32 cpu;		     /* [queue for change, a for read] whose queue that is */
	bool queued;		     /* [queue for change, a for read] */
};

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
/*
 * fn is called when the clock shows deadline_ns, soon if it does already; in place of what was set before. KTIMER_NEVER:
 * as ktimer_cancel. Any context, under any lock of an earlier rank than RANK_TIMER.
 */
void ktimer_set(struct ktimer *t, u64 deadline_ns);
void ktimer_set_realtime(struct ktimer *t, u64 deadline_ns);
/* fn is not called any more, but may be running. True: the timer was set, and fn is not called for that. */
bool ktimer_cancel(struct ktimer *t);
/* The same, and waits until fn does not run any more: the caller holds no lock that fn takes, and is not fn. */
bool ktimer_cancel_sync(struct ktimer *t);
static inline bool ktimer_is_set(const struct ktimer *t)
{
	return __atomic_load_n(&t->queued, __ATOMIC_RELAXED);
}
/* After clock_set_realtime_ns: timers of real time find their places anew. Process context. */
void ktimers_realtime_was_set(void);

/* --- for the scheduler --- */

/* Calls what is due on this CPU. In the timer's interrupt, which is to end with ktimers_limit. */
void ktimers_run(void);
/* This CPU's timer is to fire at that time at the latest (sched_timer), whatever is set. Interrupts off. */
void ktimers_limit(u64 deadline_ns);
/* Another CPU has changed this CPU's timers (cpu_send_reschedule). Interrupts off. */
void ktimers_rearm(void);

#endif
