/* SPDX-License-Identifier: MIT */
/*
 * The table of processes: who exists, by number and as a family tree.
 *
 *     table_reserve ──> NEW ── table_publish ──> ALIVE ── exit ──> ZOMBIE ── table_remove ──> gone
 *
 * A number is taken first, so that a thread can have it, and is found only when the process is complete. It is given
 * again only when it means neither a process nor a group nor a session. PID 1 is the kernel's own process.
 *
 * Lock: process_table_lock (RANK_TASKS), interrupts off.
 */
#include <asm/errno.h>
#include <moat/pidfd.h>
#include <moat/ptrace.h>
#include <moat/string.h>
#include "table.h"

#define PROCESSES_MAX 4096
#define PID_MAX_LEAST 301 /* Linux's bounds for /proc/sys/kernel/pid_max */
#define PID_MAX_MOST  4194304
#define THREADS_MAX   8192u /* besides the leaders of processes */
#define BUCKETS	      256u

LIST_HEAD(thread_list, thread);

static struct sighand kernel_hand = {.refs = {1}, .lock = SPINLOCK_INIT(RANK_SIGNAL)};
struct process kernel_process = {
	.name = "kernel",
	.state = PROCESS_ALIVE,
	.children = TAILQ_HEAD_INITIALIZER(kernel_process.children),
	.child_event = {.lock = SPINLOCK_INIT(RANK_WAITQ),
			.waiters = TAILQ_HEAD_INITIALIZER(kernel_process.child_event.waiters)},
	.threads = TAILQ_HEAD_INITIALIZER(kernel_process.threads),
	.signals = {.hand = &kernel_hand,
		    .shared = {.list = TAILQ_HEAD_INITIALIZER(kernel_process.signals.shared.list)}},
};
struct spinlock process_table_lock = SPINLOCK_INIT(RANK_TASKS);

static struct process_list processes = LIST_HEAD_INITIALIZER(processes); /* [lock] */
static struct process_list buckets[BUCKETS];				 /* [lock] */
static struct thread_list thread_buckets[BUCKETS];			 /* [lock] */
static int next_pid = 1;						 /* [lock] */
static int pid_max = 32768;	/* [lock for change, a for read] numbers are less */
static bool numbers_used;	/* [lock] all have been given once */
static unsigned in_table;	/* [lock] */
static u64 numbers_given;	/* [lock] */
static int last_pid;		/* [lock] */
static unsigned thread_numbers; /* [lock] given to threads that lead no process */

static struct process_list *bucket(int pid)
{
	return &buckets[(unsigned)pid % BUCKETS];
}

static struct process *find_any(int pid)
{
	struct process *p;

	LIST_FOREACH (p, bucket(pid), hash) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

struct process *table_find(int pid)
{
	struct process *p = find_any(pid);
	struct thread *t;

	if (!p && pid == kernel_process.pid && pid)
		return &kernel_process;
	if (!p && (t = table_find_thread(pid)))
		p = t->process;
	return p && p->state != PROCESS_NEW ? p : NULL;
}

struct thread *table_find_thread(int tid)
{
	struct thread *t;

	LIST_FOREACH (t, &thread_buckets[(unsigned)tid % BUCKETS], hash) {
		if (t->tid == tid)
			return t;
	}
	return NULL;
}

bool table_find_group(int pgid, int *sid)
{
	struct process *p;

	LIST_FOREACH (p, &processes, all) {
		if (p->pgid == pgid) {
			*sid = p->sid;
			return true;
		}
	}
	return false;
}

/* Does the number still mean something? Only asked when numbers come round again. */
static bool is_taken(int pid)
{
	struct process *p;

	if (pid == kernel_process.pid || find_any(pid) || table_find_thread(pid))
		return true;
	if (!numbers_used)
		return false;
	LIST_FOREACH (p, &processes, all) {
		if (p->pgid == pid || p->sid == pid)
			return true;
	}
	return false;
}

/* A number that nothing has, or -EAGAIN; if `wanted` is not 0, that one, or -EEXIST. Locked. */
static int take_pid(int wanted)
{
	if (wanted) {
		numbers_used = true; /* from now on they are not given in order */
		if (is_taken(wanted))
			return -EEXIST;
		numbers_given++;
		last_pid = wanted;
		return wanted;
	}
	for (int looks = pid_max; looks > 0; looks--) {
		int pid = next_pid++;

		if (next_pid >= pid_max) {
			next_pid = 2;
			numbers_used = true;
		}
		if (pid >= pid_max || is_taken(pid))
			continue;
		numbers_given++;
		last_pid = pid;
		return pid;
	}
	return -EAGAIN;
}

int process_pid_max(void)
{
	return __atomic_load_n(&pid_max, __ATOMIC_RELAXED);
}

int process_set_pid_max(s64 value)
{
	u64 irq;

	if (value < PID_MAX_LEAST || value > PID_MAX_MOST)
		return -EINVAL;
	irq = table_lock();
	__atomic_store_n(&pid_max, (int)value, __ATOMIC_RELAXED);
	table_unlock(irq);
	return 0;
}

int table_reserve(struct process *p, int wanted)
{
	u64 irq = table_lock();
	int pid = in_table < PROCESSES_MAX ? take_pid(wanted) : -EAGAIN;

	if (pid > 0) {
		p->pid = pid;
		p->state = PROCESS_NEW;
		LIST_INSERT_HEAD(bucket(p->pid), p, hash);
		in_table++;
	}
	table_unlock(irq);
	return MIN(pid, 0);
}

int table_number_thread(struct thread *t, int wanted)
{
	int tid = thread_numbers < THREADS_MAX ? take_pid(wanted) : -EAGAIN;

	if (tid < 0)
		return tid;
	thread_numbers++;
	t->tid = tid;
	return 0;
}

void table_add_thread(struct thread *t)
{
	struct process *p = t->process;

	LIST_INSERT_HEAD(&thread_buckets[(unsigned)t->tid % BUCKETS], t, hash);
	spin_lock(&p->signals.hand->lock);
	TAILQ_INSERT_TAIL(&p->threads, t, sibling);
	__atomic_store_n(&p->thread_count, p->thread_count + 1, __ATOMIC_RELAXED);
	if (t->tid == p->pid)
		p->leader = t;
	if (p->signals.stopped)
		p->signals.to_stop++;
	spin_unlock(&p->signals.hand->lock);
}

void table_remove_thread(struct thread *t)
{
	struct process *p = t->process;

	LIST_REMOVE(t, hash);
	task_ref_end(t->ref);
	spin_lock(&p->signals.hand->lock);
	TAILQ_REMOVE(&p->threads, t, sibling);
	__atomic_store_n(&p->thread_count, p->thread_count - 1, __ATOMIC_RELAXED);
	if (p->leader == t)
		p->leader = NULL;
	else
		thread_numbers--;
	spin_unlock(&p->signals.hand->lock);
}

void table_become_leader(struct thread *t)
{
	struct process *p = t->process, *child;

	if (p->leader == t)
		return;
	TAILQ_FOREACH (child, &p->children, sibling)
		child->made_by = p->pid;
	LIST_REMOVE(t, hash);
	task_ref_end(t->ref); /* from now on it is what p's names */
	t->tid = p->pid;
	LIST_INSERT_HEAD(&thread_buckets[(unsigned)t->tid % BUCKETS], t, hash);
	thread_numbers--;
	spin_lock(&p->signals.hand->lock);
	p->leader = t;
	spin_unlock(&p->signals.hand->lock);
	ptrace_new_leader(t);
}

/* A parent may be gone at any time for who does not hold the lock: its number is kept beside it. */
static void set_parent(struct process *p, struct process *parent)
{
	p->parent = parent;
	__atomic_store_n(&p->parent_pid, parent->pid, __ATOMIC_RELAXED);
}

void table_publish(struct process *p, struct process *parent)
{
	set_parent(p, parent);
	/* What the kernel starts leads a session of its own. */
	p->pgid = parent == &kernel_process ? p->pid : parent->pgid;
	p->sid = parent == &kernel_process ? p->pid : parent->sid;
	p->tty = parent->tty;
	p->state = PROCESS_ALIVE;
	LIST_INSERT_HEAD(&processes, p, all);
	TAILQ_INSERT_TAIL(&parent->children, p, sibling);
}

void table_remove(struct process *p)
{
	LIST_REMOVE(p, hash);
	task_ref_end(p->ref);
	if (p->state != PROCESS_NEW) {
		LIST_REMOVE(p, all);
		TAILQ_REMOVE(&p->parent->children, p, sibling);
	}
	in_table--;
	/* process_end_others waits for an empty table. */
	if (in_table <= 1)
		waitq_wake_all(&kernel_process.child_event);
}

void table_adopt(struct process *p, struct process *parent)
{
	TAILQ_REMOVE(&p->parent->children, p, sibling);
	TAILQ_INSERT_TAIL(&parent->children, p, sibling);
	set_parent(p, parent);
}

void process_numbers(u64 *made, int *last)
{
	u64 irq = table_lock();

	*made = numbers_given;
	*last = last_pid;
	table_unlock(irq);
}

unsigned process_count(void)
{
	return __atomic_load_n(&in_table, __ATOMIC_RELAXED);
}

unsigned table_count_user(u32 uid)
{
	struct process *p;
	unsigned n = 0;

	LIST_FOREACH (p, &processes, all)
		n += p->cred.uid == uid ? MAX(p->thread_count, 1u) : 0;
	return n;
}

void table_for_each(bool (*fn)(struct process *p, void *arg), void *arg)
{
	struct process *p;

	LIST_FOREACH (p, &processes, all) {
		if (!fn(p, arg))
			break;
	}
}

void process_for_each(bool (*fn)(struct process *p, void *arg), void *arg)
{
	u64 irq = table_lock();

	table_for_each(fn, arg);
	table_unlock(irq);
}

int process_with(int pid, int (*fn)(struct process *p, void *arg), void *arg)
{
	u64 irq = table_lock();
	struct process *p = pid ? table_find(pid) : current_process();
	int result = p ? fn(p, arg) : -ESRCH;

	table_unlock(irq);
	return result;
}

int thread_with(int tid, int (*fn)(struct thread *t, void *arg), void *arg)
{
	u64 irq = table_lock();
	struct thread *t = tid ? table_find_thread(tid) : current_thread();
	int result = t ? fn(t, arg) : -ESRCH;

	table_unlock(irq);
	return result;
}

int process_parent_pid(const struct process *p)
{
	return __atomic_load_n(&p->parent_pid, __ATOMIC_RELAXED);
}

static int nothing(struct process *p, void *arg)
{
	(void)p;
	(void)arg;
	return 0;
}

bool process_exists(int pid)
{
	return process_with(pid, nothing, NULL) == 0;
}

void process_become_init(void)
{
	u64 irq = table_lock();

	ASSERT(!find_any(1));
	kernel_process.pid = 1;
	kernel_process.pgid = kernel_process.sid = 0;
	(void)str_copy(kernel_process.name, "init", sizeof(kernel_process.name));
	table_unlock(irq);
}
