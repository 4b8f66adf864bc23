/* SPDX-License-Identifier: MIT */
/*
 * Sending signals, and what is kept until they are acted on.
 *
 * A signal that is ignored is dropped when it is sent, so a pending one always means something. One that is blocked is
 * kept even then: the action may change before it is unblocked. SIGCONT ends a stop at once, whatever its action.
 *
 * Lock: signals.lock (RANK_SIGNAL), interrupts off: the control port sends from an interrupt. Those who send to others
 * find them under the table's lock, which comes before it.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "signal_names.h"
#include "signal_queue.h"
#include "table.h"

#define REAL_TIME_FIRST 32 /* Linux's SIGRTMIN; the C libraries keep the first few */

static const struct signal_action default_action;

void signal_make_info(siginfo_t *info, int signo, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
}

void signal_state_init(struct signal_state *s)
{
	spin_init(&s->lock, RANK_SIGNAL);
	TAILQ_INIT(&s->queue);
}

void signal_state_fork(struct signal_state *child, const struct signal_state *parent)
{
	child->action_set = parent->action_set;
	for (u64 left = parent->action_set; left; left &= left - 1) {
		int i = __builtin_ctzll(left);

		child->actions[i] = parent->actions[i];
	}
}

/* Removes what is queued of the signals in `which`. Locked; the entries go to `out`. */
static void unqueue(struct signal_state *s, u64 which, struct signal_list *out)
{
	struct queued_signal *q, *next;

	s->pending &= ~which;
	for (q = TAILQ_FIRST(&s->queue); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (!(which & SIGNAL_BIT(q->info.si_signo)))
			continue;
		TAILQ_REMOVE(&s->queue, q, link);
		s->queued--;
		TAILQ_INSERT_TAIL(out, q, link);
	}
}

static void free_list(struct signal_list *list)
{
	struct queued_signal *q;

	while ((q = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, q, link);
		kfree(q);
	}
}

void signal_state_end(struct signal_state *s)
{
	free_list(&s->queue);
	s->pending = 0;
}

const struct signal_action *signal_action_of(const struct signal_state *s, int signo)
{
	return s->action_set & SIGNAL_BIT(signo) ? &s->actions[signo - 1] : &default_action;
}

struct signal_action signal_get_action(struct process *p, int signo)
{
	u64 irq = spin_lock_irqsave(&p->signals.lock);
	struct signal_action a = *signal_action_of(&p->signals, signo);

	spin_unlock_irqrestore(&p->signals.lock, irq);
	return a;
}

static bool ignored(const struct signal_state *s, int signo)
{
	const struct signal_action *a = signal_action_of(s, signo);

	if (signo == SIGKILL || signo == SIGSTOP)
		return false;
	return a->handler == (u64)SIG_IGN ||
	       (a->handler == (u64)SIG_DFL && signal_default(signo) == SIGNAL_DEFAULT_IGNORE);
}

void signal_set_action(struct process *p, int signo, const struct signal_action *a)
{
	struct signal_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct signal_state *s = &p->signals;
	u64 irq;

	irq = spin_lock_irqsave(&s->lock);
	s->actions[signo - 1] = *a;
	s->action_set |= SIGNAL_BIT(signo);
	if (ignored(s, signo) && s->pending)
		unqueue(s, SIGNAL_BIT(signo), &dropped);
	spin_unlock_irqrestore(&s->lock, irq);
	free_list(&dropped);
}

void signal_reset_handlers(struct process *p)
{
	struct signal_state *s = &p->signals;
	u64 irq = spin_lock_irqsave(&s->lock);

	for (u64 left = s->action_set; left; left &= left - 1) {
		struct signal_action *a = &s->actions[__builtin_ctzll(left)];

		*a = (struct signal_action){.handler = a->handler == (u64)SIG_IGN ? a->handler : 0};
	}
	spin_unlock_irqrestore(&s->lock, irq);
}

/* Makes it pending with its siginfo. 0 or -EAGAIN: only a real-time signal needs its place in the queue. Locked. */
static int enqueue(struct process *p, const siginfo_t *info)
{
	struct signal_state *s = &p->signals;
	int signo = info->si_signo;
	struct queued_signal *q = NULL;

	if (signo < REAL_TIME_FIRST && (s->pending & SIGNAL_BIT(signo)))
		return 0;
	if (s->queued < p->limits[RLIMIT_SIGPENDING].soft)
		q = kmalloc(sizeof(*q));
	if (q) {
		q->info = *info;
		TAILQ_INSERT_TAIL(&s->queue, q, link);
		s->queued++;
	} else if (signo >= REAL_TIME_FIRST && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	__atomic_or_fetch(&s->pending, SIGNAL_BIT(signo), __ATOMIC_RELEASE);
	return 0;
}

/* What a signal does to stops when it is sent, whatever becomes of it. Locked. */
static void prepare_stop(struct signal_state *s, int signo, struct signal_list *dropped)
{
	if (SIGNALS_STOP & SIGNAL_BIT(signo))
		unqueue(s, SIGNAL_BIT(SIGCONT), dropped);
	if (signo == SIGCONT) {
		unqueue(s, SIGNALS_STOP, dropped);
		if (s->stopped) {
			s->stop_unreported = false;
			s->continue_unreported = true;
			__atomic_store_n(&s->stopped, 0, __ATOMIC_RELEASE);
		}
	}
}

int signal_send(struct process *p, const siginfo_t *info)
{
	struct signal_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct signal_state *s = &p->signals;
	int signo = info->si_signo, err = 0;
	bool job = (SIGNALS_STOP | SIGNAL_BIT(SIGCONT)) & SIGNAL_BIT(signo);
	struct thread *t;
	u64 irq;

	irq = spin_lock_irqsave(&s->lock);
	t = p->thread;
	if (t && job)
		prepare_stop(s, signo, &dropped);
	if (t && (!ignored(s, signo) || (t->blocked_signals & SIGNAL_BIT(signo)))) {
		err = enqueue(p, info);
		sched_kick(t);
	} else if (t && signo == SIGCONT) {
		sched_kick(t);
	}
	spin_unlock_irqrestore(&s->lock, irq);
	if (job)
		free_list(&dropped);
	return err;
}

int signal_send_user(struct process *p, int signo, int code)
{
	const struct process *me = current_process();
	siginfo_t info;

	signal_make_info(&info, signo, code);
	info.si_pid = me->pid;
	info.si_uid = me->uid;
	return signal_send(p, &info);
}

void signal_send_kernel(struct process *p, int signo)
{
	siginfo_t info;

	signal_make_info(&info, signo, SI_KERNEL);
	(void)signal_send(p, &info);
}

/* Takes the siginfo of signo off the queue; *more: another one of it is there. Locked. */
static struct queued_signal *dequeue(struct signal_state *s, int signo, bool *more)
{
	struct queued_signal *q, *found = NULL;

	*more = false;
	TAILQ_FOREACH (q, &s->queue, link) {
		if (q->info.si_signo != signo)
			continue;
		if (found) {
			*more = true;
			break;
		}
		found = q;
	}
	if (found) {
		TAILQ_REMOVE(&s->queue, found, link);
		s->queued--;
	}
	return found;
}

int signal_take(struct signal_state *s, u64 blocked, siginfo_t *info)
{
	const u64 faults = SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) |
			   SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS) |
			   SIGNAL_BIT(SIGKILL);
	struct queued_signal *q = NULL;
	u64 irq, ready;
	int signo = 0;
	bool more;

	if (!(__atomic_load_n(&s->pending, __ATOMIC_ACQUIRE) & ~blocked))
		return 0;
	irq = spin_lock_irqsave(&s->lock);
	ready = s->pending & ~blocked;
	if (ready) {
		signo = __builtin_ctzll(ready & faults ? ready & faults : ready) + 1;
		q = dequeue(s, signo, &more);
		if (!more)
			s->pending &= ~SIGNAL_BIT(signo);
	}
	spin_unlock_irqrestore(&s->lock, irq);
	if (q)
		*info = q->info;
	else if (signo)
		signal_make_info(info, signo, SI_USER);
	kfree(q);
	return signo;
}

bool signal_permitted(const struct process *p, int signo)
{
	const struct process *me = current_process();

	if (me->euid == 0 || me->euid == p->suid || me->euid == p->uid || me->uid == p->suid ||
	    me->uid == p->uid)
		return true;
	return signo == SIGCONT && p->sid == me->sid;
}

struct kill_request {
	int pid, signo, pgid;
	unsigned sent;
	int err;
};

static bool is_meant(const struct kill_request *k, const struct process *p)
{
	return k->pid == -1 ? p != current_process() : p->pgid == k->pgid;
}

static int kill_one(struct process *p, struct kill_request *k)
{
	if (k->signo < 0 || k->signo > SIGNAL_MAX) {
		k->err = -EINVAL;
		return -EINVAL;
	}
	if (!signal_permitted(p, k->signo)) {
		k->err = -EPERM;
		return -EPERM;
	}
	k->sent++;
	return k->signo ? signal_send_user(p, k->signo, SI_USER) : 0;
}

static bool kill_if_meant(struct process *p, void *arg)
{
	if (is_meant(arg, p))
		(void)kill_one(p, arg);
	return true;
}

static int kill_found(struct process *p, void *arg)
{
	return kill_one(p, arg);
}

int signal_kill(int pid, int signo)
{
	struct kill_request k = {.pid = pid, .signo = signo, .err = -ESRCH};

	if (pid > 0)
		return process_with(pid, kill_found, &k);
	if (pid == INT32_MIN)
		return -ESRCH;
	k.pgid = pid == 0 ? current_process()->pgid : -pid;
	process_for_each(kill_if_meant, &k);
	return k.sent ? 0 : k.err;
}

static int kill_thread(struct process *p, void *arg)
{
	const struct kill_request *k = arg;

	if (k->signo < 0 || k->signo > SIGNAL_MAX)
		return -EINVAL;
	if (!signal_permitted(p, k->signo))
		return -EPERM;
	return k->signo ? signal_send_user(p, k->signo, SI_TKILL) : 0;
}

/* A process has one thread, with its number. */
int signal_kill_thread(int tgid, int tid, int signo)
{
	struct kill_request k = {.signo = signo};

	if (tid <= 0 || tgid == 0 || tgid < -1)
		return -EINVAL;
	return tgid != -1 && tgid != tid ? -ESRCH : process_with(tid, kill_thread, &k);
}
