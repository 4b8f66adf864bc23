/* SPDX-License-Identifier: MIT */
/*
 * Sending signals, and what is kept until they are acted on.
 *
 *     signal_send          for a process: in its own queue, and one thread that does not block it is woken
 *     signal_send_thread   for a thread: in the thread's queue
 *
 * A signal that is ignored is dropped when it is sent, so a pending one always means something. One that is blocked is
 * kept even then: the action may change before it is unblocked. SIGCONT ends a stop at once, whatever its action.
 *
 * Lock: sighand.lock (RANK_SIGNAL), interrupts off. Who sends to another process finds it under the table's lock, which
 * comes before it.
 */
#include <asm/errno.h>
#include <arch/trap.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/signalfd.h>
#include <moat/ptrace.h>
#include <moat/string.h>
#include "signal_names.h"
#include "signal_queue.h"
#include "table.h"

#define REAL_TIME_FIRST 32 /* Linux's SIGRTMIN; the C libraries keep the first few */
#define OWN_ENTRIES	64 /* that a process may have in any case; all beyond take an eighth of memory at most: */
#define MANY_PER_FRAME	(PAGE_SIZE / 8 / sizeof(struct queued_signal))

static u64 many; /* [a] entries that processes have beyond their own */

void signal_make_info(siginfo_t *info, int signo, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
}

void signal_queue_init(struct signal_queue *q)
{
	q->pending = 0;
	TAILQ_INIT(&q->list);
}

void signal_state_init(struct signal_state *s, struct sighand *hand)
{
	s->hand = hand;
	signal_queue_init(&s->shared);
}

void signal_free_list(struct signal_list *list)
{
	struct queued_signal *q;

	while ((q = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, q, link);
		kfree(q);
	}
}

/* Takes an entry off. Locked. */
static void take_off(struct process *p, struct signal_queue *queue, struct queued_signal *q)
{
	TAILQ_REMOVE(&queue->list, q, link);
	if (--p->signals.queued >= OWN_ENTRIES)
		__atomic_sub_fetch(&many, 1, __ATOMIC_RELAXED);
	if (q->holder)
		*q->holder = NULL;
}

static void unqueue(struct process *p, struct signal_queue *queue, u64 which, struct signal_list *out)
{
	struct queued_signal *q, *next;

	if (!(queue->pending & which))
		return;
	queue->pending &= ~which;
	for (q = TAILQ_FIRST(&queue->list); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (!(which & SIGNAL_BIT(q->info.si_signo)))
			continue;
		take_off(p, queue, q);
		TAILQ_INSERT_TAIL(out, q, link);
	}
}

void signal_unqueue_held(struct process *p, struct signal_queue *queue, struct queued_signal *entry)
{
	int signo = entry->info.si_signo;
	const struct queued_signal *q;

	take_off(p, queue, entry);
	TAILQ_FOREACH (q, &queue->list, link) {
		if (q->info.si_signo == signo)
			return;
	}
	queue->pending &= ~SIGNAL_BIT(signo);
}

void signal_queue_drain(struct process *p, struct signal_queue *q, struct signal_list *out)
{
	unqueue(p, q, UINT64_MAX, out);
}

void signal_unqueue_all(struct process *p, u64 which, struct signal_list *out)
{
	struct thread *t;

	unqueue(p, &p->signals.shared, which, out);
	TAILQ_FOREACH (t, &p->threads, sibling)
		unqueue(p, &t->signals, which, out);
}

void signal_queue_end(struct process *p, struct signal_queue *q)
{
	struct signal_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct sighand *h = p->signals.hand;
	u64 irq = spin_lock_irqsave(&h->lock);

	unqueue(p, q, UINT64_MAX, &dropped);
	spin_unlock_irqrestore(&h->lock, irq);
	signal_free_list(&dropped);
}

/* What the kernel has to say of a standard signal, and what has a holder, is not held back by the limit. */
static bool has_room(const struct process *p, const siginfo_t *info, struct queued_signal **holder)
{
	return holder || (info->si_signo < REAL_TIME_FIRST && info->si_code >= 0) ||
	       (p->signals.queued < p->limits[RLIMIT_SIGPENDING].soft &&
		(p->signals.queued < OWN_ENTRIES ||
		 __atomic_load_n(&many, __ATOMIC_RELAXED) < frames_total() * MANY_PER_FRAME));
}

/*
 * Makes it pending with its siginfo; holder: NULL, or who is to know. 0 or -EAGAIN: only a real-time signal needs its place in
 * the queue. Locked.
 */
static int enqueue(struct process *p, struct signal_queue *queue, const siginfo_t *info,
		   struct queued_signal **holder)
{
	int signo = info->si_signo;
	struct queued_signal *q = NULL;

	if (signo < REAL_TIME_FIRST && (queue->pending & SIGNAL_BIT(signo)))
		return 0;
	if (has_room(p, info, holder)) {
		q = __atomic_exchange_n(&p->signals.spare, NULL, __ATOMIC_ACQ_REL);
		if (!q)
			q = kmalloc(sizeof(*q));
	}
	if (q) {
		q->info = *info;
		q->holder = holder;
		if (holder)
			*holder = q;
		TAILQ_INSERT_TAIL(&queue->list, q, link);
		if (p->signals.queued++ >= OWN_ENTRIES)
			__atomic_add_fetch(&many, 1, __ATOMIC_RELAXED);
	} else if (signo >= REAL_TIME_FIRST && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	__atomic_or_fetch(&queue->pending, SIGNAL_BIT(signo), __ATOMIC_SEQ_CST);
	return 0;
}

/* Every thread looks at its signals. Locked. */
static void kick_all(struct process *p)
{
	struct thread *t;

	TAILQ_FOREACH (t, &p->threads, sibling)
		sched_kick(t);
}

/* The group stop of p, if there was one, is over: whoever is traced in the newer way says so. Locked. */
static void notify_tracees(struct process *p)
{
	struct thread *t;

	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (!t->traced)
			continue;
		if (t->trace->seized)
			__atomic_or_fetch(&t->trace->traps, TRAP_NOTIFY, __ATOMIC_RELEASE);
		else
			__atomic_and_fetch(&t->trace->traps, (u8)~TRAP_STOP, __ATOMIC_RELEASE);
	}
	kick_all(p);
}

/* What a signal does to stops when it is sent, whatever becomes of it. Locked. */
static void prepare_stop(struct process *p, int signo, struct signal_list *dropped)
{
	struct signal_state *s = &p->signals;

	if (SIGNALS_STOP & SIGNAL_BIT(signo))
		signal_unqueue_all(p, SIGNAL_BIT(SIGCONT), dropped);
	if (signo != SIGCONT)
		return;
	signal_unqueue_all(p, SIGNALS_STOP, dropped);
	if (s->stopped) {
		s->stop_unreported = false;
		s->continue_unreported = true;
		signal_set_stopped(p, 0);
		kick_all(p);
	}
	if (s->traced)
		notify_tracees(p);
}

void signal_retarget(struct process *p)
{
	u64 irq = spin_lock_irqsave(&p->signals.hand->lock);

	kick_all(p);
	spin_unlock_irqrestore(&p->signals.hand->lock, irq);
}

/* Does t block signo, so that it does not act on it at its next return to ring 3? */
static bool blocks(const struct thread *t, int signo)
{
	return __atomic_load_n(&t->blocked_signals, __ATOMIC_RELAXED) & SIGNAL_BIT(signo);
}

static bool takes(const struct thread *t, int signo)
{
	return !blocks(t, signo) ||
	       (__atomic_load_n(&t->waited_signals, __ATOMIC_RELAXED) & SIGNAL_BIT(signo));
}

/* A thread that takes signo: the sender itself, else the first; NULL when all block it. Locked. */
static struct thread *choose(struct process *p, int signo)
{
	struct thread *me = arch_current(), *t;

	if (me && me->process == p && takes(me, signo))
		return me;
	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (takes(t, signo))
			return t;
	}
	return NULL;
}

void signal_kill_threads(struct process *p, const struct thread *keep)
{
	struct thread *t;

	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (t == keep)
			continue;
		__atomic_or_fetch(&t->signals.pending, SIGNAL_BIT(SIGKILL), __ATOMIC_RELEASE);
		sched_kick(t);
	}
}

/* only: the thread that it is for, or NULL. */
static int send(struct process *p, struct thread *only, const siginfo_t *info, struct queued_signal **holder)
{
	struct signal_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct sighand *h = p->signals.hand;
	int signo = info->si_signo, err = 0;
	bool job = (SIGNALS_STOP | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGKILL)) & SIGNAL_BIT(signo);
	u64 irq = spin_lock_irqsave(&h->lock);
	struct thread *t = only ? only : choose(p, signo);

	if (job)
		prepare_stop(p, signo, &dropped);
	if (!TAILQ_EMPTY(&p->threads) &&
	    (!signal_is_ignored(h, signo) || !t || blocks(t, signo) || t->traced)) {
		err = enqueue(p, only ? &only->signals : &p->signals.shared, info, holder);
		/* Who changes its mask meanwhile sees that it is pending, or what it blocks now is seen here. */
		if (!only && t != arch_current() && (!t || !takes(t, signo)))
			t = choose(p, signo);
		if (t)
			sched_kick(t);
		signalfd_notify();
	}
	spin_unlock_irqrestore(&h->lock, irq);
	if (job) {
		signal_free_list(&dropped);
		/* Stops for a tracer end, whoever was chosen. */
		if (signo == SIGKILL && p->signals.traced)
			signal_retarget(p);
	}
	return err;
}

int signal_send(struct process *p, const siginfo_t *info)
{
	return send(p, NULL, info, NULL);
}

int signal_send_thread(struct thread *t, const siginfo_t *info)
{
	return send(t->process, t, info, NULL);
}

int signal_send_held(struct process *p, struct thread *only, const siginfo_t *info,
		     struct queued_signal **holder)
{
	return send(p, only, info, holder);
}

void signal_send_kernel(struct process *p, int signo)
{
	siginfo_t info;

	signal_make_info(&info, signo, SI_KERNEL);
	(void)signal_send(p, &info);
}

void signal_send_outside(struct process *p, int signo)
{
	u64 irq = table_lock();

	signal_send_kernel(p, signo);
	table_unlock(irq);
}

void signal_send_self(int signo)
{
	const struct process *me = current_process();
	siginfo_t info;

	signal_make_info(&info, signo, SI_USER);
	info.si_pid = me->pid;
	info.si_uid = current_cred()->uid;
	(void)signal_send_thread(current_thread(), &info);
}

/* A fault that is blocked or ignored gets the default action: the program could not go on (Linux: force_sig). */
void signal_force_info(const siginfo_t *info)
{
	struct thread *t = current_thread();
	struct sighand *h = t->process->signals.hand;
	int signo = info->si_signo;
	u64 bit = SIGNAL_BIT(signo), irq = spin_lock_irqsave(&h->lock);

	if ((t->blocked_signals & bit) || signal_handler(h, signo) == (u64)SIG_IGN) {
		sighand_set_action(h, signo, &(struct signal_action){.handler = (u64)SIG_DFL});
		t->blocked_signals &= ~bit;
	}
	(void)enqueue(t->process, &t->signals, info, NULL);
	spin_unlock_irqrestore(&h->lock, irq);
	sched_request_work();
}

void signal_force(int signo, int code, u64 addr)
{
	const siginfo_t info = {.si_signo = signo, .si_code = code, .si_addr = (void *)addr};

	signal_force_info(&info);
}

/* Takes the siginfo of signo off the queue; *more: another one of it is there. Locked. */
static struct queued_signal *dequeue(struct process *p, struct signal_queue *queue, int signo, bool *more)
{
	struct queued_signal *q, *found = NULL;

	*more = false;
	TAILQ_FOREACH (q, &queue->list, link) {
		if (q->info.si_signo != signo)
			continue;
		if (found) {
			*more = true;
			break;
		}
		found = q;
	}
	if (found)
		take_off(p, queue, found);
	return found;
}

int signal_take(struct process *p, struct signal_queue *q, u64 wanted, struct queued_signal **entry)
{
	const u64 faults = SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) |
			   SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS) |
			   SIGNAL_BIT(SIGKILL);
	u64 ready = q->pending & wanted;
	int signo = __builtin_ctzll(ready & faults ? ready & faults : ready) + 1;
	bool more;

	*entry = dequeue(p, q, signo, &more);
	if (!more)
		q->pending &= ~SIGNAL_BIT(signo);
	return signo;
}
