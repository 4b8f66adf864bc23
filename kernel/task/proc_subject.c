/* SPDX-License-Identifier: MIT */
/*
 * Looking at another process. All that /proc tells of one is copied here in one go, with the table of processes
 * locked and references taken, so that the process may end at any later moment without harm.
 */
#include <arch/smp.h>
#include <moat/heap.h>
#include <moat/ptrace.h>
#include <moat/string.h>
#include <moat/tty.h>
#include "proc_internal.h"
#include "signal_queue.h"
#include "table.h"

struct search {
	const struct proc_key *key;
	void (*fn)(struct process *p, void *arg);
	void *arg;
};

/* t: the thread that is looked at; NULL: a leader that has ended. */
static char state_of(const struct process *p, const struct thread *t)
{
	if (p == &kernel_process)
		return 'S';
	if (p->state == PROCESS_ZOMBIE || !t)
		return 'Z';
	if (t->traced && t->trace->stopped)
		return 't';
	if (p->signals.stopped && t->standing && !t->traced)
		return 'T';
	return t->state == THREAD_BLOCKED ? 'S' : 'R';
}

/* What is under the lock of the signals. */
static void copy_signals(struct process *p, struct subject *s)
{
	const struct sighand *h = p->signals.hand;
	u64 irq = spin_lock_irqsave(&p->signals.hand->lock);

	s->shared_pending = p->signals.shared.pending;
	s->queued = p->signals.queued;
	for (int signo = 1; signo <= SIGNAL_MAX; signo++) {
		u64 handler = signal_handler(h, signo);

		if (handler == (u64)(uintptr_t)SIG_IGN)
			s->ignored |= SIGNAL_BIT(signo);
		else if (handler != (u64)(uintptr_t)SIG_DFL)
			s->caught |= SIGNAL_BIT(signo);
	}
	spin_unlock_irqrestore(&p->signals.hand->lock, irq);
}

/* t may be NULL. */
static void copy_thread(const struct process *p, const struct thread *t, struct subject *s)
{
	s->state = state_of(p, t);
	s->tid = t ? t->tid : p->pid;
	if (!t)
		return;
	memcpy(s->name, t->name, sizeof(s->name));
	s->pending = t->signals.pending;
	s->blocked = t->blocked_signals;
	s->policy = t->policy;
	s->no_new_privs = t->no_new_privs;
	s->seccomp_mode = t->seccomp.mode;
	s->seccomp_filters = seccomp_count(&t->seccomp);
	s->policy_now = thread_policy(t);
	s->allowed = thread_affinity(t) & (u32)((1ull << cpu_count()) - 1);
	s->cpu = __atomic_load_n(&t->sched.cpu, __ATOMIC_RELAXED);
	s->run_ns = thread_cpu_ns(t);
	s->waited_ns = t->sched.waited_ns;
	s->turns = t->sched.turns;
	s->timer_slack_ns = t->timer_slack_ns;
	s->is_thread = t->tid != p->pid;
	s->tracer = t->traced ? t->trace->tracer->process->pid : 0;
	s->files = t->files;
	s->fs = t->fs;
}

static void take_references(struct process *p, struct subject *s)
{
	s->aspace = p->aspace;
	s->exe = p->exe;
	if (s->aspace)
		aspace_get(s->aspace);
	if (s->files)
		fd_table_get(s->files);
	if (s->fs)
		fs_context_get(s->fs);
	if (s->exe)
		file_get(s->exe);
}

/* Of all threads, those that have ended too. */
static void add_counts(const struct process *p, struct process_usage *out)
{
	const struct thread *t;

	*out = p->usage;
	TAILQ_FOREACH (t, &p->threads, sibling)
		thread_add_counts(t, out);
}

struct copying {
	struct subject *s;
	int tid; /* 0: the process as a whole, of which the leader speaks */
	bool found;
};

static struct thread *thread_of(const struct process *p, int tid)
{
	struct thread *t;

	TAILQ_FOREACH (t, &p->threads, sibling) {
		if (t->tid == tid)
			return t;
	}
	return NULL;
}

/* Table locked. */
static void copy_subject(struct process *p, void *arg)
{
	struct copying *c = arg;
	struct subject *s = c->s;
	struct thread *t = c->tid ? thread_of(p, c->tid) : p->leader;

	c->found = t || !c->tid || c->tid == p->pid;
	if (!c->found)
		return;

	s->pid = p->pid;
	s->ppid = p->parent ? p->parent->pid : 0;
	s->pgid = p->pgid;
	s->sid = p->sid;
	s->foreground = -1;
	if (p->tty)
		tty_facts(p->tty, &s->tty, &s->foreground);
	s->threads = (int)p->thread_count;
	memcpy(s->name, p->name, sizeof(s->name));
	s->personality = p->personality;
	s->dumpable = !p->not_dumpable;
	cred_copy(&s->cred, t ? &t->cred : &p->cred);
	s->oom_score_adj = p->oom_score_adj;
	s->start_ns = p->start_ns;
	s->exit_status = p->exit_status;
	s->usage = p->usage;
	s->children_usage = p->children_usage;
	s->exit_signal = p->exit_signal;
	memcpy(s->limits, p->limits, sizeof(s->limits));
	s->pending_limit = p->limits[RLIMIT_SIGPENDING].soft;
	s->facts = p->facts;
	copy_signals(p, s);
	copy_thread(p, t, s);
	if (c->tid && t)
		thread_cpu_times(t, &s->user_ns, &s->sys_ns);
	else
		process_cpu_times_locked(p, &s->user_ns, &s->sys_ns);
	if (!t)
		s->counts = p->usage;
	else if (c->tid)
		thread_add_counts(t, &s->counts);
	else
		add_counts(p, &s->counts);
	take_references(p, s);
	if (s->fs)
		s->umask = s->fs->umask;
}

static int visit(struct process *p, void *arg)
{
	const struct search *s = arg;

	if (p->start_ns != s->key->life)
		return -ESRCH;
	s->fn(p, s->arg);
	return 0;
}

int subject_change(const struct proc_key *key, void (*fn)(struct process *p, void *arg), void *arg)
{
	struct search s = {.key = key, .fn = fn, .arg = arg};

	return process_with(key->pid, visit, &s);
}

int subject_get(const struct proc_key *key, struct subject **out)
{
	struct subject *s = kzalloc(sizeof(*s));
	struct copying c = {.s = s, .tid = key->tid};
	int err;

	if (!s)
		return -ENOMEM;
	err = subject_change(key, copy_subject, &c);
	if (!err && !c.found)
		err = -ESRCH;
	if (err)
		kfree(s);
	else
		*out = s;
	return err;
}

void subject_put(struct subject *s)
{
	if (s->exe)
		file_put(s->exe);
	cred_put_groups(&s->cred);
	fs_context_put(s->fs);
	fd_table_put(s->files);
	if (s->aspace)
		aspace_put(s->aspace);
	kfree(s);
}

int subject_check(const struct subject *s)
{
	const struct cred *me = current_cred(), *c = &s->cred;
	u32 uid = me->fsuid, gid = me->fsgid;

	if (capable(CAP_SYS_PTRACE) || s->pid == current_process()->pid)
		return 0;
	if (s->dumpable && uid == c->uid && uid == c->euid && uid == c->suid && gid == c->gid &&
	    gid == c->egid && gid == c->sgid)
		return 0;
	return -EACCES;
}

int proc_open_checked(struct proc_open *o, u32 flags)
{
	struct subject *s;
	int err = subject_get(&o->key, &s);

	(void)flags;
	if (err)
		return err;
	err = subject_check(s);
	o->token = s->aspace ? s->aspace->id : 0;
	subject_put(s);
	return err;
}

struct opened {
	const struct proc_open *o;
	struct aspace *as;
};

static void take_aspace(struct process *p, void *arg)
{
	struct opened *to = arg;

	/* After an exec it is another program's, which whoever opened the file may have no right to see. */
	if (!p->aspace || p->aspace->id != to->o->token)
		return;
	to->as = p->aspace;
	aspace_get(to->as);
}

int proc_opened_aspace(const struct proc_open *o, struct aspace **as)
{
	struct opened to = {.o = o};
	int err = subject_change(&o->key, take_aspace, &to);

	*as = to.as;
	return err;
}
