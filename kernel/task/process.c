/* SPDX-License-Identifier: MIT */
/*
 * Processes: making and freeing the structure, what one has used, waiting from inside the kernel. The table of them is
 * table.c; they are copied in fork.c, end in exit.c and are waited for in wait.c.
 *
 *     process_create ─> process_start ─> … ─> process_exit (own thread) ─> zombie ─> process_reap
 *
 * A process gives back its memory and files as soon as it ends; what is left for its parent is its status and what
 * it has used.
 */
#include <asm/signal.h>
#include <stdarg.h>
#include <arch/cpu.h>
#include <arch/timer.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/pidfd.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "table.h"

#define LIMIT_PROCESSES	  4096
#define FRAMES_PER_SIGNAL 64 /* of the machine, for each signal that a process may have queued, as on Linux */

/* Limits as Linux gives them to its first process (getrlimit(2)). */
static void default_limits(struct process *p)
{
	const u64 signals = MAX(frames_total() / FRAMES_PER_SIGNAL, (u64)SIGNAL_MAX);

	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		p->limits[i] = (struct rlimit_pair){RLIM_INFINITY, RLIM_INFINITY};
	p->limits[RLIMIT_STACK].soft = MIB(8);
	p->limits[RLIMIT_CORE].soft = 0;
	p->limits[RLIMIT_NOFILE] = (struct rlimit_pair){1024, 4096};
	p->limits[RLIMIT_MEMLOCK] = (struct rlimit_pair){MIB(8), MIB(8)};
	p->limits[RLIMIT_NPROC] = (struct rlimit_pair){LIMIT_PROCESSES, LIMIT_PROCESSES};
	p->limits[RLIMIT_SIGPENDING] = (struct rlimit_pair){signals, signals};
	p->limits[RLIMIT_MSGQUEUE] = (struct rlimit_pair){819200, 819200};
	p->limits[RLIMIT_NICE] = (struct rlimit_pair){0, 0};
	p->limits[RLIMIT_RTPRIO] = (struct rlimit_pair){0, 0};
}

struct process *process_alloc(struct sighand *hand)
{
	struct process *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	TAILQ_INIT(&p->children);
	TAILQ_INIT(&p->threads);
	waitq_init(&p->child_event);
	waitq_init(&p->thread_event);
	signal_state_init(&p->signals, hand);
	cred_init_root(&p->cred);
	process_timers_init(p);
	p->exit_signal = SIGCHLD;
	p->start_ns = clock_monotonic_ns();
	return p;
}

void process_free(struct process *p)
{
	sighand_put(p->signals.hand);
	cred_put_groups(&p->cred);
	task_ref_put(p->ref);
	kfree(p->signals.spare);
	kfree(p);
}

void process_discard(struct process *p)
{
	struct thread *t = p->leader;
	u64 irq = table_lock();

	if (t)
		table_remove_thread(t);
	table_remove(p);
	table_unlock(irq);
	if (t)
		thread_free(t);
	process_set_exe(p, NULL);
	process_free(p);
}

/* A process with its number and a first thread, which nobody finds yet. NULL: no memory, or the limit on processes. */
static struct process *create(const char *name, void (*fn)(void *), void *arg, struct thread **thread)
{
	struct sighand *hand = sighand_create();
	struct process *p = hand ? process_alloc(hand) : NULL;

	if (!p) {
		sighand_put(hand);
		return NULL;
	}
	if (table_reserve(p, 0)) {
		process_free(p);
		return NULL;
	}
	*thread = thread_create(p, name, fn, arg);
	if (*thread && !arch_thread_init_user(&(*thread)->arch))
		return p;
	if (*thread)
		thread_free(*thread);
	process_discard(p);
	return NULL;
}

struct process *process_create(struct process *parent, const char *name, struct fd_table *files,
			       struct fs_context *fs, void (*fn)(void *), void *arg)
{
	struct thread *t;
	struct process *p = create(name, fn, arg, &t);
	u64 irq;

	if (!p)
		return NULL;
	default_limits(p);
	(void)str_copy(p->name, name, sizeof(p->name));
	p->awaited = true;
	t->files = files;
	t->fs = fs;
	irq = table_lock();
	table_publish(p, parent);
	table_add_thread(t);
	table_unlock(irq);
	return p;
}

void process_start(struct process *p)
{
	thread_start(p->leader);
}

/* While a program runs, its file cannot be opened for writing: each process that runs it counts. */
void process_set_exe(struct process *p, struct file *file)
{
	u64 irq = table_lock();
	struct file *old = p->exe;

	p->exe = file;
	table_unlock(irq);
	if (old) {
		vfs_allow_write(old);
		file_put(old);
	}
}

void process_usage_add(struct process_usage *to, const struct process_usage *from)
{
	to->user_ns += from->user_ns;
	to->sys_ns += from->sys_ns;
	to->minor_faults += from->minor_faults;
	to->major_faults += from->major_faults;
	to->cow_faults += from->cow_faults;
	to->peak_bytes = MAX(to->peak_bytes, from->peak_bytes);
	to->voluntary += from->voluntary;
	to->involuntary += from->involuntary;
	to->bytes_read += from->bytes_read;
	to->bytes_written += from->bytes_written;
	to->reads += from->reads;
	to->writes += from->writes;
}

/* The address space counts for all who have shared it, and since before p had it. */
static void add_memory_usage(const struct process *p, struct process_usage *out)
{
	const struct process_usage *before = &p->faults_before;
	const struct aspace *as = p->aspace;

	if (!as)
		return;
	out->major_faults += as->faults.major - before->major_faults;
	out->cow_faults += as->faults.cow - before->cow_faults;
	out->peak_bytes = MAX(out->peak_bytes, pmap_peak_pages(&as->pmap) * PAGE_SIZE);
}

void thread_add_counts(const struct thread *t, struct process_usage *out)
{
	out->minor_faults += t->faults;
	out->voluntary += t->sched.voluntary;
	out->involuntary += t->sched.involuntary;
	out->bytes_read += t->bytes_read;
	out->bytes_written += t->bytes_written;
	out->reads += t->reads;
	out->writes += t->writes;
}

void thread_get_usage(struct process_usage *out)
{
	const struct thread *t = current_thread();
	const struct process *p = t->process;

	*out = (struct process_usage){0};
	thread_cpu_times(t, &out->user_ns, &out->sys_ns);
	thread_add_counts(t, out);
	out->peak_bytes = MAX(p->usage.peak_bytes, pmap_peak_pages(&p->aspace->pmap) * PAGE_SIZE);
}

void process_get_usage(struct process *p, struct process_usage *out)
{
	const struct thread *t;
	u64 irq = table_lock();

	*out = p->usage;
	process_cpu_times_locked(p, &out->user_ns, &out->sys_ns);
	TAILQ_FOREACH (t, &p->threads, sibling)
		thread_add_counts(t, out);
	table_unlock(irq);
	add_memory_usage(p, out);
}

void process_settle_memory(struct process *p)
{
	add_memory_usage(p, &p->usage);
	p->faults_before = (struct process_usage){0};
}

void process_settle_thread(struct process *p, const struct thread *t)
{
	u64 user, sys;

	thread_cpu_times(t, &user, &sys);
	p->usage.user_ns += user;
	p->usage.sys_ns += sys;
	thread_add_counts(t, &p->usage);
}

bool process_has_ended(const struct process *p)
{
	u64 irq = table_lock();
	bool ended = p->state == PROCESS_ZOMBIE;

	table_unlock(irq);
	return ended;
}

void process_await(struct process *p)
{
	WAIT_EVENT_UNKILLABLE(&kernel_process.child_event, process_has_ended(p));
}

void process_reap(struct process *p)
{
	u64 irq = table_lock();

	ASSERT(p->state == PROCESS_ZOMBIE);
	table_remove(p);
	table_unlock(irq);
	process_free(p);
}

/* Total time is exact; samples at the tick say how it splits. With none, a short life counts as user time. */
void thread_cpu_times(const struct thread *t, u64 *user_ns, u64 *sys_ns)
{
	u64 total = thread_cpu_ns(t), samples = t->user_ticks + t->sys_ticks;

	*sys_ns = samples ? total / samples * t->sys_ticks : 0;
	*user_ns = total - *sys_ns;
}

void process_cpu_times(struct process *p, u64 *user_ns, u64 *sys_ns)
{
	u64 irq = table_lock();

	process_cpu_times_locked(p, user_ns, sys_ns);
	table_unlock(irq);
}

void process_cpu_times_locked(const struct process *p, u64 *user_ns, u64 *sys_ns)
{
	const struct thread *t;

	*user_ns = p->usage.user_ns;
	*sys_ns = p->usage.sys_ns;
	TAILQ_FOREACH (t, &p->threads, sibling) {
		u64 user, sys;

		thread_cpu_times(t, &user, &sys);
		*user_ns += user;
		*sys_ns += sys;
	}
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
