/* SPDX-License-Identifier: MIT */
/*
 * What a tracer does to its tracee (docs/ptrace.md). A request for one that stands still is made with the table locked: it
 * can neither go on nor end meanwhile, and its registers are in memory (ptrace_stop.c). Nothing that needs the tracer's own
 * memory is done here.
 */
#include <asm/errno.h>
#include <arch/ptrace.h>
#include <arch/signal.h>
#include "ptrace_internal.h"
#include "signal_queue.h"

/* The tracee `tid` of the current thread, which has not ended, or NULL. Table locked. */
static struct tracee *find(int tid)
{
	struct thread *t = table_find_thread(tid);

	return t && t->traced && t->trace->tracer == current_thread() ? t->trace : NULL;
}

static bool is_killed(const struct tracee *tr)
{
	return (tr->thread->signals.pending | tr->process->signals.shared.pending) & SIGNAL_BIT(SIGKILL);
}

int ptrace_with(int tid, int (*fn)(struct tracee *tr, void *arg), void *arg)
{
	u64 irq = table_lock();
	struct tracee *tr = find(tid);
	int result = tr && tr->stopped && !tr->listening && !is_killed(tr) ? fn(tr, arg) : -ESRCH;

	table_unlock(irq);
	return result;
}

int ptrace_resume(struct tracee *tr, int signo, unsigned how)
{
	if (signo < 0 || signo > SIGNAL_MAX)
		return -EIO;
	tr->inject = signo;
	tr->resume = (u8)how;
	__atomic_store_n(&tr->stopped, false, __ATOMIC_RELEASE);
	sched_kick(tr->thread);
	return 0;
}

/* Makes t trap, wherever it is. Table locked. */
static void trap(struct tracee *tr)
{
	struct signal_state *s = &tr->process->signals;

	spin_lock(&s->hand->lock);
	__atomic_or_fetch(&tr->traps, TRAP_STOP, __ATOMIC_RELEASE);
	spin_unlock(&s->hand->lock);
	sched_kick(tr->thread);
}

int ptrace_interrupt(int tid)
{
	u64 irq = table_lock();
	struct tracee *tr = find(tid);
	int err = !tr ? -ESRCH : tr->seized ? 0 : -EIO;

	if (!err)
		trap(tr);
	table_unlock(irq);
	return err;
}

int ptrace_kill(int tid)
{
	u64 irq = table_lock();
	struct tracee *tr = find(tid);

	if (tr)
		signal_send_kernel(tr->process, SIGKILL);
	table_unlock(irq);
	return tr ? 0 : -ESRCH;
}

int ptrace_listen(struct tracee *tr)
{
	if (!tr->seized || !tr->info || tr->info->si_code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	__atomic_store_n(&tr->listening, true, __ATOMIC_RELEASE);
	/* What has happened since it stopped is news. */
	if (tr->traps & TRAP_NOTIFY)
		sched_kick(tr->thread);
	return 0;
}

void ptrace_get_regs(struct tracee *tr, u64 regs[])
{
	struct arch_thread *a = &tr->thread->arch;

	arch_trace_get_regs(a, restart_shown(arch_thread_frame(a)), regs);
}

int ptrace_set_reg(struct tracee *tr, unsigned n, u64 value)
{
	struct arch_thread *a = &tr->thread->arch;
	int err = arch_trace_set_reg(a, n, value);

	restart_hide(arch_thread_frame(a));
	return err;
}
