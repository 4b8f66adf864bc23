/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: the switch from one thread to the next, sleeping and waking, ticks, and the idle threads. Who is next is
 * sched_queue.c's, where sched_balance.c's; docs/scheduler.md is the theory of all three.
 *
 * Kernel code is never preempted; a thread in ring 3 is, at the first return to ring 3 after its turn is over.
 *
 * Lock: the run queue's (RANK_RUNQ), interrupts off. It is held across the switch: the thread that is switched to releases
 * it.
 */
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/ktimer.h>
#include <moat/mempolicy.h>
#include <moat/owner.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/task.h>
#include "sched.h"

#define BALANCE_TICKS 16

_Static_assert(offsetof(struct thread, arch) == 0, "arch/x86_64/debug_regs.h");

struct run_queue sched_queues[CPU_MAX];
static struct thread idle_threads[CPU_MAX];

/*
 * Second half of every switch, on the new thread's stack: lets go of the queue, and of the thread before if that has
 * ended or is to go on elsewhere.
 */
static void finish_switch(void)
{
	struct run_queue *q = this_queue();
	struct thread *t = q->previous;
	u32 state = t->state;

	spin_unlock(&q->lock);
	/* Devices are slow: not under the lock, for which another CPU may wait. */
	if (t == q->idle)
		ktimers_limit(q->tick_ns);
	/* In all other states it may be anywhere by now. */
	if (unlikely(state == THREAD_MOVING))
		sched_arrive(t);
	if (unlikely(state == THREAD_DEAD))
		thread_free(t);
	if (arch_current()->sched.work)
		request_user_work();
}

void thread_begin(void *arg)
{
	(void)arg;
	finish_switch();
}

/* Ticks come after so much time that a CPU is busy: the rest of this one is to come. */
static void enter_idle(struct run_queue *q, u64 now)
{
	q->tick_ns -= MIN(q->tick_ns, now);
	q->idle_since_ns = now;
}

static void leave_idle(struct run_queue *q, u64 now)
{
	q->times.idle_ns += now - q->idle_since_ns;
	q->tick_ns += now;
}

static void begin_turn(struct run_queue *q, struct thread *t, u64 now)
{
	t->sched.turn_ns = t->on_cpu_since_ns = now;
	t->sched.waited_ns += now - t->sched.ready_ns;
	t->sched.turns++;
	__atomic_store_n(&q->current, t, __ATOMIC_RELAXED);
}

/*
 * Runs the best of those who are ready, else the idle thread. The current thread has been accounted for at `now`, and is in
 * the queue if it is READY. Queue locked, interrupts off; unlocked on return.
 */
static void switch_away(struct run_queue *q, u64 now)
{
	struct thread *prev = q->current, *next = queue_best(q);

	if (next)
		queue_take(q, next);
	else
		next = q->idle;
	q->reschedule = false;
	next->state = THREAD_RUNNING;
	if (next == prev) {
		spin_unlock(&q->lock);
		return;
	}
	if (prev == q->idle)
		leave_idle(q, now);
	else if (next == q->idle)
		enter_idle(q, now);
	if (prev->state == THREAD_BLOCKED)
		prev->sched.voluntary++;
	else
		prev->sched.involuntary++;
	prev->switches++;
	begin_turn(q, next, now);
	q->previous = prev;
	/* Flags of the CPU that are meant for the thread go with it. */
	if (take_user_work())
		prev->sched.work = true;
	arch_switch(&prev->arch, next, &next->arch,
		    next->process->aspace ? &next->process->aspace->pmap : NULL);
	/* Back again. What is left of `next` may be gone by now. */
	finish_switch();
}

enum give_way {
	GIVE_UP_TURN, /* its turn is over, or somebody better has come */
	GIVE_YIELD,   /* by its own will: others first */
};

static void give_way(enum give_way why)
{
	u64 irq = cpu_irq_save(), now;
	struct run_queue *q = this_queue();
	struct thread *t = q->current;

	spin_lock(&q->lock);
	now = clock_monotonic_ns();
	if (t != q->idle) {
		queue_account(q, now);
		if (why == GIVE_YIELD && !is_real_time(t))
			queue_step_behind(q, t);
		t->sched.ready_ns = now;
		/* finish_switch sends it on, when its stack is free. */
		if (unlikely(!may_run_on(t, cpu_id())))
			sched_depart(q, t, sched_place_new(t));
		else
			queue_put(q, t, why == GIVE_YIELD ? QUEUE_LAST : QUEUE_FIRST);
	}
	switch_away(q, now);
	cpu_irq_restore(irq);
}

void sched_yield(void)
{
	const struct run_queue *q = this_queue();

	/* Somebody who becomes ready after this look would be as late a moment later. */
	if (__atomic_load_n(&q->ready, __ATOMIC_RELAXED) > 0 || q->reschedule)
		give_way(GIVE_YIELD);
}

/* A new thread is as its maker is, but for what SCHED_RESET_ON_FORK takes away. */
void sched_init_thread(struct thread *t)
{
	struct thread *maker = arch_current();
	struct sched_policy *p = &t->sched.policy;

	t->sched.allowed = maker->sched.allowed;
	t->sched.cpu = cpu_id();
	*p = maker->sched.policy;
	if (p->reset_on_fork)
		*p = (struct sched_policy){.policy = p->rt_priority ? SCHED_NORMAL : p->policy,
					   .nice = p->rt_priority ? 0 : MAX(p->nice, 0)};
	t->sched.weight = sched_weight(p);
	t->sched.slice_left_ns = RR_SLICE_NS;
}

/* A signal may have found the thread already: it belongs to the queue of the CPU that made it, as one that sleeps does. */
void thread_start(struct thread *t)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = sched_lock_thread(t);
	u32 cpu = sched_place_new(t);

	queue_admit_new(q, t);
	t->sched.work = true;
	t->sched.ready_ns = clock_monotonic_ns();
	if (q == &sched_queues[cpu]) {
		queue_put(q, t, QUEUE_LAST);
		sched_unlock_after_put(q, t);
	} else {
		sched_depart(q, t, cpu);
		spin_unlock(&q->lock);
		sched_arrive(t);
	}
	cpu_irq_restore(irq);
}

void thread_exit(void)
{
	struct run_queue *q;
	u64 now;

	(void)cpu_irq_save();
	q = this_queue();
	spin_lock(&q->lock);
	now = clock_monotonic_ns();
	queue_account(q, now);
	q->current->state = THREAD_DEAD;
	switch_away(q, now);
	panic("a dead thread was run again");
}

/* --- struct wait_ops: how threads sleep --- */

/* The exchange orders the state before the look at the condition that follows. */
static void prepare(void)
{
	__atomic_exchange_n(&arch_current()->state, THREAD_BLOCKING, __ATOMIC_SEQ_CST);
}

static void cancel(void)
{
	__atomic_store_n(&arch_current()->state, THREAD_RUNNING, __ATOMIC_RELAXED);
}

/* Short and long is all that counts, so that one long turn among many short ones is soon forgotten. */
static void note_burst(struct thread *t, u64 now)
{
	u64 ns = MIN(now - t->sched.turn_ns, 4 * SHORT_BURST_NS);

	t->sched.burst_ns += ((s64)ns - (s64)t->sched.burst_ns) / 4;
}

static void block(void)
{
	u64 irq = cpu_irq_save(), now;
	struct run_queue *q = this_queue();
	struct thread *t = q->current;

	spin_lock(&q->lock);
	if (t->state != THREAD_BLOCKING) {
		spin_unlock(&q->lock);
	} else {
		now = clock_monotonic_ns();
		queue_account(q, now);
		t->state = THREAD_BLOCKED;
		note_burst(t, now);
		switch_away(q, now);
	}
	cpu_irq_restore(irq);
}

/* t sleeps, and its queue, q, is locked; unlocked on return. */
static void wake_blocked(struct run_queue *q, struct thread *t)
{
	u32 cpu = sched_place(t);

	/* Else it is about now; a look at the clock would cost more than it tells. */
	t->sched.ready_ns = q->current == q->idle ? clock_monotonic_ns() : q->current->on_cpu_since_ns;
	queue_admit_woken(q, t);
	if (likely(q == &sched_queues[cpu])) {
		queue_put(q, t, QUEUE_LAST);
		sched_unlock_after_put(q, t);
	} else {
		sched_depart(q, t, cpu);
		spin_unlock(&q->lock);
		sched_arrive(t);
	}
}

static void wake(struct thread *t)
{
	u64 irq = cpu_irq_save();
	struct run_queue *q = sched_lock_thread(t);

	if (t->state == THREAD_BLOCKED) {
		wake_blocked(q, t);
	} else {
		if (t->state == THREAD_BLOCKING)
			__atomic_store_n(&t->state, THREAD_RUNNING, __ATOMIC_RELAXED);
		spin_unlock(&q->lock);
	}
	cpu_irq_restore(irq);
}

void sched_kick(struct thread *t)
{
	u64 irq;

	/* Who does not mean to sleep needs no waking. */
	if (t == arch_current() && __atomic_load_n(&t->state, __ATOMIC_RELAXED) == THREAD_RUNNING) {
		request_user_work();
		return;
	}
	irq = cpu_irq_save();
	__atomic_store_n(&t->sched.work, true, __ATOMIC_SEQ_CST);
	wake(t);
	/* If it runs by now it has seen the flag; if it stops running meanwhile, the flag waits for it. */
	if (t == arch_current())
		request_user_work();
	else if (__atomic_load_n(&t->state, __ATOMIC_RELAXED) == THREAD_RUNNING)
		cpu_send_reschedule(__atomic_load_n(&t->sched.cpu, __ATOMIC_RELAXED));
	cpu_irq_restore(irq);
}

void sched_request_work(void)
{
	__atomic_store_n(&current_thread()->sched.work, true, __ATOMIC_RELAXED);
	request_user_work();
}

static void give_way_if_over(void)
{
	if (unlikely(this_queue()->reschedule))
		give_way(GIVE_UP_TURN);
}

static const struct wait_ops wait_ops = {
	.current = current_thread,
	.prepare = prepare,
	.cancel = cancel,
	.block = block,
	.wake = wake,
	.signal_due = signal_due,
	.kill_due = signal_kill_due,
	.give_way = give_way_if_over,
};

static int current_tid(void)
{
	return current_thread()->tid;
}

static struct aspace *current_aspace(void)
{
	return current_thread()->process->aspace;
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

/* The code that runs now becomes the idle thread of its CPU. */
static void adopt_idle(void)
{
	struct run_queue *q = this_queue();
	struct thread *t = &idle_threads[cpu_id()];

	arch_adopt_boot_thread(t, &t->arch);
	q->idle_since_ns = clock_monotonic_ns();
	q->tick_ns = TICK_NS;
	q->current = t;
}

void sched_init(void)
{
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++) {
		struct thread *t = &idle_threads[cpu];

		queue_init(&sched_queues[cpu]);
		sched_queues[cpu].idle = t;
		t->process = &kernel_process;
		t->state = THREAD_RUNNING;
		t->sched.cpu = cpu;
		t->sched.allowed =
			(1u << CPU_MAX) - 1; /* what it hands on; nothing takes it away from its CPU */
		t->sched.weight = sched_weight(&t->sched.policy);
		(void)str_copy(t->name, "idle", sizeof(t->name));
	}
	adopt_idle();
	waitq_register_scheduler(&wait_ops);
	history_register_tid(current_tid);
	aspace_register_current(current_aspace);
	if (CONFIG_DEBUG)
		alloc_fail_register(allocations_of_current);
	mempolicy_register_current(current_policy);
}

/* Who was to run here has been taken by another CPU: the next one who comes is to be told of again. */
static void forget_resched(struct run_queue *q)
{
	spin_lock(&q->lock);
	if (q->ready == 0)
		q->reschedule = false;
	spin_unlock(&q->lock);
}

void sched_idle(void)
{
	struct run_queue *q = this_queue();

	(void)cpu_irq_save();
	for (;;) {
		if (q->ready == 0)
			sched_pull(q, 1);
		if (__atomic_load_n(&q->ready, __ATOMIC_RELAXED) > 0)
			give_way(GIVE_UP_TURN);
		else if (unlikely(q->reschedule))
			forget_resched(q);
		else
			cpu_idle();
	}
}

void sched_cpu_main(void)
{
	adopt_idle();
	cpu_is_ready();
	sched_idle();
}

/* Each TICK_NS while a thread runs: its time, a sample of what it does, and whether its turn is over. Interrupts off. */
static void tick(struct run_queue *q, u64 now, bool user)
{
	struct thread *t = q->current;
	u64 *times = !user			? &q->times.sys_ns
		     : t->sched.policy.nice > 0 ? &q->times.nice_ns
						: &q->times.user_ns;

	if (user)
		t->user_ticks++;
	else
		t->sys_ticks++;
	spin_lock(&q->lock);
	*times += now - (q->tick_ns - TICK_NS);
	queue_account(q, now);
	if (queue_turn_is_over(q, now) || !may_run_on(t, cpu_id()))
		sched_unlock_resched(q);
	else
		spin_unlock(&q->lock);
	if (cpu_count() == 1)
		return;
	if (++q->ticks % BALANCE_TICKS == 0)
		sched_pull(q, 1);
	if (q->ready > 0)
		sched_wake_idle(q);
}

void sched_timer(bool user)
{
	struct run_queue *q = this_queue();
	u64 now;

	ktimers_run();
	now = clock_monotonic_ns();
	if (q->current == q->idle) {
		/* An idle CPU is not woken for nothing. */
		ktimers_limit(KTIMER_NEVER);
		return;
	}
	if (now >= q->tick_ns) {
		tick(q, now, user);
		q->tick_ns = now + TICK_NS;
		load_sample(now);
		if (q->current->process != &kernel_process)
			process_timers_tick(q->current->process);
	}
	ktimers_limit(q->tick_ns);
}

void timer_tick(bool user)
{
	sched_timer(user);
}

/* Somebody has come who should run here, a signal is there for who runs, files have something to tell, or timers were changed. */
void sched_ipi(void)
{
	request_user_work();
	owners_tell();
	ktimers_rearm();
}

void user_return_work(struct trap_frame *f)
{
	struct thread *t = current_thread();

	give_way_if_over();
	/* A signal after this look sets it again. */
	__atomic_store_n(&t->sched.work, false, __ATOMIC_SEQ_CST);
	if (unlikely(t->rseq))
		rseq_resume(t, f);
	signal_deliver(f);
}

u64 thread_cpu_ns(const struct thread *t)
{
	u64 irq = cpu_irq_save(), ns;
	struct run_queue *q = sched_lock_thread(t);

	ns = t->cpu_ns + (q->current == t ? clock_monotonic_ns() - t->on_cpu_since_ns : 0);
	spin_unlock(&q->lock);
	cpu_irq_restore(irq);
	return ns;
}
