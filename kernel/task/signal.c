/* SPDX-License-Identifier: MIT */
/*
 * Signals: what is pending, what is blocked, and what happens at the return to ring 3.
 *
 *     send ──> pending ──(not blocked, thread on its way to ring 3)──> default action: end, stop, nothing
 *                                                              └─────> handler: a frame on the user's stack
 *
 * How they come to be pending is signal_send.c. Here everything is done by the thread that gets the signal; its own
 * actions and mask need no lock.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/task.h>
#include "signal_names.h"
#include "signal_queue.h"
#include "table.h"

/* A fault that is blocked or ignored gets the default action: the program could not go on (Linux: force_sig). */
void signal_force(int signo, int code, u64 addr)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	siginfo_t info;

	signal_make_info(&info, signo, code);
	info.si_addr = (void *)addr;
	if ((t->blocked_signals & SIGNAL_BIT(signo)) ||
	    signal_action_of(&p->signals, signo)->handler == (u64)SIG_IGN) {
		signal_set_action(p, signo, &(struct signal_action){.handler = (u64)SIG_DFL});
		t->blocked_signals &= ~SIGNAL_BIT(signo);
	}
	(void)signal_send(p, &info);
	request_user_work();
}

bool signal_due(void)
{
	const struct thread *t = arch_current();

	return __atomic_load_n(&t->process->signals.pending, __ATOMIC_RELAXED) & ~t->blocked_signals;
}

/* A signal that ends the process without a core counts as SIGKILL from the moment it is sent, as on Linux. */
bool signal_kill_due(void)
{
	const u64 core = SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |
			 SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) |
			 SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGSYS);
	const struct thread *t = arch_current();
	const struct signal_state *s = &t->process->signals;
	u64 left = __atomic_load_n(&s->pending, __ATOMIC_RELAXED) & ~t->blocked_signals;

	if (left & SIGNAL_BIT(SIGKILL))
		return true;
	for (left &= ~core; left; left &= left - 1) {
		int signo = __builtin_ctzll(left) + 1;

		if (signal_action_of(s, signo)->handler == (u64)SIG_DFL &&
		    signal_default(signo) == SIGNAL_DEFAULT_END)
			return true;
	}
	return false;
}

static __noreturn void end_process(struct process *p, int signo)
{
	process_explain(p, "signal %d (%s)", signo, signal_name(signo));
	log_printf("task: PID %d (%s) ended by %s\n", p->pid, p->name, signal_name(signo));
	process_exit(signo);
}

static bool may_go_on(const struct signal_state *s)
{
	return !__atomic_load_n(&s->stopped, __ATOMIC_ACQUIRE) ||
	       (__atomic_load_n(&s->pending, __ATOMIC_ACQUIRE) & SIGNAL_BIT(SIGKILL));
}

/* False: SIGCONT or SIGKILL came first. */
static bool enter_stop(struct signal_state *s, int signo)
{
	u64 irq = spin_lock_irqsave(&s->lock);
	bool stop = !(s->pending & (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGKILL)));

	if (stop) {
		s->stopped = signo;
		s->stop_unreported = true;
		s->continue_unreported = false;
	}
	spin_unlock_irqrestore(&s->lock, irq);
	return stop;
}

static void leave_stop(struct signal_state *s)
{
	u64 irq = spin_lock_irqsave(&s->lock);

	s->stopped = 0;
	s->stop_unreported = false;
	spin_unlock_irqrestore(&s->lock, irq);
}

/* Stopped until SIGCONT is sent or SIGKILL is pending. No keyboard stops a group that no shell would continue. */
static void stop(struct process *p, int signo)
{
	struct waitq never;

	if (signo != SIGSTOP && group_is_orphaned(p->pgid))
		return;
	if (!enter_stop(&p->signals, signo))
		return;
	parent_tell(p, CLD_STOPPED, signo);
	waitq_init(&never);
	WAIT_EVENT_UNKILLABLE(&never, may_go_on(&p->signals));
	if (__atomic_load_n(&p->signals.pending, __ATOMIC_RELAXED) & SIGNAL_BIT(SIGKILL))
		leave_stop(&p->signals);
	else
		parent_tell(p, CLD_CONTINUED, SIGCONT);
}

static void default_action(struct process *p, int signo)
{
	switch (signal_default(signo)) {
	case SIGNAL_DEFAULT_IGNORE:
		return;
	case SIGNAL_DEFAULT_STOP:
		stop(p, signo);
		return;
	case SIGNAL_DEFAULT_END:
		end_process(p, signo);
	}
}

static bool on_altstack(const struct thread *t, u64 sp)
{
	return t->altstack.size && sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

static u32 altstack_flags(const struct thread *t, u64 sp)
{
	if (!t->altstack.size)
		return SS_DISABLE;
	return (on_altstack(t, sp) ? SS_ONSTACK : 0) | (t->altstack.flags & SS_AUTODISARM);
}

static void run_handler(struct trap_frame *f, struct thread *t, const siginfo_t *info)
{
	struct process *p = t->process;
	const struct signal_action a = *signal_action_of(&p->signals, info->si_signo);
	u64 sp = frame_sp(f);
	bool to_alt = (a.flags & SA_ONSTACK) && t->altstack.size && !on_altstack(t, sp);
	struct signal_delivery d = {
		.info = info,
		.handler = a.handler,
		.restorer = a.restorer,
		.sp = to_alt ? t->altstack.sp + t->altstack.size : sp,
		.use_red_zone = !to_alt,
		.old_mask = t->restore_mask ? t->saved_mask : t->blocked_signals,
		.alt_sp = t->altstack.sp,
		.alt_size = t->altstack.size,
		.alt_flags = altstack_flags(t, sp),
	};

	t->restore_mask = false;
	if (!(a.flags & SA_RESTORER) || arch_signal_frame_push(f, &t->arch, &d)) {
		process_explain(p, "no room on the stack for the frame of %s", signal_name(info->si_signo));
		end_process(p, SIGSEGV);
	}
	/* The program deals with it: what is known of this signal does not explain a later end. */
	p->explain[0] = 0;
	if (t->altstack.flags & SS_AUTODISARM && to_alt)
		t->altstack = (struct signal_stack){.flags = SS_DISABLE};
	t->blocked_signals |= a.mask;
	if (!(a.flags & SA_NODEFER))
		t->blocked_signals |= SIGNAL_BIT(info->si_signo);
	t->blocked_signals &= ~SIGNALS_UNMASKABLE;
	if (a.flags & SA_RESETHAND)
		signal_set_action(p, info->si_signo,
				  &(struct signal_action){.flags = a.flags, .mask = a.mask});
}

/* Calls that Linux starts again after a handler with SA_RESTART, and always when no handler ran (signal(7)). */
static bool restartable(u64 nr)
{
	switch (nr) {
	case __NR_read:
	case __NR_readv:
	case __NR_write:
	case __NR_writev:
	case __NR_ioctl:
	case __NR_open:
	case __NR_openat:
	case __NR_wait4:
	case __NR_waitid:
	case __NR_flock:
	case __NR_fcntl:
		return true;
	default:
		return false;
	}
}

/* Starts an interrupted call again when it should be. `action`: of the handler about to run, or NULL. */
static void maybe_restart(struct trap_frame *f, const struct signal_action *action)
{
	if (frame_is_syscall(f) && frame_result(f) == -EINTR && restartable(frame_syscall(f)) &&
	    (!action || (action->flags & SA_RESTART)))
		frame_restart_syscall(f);
}

void signal_deliver(struct trap_frame *f)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	bool handled = false;
	siginfo_t info;
	int signo;

	while ((signo = signal_take(&p->signals, t->blocked_signals, &info))) {
		const struct signal_action *a = signal_action_of(&p->signals, signo);
		if (a->handler == (u64)SIG_IGN)
			continue;
		if (a->handler == (u64)SIG_DFL) {
			default_action(p, signo);
			continue;
		}
		if (!handled)
			maybe_restart(f, a);
		handled = true;
		run_handler(f, t, &info);
	}
	if (!handled)
		maybe_restart(f, NULL);
	if (t->restore_mask) {
		t->restore_mask = false;
		t->blocked_signals = t->saved_mask;
	}
}
