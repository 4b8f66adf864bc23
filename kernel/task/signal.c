/* SPDX-License-Identifier: MIT */
/*
 * Signals: what is pending, what is blocked, and what happens at the return to ring 3.
 *
 *     send ──> pending ──(not blocked, thread on its way to ring 3)──> default action: end, stop, nothing
 *                                                              └─────> handler: a frame on the user's stack
 *
 * A signal that is ignored is dropped when it is sent, so a pending one always means something. Standard signals are
 * not queued: one of each kind can be pending (signal(7)).
 *
 * Lock: signals.lock (RANK_SIGNAL), interrupts off: the control port sends from an interrupt.
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

/* Every byte is set: the structure goes to user memory whole. */
static void make_info(siginfo_t *info, int signo, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
}

static const struct signal_action *action_of(const struct process *p, int signo)
{
	return &p->signals.actions[signo - 1];
}

static bool ignored(const struct process *p, int signo)
{
	const struct signal_action *a = action_of(p, signo);

	if (signo == SIGKILL || signo == SIGSTOP)
		return false;
	return a->handler == (u64)SIG_IGN ||
	       (a->handler == (u64)SIG_DFL && signal_default(signo) == SIGNAL_DEFAULT_IGNORE);
}

void signal_send(struct process *p, const siginfo_t *info)
{
	int signo = info->si_signo;
	u64 irq = spin_lock_irqsave(&p->signals.lock);
	struct thread *t = p->thread;

	/* A blocked signal stays pending even if it is ignored now: the action may change before it is unblocked. */
	if (t && (!ignored(p, signo) || (t->blocked_signals & SIGNAL_BIT(signo)))) {
		if (!(p->signals.pending & SIGNAL_BIT(signo)))
			p->signals.info[signo - 1] = *info;
		p->signals.pending |= SIGNAL_BIT(signo);
		if (signo == SIGCONT)
			p->signals.pending &= ~(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) |
						SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU));
		sched_kick(t);
	}
	spin_unlock_irqrestore(&p->signals.lock, irq);
}

void signal_send_user(struct process *p, int signo, int code)
{
	const struct process *me = current_process();
	siginfo_t info;

	make_info(&info, signo, code);
	info.si_pid = me->pid;
	info.si_uid = me->uid;
	signal_send(p, &info);
}

void signal_send_kernel(struct process *p, int signo)
{
	siginfo_t info;

	make_info(&info, signo, SI_KERNEL);
	signal_send(p, &info);
}

/* A fault that is blocked or ignored gets the default action: the program could not go on (Linux: force_sig). */
void signal_force(int signo, int code, u64 addr)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct signal_action *a = &p->signals.actions[signo - 1];
	siginfo_t info;

	make_info(&info, signo, code);
	info.si_addr = (void *)addr;
	if ((t->blocked_signals & SIGNAL_BIT(signo)) || a->handler == (u64)SIG_IGN) {
		a->handler = (u64)SIG_DFL;
		t->blocked_signals &= ~SIGNAL_BIT(signo);
	}
	signal_send(p, &info);
	request_user_work();
}

bool signal_due(void)
{
	const struct thread *t = arch_current();

	return __atomic_load_n(&t->process->signals.pending, __ATOMIC_RELAXED) & ~t->blocked_signals;
}

/* Takes the next signal to act on: faults first, then by number. 0 when there is none. */
static int take(struct process *p, struct thread *t, siginfo_t *info)
{
	const u64 faults = SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) |
			   SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS) |
			   SIGNAL_BIT(SIGKILL);
	u64 irq = spin_lock_irqsave(&p->signals.lock);
	u64 ready = p->signals.pending & ~t->blocked_signals;
	int signo = 0;

	if (ready) {
		signo = __builtin_ctzll(ready & faults ? ready & faults : ready) + 1;
		p->signals.pending &= ~SIGNAL_BIT(signo);
		*info = p->signals.info[signo - 1];
	}
	spin_unlock_irqrestore(&p->signals.lock, irq);
	return signo;
}

static __noreturn void end_process(struct process *p, int signo)
{
	process_explain(p, "signal %d (%s)", signo, signal_name(signo));
	log_printf("task: PID %d (%s) ended by %s\n", p->pid, p->name, signal_name(signo));
	process_exit(signo);
}

/* Stopped until SIGCONT or SIGKILL is pending. */
static void stop(struct process *p)
{
	struct waitq never;

	waitq_init(&never);
	while (!(__atomic_load_n(&p->signals.pending, __ATOMIC_ACQUIRE) &
		 (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGKILL)))) {
		struct waiter w;
		waitq_enter(&never, &w);
		if (!(p->signals.pending & (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGKILL))))
			(void)waitq_block(0);
		waitq_leave(&never, &w);
	}
}

static void default_action(struct process *p, int signo)
{
	switch (signal_default(signo)) {
	case SIGNAL_DEFAULT_IGNORE:
		return;
	case SIGNAL_DEFAULT_STOP:
		stop(p);
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
	struct signal_action *a = &p->signals.actions[info->si_signo - 1];
	u64 sp = frame_sp(f);
	bool to_alt = (a->flags & SA_ONSTACK) && t->altstack.size && !on_altstack(t, sp);
	struct signal_delivery d = {
		.info = info,
		.handler = a->handler,
		.restorer = a->restorer,
		.sp = to_alt ? t->altstack.sp + t->altstack.size : sp,
		.use_red_zone = !to_alt,
		.old_mask = t->restore_mask ? t->saved_mask : t->blocked_signals,
		.alt_sp = t->altstack.sp,
		.alt_size = t->altstack.size,
		.alt_flags = altstack_flags(t, sp),
	};

	t->restore_mask = false;
	if (!(a->flags & SA_RESTORER) || arch_signal_frame_push(f, &t->arch, &d)) {
		process_explain(p, "no room on the stack for the frame of %s", signal_name(info->si_signo));
		end_process(p, SIGSEGV);
	}
	/* The program deals with it: what is known of this signal does not explain a later end. */
	p->explain[0] = 0;
	if (t->altstack.flags & SS_AUTODISARM && to_alt)
		t->altstack = (struct signal_stack){.flags = SS_DISABLE};
	t->blocked_signals |= a->mask;
	if (!(a->flags & SA_NODEFER))
		t->blocked_signals |= SIGNAL_BIT(info->si_signo);
	t->blocked_signals &= ~SIGNALS_UNMASKABLE;
	if (a->flags & SA_RESETHAND)
		a->handler = (u64)SIG_DFL;
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
	bool handled = false, any = false;
	siginfo_t info;
	int signo;

	while ((signo = take(p, t, &info))) {
		const struct signal_action *a = action_of(p, signo);
		any = true;
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
	if (any && !handled)
		maybe_restart(f, NULL);
	if (t->restore_mask) {
		t->restore_mask = false;
		t->blocked_signals = t->saved_mask;
	}
}

void signal_set_action(struct process *p, int signo, const struct signal_action *a)
{
	u64 irq = spin_lock_irqsave(&p->signals.lock);

	p->signals.actions[signo - 1] = *a;
	if (ignored(p, signo))
		p->signals.pending &= ~SIGNAL_BIT(signo);
	spin_unlock_irqrestore(&p->signals.lock, irq);
}
