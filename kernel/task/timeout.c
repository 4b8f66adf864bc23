/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a time. Sleepers stand in a list ordered by deadline, so the tick looks at its head only.
 *
 * Lock: timeout_lock (RANK_TIMEOUT), interrupts off: the tick wakes.
 */
#include <asm/errno.h>
#include <arch/timer.h>
#include <moat/task.h>

struct sleeper {
	TAILQ_ENTRY(sleeper) link; /* [timeout_lock] */
	u64 deadline_ns;	   /* [I] */
	bool due;		   /* [timeout_lock for change, a for read] no longer in the list */
	struct waitq wait;
};

static TAILQ_HEAD(sleeper_list, sleeper) sleepers = TAILQ_HEAD_INITIALIZER(sleepers);
static struct spinlock timeout_lock = SPINLOCK_INIT(RANK_TIMEOUT);

static void insert(struct sleeper *s)
{
	struct sleeper *at;

	TAILQ_FOREACH (at, &sleepers, link) {
		if (at->deadline_ns > s->deadline_ns) {
			TAILQ_INSERT_BEFORE(at, s, link);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&sleepers, s, link);
}

int sleep_until_ns(u64 deadline_ns)
{
	struct sleeper s = {.deadline_ns = deadline_ns};
	u64 irq;
	int err;

	if (clock_monotonic_ns() >= deadline_ns)
		return 0;
	waitq_init(&s.wait);
	irq = spin_lock_irqsave(&timeout_lock);
	insert(&s);
	spin_unlock_irqrestore(&timeout_lock, irq);
	err = WAIT_EVENT(&s.wait, __atomic_load_n(&s.due, __ATOMIC_ACQUIRE));
	irq = spin_lock_irqsave(&timeout_lock);
	if (!s.due)
		TAILQ_REMOVE(&sleepers, &s, link);
	spin_unlock_irqrestore(&timeout_lock, irq);
	return err;
}

void timeouts_run(u64 now_ns)
{
	struct sleeper *s;
	u64 irq = spin_lock_irqsave(&timeout_lock);

	while ((s = TAILQ_FIRST(&sleepers)) && s->deadline_ns <= now_ns) {
		TAILQ_REMOVE(&sleepers, s, link);
		/* The sleeper takes the lock before it goes, so *s stays until this function is done. */
		__atomic_store_n(&s->due, true, __ATOMIC_RELEASE);
		waitq_wake_all(&s->wait);
	}
	spin_unlock_irqrestore(&timeout_lock, irq);
}
