/* SPDX-License-Identifier: MIT */
/*
 * Waiting for children (wait(2)). Each look at the children, under the table's lock, either finds one with something to
 * tell, or says that there is none to wait for, or that the caller has to sleep.
 *
 *     zombie                        WEXITED       taken out and freed (WNOWAIT: left)
 *     stopped, not yet told         WSTOPPED      told once
 *     continued, not yet told       WCONTINUED    told once
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/wait.h>
#include <moat/pidfd.h>
#include "table.h"

#define STATUS_STOPPED	 0x7f
#define STATUS_CONTINUED 0xffff

struct look {
	const struct wait_request *req;
	struct wait_result *out;
	struct process *dead; /* taken out of the table: to be freed */
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
	l->dead = child;
}

/* A stop or its end, told once. */
static bool take_job_change(struct look *l, struct process *child)
{
	struct signal_state *s = &child->signals;
	u32 options = l->req->options;
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

/* 1: found; 0: nothing yet; -ECHILD: nobody to wait for. Table locked. */
static int look_locked(struct look *l)
{
	struct process *child;
	int result = -ECHILD;

	TAILQ_FOREACH (child, &current_process()->children, sibling) {
		if (!is_meant(child, l->req))
			continue;
		if (child->state == PROCESS_ZOMBIE) {
			/* It will do nothing but end: not to want that is to wait for nobody. */
			if (!(l->req->options & WEXITED))
				continue;
			take_zombie(l, child);
			return 1;
		}
		result = 0;
		if (take_job_change(l, child))
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
	if (l.dead)
		process_free(l.dead);
	return result;
}
