/* SPDX-License-Identifier: MIT */
/*
 * The directories of processes in /proc: which there are, whose they are, and the table of what each holds.
 */
#include <moat/printf.h>
#include <moat/string.h>
#include "proc_internal.h"

struct nearest {
	u32 from;
	u32 pid;
	u64 life;
	bool found;
};

static void consider(struct nearest *n, const struct process *p)
{
	u32 pid = (u32)p->pid;

	if (pid >= n->from && pid != 0 && (!n->found || pid < n->pid)) {
		n->found = true;
		n->pid = pid;
		n->life = p->start_ns;
	}
}

static bool visit(struct process *p, void *arg)
{
	consider(arg, p);
	return true;
}

static bool next_process(const struct proc_key *dir, u32 from, u32 *number, struct proc_key *child)
{
	struct nearest n = {.from = from};

	consider(&n, &kernel_process);
	process_for_each(visit, &n);
	*number = n.pid;
	*child = *dir;
	child->pid = (int)n.pid;
	child->life = n.life;
	return n.found;
}

bool process_summary_next(u32 from, struct process_summary *out)
{
	const struct proc_key none = {0};
	struct mm_facts m = {0};
	struct proc_key key;
	struct subject *s;
	u32 pid;

	for (; next_process(&none, from, &pid, &key); from = pid + 1) {
		int err = subject_get(&key, &s);

		if (err == -ESRCH)
			continue;
		if (err)
			return false;
		if (s->aspace)
			mm_facts_read(s->aspace, &s->facts, &m);
		*out = (struct process_summary){
			.pid = s->pid, .anon_pages = m.anon, .refused_faults = m.refused};
		memcpy(out->name, s->name, sizeof(out->name));
		subject_put(s);
		return true;
	}
	return false;
}

static bool add_totals(struct process *p, void *arg)
{
	struct process_totals *t = arg;
	const struct thread *thread;
	u64 user_ns, sys_ns;

	TAILQ_FOREACH (thread, &p->threads, sibling) {
		t->running += thread->state != THREAD_BLOCKED;
		t->switches += thread->sched.voluntary + thread->sched.involuntary;
		t->total++;
	}
	/* A zombie's time is among that of those that have ended. */
	if (p->state != PROCESS_ZOMBIE) {
		process_cpu_times_locked(p, &user_ns, &sys_ns);
		t->user_ns += user_ns;
		t->sys_ns += sys_ns;
		t->switches += p->usage.voluntary + p->usage.involuntary;
	}
	return true;
}

void process_totals_read(struct process_totals *out)
{
	struct process_usage ended;

	process_ended_usage(&ended);
	*out = (struct process_totals){
		.user_ns = ended.user_ns,
		.sys_ns = ended.sys_ns,
		.switches = ended.voluntary + ended.involuntary,
	};
	process_numbers(&out->made, &out->last_pid);
	process_for_each(add_totals, out);
}

struct ids {
	u32 uid, gid;
};

static void copy_ids(struct process *p, void *arg)
{
	*(struct ids *)arg = (struct ids){p->cred.euid, p->cred.egid};
}

static bool owner(const struct proc_key *key, u32 *uid, u32 *gid)
{
	struct ids ids;

	if (subject_change(key, copy_ids, &ids))
		return false;
	*uid = ids.uid;
	*gid = ids.gid;
	return true;
}

/* A leader that has ended stays as long as its process does. */
static void look_for_thread(struct process *p, void *arg)
{
	struct nearest *n = arg;
	const struct thread *t;

	n->found = (u32)p->pid >= n->from && p->state != PROCESS_ZOMBIE;
	n->pid = (u32)p->pid;
	TAILQ_FOREACH (t, &p->threads, sibling) {
		u32 tid = (u32)t->tid;

		if (tid >= n->from && (!n->found || tid < n->pid)) {
			n->found = true;
			n->pid = tid;
		}
	}
}

static bool next_thread(const struct proc_key *dir, u32 from, u32 *number, struct proc_key *child)
{
	struct nearest n = {.from = from};

	if (subject_change(dir, look_for_thread, &n))
		return false;
	*number = n.pid;
	*child = *dir;
	child->tid = (int)n.pid;
	return n.found;
}

static ssize_t readlink_self(const struct proc_key *key, char *buf, size_t size)
{
	(void)key;
	return ksnprintf(buf, size, "%d", current_process()->pid);
}

static ssize_t readlink_thread_self(const struct proc_key *key, char *buf, size_t size)
{
	(void)key;
	return ksnprintf(buf, size, "%d/task/%d", current_process()->pid, current_thread()->tid);
}

#define MAP_OF_ALL "         0          0 4294967295" /* the one user namespace */

static const enum small_file comm = SMALL_COMM, personality = SMALL_PERSONALITY, cgroup = SMALL_CGROUP,
			     wchan = SMALL_WCHAN, score = SMALL_OOM_SCORE, score_adj = SMALL_OOM_SCORE_ADJ,
			     adj = SMALL_OOM_ADJ, schedstat = SMALL_SCHEDSTAT,
			     timer_slack = SMALL_TIMER_SLACK, io = SMALL_IO;

/* What a process has; its threads have `children` in the place of the first two. */
enum { NOT_OF_THREADS = 2 };
static const struct proc_numbers thread_numbers;
static const struct proc_entry process_table[] = {
	{.name = "task", .mode = S_IFDIR | 0555, .numbers = &thread_numbers},
	{.name = "timerslack_ns",
	 .mode = S_IFREG | 0666,
	 .open = proc_open_checked,
	 .show = proc_show_small,
	 .store = proc_store_timer_slack,
	 .data = &timer_slack},
	{.name = "ns", .mode = S_IFDIR | 0511, .table = proc_ns_table},
	{.name = "io",
	 .mode = S_IFREG | 0400,
	 .open = proc_open_checked,
	 .show = proc_show_small,
	 .data = &io},
	{.name = "schedstat", .mode = S_IFREG | 0444, .show = proc_show_small, .data = &schedstat},
	{.name = "uid_map", .mode = S_IFREG | 0644, .show = proc_show_text, .data = MAP_OF_ALL},
	{.name = "gid_map", .mode = S_IFREG | 0644, .show = proc_show_text, .data = MAP_OF_ALL},
	{.name = "setgroups", .mode = S_IFREG | 0644, .show = proc_show_text, .data = "allow"},
	{.name = "cpuset", .mode = S_IFREG | 0444, .show = proc_show_text, .data = "/"},
	{.name = "coredump_filter", .mode = S_IFREG | 0644, .show = proc_show_text, .data = "00000033"},
	{.name = "fd", .mode = S_IFDIR | 0500, .numbers = &proc_fd_numbers},
	{.name = "fdinfo", .mode = S_IFDIR | 0555, .numbers = &proc_fdinfo_numbers},
	{.name = "environ", .mode = S_IFREG | 0400, .open = proc_open_checked, .read = proc_read_environ},
	{.name = "auxv", .mode = S_IFREG | 0400, .open = proc_open_checked, .read = proc_read_auxv},
	{.name = "status", .mode = S_IFREG | 0444, .show = proc_show_status},
	{.name = "personality",
	 .mode = S_IFREG | 0400,
	 .open = proc_open_checked,
	 .show = proc_show_small,
	 .data = &personality},
	{.name = "syscall", .mode = S_IFREG | 0400, .open = proc_open_checked, .show = proc_show_syscall},
	{.name = "limits", .mode = S_IFREG | 0444, .show = proc_show_limits},
	{.name = "comm",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_small,
	 .store = proc_store_comm,
	 .data = &comm},
	{.name = "cmdline", .mode = S_IFREG | 0444, .read = proc_read_cmdline},
	{.name = "stat", .mode = S_IFREG | 0444, .show = proc_show_stat},
	{.name = "statm", .mode = S_IFREG | 0444, .show = proc_show_statm},
	{.name = "maps", .mode = S_IFREG | 0444, .open = proc_open_checked, .show = proc_show_maps},
	{.name = "mem",
	 .mode = S_IFREG | 0600,
	 .open = proc_open_checked,
	 .read = proc_read_mem,
	 .write = proc_write_mem},
	{.name = "cwd", .mode = S_IFLNK | 0777, .readlink = proc_readlink_cwd, .jump = proc_jump_cwd},
	{.name = "root", .mode = S_IFLNK | 0777, .readlink = proc_readlink_root, .jump = proc_jump_root},
	{.name = "exe", .mode = S_IFLNK | 0777, .readlink = proc_readlink_exe, .jump = proc_jump_exe},
	{.name = "mounts", .mode = S_IFREG | 0444, .show = proc_show_mounts},
	{.name = "mountinfo", .mode = S_IFREG | 0444, .show = proc_show_mountinfo},
	{.name = "clear_refs",
	 .mode = S_IFREG | 0200,
	 .open = proc_open_checked,
	 .store = proc_store_clear_refs},
	{.name = "numa_maps", .mode = S_IFREG | 0444, .open = proc_open_checked, .show = proc_show_numa_maps},
	{.name = "smaps", .mode = S_IFREG | 0444, .open = proc_open_checked, .show = proc_show_smaps},
	{.name = "smaps_rollup",
	 .mode = S_IFREG | 0444,
	 .open = proc_open_checked,
	 .show = proc_show_smaps_rollup},
	{.name = "pagemap", .mode = S_IFREG | 0400, .open = proc_open_checked, .read = proc_read_pagemap},
	{.name = "wchan", .mode = S_IFREG | 0444, .show = proc_show_small, .data = &wchan},
	{.name = "cgroup", .mode = S_IFREG | 0444, .show = proc_show_small, .data = &cgroup},
	{.name = "oom_score", .mode = S_IFREG | 0444, .show = proc_show_small, .data = &score},
	{.name = "oom_adj",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_small,
	 .store = proc_store_oom_adj,
	 .data = &adj},
	{.name = "oom_score_adj",
	 .mode = S_IFREG | 0644,
	 .show = proc_show_small,
	 .store = proc_store_oom_score_adj,
	 .data = &score_adj},
	{0},
};
static struct proc_entry thread_table[ARRAY_SIZE(process_table) - NOT_OF_THREADS + 1] = {
	{.name = "children", .mode = S_IFREG | 0444, .show = proc_show_children},
}; /* [I after boot] */
static const struct proc_entry thread_entry = {.mode = S_IFDIR | 0555, .table = thread_table};
static const struct proc_numbers thread_numbers = {next_thread, &thread_entry};
static const struct proc_entry process_entry = {.mode = S_IFDIR | 0555, .table = process_table};

static const struct proc_entry root_entries[] = {
	{.name = "self", .mode = S_IFLNK | 0777, .readlink = readlink_self},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .readlink = readlink_thread_self},
	{0},
};

void proc_tasks_init(void)
{
	static struct proc_table table = {.entries = root_entries};
	static const struct proc_task_ops ops = {{next_process, &process_entry}, owner};

	memcpy(thread_table + 1, process_table + NOT_OF_THREADS,
	       sizeof(process_table) - NOT_OF_THREADS * sizeof(process_table[0]));
	proc_register(&table);
	proc_register_tasks(&ops);
}
