/* SPDX-License-Identifier: MIT */
/*
 * Processes: the table of them, making and ending one, waiting for its end.
 *
 *     process_create ─> process_start ─> … ─> process_exit (own thread) ─> zombie ─> process_reap
 *
 * A process gives back its memory and files as soon as it ends; what is left for its parent is its status and what
 * it has used. Lock: table_lock (RANK_TASKS) for the list, the tree and PIDs.
 */
#include <stdarg.h>
#include <arch/cpu.h>
#include <arch/timer.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/printf.h>
#include <moat/string.h>
#include <moat/task.h>

#define PID_MAX	      32768
#define PROCESSES_MAX 4096

struct process kernel_process = {.name = "kernel",
				 .children = LIST_HEAD_INITIALIZER(kernel_process.children)};

static LIST_HEAD(, process) processes = LIST_HEAD_INITIALIZER(processes); /* [table_lock] */
static struct spinlock table_lock = SPINLOCK_INIT(RANK_TASKS);
static int next_pid = 1;       /* [table_lock] */
static unsigned process_count; /* [table_lock] */

static struct process *find_locked(int pid)
{
	struct process *p;

	LIST_FOREACH (p, &processes, all) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

/* The next PID that nobody has, or 0 when the table is full. */
static int take_pid_locked(void)
{
	if (process_count >= PROCESSES_MAX)
		return 0;
	for (;;) {
		int pid = next_pid;
		next_pid = pid == PID_MAX - 1 ? 2 : pid + 1;
		if (pid != kernel_process.pid && !find_locked(pid))
			return pid;
	}
}

static void insert_locked(struct process *p, struct process *parent)
{
	p->parent = parent;
	/* What the kernel starts leads a session of its own. */
	p->pgid = parent == &kernel_process ? p->pid : parent->pgid;
	p->sid = parent == &kernel_process ? p->pid : parent->sid;
	LIST_INSERT_HEAD(&processes, p, all);
	LIST_INSERT_HEAD(&parent->children, p, sibling);
	process_count++;
}

static void remove(struct process *p)
{
	u64 irq = spin_lock_irqsave(&table_lock);

	LIST_REMOVE(p, all);
	LIST_REMOVE(p, sibling);
	process_count--;
	spin_unlock_irqrestore(&table_lock, irq);
}

/* Limits as Linux gives them to its first process (getrlimit(2)). */
static void default_limits(struct process *p)
{
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		p->limits[i] = (struct rlimit_pair){RLIM_INFINITY, RLIM_INFINITY};
	p->limits[RLIMIT_STACK].soft = MIB(8);
	p->limits[RLIMIT_CORE].soft = 0;
	p->limits[RLIMIT_NOFILE] = (struct rlimit_pair){1024, 4096};
	p->limits[RLIMIT_MEMLOCK] = (struct rlimit_pair){MIB(8), MIB(8)};
	p->limits[RLIMIT_NPROC] = (struct rlimit_pair){PROCESSES_MAX, PROCESSES_MAX};
	p->limits[RLIMIT_SIGPENDING] = (struct rlimit_pair){SIGNAL_MAX, SIGNAL_MAX};
	p->limits[RLIMIT_MSGQUEUE] = (struct rlimit_pair){819200, 819200};
	p->limits[RLIMIT_NICE] = (struct rlimit_pair){0, 0};
	p->limits[RLIMIT_RTPRIO] = (struct rlimit_pair){0, 0};
}

struct process *process_create(struct process *parent, const char *name, struct fd_table *files,
			       struct fs_context *fs, void (*fn)(void *), void *arg)
{
	struct process *p = kzalloc(sizeof(*p));
	u64 irq;

	if (!p)
		return NULL;
	LIST_INIT(&p->children);
	waitq_init(&p->exited);
	spin_init(&p->signals.lock, RANK_SIGNAL);
	default_limits(p);
	(void)str_copy(p->name, name, sizeof(p->name));
	irq = spin_lock_irqsave(&table_lock);
	p->pid = take_pid_locked();
	if (p->pid)
		insert_locked(p, parent);
	spin_unlock_irqrestore(&table_lock, irq);
	if (!p->pid)
		goto no_pid;
	p->thread = thread_create(p, name, fn, arg);
	if (!p->thread)
		goto no_thread;
	if (arch_thread_init_user(&p->thread->arch))
		goto no_fpu;
	p->files = files;
	p->fs = fs;
	return p;

no_fpu:
	thread_free(p->thread);
no_thread:
	remove(p);
no_pid:
	kfree(p);
	return NULL;
}

void process_start(struct process *p)
{
	p->state = PROCESS_READY;
	thread_start(p->thread);
}

/* Gives back what a process holds besides its thread and its place in the table. */
static void release_resources(struct process *p)
{
	if (p->files)
		fd_table_put(p->files);
	if (p->fs)
		fs_context_put(p->fs);
	if (p->exe)
		file_put(p->exe);
	p->files = NULL;
	p->fs = NULL;
	p->exe = NULL;
}

/* Keeps what the report and the parent will ask for, before the address space goes. */
static void settle_usage(struct process *p)
{
	struct aspace *as = p->aspace;

	process_cpu_times(p, &p->usage.user_ns, &p->usage.sys_ns);
	p->usage.minor_faults = as->faults.minor;
	p->usage.major_faults = as->faults.major;
	p->usage.cow_faults = as->faults.cow;
	p->usage.peak_bytes = pmap_peak_pages(&as->pmap) * PAGE_SIZE;
	p->usage.switches = p->thread->switches;
	p->exit_cycles = cpu_cycles();
}

void process_exit(int wait_status)
{
	struct process *p = current_process();
	struct aspace *as = p->aspace;
	struct process *child;
	u64 irq;

	ASSERT(p != &kernel_process);
	settle_usage(p);
	release_resources(p);
	arch_set_user_pmap(NULL);
	p->aspace = NULL;
	aspace_put(as);

	irq = spin_lock_irqsave(&table_lock);
	while ((child = LIST_FIRST(&p->children))) {
		LIST_REMOVE(child, sibling);
		LIST_INSERT_HEAD(&kernel_process.children, child, sibling);
		child->parent = &kernel_process;
	}
	p->exit_status = wait_status;
	spin_lock(&p->signals.lock);
	p->thread = NULL;
	spin_unlock(&p->signals.lock);
	p->state = PROCESS_ZOMBIE;
	/* Inside the lock: whoever reaps takes it, so p is there until this is done. */
	waitq_wake_all(&p->exited);
	spin_unlock_irqrestore(&table_lock, irq);
	thread_exit();
}

bool process_has_ended(const struct process *p)
{
	u64 irq = spin_lock_irqsave(&table_lock);
	bool ended = p->state == PROCESS_ZOMBIE;

	spin_unlock_irqrestore(&table_lock, irq);
	return ended;
}

void process_await(struct process *p)
{
	WAIT_EVENT_UNKILLABLE(&p->exited, process_has_ended(p));
}

void process_reap(struct process *p)
{
	ASSERT(p->state == PROCESS_ZOMBIE);
	remove(p);
	kfree(p);
}

void process_for_each(bool (*fn)(struct process *p, void *arg), void *arg)
{
	u64 irq = spin_lock_irqsave(&table_lock);
	struct process *p;

	LIST_FOREACH (p, &processes, all) {
		if (!fn(p, arg))
			break;
	}
	spin_unlock_irqrestore(&table_lock, irq);
}

/* Total time is exact; samples at the tick say how it splits. With none, a short life counts as user time. */
void process_cpu_times(struct process *p, u64 *user_ns, u64 *sys_ns)
{
	const struct thread *t = p->thread;
	u64 total, samples;

	if (!t) {
		*user_ns = p->usage.user_ns;
		*sys_ns = p->usage.sys_ns;
		return;
	}
	total = thread_cpu_ns(t);
	samples = t->user_ticks + t->sys_ticks;
	*sys_ns = samples ? total / samples * t->sys_ticks : 0;
	*user_ns = total - *sys_ns;
}

void process_become_init(void)
{
	u64 irq = spin_lock_irqsave(&table_lock);

	ASSERT(!find_locked(1));
	kernel_process.pid = 1;
	kernel_process.pgid = kernel_process.sid = 0;
	(void)str_copy(kernel_process.name, "init", sizeof(kernel_process.name));
	spin_unlock_irqrestore(&table_lock, irq);
}

void process_explain(struct process *p, const char *fmt, ...)
{
	va_list ap;

	if (p->explain[0])
		return;
	va_start(ap, fmt);
	(void)kvsnprintf(p->explain, sizeof(p->explain), fmt, ap);
	va_end(ap);
}
