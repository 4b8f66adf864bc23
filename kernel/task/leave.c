/* SPDX-License-Identifier: MIT */
/*
 * The end of a thread. It says so to those who wait in user memory, gives back what is its own, and leaves the process;
 * the last one ends the process (exit.c).
 *
 *     exit(2)         thread_leave
 *     exit_group(2)   process_exit: every other thread gets SIGKILL, and leaves when it comes by (signal.c)
 *     execve(2)       thread_await_alone: the same, and the caller goes on alone
 *
 * Locks: the table's, and inside it that of the signals, for leaving; the signals' alone to decide who ends.
 */
#include <asm/errno.h>
#include <arch/switch.h>
#include <moat/futex.h>
#include <arch/uaccess.h>
#include "ptrace_internal.h"
#include "signal_queue.h"

#define STATUS_SIGNAL 0x7f /* in the encoding of wait(2) */

void thread_set_files(struct fd_table *files)
{
	struct thread *t = current_thread();
	u64 irq = table_lock();
	struct fd_table *old = t->files;

	t->files = files;
	table_unlock(irq);
	fd_table_put(old);
}

void thread_set_fs(struct fs_context *fs)
{
	struct thread *t = current_thread();
	u64 irq = table_lock();
	struct fs_context *old = t->fs;

	t->fs = fs;
	table_unlock(irq);
	fs_context_put(old);
}

int thread_unshare_files(void)
{
	struct fd_table *old = current_thread()->files, *copy;

	if (!fd_table_is_shared(old))
		return 0;
	copy = fd_table_copy(old);
	if (!copy)
		return -ENOMEM;
	thread_set_files(copy);
	return 0;
}

int thread_unshare_fs(void)
{
	struct fs_context *old = current_thread()->fs, *copy;

	if (ref_read(&old->refs) == 1)
		return 0;
	copy = fs_context_copy(old);
	if (!copy)
		return -ENOMEM;
	thread_set_fs(copy);
	return 0;
}

/* Whoever shares the memory may wait for this word to change (set_tid_address(2)). */
void thread_clear_tid(struct thread *t)
{
	const int zero = 0;
	u64 word = t->clear_tid;

	t->clear_tid = 0;
	if (!word || ref_read(&t->process->aspace->refs) + t->process->thread_count <= 2)
		return;
	if (!copy_to_user((void __user *)word, &zero, sizeof(zero)))
		(void)futex_wake((u32 __user *)word, 1, FUTEX_ANY_BITS, false);
}

/* Takes t out of its process; what was pending for it goes to `dropped`. False: it is the last one and stays. */
static bool leave(struct thread *t, int status, struct signal_list *dropped, struct process_list *dead)
{
	struct process *p = t->process;
	bool last, stopped = false;
	u64 irq = table_lock();

	last = p->thread_count == 1;
	if (!last) {
		process_settle_thread(p, t);
		spin_lock(&p->signals.hand->lock);
		signal_queue_drain(p, &t->signals, dropped);
		stopped = signal_count_standing(p, t);
		spin_unlock(&p->signals.hand->lock);
		ptrace_tracer_ends(t, dead);
		ptrace_thread_ends(t, status);
		table_remove_thread(t);
		thread_give_children_away(p, t->tid);
		/* What this thread was to take another one may; where all end nobody need look, and there may be many. */
		if (!p->signals.ending && __atomic_load_n(&p->signals.shared.pending, __ATOMIC_RELAXED))
			signal_retarget(p);
		if (stopped)
			parent_tell_locked(p, CLD_STOPPED, p->signals.stopped);
		waitq_wake_all(&p->thread_event);
		t->process = &kernel_process; /* p may be gone as soon as the table is unlocked */
	}
	table_unlock(irq);
	return !last;
}

void thread_leave(int wait_status)
{
	struct signal_list dropped = TAILQ_HEAD_INITIALIZER(dropped);
	struct process_list dead = LIST_HEAD_INITIALIZER(dead);
	struct thread *t = current_thread();
	struct process *p = t->process;

	ptrace_exit(p->signals.ending ? p->signals.end_status : wait_status);
	futex_leave(t);
	thread_clear_tid(t);
	vfork_release(t);
	seccomp_leave(t);
	thread_set_files(NULL);
	thread_set_fs(NULL);
	wait_status = p->signals.ending ? p->signals.end_status : wait_status;
	if (!leave(t, wait_status, &dropped, &dead))
		process_end(wait_status);
	/* The tables stay loaded until the next switch, which needs no address space. */
	arch_leave_user_pmap();
	futex_left(t);
	signal_free_list(&dropped);
	free_processes(&dead);
	thread_exit();
}

void process_exit(int wait_status)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct signal_state *s = &p->signals;
	u64 irq = spin_lock_irqsave(&s->hand->lock);

	/*
	 * A thread that executes a program has the others end already; its own end is that of the process, and so is that of
	 * one that took a deadly signal before it was told.
	 */
	if (!s->ending && (!s->executing || s->executing == t || (wait_status & STATUS_SIGNAL))) {
		s->end_status = wait_status;
		__atomic_store_n(&s->ending, true, __ATOMIC_RELEASE);
		signal_kill_threads(p, t);
	}
	spin_unlock_irqrestore(&s->hand->lock, irq);
	thread_leave(wait_status);
}

static bool is_alone(const struct process *p)
{
	return __atomic_load_n(&p->thread_count, __ATOMIC_ACQUIRE) == 1;
}

int thread_await_alone(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct signal_state *s = &p->signals;
	bool alone = false;
	u64 irq;
	int err = 0;

	irq = spin_lock_irqsave(&s->hand->lock);
	if (s->ending || s->executing) {
		err = -EINTR; /* this thread is to end itself */
	} else {
		alone = is_alone(p) && p->leader == t;
		if (!alone) {
			__atomic_store_n(&s->executing, t, __ATOMIC_RELEASE);
			signal_kill_threads(p, t);
		}
	}
	spin_unlock_irqrestore(&s->hand->lock, irq);
	if (err || alone)
		return err;
	err = WAIT_EVENT_FLAGS(&p->thread_event, is_alone(p), WAIT_KILLABLE);
	irq = table_lock();
	spin_lock(&s->hand->lock);
	__atomic_store_n(&s->executing, NULL, __ATOMIC_RELEASE);
	spin_unlock(&s->hand->lock);
	if (!err)
		table_become_leader(t);
	table_unlock(irq);
	return err;
}
