/* SPDX-License-Identifier: MIT */
/*
 * Wait queues. The rule against lost wake-ups: a waiter first puts itself on the queue and marks itself as about to
 * block, then looks at the condition once more, then blocks. A waker makes the condition true, then takes
 * waiters off the queue and wakes them; a thread that was woken between its mark and its block does not block.
 *
 * Lock: the queue's own (RANK_WAITQ), with interrupts off, since interrupt handlers wake.
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/timer.h>
#include <moat/panic.h>
#include <moat/waitq.h>

static const struct wait_ops *sched;

void waitq_register_scheduler(const struct wait_ops *ops)
{
	sched = ops;
}

void waitq_init(struct waitq *q)
{
	waitq_init_ranked(q, RANK_WAITQ);
}

void waitq_init_ranked(struct waitq *q, enum lock_rank rank)
{
	spin_init(&q->lock, rank);
	TAILQ_INIT(&q->waiters);
}

static void insert_locked(struct waitq *q, struct waiter *w)
{
	w->queue = q;
	w->queued = true;
	TAILQ_INSERT_TAIL(&q->waiters, w, link);
}

static void remove_locked(struct waiter *w)
{
	if (w->queued)
		TAILQ_REMOVE(&w->queue->waiters, w, link);
	w->queued = false;
}

static void enter(struct waitq *q, struct waiter *w, u8 flags)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	ASSERT(sched);
	*w = (struct waiter){.thread = sched->current(), .flags = flags};
	insert_locked(q, w);
	sched->prepare();
	spin_unlock_irqrestore(&q->lock, irq);
}

void waitq_enter(struct waitq *q, struct waiter *w)
{
	enter(q, w, 0);
}

void waitq_enter_exclusive(struct waitq *q, struct waiter *w)
{
	enter(q, w, WAITER_EXCLUSIVE);
}

void waitq_leave(struct waitq *q, struct waiter *w)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	remove_locked(w);
	sched->cancel();
	spin_unlock_irqrestore(&q->lock, irq);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	u64 irq = spin_lock_irqsave(&q->lock);

	insert_locked(q, w);
	spin_unlock_irqrestore(&q->lock, irq);
}

void waitq_remove(struct waiter *w)
{
	u64 irq = spin_lock_irqsave(&w->queue->lock);

	remove_locked(w);
	spin_unlock_irqrestore(&w->queue->lock, irq);
}

void waitq_prepare(void)
{
	sched->prepare();
}

void waitq_cancel(void)
{
	sched->cancel();
}

void waitq_wake_thread(struct thread *t)
{
	sched->wake(t);
}

struct thread *waitq_current(void)
{
	return sched->current();
}

static bool must_end(unsigned flags)
{
	return ((flags & WAIT_INTERRUPTIBLE) && sched->signal_due()) ||
	       ((flags & WAIT_KILLABLE) && sched->kill_due());
}

int waitq_block(unsigned flags)
{
	if (must_end(flags))
		return -EINTR;
	sched->block();
	return 0;
}

int waitq_block_until(unsigned flags, const struct wait_timeout *w)
{
	return __atomic_load_n(&w->due, __ATOMIC_ACQUIRE) ? -ETIMEDOUT : waitq_block(flags);
}

static void on_timeout(struct ktimer *t)
{
	struct wait_timeout *w = CONTAINER_OF(t, struct wait_timeout, timer);

	__atomic_store_n(&w->due, true, __ATOMIC_RELEASE);
	sched->wake(w->thread);
}

static void timeout_init(struct wait_timeout *w)
{
	ktimer_init(&w->timer, on_timeout);
	w->thread = sched->current();
	w->due = false;
	w->set = true;
}

void wait_timeout_set(struct wait_timeout *w, u64 deadline_ns)
{
	timeout_init(w);
	ktimer_set(&w->timer, deadline_ns);
}

void wait_timeout_begin_realtime(struct wait_timeout *w, u64 deadline_ns)
{
	timeout_init(w);
	ktimer_set_realtime(&w->timer, deadline_ns);
}

/* Until the time-out or a signal: nothing else wakes. */
static int sleep_out(struct wait_timeout *w)
{
	struct waitq never;
	struct waiter entry;
	int err;

	waitq_init(&never);
	do {
		waitq_enter(&never, &entry);
		err = waitq_block_until(WAIT_INTERRUPTIBLE, w);
		waitq_leave(&never, &entry);
	} while (!err);
	wait_timeout_end(w);
	return err == -ETIMEDOUT ? 0 : err;
}

int sleep_until_ns(u64 deadline_ns)
{
	struct wait_timeout w;

	if (clock_monotonic_ns() >= deadline_ns)
		return 0;
	wait_timeout_begin(&w, deadline_ns);
	return sleep_out(&w);
}

int sleep_until_realtime_ns(u64 deadline_ns)
{
	struct wait_timeout w;

	if (clock_realtime_ns() >= deadline_ns)
		return 0;
	wait_timeout_begin_realtime(&w, deadline_ns);
	return sleep_out(&w);
}

bool waitq_signal_due(void)
{
	return sched && sched->signal_due();
}

bool waitq_kill_due(void)
{
	return sched && sched->kill_due();
}

void waitq_give_way(void)
{
	spin_assert_none_held();
	if (likely(sched != NULL))
		sched->give_way();
}

/* Whether somebody does something now. Lock held. */
static bool wake_waiter(struct waiter *w, u32 events)
{
	if (w->notify)
		return w->notify(w, events);
	if (!(w->flags & WAITER_STAYS))
		remove_locked(w);
	sched->wake(w->thread);
	return true;
}

void waitq_wake_slow(struct waitq *q, u32 events, u32 exclusive)
{
	u64 irq = spin_lock_irqsave(&q->lock);
	struct waiter *next;

	for (struct waiter *w = TAILQ_FIRST(&q->waiters); w; w = next) {
		next = TAILQ_NEXT(w, link);
		if (events && w->events && !(events & w->events))
			continue;
		if (!(w->flags & WAITER_EXCLUSIVE))
			(void)wake_waiter(w, events);
		else if (exclusive && wake_waiter(w, events))
			exclusive--;
	}
	spin_unlock_irqrestore(&q->lock, irq);
}

void waitq_wake_one(struct waitq *q)
{
	u64 irq = spin_lock_irqsave(&q->lock);
	struct waiter *w = TAILQ_FIRST(&q->waiters);

	if (w)
		(void)wake_waiter(w, 0);
	spin_unlock_irqrestore(&q->lock, irq);
}
