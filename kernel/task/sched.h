/* SPDX-License-Identifier: MIT */
/* The run queues, between the scheduler's files. docs/scheduler.md is the theory. */
#ifndef TASK_SCHED_H
#define TASK_SCHED_H

#include <arch/smp.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/panic.h>
#include <moat/task.h>

#define TICK_NS	       4000000ull
#define RT_PERIOD_NS   1000000000ull
#define RT_BUDGET_NS   950000000ull
#define SHORT_BURST_NS 200000ull

RB_HEAD(fair_tree, thread);
TAILQ_HEAD(rt_list, thread);

struct run_queue {
	struct spinlock lock;	/* RANK_RUNQ, interrupts off */
	struct thread *current; /* [lock for change, a for read] */
	struct thread *idle;	/* [I] */
	u32 ready;		/* [lock for change, a for read] threads in the two parts */
	/* [lock for change, own CPU for read] the running thread's turn is over; if another CPU says so it interrupts this one */
	bool reschedule;

	struct fair_tree fair;	   /* [lock] */
	struct thread *fair_first; /* [lock] */
	u64 min_vruntime;	   /* [lock] */

	u64 rt_bits[2];			    /* [lock] lists that are not empty */
	struct rt_list rt[RT_PRIO_MAX + 1]; /* [lock] */
	u64 rt_period_ns, rt_used_ns;	    /* [lock] since when, and how much real time has had since */

	struct thread *previous; /* [lock] switched away from just now */
	u64 tick_ns;		 /* [own CPU] when to look at the running thread next */
	u32 ticks;		 /* [own CPU] */
	u64 idle_since_ns;	 /* [lock] */
	struct cpu_times times;	 /* [lock] */
} __aligned(64);		 /* no two CPUs' in one cache line */

extern struct run_queue sched_queues[CPU_MAX];

static inline struct run_queue *this_queue(void)
{
	return &sched_queues[cpu_id()];
}

static inline bool is_real_time(const struct thread *t)
{
	return t->sched.policy.rt_priority > 0;
}

static inline bool may_run_on(const struct thread *t, u32 cpu)
{
	return t->sched.allowed >> cpu & 1;
}

static inline bool queue_is_idle(const struct run_queue *q)
{
	return __atomic_load_n(&q->current, __ATOMIC_RELAXED) == q->idle &&
	       __atomic_load_n(&q->ready, __ATOMIC_RELAXED) == 0;
}

/* How many threads a CPU has, the running one included. */
static inline u32 queue_load(const struct run_queue *q)
{
	return __atomic_load_n(&q->ready, __ATOMIC_RELAXED) +
	       (__atomic_load_n(&q->current, __ATOMIC_RELAXED) != q->idle);
}

/* The queue that t belongs to, locked. Interrupts off. t may be MOVING there. */
static inline struct run_queue *sched_lock_thread(const struct thread *t)
{
	for (;;) {
		struct run_queue *q = &sched_queues[__atomic_load_n(&t->sched.cpu, __ATOMIC_RELAXED)];

		spin_lock(&q->lock);
		if (likely(q == &sched_queues[__atomic_load_n(&t->sched.cpu, __ATOMIC_RELAXED)]))
			return q;
		spin_unlock(&q->lock);
	}
}

/* At a tick of a busy CPU: counts who runs or wants to, when it is time (loadavg.c). */
void load_sample(u64 now_ns);

/* --- sched_queue.c; the queue is locked --- */

void queue_init(struct run_queue *q);
/* Adds the time that the running thread has had since this was done last. */
void queue_account(struct run_queue *q, u64 now);
enum queue_place {
	QUEUE_LAST,
	QUEUE_FIRST
}; /* among those of its priority; the fair part has its own order */
/* t becomes READY. */
void queue_put(struct run_queue *q, struct thread *t, enum queue_place place);
void queue_take(struct run_queue *q, struct thread *t);
/* Who is to run next, still in the queue; NULL: nobody is ready. */
struct thread *queue_best(const struct run_queue *q);
/* Somebody who is ready and may run on that CPU, of those who would run soonest here; NULL: none of them. */
struct thread *queue_find(struct run_queue *q, u32 cpu);
/* Its virtual time when it wakes, when it is new, and so that it goes behind the first one (sched_yield). */
void queue_admit_woken(const struct run_queue *q, struct thread *t);
void queue_admit_new(const struct run_queue *q, struct thread *t);
void queue_step_behind(const struct run_queue *q, struct thread *t);
/* Virtual time means something on its own queue only: t leaves for another one, or comes from one. */
void queue_leave(const struct run_queue *q, struct thread *t);
void queue_join(const struct run_queue *q, struct thread *t);
/* Should t, which has just become ready, run in the place of the current thread? */
bool queue_preempts(const struct run_queue *q, const struct thread *t);
/* At a tick: should any ready thread? */
bool queue_turn_is_over(struct run_queue *q, u64 now);
u32 sched_weight(const struct sched_policy *p);

/* --- sched_balance.c --- */

/* The CPU for a thread that wakes. Its queue is locked. */
u32 sched_place(const struct thread *t);
/* For a new one. */
u32 sched_place_new(const struct thread *t);
/* Puts t, which is MOVING and belongs to no queue, into that of t->sched.cpu. No queue locked, interrupts off. */
void sched_arrive(struct thread *t);
/* Takes t, not running, out of q's hands: to sched_arrive next. Queue locked. */
void sched_depart(struct run_queue *q, struct thread *t, u32 to);
/* Takes a thread that waits from another CPU, if one has `more` threads than this one. Interrupts off, no queue locked. */
void sched_pull(struct run_queue *q, u32 more);
/* Somebody waits on this busy CPU: is another one idle? */
void sched_wake_idle(const struct run_queue *q);
/* Unlocks q, and makes its CPU switch as soon as it can. Interrupts off. */
void sched_unlock_resched(struct run_queue *q);
/* Unlocks q after t was put there, and makes its CPU switch if t is better than who runs. Interrupts off. */
void sched_unlock_after_put(struct run_queue *q, const struct thread *t);

#endif
