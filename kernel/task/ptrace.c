/* SPDX-License-Identifier: MIT */
/*
 * Who traces whom (docs/ptrace.md). A tracer is a thread, and so is a tracee; either may end at any time.
 *
 *     tracer thread ──tracees──> struct tracee ──thread──> traced thread      alive
 *                                      └────────process──> its process        the leader's, until its zombie was waited for
 *
 * A thread that ends while it is traced leaves its struct tracee on the tracer's list, for wait(2). A tracer that ends lets
 * all of them go.
 *
 * Locks: the table's for everything; for what a sender of signals looks at (thread.traced, thread.trace, traps) that of the
 * signals too.
 */
#include <asm/errno.h>
#include <linux/sched.h>
#include <arch/ptrace.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/heap.h>
#include <moat/ptrace.h>
#include "ptrace_internal.h"
#include "signal_queue.h"

static u32 traced_threads; /* [table] */
static struct waitq exec_over = {.lock = SPINLOCK_INIT(RANK_WAITQ),
				 .waiters = TAILQ_HEAD_INITIALIZER(exec_over.waiters)};

/* t is traced, and what it was before it was is forgotten; spare is used or freed. Table locked. */
static struct tracee *begin(struct thread *t, struct thread *tracer, struct tracee *spare, bool seize,
			    u32 options)
{
	struct process *p = t->process;
	struct tracee *tr = t->trace ? t->trace : spare, old = {0};

	/* What it goes on with, and what is in its frame, has nothing to do with who traces it. */
	if (tr != spare) {
		old = *tr;
		kfree(spare);
	}
	*tr = (struct tracee){
		.inject = old.inject,
		.forced_step = old.forced_step,
		.entered_handler = old.entered_handler,
		.tracer = tracer,
		.thread = t,
		.process = p,
		.tid = t->tid,
		.options = options,
		.seized = seize,
		.privileged = tracer->cred.effective >> CAP_SYS_PTRACE & 1,
	};
	LIST_INSERT_HEAD(&tracer->tracees, tr, link);
	if (t->tid == p->pid)
		p->trace = tr;
	spin_lock(&p->signals.hand->lock);
	t->trace = tr;
	__atomic_store_n(&t->traced, true, __ATOMIC_RELEASE);
	p->signals.traced++;
	__atomic_or_fetch(&p->signals.attention, ATTENTION_TRACED, __ATOMIC_RELEASE);
	spin_unlock(&p->signals.hand->lock);
	if (traced_threads++ == 0)
		calls_watch(WATCH_PTRACE);
	return tr;
}

/* t has nobody any more who traces it. Table locked. */
static void forget_thread(struct thread *t)
{
	struct signal_state *s = &t->process->signals;

	spin_lock(&s->hand->lock);
	__atomic_store_n(&t->traced, false, __ATOMIC_RELEASE);
	t->trace->traps = 0;
	if (--s->traced == 0)
		__atomic_and_fetch(&s->attention, ~(u32)ATTENTION_TRACED, __ATOMIC_RELEASE);
	spin_unlock(&s->hand->lock);
}

void ptrace_detach(struct tracee *tr, int signo)
{
	LIST_REMOVE(tr, link);
	tr->tracer = NULL;
	if (tr->process && tr->process->trace == tr)
		tr->process->trace = NULL;
	if (--traced_threads == 0)
		calls_unwatch(WATCH_PTRACE);
	if (!tr->thread)
		return;
	forget_thread(tr->thread);
	tr->resume = 0;
	if (tr->stopped)
		tr->inject = signo;
	__atomic_store_n(&tr->stopped, false, __ATOMIC_RELEASE);
	/* It may have to join a group stop. */
	sched_kick(tr->thread);
}

/* --- making it --- */

/* Rules of ptrace(2), "Ptrace access mode checking", without those for users. Table locked. */
static int check_attach(const struct thread *t)
{
	const struct process *p = t->process;

	if (p == &kernel_process || p == current_process())
		return -EPERM;
	if (p->in_exec)
		return -EAGAIN;
	return t->traced || !cred_may_peek(&t->cred, p->not_dumpable) ? -EPERM : 0;
}

struct attach {
	int tid, err;
	bool seize, waits;
	u32 options;
	struct tracee *spare;
};

/* A thread that stands still with its process does so for its tracer from now on, which happens on its own stack. */
static void attached(struct attach *a, struct thread *t)
{
	struct process *p = t->process;
	siginfo_t info;

	spin_lock(&p->signals.hand->lock);
	a->waits = p->signals.stopped && t->standing;
	if (a->waits) {
		__atomic_or_fetch(&t->trace->traps, TRAP_STOP, __ATOMIC_RELEASE);
		sched_kick(t);
	}
	spin_unlock(&p->signals.hand->lock);
	if (a->seize)
		return;
	signal_make_info(&info, SIGSTOP, SI_KERNEL);
	(void)signal_send_thread(t, &info);
}

/* False: it executes a program, and is asked again when it has. */
static bool try_attach(struct attach *a)
{
	u64 irq = table_lock();
	struct thread *t = table_find_thread(a->tid);

	a->err = t ? check_attach(t) : table_find(a->tid) ? -EPERM : -ESRCH;
	if (!a->err) {
		(void)begin(t, current_thread(), a->spare, a->seize, a->options);
		a->spare = NULL;
		attached(a, t);
	}
	table_unlock(irq);
	return a->err != -EAGAIN;
}

/* Has the tracee of the current thread come to stand still, or has it ended? */
static bool has_trapped(int tid)
{
	const struct thread *t;
	u64 irq = table_lock();
	bool done;

	t = table_find_thread(tid);
	done = !t || !t->traced || t->trace->tracer != current_thread() || !(t->trace->traps & TRAP_STOP);
	table_unlock(irq);
	return done;
}

int ptrace_attach(int tid, bool seize, u32 options)
{
	struct attach a = {
		.tid = tid, .seize = seize, .options = options, .spare = kmalloc(sizeof(struct tracee))};
	int err;

	if (!a.spare)
		return -ENOMEM;
	err = WAIT_EVENT(&exec_over, try_attach(&a));
	kfree(a.spare);
	if (err || a.err)
		return err ? err : a.err;
	if (a.waits)
		(void)WAIT_EVENT_FLAGS(&current_process()->child_event, has_trapped(tid), WAIT_KILLABLE);
	return 0;
}

/* The thread that counts as the current process's parent. Table locked. */
static struct thread *parent_thread(const struct process *me)
{
	struct thread *t = table_find_thread(me->made_by);

	return t && t->process == me->parent ? t : TAILQ_FIRST(&me->parent->threads);
}

int ptrace_traceme(void)
{
	struct tracee *spare = kmalloc(sizeof(*spare));
	struct thread *me = current_thread(), *parent;
	int err = -EPERM;
	u64 irq;

	if (!spare)
		return -ENOMEM;
	irq = table_lock();
	parent = parent_thread(me->process);
	if (!me->traced && parent && me->process->parent != &kernel_process &&
	    (!(me->cred.permitted & ~parent->cred.permitted) ||
	     parent->cred.effective >> CAP_SYS_PTRACE & 1)) {
		(void)begin(me, parent, spare, false, 0);
		spare = NULL;
		err = 0;
	}
	table_unlock(irq);
	kfree(spare);
	return err;
}

/* --- new threads --- */

unsigned ptrace_clone_event(const struct clone_request *req)
{
	unsigned event = req->flags & CLONE_VFORK      ? PTRACE_EVENT_VFORK
			 : req->exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE
						       : PTRACE_EVENT_FORK;

	return !(req->flags & CLONE_UNTRACED) && ptrace_wants(event) ? event : 0;
}

int ptrace_prepare_child(const struct clone_request *req, struct tracee **out)
{
	*out = NULL;
	if (likely(!thread_is_traced(current_thread())))
		return 0;
	if (!(req->flags & CLONE_PTRACE) && !ptrace_clone_event(req))
		return 0;
	*out = kmalloc(sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void ptrace_child(struct thread *child, struct tracee *tr)
{
	struct thread *me = current_thread();

	/* The step was asked of the parent. */
	if (unlikely(me->trace && me->trace->forced_step))
		frame_set_step(arch_thread_frame(&child->arch), false);
	if (likely(!tr))
		return;
	if (!me->traced) {
		kfree(tr);
		return;
	}
	tr = begin(child, me->trace->tracer, tr, me->trace->seized, me->trace->options);
	tr->privileged = me->trace->privileged;
	if (tr->seized)
		__atomic_or_fetch(&tr->traps, TRAP_STOP, __ATOMIC_RELEASE);
	else
		__atomic_or_fetch(&child->signals.pending, SIGNAL_BIT(SIGSTOP), __ATOMIC_RELEASE);
}

/* --- ends --- */

void ptrace_tracer_ends(struct thread *t, struct process_list *dead)
{
	struct tracee *tr;

	while ((tr = LIST_FIRST(&t->tracees))) {
		struct process *p = tr->process;

		if ((tr->options & PTRACE_O_EXITKILL) && tr->thread)
			signal_send_kernel(p, SIGKILL);
		ptrace_detach(tr, tr->told ? 0 : tr->inject);
		if (tr->thread)
			continue;
		kfree(tr);
		if (p && p->state == PROCESS_ZOMBIE)
			process_unveil(p, t->process, dead);
	}
}

void ptrace_tell(struct tracee *tr, int code, int status)
{
	struct process *to = tr->tracer->process;
	struct signal_action a = signal_get_action(to, SIGCHLD);
	siginfo_t info;

	if (a.handler != (u64)SIG_IGN &&
	    !(code != CLD_EXITED && code != CLD_KILLED && (a.flags & SA_NOCLDSTOP))) {
		signal_make_info(&info, SIGCHLD, code);
		info.si_pid = tr->tid;
		info.si_uid = tr->uid;
		info.si_status = status;
		(void)signal_send(to, &info);
	}
	waitq_wake_all(&to->child_event);
}

static void tell_of_end(struct tracee *tr, int status)
{
	int value, code = wait_status_code(status, &value);

	ptrace_tell(tr, code, value);
}

void ptrace_thread_ends(struct thread *t, int status)
{
	struct tracee *tr = t->trace;
	struct process *p = t->process;

	if (likely(!tr) || !tr->tracer)
		return;
	forget_thread(t);
	t->trace = NULL;
	tr->thread = NULL;
	tr->stopped = false;
	tr->uid = t->cred.uid;
	tr->pgid = p->pgid;
	/* A leader's end is that of its process. */
	if (p->trace == tr)
		return;
	tr->process = NULL;
	tr->dead = true;
	tr->exit_status = status;
	tell_of_end(tr, status);
}

void ptrace_process_ended(struct process *p)
{
	p->trace->uid = p->cred.uid;
	tell_of_end(p->trace, p->exit_status);
	waitq_wake_all(&p->parent->child_event);
}

/* --- execve --- */

void ptrace_new_leader(struct thread *t)
{
	struct process *p = t->process;
	struct tracee *old = p->trace;

	if (old) {
		waitq_wake_all(&old->tracer->process->child_event);
		ptrace_detach(old, 0);
		kfree(old);
	}
	if (t->traced) {
		t->trace->tid = p->pid;
		p->trace = t->trace;
	}
}

bool ptrace_is_idle(void)
{
	return !(__atomic_load_n(&calls_watched, __ATOMIC_RELAXED) & WATCH_PTRACE);
}

bool ptrace_allows_setid(void)
{
	const struct thread *t = current_thread();

	return !thread_is_traced(t) || t->trace->privileged || t->cred.effective >> CAP_SETUID & 1;
}

void ptrace_exec_begin(void)
{
	u64 irq = table_lock();

	current_process()->in_exec++;
	table_unlock(irq);
}

void ptrace_exec_end(void)
{
	u64 irq = table_lock();

	current_process()->in_exec--;
	table_unlock(irq);
	waitq_wake_all(&exec_over);
}
