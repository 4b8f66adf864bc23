/* SPDX-License-Identifier: MIT */
/*
 * Changing how a thread is scheduled, from any thread and on any CPU: it is taken out of its queue, changed, and put back
 * under one hold of the queue's lock; one that runs has its time added up by its old weight first.
 */
#include <asm/errno.h>
#include "sched.h"

/* The same as sched_lock_thread, but of a thread that is not on its way to another queue. Interrupts off. */
static struct run_queue *lock_at_home(const struct thread *t)
{
	for (;;) {
		struct run_queue *q = sched_lock_thread(t);

		if (t->state != THREAD_MOVING)
			return q;
		spin_unlock(&q->lock);
		cpu_relax();
	}
}

struct sched_policy thread_policy(const struct thread *t)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = sched_lock_thread(t);
	struct sched_policy p = t->sched.policy;

	spin_unlock(&q->lock);
	cpu_irq_restore(irq);
	return p;
}

void thread_set_policy(struct thread *t, const struct sched_policy *policy)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = lock_at_home(t);
	bool was_ready = t->state == THREAD_READY, over;

	if (was_ready)
		queue_take(q, t);
	else if (q->current == t)
		queue_account(q, clock_monotonic_ns());
	t->sched.policy = *policy;
	t->sched.weight = sched_weight(policy);
	/* Its virtual time may be old, if it was of real time. */
	queue_admit_woken(q, t);
	if (was_ready)
		queue_put(q, t, QUEUE_LAST);
	over = was_ready ? queue_preempts(q, t) : q->current == t && q->ready > 0;
	if (over)
		sched_unlock_resched(q);
	else
		spin_unlock(&q->lock);
	cpu_irq_restore(irq);
}

u32 thread_affinity(const struct thread *t)
{
	return __atomic_load_n(&t->sched.allowed, __ATOMIC_RELAXED);
}

void thread_set_affinity(struct thread *t, u32 allowed)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = lock_at_home(t);
	bool leaves = !(allowed >> t->sched.cpu & 1);

	__atomic_store_n(&t->sched.allowed, allowed, __ATOMIC_RELAXED);
	if (leaves && t->state == THREAD_READY) {
		queue_take(q, t);
		sched_depart(q, t, sched_place_new(t));
		spin_unlock(&q->lock);
		sched_arrive(t);
	} else if (leaves && q->current == t) {
		sched_unlock_resched(q);
	} else {
		spin_unlock(&q->lock);
	}
	cpu_irq_restore(irq);
}

void sched_cpu_times(u32 cpu, struct cpu_times *out)
{
	struct run_queue *q = &sched_queues[cpu];
	u64 irq = spin_lock_irqsave(&q->lock);

	*out = q->times;
	if (q->current == q->idle)
		out->idle_ns += clock_monotonic_ns() - q->idle_since_ns;
	spin_unlock_irqrestore(&q->lock, irq);
}
