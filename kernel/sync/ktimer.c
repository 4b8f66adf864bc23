/* SPDX-License-Identifier: MIT */
/*
 * Kernel timers. Each CPU has a queue, a tree in the order of deadlines whose first one is remembered, and a hardware timer
 * (cpu_timer_set) that is set for the first deadline, or for the scheduler's limit when that comes sooner:
 *
 *     deadlines of the queue   ──first──┐
 *                                       ├─ the sooner ─> armed_ns, what the hardware is set for
 *     end of a turn (limit_ns) ─────────┘
 *
 * The hardware is set anew only for something sooner than what it is set for. When it fires and nothing is due, it is set
 * for what comes next: so a timer that is set and cancelled again, as most are, costs at most one interrupt too many,
 * and a CPU with nothing to wait for gets none.
 *
 * A timer stands on the queue of the CPU that set it, but while its function runs it stays where it is: then `running`
 * tells that it is not over. Whoever works on a timer locks the queue that t->cpu names, and looks whether it still does.
 *
 * Until the first interrupt of a CPU's periodic tick, which comes when its clock is known, the hardware is left alone.
 *
 * Lock: the queue's (RANK_TIMER), interrupts off. limit_ns, armed_ns and is_live belong to the queue's own CPU.
 */
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <moat/ktimer.h>
#include <moat/panic.h>
#include <moat/spinlock.h>

RB_HEAD(ktimer_tree, ktimer);

struct ktimer_queue {
	struct spinlock lock;
	struct ktimer_tree tree; /* [lock] */
	struct ktimer *first;	 /* [lock] */
	struct ktimer *running;	 /* [lock for change, a for read] only compared: it may be gone */
	u64 first_ns;		 /* [lock for change, a for read] its deadline, or KTIMER_NEVER */
	u64 limit_ns;		 /* [own CPU] */
	u64 armed_ns;		 /* [own CPU] */
	bool is_live;		 /* [own CPU] */
	bool in_interrupt;	 /* [own CPU] the hardware is set at its end */
};

static struct ktimer_queue queues[CPU_MAX] = {
	[0 ... CPU_MAX - 1] = {.lock = SPINLOCK_INIT(RANK_TIMER),
			       .first_ns = KTIMER_NEVER,
			       .limit_ns = KTIMER_NEVER,
			       .armed_ns = KTIMER_NEVER},
};

static int ktimer_cmp(const struct ktimer *a, const struct ktimer *b)
{
	if (a->deadline_ns != b->deadline_ns)
		return a->deadline_ns < b->deadline_ns ? -1 : 1;
	return (a > b) - (a < b);
}

RB_GENERATE_STATIC(ktimer_tree, ktimer, node, ktimer_cmp)

/* Sets the hardware for what comes first. Own CPU, interrupts off. */
static void arm(struct ktimer_queue *q)
{
	u64 want = MIN(__atomic_load_n(&q->first_ns, __ATOMIC_RELAXED), q->limit_ns);

	if (want >= q->armed_ns || !q->is_live || q->in_interrupt)
		return;
	q->armed_ns = want;
	cpu_timer_set(want);
}

static void set_first(struct ktimer_queue *q, struct ktimer *t)
{
	q->first = t;
	__atomic_store_n(&q->first_ns, t ? t->deadline_ns : KTIMER_NEVER, __ATOMIC_RELAXED);
}

static void insert(struct ktimer_queue *q, struct ktimer *t)
{
	t->queued = true;
	RB_INSERT(ktimer_tree, &q->tree, t);
	if (!q->first || ktimer_cmp(t, q->first) < 0)
		set_first(q, t);
}

static void take_out(struct ktimer_queue *q, struct ktimer *t)
{
	if (q->first == t)
		set_first(q, RB_NEXT(ktimer_tree, &q->tree, t));
	RB_REMOVE(ktimer_tree, &q->tree, t);
	t->queued = false;
}

/* The queue that t stands on or stood on last, locked. Interrupts off. */
static struct ktimer_queue *lock_queue(const struct ktimer *t)
{
	for (;;) {
		u32 cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);

		spin_lock(&queues[cpu].lock);
		if (cpu == t->cpu)
			return &queues[cpu];
		spin_unlock(&queues[cpu].lock);
	}
}

/* The same, but t, not queued any more, moves to this CPU if it can. */
static struct ktimer_queue *lock_and_move(struct ktimer *t)
{
	struct ktimer_queue *q = lock_queue(t), *here = &queues[cpu_id()];

	if (t->queued)
		take_out(q, t);
	if (q == here || q->running == t)
		return q;
	spin_unlock(&q->lock);
	spin_lock(&here->lock);
	__atomic_store_n(&t->cpu, cpu_id(), __ATOMIC_RELAXED);
	return here;
}

/* What to add to a time of the monotonic clock for one of real time; rather too little, so that nothing comes early. */
static u64 realtime_offset(void)
{
	u64 real = clock_realtime_ns();

	return real - clock_monotonic_ns();
}

/* When the monotonic clock will show what is real time then; real times before the machine's start are long past. */
static u64 deadline_of_realtime(u64 realtime_ns)
{
	u64 offset = realtime_offset();

	return realtime_ns > offset ? realtime_ns - offset : 0;
}

static void set(struct ktimer *t, u64 deadline_ns, u64 realtime_ns)
{
	u64 irq = cpu_irq_save();
	struct ktimer_queue *q = lock_and_move(t);

	t->realtime_ns = realtime_ns;
	t->deadline_ns = realtime_ns ? deadline_of_realtime(realtime_ns) : deadline_ns;
	insert(q, t);
	spin_unlock(&q->lock);
	/* Its function runs on another CPU: that one sets its hardware when it is done. */
	if (q == &queues[cpu_id()])
		arm(q);
	cpu_irq_restore(irq);
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *))
{
	*t = (struct ktimer){.fn = fn, .cpu = cpu_id()};
}

void ktimer_set(struct ktimer *t, u64 deadline_ns)
{
	if (deadline_ns == KTIMER_NEVER)
		(void)ktimer_cancel(t);
	else
		set(t, deadline_ns, 0);
}

void ktimer_set_realtime(struct ktimer *t, u64 deadline_ns)
{
	if (deadline_ns == KTIMER_NEVER)
		(void)ktimer_cancel(t);
	else
		set(t, 0, MAX(deadline_ns, 1ull));
}

bool ktimer_cancel(struct ktimer *t)
{
	u64 irq = cpu_irq_save();
	struct ktimer_queue *q = lock_queue(t);
	bool was_set = t->queued;

	if (was_set)
		take_out(q, t);
	spin_unlock(&q->lock);
	cpu_irq_restore(irq);
	return was_set;
}

bool ktimer_cancel_sync(struct ktimer *t)
{
	bool was_set = ktimer_cancel(t);
	const struct ktimer_queue *q = &queues[__atomic_load_n(&t->cpu, __ATOMIC_RELAXED)];

	while (__atomic_load_n(&q->running, __ATOMIC_ACQUIRE) == t) {
		cpu_relax();
		was_set |= ktimer_cancel(t); /* its function may have set it again */
	}
	return was_set;
}

/* Takes the timers of real time out of a queue, into a list that uses their links to the left, and puts them in anew. */
static void requeue_realtime(struct ktimer_queue *q)
{
	struct ktimer *t = q->first, *next, *moved = NULL;

	for (; t; t = next) {
		next = RB_NEXT(ktimer_tree, &q->tree, t);
		if (!t->realtime_ns)
			continue;
		take_out(q, t);
		RB_LEFT(t, node) = moved;
		moved = t;
	}
	for (; moved; moved = next) {
		next = RB_LEFT(moved, node);
		moved->deadline_ns = deadline_of_realtime(moved->realtime_ns);
		insert(q, moved);
	}
}

void ktimers_realtime_was_set(void)
{
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++) {
		struct ktimer_queue *q = &queues[cpu];
		u64 irq = spin_lock_irqsave(&q->lock);

		requeue_realtime(q);
		spin_unlock(&q->lock);
		if (cpu == cpu_id())
			arm(q);
		else if (cpu < cpu_count())
			cpu_send_reschedule(cpu); /* sched_ipi sets its hardware */
		cpu_irq_restore(irq);
	}
}

void ktimers_run(void)
{
	struct ktimer_queue *q = &queues[cpu_id()];
	u64 now = clock_monotonic_ns();
	struct ktimer *t;

	if (!q->is_live)
		cpu_timer_set(KTIMER_NEVER); /* no more ticks */
	q->is_live = q->in_interrupt = true;
	q->limit_ns = KTIMER_NEVER;
	spin_lock(&q->lock);
	while ((t = q->first) && q->first_ns <= now) {
		void (*fn)(struct ktimer *) = t->fn;

		take_out(q, t);
		__atomic_store_n(&q->running, t, __ATOMIC_RELAXED);
		spin_unlock(&q->lock);
		fn(t);
		spin_lock(&q->lock);
		__atomic_store_n(&q->running, NULL, __ATOMIC_RELEASE);
	}
	spin_unlock(&q->lock);
	q->in_interrupt = false;
	q->armed_ns = KTIMER_NEVER;
}

void ktimers_limit(u64 deadline_ns)
{
	struct ktimer_queue *q = &queues[cpu_id()];

	DEBUG_ASSERT(!cpu_irq_enabled());
	q->limit_ns = deadline_ns;
	arm(q);
}

void ktimers_rearm(void)
{
	DEBUG_ASSERT(!cpu_irq_enabled());
	arm(&queues[cpu_id()]);
}
