/* SPDX-License-Identifier: MIT */
/*
 * Stopping and going on (job control). One thread takes the signal and stops the process; every other one is woken, finds
 * that it is to stand still, and does. The last one tells the parent.
 *
 *     signal_stop ──> signals.stopped ──> each thread: signal_stand ──> … SIGCONT, or SIGKILL
 *
 * Lock: sighand.lock; the parent is told without it.
 */
#include <moat/ptrace.h>
#include "signal_queue.h"
#include "table.h"

static bool must_end(const struct process *p, const struct thread *t)
{
	u64 pending = __atomic_load_n(&p->signals.shared.pending, __ATOMIC_ACQUIRE) |
		      __atomic_load_n(&t->signals.pending, __ATOMIC_ACQUIRE);

	return pending & SIGNAL_BIT(SIGKILL);
}

void signal_set_stopped(struct process *p, int signo)
{
	struct signal_state *s = &p->signals;

	__atomic_store_n(&s->stopped, signo, __ATOMIC_RELEASE);
	if (signo)
		__atomic_or_fetch(&s->attention, ATTENTION_STOPPED, __ATOMIC_RELEASE);
	else
		__atomic_and_fetch(&s->attention, ~(u32)ATTENTION_STOPPED, __ATOMIC_RELEASE);
}

/* The stop that was number `stop` is over; or a tracer has come, for which it stands still in another way. */
static bool may_go_on(const struct process *p, const struct thread *t, u32 stop)
{
	return thread_is_traced(t) || !__atomic_load_n(&p->signals.stopped, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&p->signals.stop_number, __ATOMIC_RELAXED) != stop || must_end(p, t);
}

bool signal_count_standing(struct process *p, struct thread *t)
{
	struct signal_state *s = &p->signals;

	if (t->standing || !s->stopped)
		return false;
	t->standing = true;
	if (!s->to_stop || --s->to_stop)
		return false;
	s->stop_unreported = true;
	return true;
}

/* Stands still for one stop. True: it is over because SIGCONT came, and the parent is to be told. */
static bool stand_once(struct process *p, struct thread *t)
{
	struct signal_state *s = &p->signals;
	struct waitq never;
	u64 irq = spin_lock_irqsave(&s->hand->lock);
	u32 stop = s->stop_number;
	int signo = s->stopped;
	bool last = signal_count_standing(p, t), tell;

	spin_unlock_irqrestore(&s->hand->lock, irq);
	if (last)
		parent_tell(p, CLD_STOPPED, signo);
	waitq_init(&never);
	WAIT_EVENT_UNKILLABLE(&never, may_go_on(p, t, stop));
	irq = spin_lock_irqsave(&s->hand->lock);
	if (must_end(p, t))
		signal_set_stopped(p, 0);
	tell = s->continue_pending && !s->stopped && !must_end(p, t);
	if (!s->stopped)
		s->continue_pending = false;
	spin_unlock_irqrestore(&s->hand->lock, irq);
	return tell;
}

void signal_stand(struct process *p)
{
	struct thread *t = current_thread();

	while (__atomic_load_n(&p->signals.stopped, __ATOMIC_ACQUIRE) && !thread_is_traced(t) &&
	       !must_end(p, t)) {
		if (stand_once(p, t))
			parent_tell(p, CLD_CONTINUED, SIGCONT);
	}
}

/* If t is traced it stops for its tracer. Locked. */
static void trap(struct thread *t, u8 why)
{
	if (t->traced)
		__atomic_or_fetch(&t->trace->traps, why, __ATOMIC_RELEASE);
}

/* False: SIGCONT or SIGKILL came first, or the process is stopped already. */
static bool begin_stop(struct process *p, int signo)
{
	struct signal_state *s = &p->signals;
	struct thread *t;
	u64 irq = spin_lock_irqsave(&s->hand->lock);
	bool stop = !s->stopped && !s->ending &&
		    !((s->shared.pending | current_thread()->signals.pending) &
		      (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGKILL)));

	if (stop) {
		s->to_stop = p->thread_count;
		s->stop_number++;
		s->continue_unreported = false;
		s->continue_pending = true;
		signal_set_stopped(p, signo);
		TAILQ_FOREACH (t, &p->threads, sibling) {
			t->standing = false;
			trap(t, t->traced && t->trace->seized ? TRAP_NOTIFY : TRAP_STOP);
			sched_kick(t);
		}
	} else if (s->stopped) {
		trap(current_thread(), TRAP_STOP);
	}
	spin_unlock_irqrestore(&s->hand->lock, irq);
	return stop;
}

/* No keyboard stops a group that no shell would continue. */
void signal_stop(struct process *p, int signo)
{
	if (signo != SIGSTOP && group_is_orphaned(p->pgid))
		return;
	if (begin_stop(p, signo))
		signal_stand(p);
}
