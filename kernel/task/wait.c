/* SPDX-License-Identifier: MIT */
/*
 * Waiting for children (wait(2)). Each look at the children, under the table's lock, either finds one with something to
 * tell, or says that there is none to wait for, or that the caller has to sleep.
 *
 *     zombie                        WEXITED       taken out and freed (WNOWAIT: left)
 *     stopped, not yet told         WSTOPPED      told once
 *     continued, not yet told       WCONTINUED    told once
 *
 * Those whom a thread of the caller's traces count as children too, and are looked at as tracees: a stop for the tracer needs no
 * option, and the end of a thread is told. A child that another process traces is a zombie for its parent only when
 * the tracer has waited for it.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/wait.h>
#include <moat/heap.h>
#include <moat/pidfd.h>
#include "ptrace_internal.h"

#define STATUS_STOPPED	 0x7f
#define STATUS_CONTINUED 0xffff

struct look {
	const struct wait_request *req;
	struct wait_result *out;
	struct process_list dead; /* taken out of the table: to be freed */
};

static bool is_meant(const struct process *child, const struct wait_request *req)
{
	if ((req->which == WAIT_PID && child->pid != req->id) ||
	    (req->which == WAIT_GROUP && child->pgid != req->id) ||
	    (req->which == WAIT_REF && child->ref != req->ref))
		return false;
	if ((req->options & __WNOTHREAD) && child->made_by != current_thread()->tid)
		return false;
	/* A "clone" child is one whose end is told by another signal than SIGCHLD. */
	return (req->options & __WALL) || (child->exit_signal != SIGCHLD) == !!(req->options & __WCLONE);
}

static void fill(struct look *l, struct process *child, int code, int status)
{
	*l->out = (struct wait_result){
		.pid = child->pid, .uid = child->cred.uid, .code = code, .status = status};
}

static void take_zombie(struct look *l, struct process *child)
{
	struct process_usage *mine = &current_process()->children_usage;
	int value;

	fill(l, child, wait_status_code(child->exit_status, &value), child->exit_status);
	l->out->usage = child->usage;
	process_usage_add(&l->out->usage, &child->children_usage);
	if (l->req->options & WNOWAIT)
		return;
	process_usage_add(mine, &l->out->usage);
	table_remove(child);
	LIST_INSERT_HEAD(&l->dead, child, all);
}

/* A stop or its end, of those in `which`, told once. */
static bool take_job_change(struct look *l, struct process *child, u32 which)
{
	struct signal_state *s = &child->signals;
	u32 options = l->req->options & (which | WNOWAIT);
	u64 irq = spin_lock_irqsave(&s->hand->lock);
	bool stop = s->stopped && s->stop_unreported && (options & WSTOPPED);
	bool go_on = !stop && s->continue_unreported && (options & WCONTINUED);

	if (stop)
		fill(l, child, CLD_STOPPED, s->stopped << 8 | STATUS_STOPPED);
	else if (go_on)
		fill(l, child, CLD_CONTINUED, STATUS_CONTINUED);
	if (!(options & WNOWAIT)) {
		s->stop_unreported &= !stop;
		s->continue_unreported &= !go_on;
	}
	spin_unlock_irqrestore(&s->hand->lock, irq);
	if (stop || go_on)
		l->out->usage = child->usage;
	return stop || go_on;
}

static bool is_tracee_meant(const struct tracee *tr, const struct wait_request *req)
{
	switch (req->which) {
	case WAIT_PID:
		return tr->tid == req->id;
	case WAIT_GROUP:
		return (tr->process ? tr->process->pgid : tr->pgid) == req->id;
	case WAIT_REF:
		return tr->process && tr->process->trace == tr && tr->process->ref == req->ref;
	default:
		return true;
	}
}

static void fill_tracee(struct look *l, const struct tracee *tr, int code, int status)
{
	*l->out = (struct wait_result){.pid = tr->tid, .uid = tr->uid, .code = code, .status = status};
}

/* A thread that has ended: nobody else waits for it. */
static void take_dead(struct look *l, struct tracee *tr)
{
	int value;

	fill_tracee(l, tr, wait_status_code(tr->exit_status, &value), tr->exit_status);
	if (l->req->options & WNOWAIT)
		return;
	ptrace_detach(tr, 0);
	kfree(tr);
}

/* A zombie goes to its parent when its tracer has seen it, if that is another process. */
static void take_traced_zombie(struct look *l, struct tracee *tr)
{
	struct process *p = tr->process;
	int value;

	if (!(l->req->options & WNOWAIT)) {
		ptrace_detach(tr, 0);
		kfree(tr);
	}
	if (p->parent == current_process()) {
		take_zombie(l, p);
		return;
	}
	fill(l, p, wait_status_code(p->exit_status, &value), p->exit_status);
	l->out->usage = p->usage;
	if (!(l->req->options & WNOWAIT))
		process_unveil(p, NULL, &l->dead);
}

/* As look_locked, for one tracee; *result is what is known so far. True: found. */
static bool look_at_tracee(struct look *l, struct tracee *tr, int *result)
{
	if (tr->dead || (tr->process->state == PROCESS_ZOMBIE && !tr->thread)) {
		if (!(l->req->options & WEXITED))
			return false;
		*result = 1;
		if (tr->dead)
			take_dead(l, tr);
		else
			take_traced_zombie(l, tr);
		return true;
	}
	*result = 0;
	if (tr->stopped && !tr->told && !tr->listening) {
		fill_tracee(l, tr, CLD_TRAPPED, tr->code << 8 | STATUS_STOPPED);
		tr->told = !(l->req->options & WNOWAIT);
		*result = 1;
		return true;
	}
	if (tr->thread && take_job_change(l, tr->process, WCONTINUED)) {
		l->out->pid = tr->tid;
		*result = 1;
		return true;
	}
	return false;
}

static bool look_at_tracees(struct look *l, int *result)
{
	const struct thread *t;
	struct tracee *tr;

	TAILQ_FOREACH (t, &current_process()->threads, sibling) {
		if ((l->req->options & __WNOTHREAD) && t != current_thread())
			continue;
		LIST_FOREACH (tr, &t->tracees, link) {
			if (is_tracee_meant(tr, l->req) && look_at_tracee(l, tr, result))
				return true;
		}
	}
	return false;
}

/* 1: found; 0: nothing yet; -ECHILD: nobody to wait for. Table locked. */
static int look_locked(struct look *l)
{
	struct process *child;
	int result = -ECHILD;

	if (!ptrace_is_idle() && look_at_tracees(l, &result))
		return result;
	TAILQ_FOREACH (child, &current_process()->children, sibling) {
		if (!is_meant(child, l->req))
			continue;
		if (child->trace) {
			if (child->trace->tracer->process == current_process())
				continue;
			result = 0;
			if (child->state != PROCESS_ZOMBIE &&
			    take_job_change(l, child, WSTOPPED | WCONTINUED))
				return 1;
			continue;
		}
		if (child->state == PROCESS_ZOMBIE) {
			/* It will do nothing but end: not to want that is to wait for nobody. */
			if (!(l->req->options & WEXITED))
				continue;
			take_zombie(l, child);
			return 1;
		}
		result = 0;
		if (take_job_change(l, child, WSTOPPED | WCONTINUED))
			return 1;
	}
	return result;
}

static int look(struct look *l)
{
	u64 irq = table_lock();
	int result = look_locked(l);

	table_unlock(irq);
	return result;
}

int process_wait(const struct wait_request *req, struct wait_result *out)
{
	struct look l = {.req = req, .out = out};
	int result, err;

	if (req->options & WNOHANG)
		result = look(&l);
	else {
		err = WAIT_EVENT(&current_process()->child_event, (result = look(&l)) != 0);
		result = err ? err : result;
	}
	free_processes(&l.dead);
	return result;
}
