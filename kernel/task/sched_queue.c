/* SPDX-License-Identifier: MIT */
/*
 * One run queue: who is ready, in which order, and what time each has had. Real time is a list for each priority with a bit for
 * each; the fair part is a tree in the order of virtual run time (docs/scheduler.md). The thread that runs is in neither.
 *
 * Virtual times are compared by their difference: they may wrap.
 *
 * Lock: the queue's, held by the caller of everything here.
 */
#include "sched.h"

#define WEIGHT_0	 1024u
#define WEIGHT_IDLE	 3u
#define SLEEPER_BONUS_NS 3000000ull
#define NEW_DEBT_NS	 1000000ull
#define WAKE_LEAD_NS	 1000000
#define CHARGE_MAX_NS	 (2 * TICK_NS)
#define FIND_LOOKS	 32u /* nobody holds a queue for long because of threads that are bound to their CPU */

/* 1024 / 1.25 to the power of nice: each step is a tenth more or less of a CPU that two threads share. */
static const u32 weights[NICE_MAX - NICE_MIN + 1] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, 9537, 7629, 6104, 4883,
	3906,  3125,  2500,  2000,  1600,  1280,  1024,	 819,	655,   524,   419,  336,  268,	215,
	172,   137,   110,   88,    70,	   56,	  45,	 36,	29,    23,    18,   15,
};

static int fair_cmp(const struct thread *a, const struct thread *b)
{
	s64 ahead = (s64)(a->sched.vruntime - b->sched.vruntime);

	return ahead ? (ahead < 0 ? -1 : 1) : (a > b) - (a < b);
}

RB_GENERATE_STATIC(fair_tree, thread, sched.node, fair_cmp)

u32 sched_weight(const struct sched_policy *p)
{
	return p->policy == SCHED_IDLE ? WEIGHT_IDLE : weights[p->nice - NICE_MIN];
}

void queue_init(struct run_queue *q)
{
	spin_init(&q->lock, RANK_RUNQ);
	RB_INIT(&q->fair);
	for (unsigned i = 0; i <= RT_PRIO_MAX; i++)
		TAILQ_INIT(&q->rt[i]);
}

static u64 later(u64 a, u64 b)
{
	return (s64)(a - b) > 0 ? a : b;
}

static u64 sooner(u64 a, u64 b)
{
	return (s64)(a - b) < 0 ? a : b;
}

static void account_real_time(struct run_queue *q, struct thread *t, u64 ns, u64 now)
{
	if (now - q->rt_period_ns >= RT_PERIOD_NS) {
		q->rt_period_ns = now;
		q->rt_used_ns = 0;
	}
	q->rt_used_ns += ns;
	t->sched.slice_left_ns -= MIN(ns, t->sched.slice_left_ns);
}

void queue_account(struct run_queue *q, u64 now)
{
	struct thread *t = q->current;
	u64 ns = now - t->on_cpu_since_ns, least;

	t->cpu_ns += ns;
	t->on_cpu_since_ns = now;
	if (is_real_time(t)) {
		account_real_time(q, t, ns, now);
		return;
	}
	/* A tick that comes late was held up by who runs this machine: that is not counted against the thread. */
	ns = MIN(ns, CHARGE_MAX_NS);
	t->sched.vruntime += t->sched.weight == WEIGHT_0 ? ns : ns * WEIGHT_0 / t->sched.weight;
	least = t->sched.vruntime;
	if (q->fair_first)
		least = sooner(least, q->fair_first->sched.vruntime);
	q->min_vruntime = later(q->min_vruntime, least);
}

static void count_ready(struct run_queue *q, u32 change)
{
	__atomic_store_n(&q->ready, q->ready + change, __ATOMIC_RELAXED);
}

static void rt_put(struct run_queue *q, struct thread *t, enum queue_place place)
{
	u32 prio = t->sched.policy.rt_priority;

	if (t->sched.slice_left_ns == 0) {
		t->sched.slice_left_ns = RR_SLICE_NS;
		if (t->sched.policy.policy == SCHED_RR)
			place = QUEUE_LAST;
	}
	if (place == QUEUE_FIRST)
		TAILQ_INSERT_HEAD(&q->rt[prio], t, sched.link);
	else
		TAILQ_INSERT_TAIL(&q->rt[prio], t, sched.link);
	q->rt_bits[prio / 64] |= 1ull << (prio % 64);
}

static void rt_take(struct run_queue *q, struct thread *t)
{
	u32 prio = t->sched.policy.rt_priority;

	TAILQ_REMOVE(&q->rt[prio], t, sched.link);
	if (TAILQ_EMPTY(&q->rt[prio]))
		q->rt_bits[prio / 64] &= ~(1ull << (prio % 64));
}

void queue_put(struct run_queue *q, struct thread *t, enum queue_place place)
{
	t->state = THREAD_READY;
	count_ready(q, 1);
	if (is_real_time(t)) {
		rt_put(q, t, place);
		return;
	}
	if (!q->fair_first || fair_cmp(t, q->fair_first) < 0)
		q->fair_first = t;
	RB_INSERT(fair_tree, &q->fair, t);
}

void queue_take(struct run_queue *q, struct thread *t)
{
	count_ready(q, -1u);
	if (is_real_time(t)) {
		rt_take(q, t);
		return;
	}
	/* The only one, as in a pair of threads that talk to each other. */
	if (RB_ROOT(&q->fair) == t && !RB_LEFT(t, sched.node) && !RB_RIGHT(t, sched.node)) {
		q->fair_first = NULL;
		RB_INIT(&q->fair);
		return;
	}
	if (q->fair_first == t)
		q->fair_first = RB_NEXT(fair_tree, &q->fair, t);
	RB_REMOVE(fair_tree, &q->fair, t);
}

/* Real time has had its part of this second, and somebody else waits. */
static bool is_throttled(const struct run_queue *q)
{
	return q->rt_used_ns > RT_BUDGET_NS && q->fair_first;
}

static u32 rt_highest(const struct run_queue *q)
{
	u64 high = q->rt_bits[1], low = q->rt_bits[0];

	return high ? 127 - (u32)__builtin_clzll(high) : 63 - (u32)__builtin_clzll(low);
}

static bool rt_is_ready(const struct run_queue *q)
{
	return (q->rt_bits[0] | q->rt_bits[1]) != 0;
}

struct thread *queue_best(const struct run_queue *q)
{
	if (unlikely(rt_is_ready(q)) && !is_throttled(q))
		return TAILQ_FIRST(&q->rt[rt_highest(q)]);
	return q->fair_first;
}

struct thread *queue_find(struct run_queue *q, u32 cpu)
{
	unsigned looks = FIND_LOOKS;
	struct thread *t;

	for (u32 prio = RT_PRIO_MAX; prio > 0 && rt_is_ready(q); prio--) {
		TAILQ_FOREACH (t, &q->rt[prio], sched.link) {
			if (may_run_on(t, cpu))
				return t;
			if (--looks == 0)
				return NULL;
		}
	}
	for (t = q->fair_first; t && looks > 0; t = RB_NEXT(fair_tree, &q->fair, t), looks--) {
		if (may_run_on(t, cpu))
			return t;
	}
	return NULL;
}

void queue_admit_woken(const struct run_queue *q, struct thread *t)
{
	u64 bonus = t->sched.policy.policy == SCHED_IDLE ? 0 : SLEEPER_BONUS_NS;

	t->sched.vruntime = later(t->sched.vruntime, q->min_vruntime - bonus);
}

void queue_admit_new(const struct run_queue *q, struct thread *t)
{
	t->sched.vruntime = q->min_vruntime + NEW_DEBT_NS;
}

void queue_step_behind(const struct run_queue *q, struct thread *t)
{
	if (q->fair_first)
		t->sched.vruntime = later(t->sched.vruntime, q->fair_first->sched.vruntime + 1);
}

void queue_leave(const struct run_queue *q, struct thread *t)
{
	t->sched.vruntime -= q->min_vruntime;
}

void queue_join(const struct run_queue *q, struct thread *t)
{
	t->sched.vruntime += q->min_vruntime;
}

bool queue_preempts(const struct run_queue *q, const struct thread *t)
{
	const struct thread *now = q->current;

	if (now == q->idle)
		return true;
	if (is_real_time(t))
		return t->sched.policy.rt_priority > now->sched.policy.rt_priority && !is_throttled(q);
	if (is_real_time(now) || t->sched.policy.policy == SCHED_IDLE)
		return false;
	if (now->sched.policy.policy == SCHED_IDLE)
		return true;
	return t->sched.policy.policy == SCHED_NORMAL &&
	       (s64)(now->sched.vruntime - t->sched.vruntime) > WAKE_LEAD_NS;
}

/* Is it the turn of a real-time thread that waits? */
static bool rt_turn_is_over(const struct run_queue *q)
{
	const struct thread *now = q->current;
	u32 best = rt_highest(q);

	return best > now->sched.policy.rt_priority ||
	       (best == now->sched.policy.rt_priority && now->sched.policy.policy == SCHED_RR &&
		now->sched.slice_left_ns == 0);
}

bool queue_turn_is_over(struct run_queue *q, u64 now)
{
	const struct thread *t = q->current;

	if (now - q->rt_period_ns >= RT_PERIOD_NS) {
		q->rt_period_ns = now;
		q->rt_used_ns = 0;
	}
	if (is_throttled(q))
		return is_real_time(t) || (s64)(t->sched.vruntime - q->fair_first->sched.vruntime) > 0;
	if (rt_is_ready(q))
		return rt_turn_is_over(q);
	return !is_real_time(t) && q->fair_first &&
	       (s64)(t->sched.vruntime - q->fair_first->sched.vruntime) > 0;
}
