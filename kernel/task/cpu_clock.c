/* SPDX-License-Identifier: MIT */
/*
 * Clocks of CPU time, of any process and of the threads of one's own (clock_getcpuclockid(3)). Their numbers are negative:
 *
 *     ~PID or ~TID, 29 bits │ 1: a thread's │ kind, 2 bits       PID 0: the caller's
 *
 * CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID are two of them with names of their own.
 *
 * Lock: the table's.
 */
#include <asm/errno.h>
#include <linux/time.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include "posix_timer.h"
#include "table.h"

#define KIND_USER  1 /* time in ring 3 only; 0 and 2 are all of it */
#define KIND_NONE  3
#define OF_THREAD  4
#define LOOK_NS	   4000000ull /* how often a sleeper looks at least: the tick */
#define KIND_SHIFT 3

bool clock_is_cpu(int id)
{
	return id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID ||
	       (id < 0 && (id & (KIND_NONE | OF_THREAD)) != KIND_NONE);
}

/* Locked. */
static int find(const struct cpu_clock *c, struct process **p, struct thread **t)
{
	*t = c->tid ? table_find_thread(c->tid) : NULL;
	*p = c->tid ? (*t ? (*t)->process : NULL) : table_find(c->pid);
	if (!*p || (c->tid && *p != current_process()) || (!c->tid && (*p)->pid != c->pid))
		return -EINVAL;
	return 0;
}

int cpu_clock_decode(int id, enum cpu_clock_use use, struct cpu_clock *c)
{
	int number = id < 0 ? ~(id >> KIND_SHIFT) : 0;
	bool of_thread = id < 0 ? id & OF_THREAD : id == CLOCK_THREAD_CPUTIME_ID;
	struct process *p;
	struct thread *t;
	u64 irq;
	int err;

	*c = (struct cpu_clock){.user_only = id < 0 && (id & KIND_NONE) == KIND_USER};
	if (id < 0 && (id & KIND_NONE) == KIND_NONE)
		return -EINVAL;
	if (of_thread)
		c->tid = number ? number : current_thread()->tid;
	else if (!number || (use == CPU_CLOCK_READ && number == current_thread()->tid))
		c->pid = current_process()->pid;
	else
		c->pid = number;
	irq = table_lock();
	err = find(c, &p, &t);
	table_unlock(irq);
	return err;
}

u64 cpu_clock_now_locked(const struct cpu_clock *c)
{
	struct process *p;
	struct thread *t;
	u64 user, sys;

	if (find(c, &p, &t))
		return 0;
	if (!t)
		process_cpu_times_locked(p, &user, &sys);
	else if (c->user_only)
		thread_cpu_times(t, &user, &sys);
	else
		return thread_cpu_ns(t);
	return c->user_only ? user : user + sys;
}

u64 cpu_clock_now(const struct cpu_clock *c)
{
	u64 irq = table_lock(), ns = cpu_clock_now_locked(c);

	table_unlock(irq);
	return ns;
}

/* What is left cannot pass faster than all CPUs let it: until then there is no need to look. */
int cpu_clock_sleep(const struct cpu_clock *c, u64 until_ns)
{
	u64 now;
	int err = 0;

	while (!err && (now = cpu_clock_now(c)) < until_ns)
		err = sleep_until_ns(clock_monotonic_ns() + MAX((until_ns - now) / cpu_count(), LOOK_NS));
	return err;
}
