/* SPDX-License-Identifier: MIT */
/* Threads: making them, ending them, and the list by which a stack's owner is found after an overflow. */
#include <arch/trap.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/pidfd.h>
#include <moat/string.h>
#include <moat/task.h>

static LIST_HEAD(, thread) threads = LIST_HEAD_INITIALIZER(threads); /* [threads_lock] */
static struct spinlock threads_lock = SPINLOCK_INIT(RANK_TASKS);

struct thread *thread_create(struct process *p, const char *name, void (*fn)(void *), void *arg)
{
	struct thread *t = kzalloc(sizeof(*t));
	u64 irq;

	if (!t)
		return NULL;
	t->process = p;
	t->tid = p->pid;
	cred_init_root(&t->cred);
	signal_queue_init(&t->signals);
	t->state = THREAD_NEW;
	t->timer_slack_ns = TIMER_SLACK_NS;
	sched_init_thread(t);
	(void)str_copy(t->name, name, sizeof(t->name));
	if (arch_thread_init(&t->arch, fn, arg)) {
		kfree(t);
		return NULL;
	}
	irq = spin_lock_irqsave(&threads_lock);
	LIST_INSERT_HEAD(&threads, t, all);
	spin_unlock_irqrestore(&threads_lock, irq);
	return t;
}

void thread_free(struct thread *t)
{
	u64 irq = spin_lock_irqsave(&threads_lock);

	LIST_REMOVE(t, all);
	spin_unlock_irqrestore(&threads_lock, irq);
	arch_thread_destroy(&t->arch);
	task_ref_put(t->ref);
	cred_put_groups(&t->cred);
	kfree(t->trace);
	seccomp_put(t->seccomp.filters);
	kfree(t);
}

/* Called in a panic: takes no lock. */
const char *kstack_guard_owner(u64 addr)
{
	struct thread *t;

	LIST_FOREACH (t, &threads, all) {
		if (arch_thread_guard(&t->arch, addr))
			return t->name;
	}
	return NULL;
}
