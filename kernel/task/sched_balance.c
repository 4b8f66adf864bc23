/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs: where threads go, and how they get from one CPU's queue to another's (docs/scheduler.md, "Several CPUs").
 *
 * Other queues are looked at without their locks to choose one; what is found so is a hint, and looked at again under the
 * lock. Never are two queues locked at once: between them a thread is MOVING.
 */
#include "sched.h"

#define PULL_MAX 16u /* at once: interrupts are off */

void sched_unlock_resched(struct run_queue *q)
{
	u32 cpu = (u32)(q - sched_queues);
	bool told = q->reschedule;

	q->reschedule = true;
	spin_unlock(&q->lock);
	if (cpu == cpu_id())
		request_user_work();
	else if (!told)
		cpu_send_reschedule(cpu);
}

void sched_unlock_after_put(struct run_queue *q, const struct thread *t)
{
	if (queue_preempts(q, t))
		sched_unlock_resched(q);
	else
		spin_unlock(&q->lock);
}

/* The CPU with the least load where t may run; of equals, `first` before all others. */
static u32 least_loaded(const struct thread *t, u32 first)
{
	u32 count = cpu_count(), best = first, least = UINT32_MAX;

	if (may_run_on(t, first))
		least = queue_load(&sched_queues[first]);
	for (u32 cpu = 0; cpu < count && least > 0; cpu++) {
		u32 load = queue_load(&sched_queues[cpu]);

		if (may_run_on(t, cpu) && load < least) {
			best = cpu;
			least = load;
		}
	}
	return best;
}

/* Is the running thread one that wakes others in order to wait for them? Or nobody, and this is an interrupt. */
static bool is_brief(const struct run_queue *q)
{
	const struct thread *t = q->current;

	return q->ready == 0 && (t == q->idle || t->sched.burst_ns < SHORT_BURST_NS);
}

u32 sched_place(const struct thread *t)
{
	u32 last = t->sched.cpu, here;

	if (cpu_count() == 1)
		return last;
	here = cpu_id();
	if (may_run_on(t, here) && is_brief(&sched_queues[here]))
		return here;
	if (may_run_on(t, last) && queue_is_idle(&sched_queues[last]))
		return last;
	here = least_loaded(t, last);
	/* Where it ran last it finds its data, which is not worth a long queue. */
	return may_run_on(t, last) && !queue_is_idle(&sched_queues[here]) &&
			       queue_load(&sched_queues[last]) <= queue_load(&sched_queues[here]) + 1
		       ? last
		       : here;
}

u32 sched_place_new(const struct thread *t)
{
	return cpu_count() == 1 ? 0 : least_loaded(t, cpu_id());
}

void sched_depart(struct run_queue *q, struct thread *t, u32 to)
{
	DEBUG_ASSERT(spin_is_held(&q->lock));
	queue_leave(q, t);
	t->state = THREAD_MOVING;
	t->sched.work = true; /* it learns of its new CPU (rseq_resume) */
	__atomic_store_n(&t->sched.cpu, to, __ATOMIC_RELEASE);
}

/* Nobody but us touches what is MOVING. */
void sched_arrive(struct thread *t)
{
	struct run_queue *q = &sched_queues[t->sched.cpu];

	spin_lock(&q->lock);
	queue_join(q, t);
	queue_put(q, t, QUEUE_LAST);
	sched_unlock_after_put(q, t);
}

static bool pull_one(struct run_queue *from, u32 cpu)
{
	struct thread *t;

	spin_lock(&from->lock);
	t = queue_find(from, cpu);
	if (t) {
		queue_take(from, t);
		sched_depart(from, t, cpu);
	}
	spin_unlock(&from->lock);
	if (t)
		sched_arrive(t);
	return t != NULL;
}

void sched_pull(struct run_queue *q, u32 more)
{
	u32 count = cpu_count(), cpu = (u32)(q - sched_queues), mine = queue_load(q), most = mine + more;
	struct run_queue *from = NULL;

	for (u32 i = 0; i < count; i++) {
		struct run_queue *other = &sched_queues[i];

		/* What is about to run there stays: an idle CPU has been told, and will be here soon. */
		if (other == q || queue_load(other) < most ||
		    __atomic_load_n(&other->ready, __ATOMIC_RELAXED) == 0 || other->current == other->idle)
			continue;
		from = other;
		most = queue_load(other);
	}
	if (!from)
		return;
	/* Half of the difference, so that both have as much. */
	for (u32 left = MIN(MAX((most - mine) / 2, 1), PULL_MAX); left > 0; left--) {
		if (!pull_one(from, cpu))
			break;
	}
}

void sched_wake_idle(const struct run_queue *q)
{
	u32 count = cpu_count();

	for (u32 i = 0; i < count; i++) {
		if (&sched_queues[i] != q && queue_is_idle(&sched_queues[i])) {
			cpu_send_reschedule(i);
			return;
		}
	}
}
