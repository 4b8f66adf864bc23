/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one run queue for each CPU, first come first served, a time slice for each turn. Kernel code is never
 * preempted; a thread in ring 3 is, at the first return to ring 3 after its slice has ended.
 *
 *            wake                      picked
 *     BLOCKED ───> READY (on queue) ───────────> RUNNING
 *        ^                                        │ prepare
 *        └──────── block ──── BLOCKING <──────────┘
 *                                │ wake in between: RUNNING again, block does nothing
 *
 * Lock: the run queue's (RANK_RUNQ), interrupts off. It is held across the switch: the thread that is switched to
 * releases it.
 */
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/mempolicy.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/task.h>

#define TICK_NS	    4000000ull
#define SLICE_TICKS 3

struct run_queue {
	struct spinlock lock;
	TAILQ_HEAD(, thread) ready; /* [lock] */
	struct thread *idle;	    /* [I] */
	struct thread *previous;    /* [lock] switched away from just now */
	bool reschedule;	    /* [lock] the running thread's turn is over */
	u64 tick_ns;		    /* [own CPU] when to look at the running thread next */
};

static struct run_queue queues[CPU_MAX];
static struct thread boot_thread;

static struct run_queue *this_queue(void)
{
	return &queues[cpu_id()];
}

static void enqueue(struct run_queue *q, struct thread *t)
{
	t->state = THREAD_READY;
	TAILQ_INSERT_TAIL(&q->ready, t, run);
	if (arch_current() == q->idle)
		q->reschedule = true;
}

/*
 * Second half of every switch, on the new thread's stack: lets go of the queue, frees a thread that has ended. A user
 * thread looks at its signals before it next goes to ring 3: none that came while it did not run is missed.
 */
static void finish_switch(void)
{
	struct run_queue *q = this_queue();
	struct thread *dead = q->previous && q->previous->state == THREAD_DEAD ? q->previous : NULL;

	q->previous = NULL;
	spin_unlock(&q->lock);
	if (arch_current()->process->aspace)
		request_user_work();
	if (dead)
		thread_free(dead);
}

void thread_begin(void *arg)
{
	(void)arg;
	finish_switch();
}

/* Switches to the next ready thread. Queue locked, interrupts off; unlocked on return. */
static void switch_away(struct run_queue *q)
{
	struct thread *prev = arch_current(), *next = TAILQ_FIRST(&q->ready);
	u64 now = clock_monotonic_ns();

	if (next)
		TAILQ_REMOVE(&q->ready, next, run);
	else
		next = prev->state == THREAD_RUNNING ? prev : q->idle;
	q->reschedule = false;
	next->state = THREAD_RUNNING;
	if (next == prev) {
		prev->slice_ticks = SLICE_TICKS;
		spin_unlock(&q->lock);
		return;
	}
	prev->cpu_ns += now - prev->on_cpu_since_ns;
	prev->switches++;
	next->on_cpu_since_ns = now;
	if (prev == q->idle) {
		q->tick_ns = now + TICK_NS;
		ktimers_limit(q->tick_ns);
	}
	next->slice_ticks = SLICE_TICKS;
	q->previous = prev;
	arch_switch(&prev->arch, next, &next->arch,
		    next->process->aspace ? &next->process->aspace->pmap : NULL);
	/* Back again. What is left of `next` may be gone by now. */
	finish_switch();
}

void sched_yield(void)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = this_queue();
	struct thread *t = arch_current();

	spin_lock(&q->lock);
	if (t != q->idle && !TAILQ_EMPTY(&q->ready))
		enqueue(q, t);
	switch_away(q);
	cpu_irq_restore(irq);
}

void thread_start(struct thread *t)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = this_queue();

	spin_lock(&q->lock);
	enqueue(q, t);
	spin_unlock(&q->lock);
	cpu_irq_restore(irq);
}

void thread_exit(void)
{
	struct run_queue *q;

	(void)cpu_irq_save();
	q = this_queue();
	spin_lock(&q->lock);
	arch_current()->state = THREAD_DEAD;
	switch_away(q);
	panic("a dead thread was run again");
}

/* --- struct wait_ops: how threads sleep --- */

static void prepare(void)
{
	struct run_queue *q = this_queue();

	spin_lock(&q->lock);
	arch_current()->state = THREAD_BLOCKING;
	spin_unlock(&q->lock);
}

static void cancel(void)
{
	struct run_queue *q = this_queue();

	spin_lock(&q->lock);
	arch_current()->state = THREAD_RUNNING;
	spin_unlock(&q->lock);
}

static void block(void)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = this_queue();
	struct thread *t = arch_current();

	spin_lock(&q->lock);
	if (t->state != THREAD_BLOCKING) {
		spin_unlock(&q->lock);
	} else {
		t->state = THREAD_BLOCKED;
		switch_away(q);
	}
	cpu_irq_restore(irq);
}

static void wake(struct thread *t)
{
	struct run_queue *q = &queues[0];
	u64 irq = spin_lock_irqsave(&q->lock);

	if (t->state == THREAD_BLOCKING)
		t->state = THREAD_RUNNING;
	else if (t->state == THREAD_BLOCKED)
		enqueue(q, t);
	spin_unlock_irqrestore(&q->lock, irq);
}

void sched_kick(struct thread *t)
{
	wake(t);
	if (t == arch_current())
		request_user_work();
}

static void give_way(void)
{
	if (unlikely(this_queue()->reschedule))
		sched_yield();
}

static const struct wait_ops wait_ops = {
	.current = current_thread,
	.prepare = prepare,
	.cancel = cancel,
	.block = block,
	.wake = wake,
	.signal_due = signal_due,
	.kill_due = signal_kill_due,
	.give_way = give_way,
};

static int current_tid(void)
{
	return current_thread()->tid;
}

/* Whose allocations are counted, for fault injection. */
static struct alloc_fail *allocations_of_current(void)
{
	return &current_process()->alloc_fail;
}

static struct mempolicy *current_policy(void)
{
	return &current_thread()->policy;
}

void sched_init(void)
{
	struct run_queue *q = this_queue();

	spin_init(&q->lock, RANK_RUNQ);
	TAILQ_INIT(&q->ready);
	q->idle = &boot_thread;
	boot_thread.process = &kernel_process;
	boot_thread.state = THREAD_RUNNING;
	(void)str_copy(boot_thread.name, "idle", sizeof(boot_thread.name));
	arch_adopt_boot_thread(&boot_thread, &boot_thread.arch);
	waitq_register_scheduler(&wait_ops);
	history_register_tid(current_tid);
	if (CONFIG_DEBUG)
		alloc_fail_register(allocations_of_current);
	mempolicy_register_current(current_policy);
}

void sched_idle(void)
{
	struct run_queue *q = this_queue();

	(void)cpu_irq_save();
	for (;;) {
		if (!TAILQ_EMPTY(&q->ready)) {
			spin_lock(&q->lock);
			switch_away(q);
		} else {
			cpu_idle();
		}
	}
}

/* Who runs is looked at each TICK_NS: a sample of what it does, and a part of its turn. */
static void tick(struct run_queue *q, struct thread *t, bool user)
{
	if (user)
		t->user_ticks++;
	else
		t->sys_ticks++;
	if (t->slice_ticks > 0 && --t->slice_ticks == 0) {
		q->reschedule = true;
		request_user_work();
	}
}

void timer_tick(bool user)
{
	struct run_queue *q = this_queue();
	struct thread *t = arch_current();
	u64 now;

	ktimers_run();
	now = clock_monotonic_ns();
	if (t && t != q->idle && now >= q->tick_ns) {
		tick(q, t, user);
		q->tick_ns = now + TICK_NS;
	}
	/* An idle CPU is not woken for nothing. */
	ktimers_limit(t == q->idle ? KTIMER_NEVER : q->tick_ns);
}

void user_return_work(struct trap_frame *f)
{
	if (this_queue()->reschedule)
		sched_yield();
	rseq_resume(current_thread(), f);
	signal_deliver(f);
}

u64 thread_cpu_ns(const struct thread *t)
{
	return t->cpu_ns + (t->state == THREAD_RUNNING ? clock_monotonic_ns() - t->on_cpu_since_ns : 0);
}

void sched_ipi(void)
{
	ktimers_rearm();
}

void sched_timer(bool user)
{
	timer_tick(user);
}

void sched_cpu_main(void)
{
	panic("a second CPU has started");
}
