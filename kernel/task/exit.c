/* SPDX-License-Identifier: MIT */
/*
 * The end of a process, by its last thread (leave.c): what it holds goes at once, its children get another parent, its own
 * parent is told.
 *
 *     process_end
 *       memory, program file                         no lock
 *       children ──> nearest subreaper above, or PID 1
 *       zombie, or gone at once when nobody wants to know (SIGCHLD ignored, SA_NOCLDWAIT, parent is PID 1)
 *       thread_exit
 *
 * PID 1 is the kernel: it waits for what it started itself (process_await) and reaps what it adopts on the spot.
 *
 * Lock: process_table_lock around everything that concerns the family; signals are sent under it.
 */
#include <asm/signal.h>
#include <arch/cpu.h>
#include <moat/futex.h>
#include <moat/panic.h>
#include <moat/pidfd.h>
#include <moat/tty.h>
#include "oom.h"
#include "ptrace_internal.h"

#define USER_HZ	   100
#define NS_PER_SEC 1000000000ull

static struct process_usage ended_usage; /* [table] of all that have ended */

static void (*exit_hook)(struct process *p); /* [I after boot] */

void process_register_exit(void (*fn)(struct process *p))
{
	exit_hook = fn;
}

int wait_status_code(int wait_status, int *value)
{
	int signo = wait_status & 0x7f;

	*value = signo ? signo : wait_status >> 8 & 0xff;
	return !signo ? CLD_EXITED : wait_status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

void child_info(const struct process *p, int code, int status, siginfo_t *info)
{
	signal_make_info(info, SIGCHLD, code);
	info->si_pid = p->pid;
	info->si_uid = p->cred.uid;
	info->si_status = status;
	info->si_utime = (long)(p->usage.user_ns * USER_HZ / NS_PER_SEC);
	info->si_stime = (long)(p->usage.sys_ns * USER_HZ / NS_PER_SEC);
}

bool parent_tell_of_end(struct process *p)
{
	struct process *parent = p->parent;
	struct signal_action a;
	siginfo_t info;
	int value, code;
	bool reap = false;

	if (parent == &kernel_process) {
		waitq_wake_all(&parent->child_event);
		return !p->awaited;
	}
	if (p->exit_signal > 0 && p->exit_signal <= SIGNAL_MAX) {
		a = signal_get_action(parent, p->exit_signal);
		reap = p->exit_signal == SIGCHLD && (a.handler == (u64)SIG_IGN || (a.flags & SA_NOCLDWAIT));
		code = wait_status_code(p->exit_status, &value);
		child_info(p, code, value, &info);
		info.si_signo = p->exit_signal;
		(void)signal_send(parent, &info);
	}
	waitq_wake_all(&parent->child_event);
	return reap;
}

void parent_tell_locked(struct process *p, int code, int signo)
{
	struct signal_action a;
	siginfo_t info;

	a = signal_get_action(p->parent, SIGCHLD);
	child_info(p, code, signo, &info);
	if (p->parent != &kernel_process && !(a.flags & SA_NOCLDSTOP))
		(void)signal_send(p->parent, &info);
	waitq_wake_all(&p->parent->child_event);
}

void parent_tell(struct process *p, int code, int signo)
{
	u64 irq = table_lock();

	parent_tell_locked(p, code, signo);
	table_unlock(irq);
}

/* Who gets the children of p. Table locked. */
static struct process *find_reaper(const struct process *p)
{
	struct process *at = p->parent;

	while (at != &kernel_process && (!at->subreaper || at->state != PROCESS_ALIVE))
		at = at->parent;
	return at;
}

/* The thread that counts as the one that made what p has adopted: the oldest that lives. Table locked. */
static int maker_in(const struct process *p)
{
	const struct thread *t = TAILQ_FIRST(&p->threads);

	return t ? t->tid : p->pid;
}

static void tell_of_parents_death(struct process *child, const struct process *parent)
{
	siginfo_t info;

	if (!child->parent_death_signal || child->state == PROCESS_ZOMBIE)
		return;
	signal_make_info(&info, child->parent_death_signal, SI_USER);
	info.si_pid = parent->pid;
	info.si_uid = parent->cred.uid;
	(void)signal_send(child, &info);
}

void thread_give_children_away(struct process *p, int tid)
{
	struct process *child;

	TAILQ_FOREACH (child, &p->children, sibling) {
		if (child->made_by != tid)
			continue;
		child->made_by = maker_in(p);
		tell_of_parents_death(child, p);
	}
}

/* The zombie p's parent is told; or, when that one does not want to know, p goes. Table locked. */
static void tell_or_bury(struct process *p, struct process_list *dead)
{
	if (!parent_tell_of_end(p))
		return;
	table_remove(p);
	LIST_INSERT_HEAD(dead, p, all);
}

void process_unveil(struct process *p, const struct process *tracer, struct process_list *dead)
{
	if (p->parent != tracer)
		tell_or_bury(p, dead);
}

/* The children of p find another parent; zombies that this one does not want go to `dead`. Table locked. */
static void give_children_away(struct process *p, struct process_list *dead)
{
	struct process *child, *reaper = find_reaper(p);

	while ((child = TAILQ_FIRST(&p->children))) {
		table_adopt(child, reaper);
		if (child->pgid != p->pgid && child->sid == p->sid)
			group_lost_parent(child->pgid);
		child->exit_signal = SIGCHLD;
		child->made_by = maker_in(reaper);
		tell_of_parents_death(child, p);
		if (child->state == PROCESS_ZOMBIE && !child->trace)
			tell_or_bury(child, dead);
	}
}

void free_processes(struct process_list *dead)
{
	struct process *p;

	while ((p = LIST_FIRST(dead))) {
		LIST_REMOVE(p, all);
		process_free(p);
	}
}

static void release_memory(struct process *p)
{
	struct aspace *as = p->aspace;
	u64 irq;

	process_settle_memory(p);
	p->exit_cycles = cpu_cycles();
	irq = table_lock();
	oom_release_begin(p);
	p->aspace = NULL;
	table_unlock(irq);
	/* The last user leaves the tables first, so that taking them apart flushes nothing. */
	if (ref_read(&as->refs) == 1)
		arch_set_user_pmap(NULL);
	else
		arch_leave_user_pmap();
	aspace_put(as);
	oom_release_end(p);
}

/* Nobody sends p a signal any more; its last thread goes. */
static void close_signals(struct process *p, struct thread *t, struct process_list *dead)
{
	u64 irq;

	signal_queue_end(p, &t->signals);
	irq = table_lock();
	process_settle_thread(p, t);
	ptrace_tracer_ends(t, dead);
	ptrace_thread_ends(t, p->exit_status);
	table_remove_thread(t);
	table_unlock(irq);
	/* Between the two steps another signal may have come for the thread. */
	signal_queue_end(p, &t->signals);
	signal_queue_end(p, &p->signals.shared);
}

void process_end(int wait_status)
{
	struct process_list dead = LIST_HEAD_INITIALIZER(dead);
	struct process *p = current_process();
	u64 irq;

	ASSERT(p != &kernel_process);
	p->exit_status = wait_status;
	if (exit_hook)
		exit_hook(p);
	release_memory(p);
	tty_leader_ends();
	process_set_exe(p, NULL);
	process_timers_end(p);
	close_signals(p, current_thread(), &dead);
	futex_left(current_thread());
	current_thread()->process = &kernel_process; /* p is the parent's to free from now on */
	irq = table_lock();
	give_children_away(p, &dead);
	p->state = PROCESS_ZOMBIE;
	if (p->ref)
		waitq_wake_all(&p->ref->wait);
	if (p->parent->pgid != p->pgid && p->parent->sid == p->sid)
		group_lost_parent(p->pgid);
	process_usage_add(&ended_usage, &p->usage);
	if (p->trace)
		ptrace_process_ended(p);
	else
		tell_or_bury(p, &dead);
	table_unlock(irq);
	free_processes(&dead);
	thread_exit();
}

void process_ended_usage(struct process_usage *out)
{
	u64 irq = table_lock();

	*out = ended_usage;
	table_unlock(irq);
}

static bool kill_one(struct process *p, void *keep)
{
	if (p != keep)
		signal_send_kernel(p, SIGKILL);
	return true;
}

/* A fork that has begun fails once SIGKILL is pending, so one round reaches all. */
void process_end_others(struct process *keep)
{
	process_for_each(kill_one, keep);
	WAIT_EVENT_UNKILLABLE(&kernel_process.child_event, process_count() <= 1);
}
