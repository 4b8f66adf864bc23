/* SPDX-License-Identifier: MIT */
/* More of what /proc/PID tells: a thread's children, its timer slack, and the namespaces, of which there is one each. */
#include <moat/printf.h>
#include <moat/sched.h>
#include "proc_internal.h"

/* --- timerslack_ns --- */

static void set_timer_slack(struct process *p, void *arg)
{
	if (p->leader)
		p->leader->timer_slack_ns = *(const u64 *)arg ? *(const u64 *)arg : TIMER_SLACK_NS;
}

int proc_store_timer_slack(const struct proc_open *o, char *text, size_t len)
{
	u64 slack;
	s64 value;
	int err = proc_parse(text, &value);

	(void)len;
	if (err)
		return err;
	if (value < 0)
		return -EINVAL;
	if (o->key.pid != current_process()->pid && !capable(CAP_SYS_NICE))
		return -EPERM;
	slack = (u64)value;
	return subject_change(&o->key, set_timer_slack, &slack);
}

/* --- children --- */

struct child_search {
	int tid;
	u64 from;
	int pid; /* 0: none */
};

static void look_for_child(struct process *p, void *arg)
{
	struct child_search *s = arg;
	const struct process *child;

	TAILQ_FOREACH (child, &p->children, sibling) {
		if (child->made_by == s->tid && (u64)child->pid >= s->from &&
		    (!s->pid || child->pid < s->pid))
			s->pid = child->pid;
	}
}

/* A child is a record. */
int proc_show_children(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	struct child_search s = {.tid = o->key.tid, .from = *pos};
	int err = subject_change(&o->key, look_for_child, &s);

	if (err || !s.pid)
		return err;
	proc_printf(t, "%d ", s.pid);
	*pos = (u64)s.pid + 1;
	return 1;
}

/* --- ns --- */

#define NAMESPACE(fn, name, number)                                           \
	static ssize_t fn(const struct proc_key *key, char *buf, size_t size) \
	{                                                                     \
		(void)key;                                                    \
		return ksnprintf(buf, size, "%s:[%u]", name, number);         \
	}
NAMESPACE(readlink_mnt, "mnt", 4026531832u)
NAMESPACE(readlink_net, "net", 4026531833u)
NAMESPACE(readlink_time, "time", 4026531834u)
NAMESPACE(readlink_cgroup, "cgroup", 4026531835u)
NAMESPACE(readlink_pid, "pid", 4026531836u)
NAMESPACE(readlink_user, "user", 4026531837u)
NAMESPACE(readlink_uts, "uts", 4026531838u)
NAMESPACE(readlink_ipc, "ipc", 4026531839u)

#define NS_LINK S_IFLNK | 0777
const struct proc_entry proc_ns_table[] = {
	{.name = "cgroup", .mode = NS_LINK, .readlink = readlink_cgroup},
	{.name = "ipc", .mode = NS_LINK, .readlink = readlink_ipc},
	{.name = "mnt", .mode = NS_LINK, .readlink = readlink_mnt},
	{.name = "net", .mode = NS_LINK, .readlink = readlink_net},
	{.name = "pid", .mode = NS_LINK, .readlink = readlink_pid},
	{.name = "pid_for_children", .mode = NS_LINK, .readlink = readlink_pid},
	{.name = "time", .mode = NS_LINK, .readlink = readlink_time},
	{.name = "time_for_children", .mode = NS_LINK, .readlink = readlink_time},
	{.name = "user", .mode = NS_LINK, .readlink = readlink_user},
	{.name = "uts", .mode = NS_LINK, .readlink = readlink_uts},
	{0},
};
