/* SPDX-License-Identifier: MIT */
/*
 * Sessions and process groups (credentials(7)): two numbers of each process. A group belongs to one session; it exists
 * as long as a process has its number.
 *
 * Lock: process_table_lock.
 */
#include <asm/errno.h>
#include "table.h"

/* The checks of setpgid(2), in Linux's order. Locked. */
static int check_move(const struct process *me, const struct process *p, int pgid)
{
	int sid;

	if (!p || p == &kernel_process || (p != me && p->parent != me))
		return -ESRCH;
	if (p != me) {
		if (p->sid != me->sid)
			return -EPERM;
		if (p->has_executed)
			return -EACCES;
	}
	if (p->sid == p->pid)
		return -EPERM;
	if (pgid != p->pid && (!table_find_group(pgid, &sid) || sid != me->sid))
		return -EPERM;
	return 0;
}

int process_set_group(int pid, int pgid)
{
	struct process *me = current_process(), *p;
	u64 irq;
	int err;

	if (pid == 0)
		pid = me->pid;
	if (pgid == 0)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	irq = table_lock();
	p = table_find(pid);
	err = check_move(me, p, pgid);
	if (!err)
		p->pgid = pgid;
	table_unlock(irq);
	return err;
}

int process_new_session(void)
{
	struct process *me = current_process();
	u64 irq = table_lock();
	int sid, result = -EPERM;

	if (!table_find_group(me->pid, &sid)) {
		me->sid = me->pgid = me->pid;
		me->tty = NULL;
		result = me->pid;
	}
	table_unlock(irq);
	return result;
}

struct orphan_search {
	int pgid;
	bool orphaned;
	bool stopped; /* one of its members is */
};

static bool look_for_parent(struct process *p, void *arg)
{
	struct orphan_search *s = arg;

	if (p->pgid == s->pgid && p->state == PROCESS_ALIVE && p->parent != &kernel_process &&
	    p->parent->pgid != s->pgid && p->parent->sid == p->sid)
		s->orphaned = false;
	return s->orphaned;
}

bool group_is_orphaned(int pgid)
{
	struct orphan_search s = {.pgid = pgid, .orphaned = true};

	process_for_each(look_for_parent, &s);
	return s.orphaned;
}

static bool is_stopped_member(struct process *p, void *arg)
{
	struct orphan_search *s = arg;

	s->stopped |= p->pgid == s->pgid && p->signals.stopped;
	return !s->stopped;
}

static bool wake_member(struct process *p, void *arg)
{
	const struct orphan_search *s = arg;

	if (p->pgid == s->pgid && p->state == PROCESS_ALIVE) {
		signal_send_kernel(p, SIGHUP);
		signal_send_kernel(p, SIGCONT);
	}
	return true;
}

void group_lost_parent(int pgid)
{
	struct orphan_search s = {.pgid = pgid, .orphaned = true};

	table_for_each(look_for_parent, &s);
	if (s.orphaned)
		table_for_each(is_stopped_member, &s);
	if (s.stopped)
		table_for_each(wake_member, &s);
}
