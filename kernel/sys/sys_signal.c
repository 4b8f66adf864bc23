/* SPDX-License-Identifier: MIT */
/* System calls about signals: sigaction(2), sigprocmask(2), kill(2), sigaltstack(2), sigsuspend(2), sigreturn(2). */
#include <asm/errno.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_poll.h"

/* <asm/signal.h>'s struct sigaction with fixed types: what user space passes. */
struct user_sigaction {
	u64 handler, flags, restorer, mask;
};

#define SA_KNOWN                                                                                          \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | \
	 SA_RESTORER)

/* Linux clears flags that it does not know (SA_UNSUPPORTED probing, sigaction(2)). */
static u64 known_flags(u64 flags)
{
	return flags & (u64)(u32)SA_KNOWN;
}

s64 sys_rt_sigaction(int signum, const void __user *act, void __user *oldact, size_t sigsetsize)
{
	struct process *p = current_process();
	struct user_sigaction new, old;
	struct signal_action a;

	if (sigsetsize != sizeof(u64))
		return -EINVAL;
	if (act && copy_from_user(&new, act, sizeof(new)))
		return -EFAULT;
	if (signum < 1 || signum > SIGNAL_MAX)
		return -EINVAL;
	if (act && (signum == SIGKILL || signum == SIGSTOP))
		return -EINVAL;
	a = signal_get_action(p, signum);
	old = (struct user_sigaction){a.handler, a.flags, a.restorer, a.mask};
	if (act)
		signal_set_action(signum, &(struct signal_action){.handler = new.handler,
								  .flags = known_flags(new.flags),
								  .restorer = new.restorer,
								  .mask = new.mask & ~SIGNALS_UNMASKABLE});
	return oldact && copy_to_user(oldact, &old, sizeof(old)) ? -EFAULT : 0;
}

s64 sys_rt_sigprocmask(int how, const void __user *set, void __user *oldset, size_t sigsetsize)
{
	struct thread *t = current_thread();
	u64 old = t->blocked_signals, new;

	if (sigsetsize != sizeof(u64))
		return -EINVAL;
	if (set) {
		if (copy_from_user(&new, set, sizeof(new)))
			return -EFAULT;
		new &= ~SIGNALS_UNMASKABLE;
		if (how == SIG_BLOCK)
			new = old | new;
		else if (how == SIG_UNBLOCK)
			new = old & ~new;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		signal_set_mask(new);
	}
	return oldset && copy_to_user(oldset, &old, sizeof(old)) ? -EFAULT : 0;
}

s64 sys_rt_sigpending(void __user *set, size_t sigsetsize)
{
	u64 pending = signal_pending() & current_thread()->blocked_signals;

	if (sigsetsize > sizeof(pending))
		return -EINVAL;
	return copy_to_user(set, &pending, sigsetsize) ? -EFAULT : 0;
}

s64 sys_rt_sigsuspend(const void __user *mask, size_t sigsetsize)
{
	struct waitq never;
	u64 new;

	if (sigsetsize != sizeof(u64))
		return -EINVAL;
	if (copy_from_user(&new, mask, sizeof(new)))
		return -EFAULT;
	signal_mask_begin(new);
	waitq_init(&never);
	(void)WAIT_EVENT(&never, false);
	signal_mask_end(true);
	return -EINTR;
}

s64 sys_pause(void)
{
	struct waitq never;

	waitq_init(&never);
	return WAIT_EVENT(&never, false);
}

/* Flags of sigaltstack(2) that say how a stack is used, not whether. */
#define STACK_FLAGS ((u32)SS_AUTODISARM)
#define STACK_MIN   2048 /* MINSIGSTKSZ */

static int set_altstack(struct thread *t, const stack_t *new, bool on)
{
	u32 mode = (u32) new->ss_flags & ~STACK_FLAGS;

	if (on)
		return -EPERM;
	if (t->altstack.sp == (u64) new->ss_sp && t->altstack.size == new->ss_size &&
	    t->altstack.flags == (u32) new->ss_flags)
		return 0; /* also where nothing of the size could be set */
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE)
		t->altstack = (struct signal_stack){.flags = (u32) new->ss_flags &STACK_FLAGS};
	else if (new->ss_size < STACK_MIN)
		return -ENOMEM;
	else
		t->altstack = (struct signal_stack){(u64) new->ss_sp, new->ss_size,
						    (u32) new->ss_flags &STACK_FLAGS};
	return 0;
}

s64 sys_sigaltstack(const void __user *ss, void __user *old_ss)
{
	struct thread *t = current_thread();
	bool on = signal_on_altstack(t, frame_sp(current_user_frame()));
	stack_t new, old = {.ss_sp = (void *)t->altstack.sp, .ss_size = t->altstack.size};
	int err;

	old.ss_flags = (int)(t->altstack.flags & STACK_FLAGS) | (!t->altstack.size ? SS_DISABLE
								 : on		   ? SS_ONSTACK
										   : 0);
	if (ss && copy_from_user(&new, ss, sizeof(new)))
		return -EFAULT;
	err = ss ? set_altstack(t, &new, on) : 0;
	return !err && old_ss && copy_to_user(old_ss, &old, sizeof(old)) ? -EFAULT : err;
}

s64 sys_rt_sigreturn(void)
{
	struct thread *t = current_thread();
	struct trap_frame *f = current_user_frame();
	struct signal_stack alt;
	stack_t back;
	u64 mask;

	if (arch_signal_frame_pop(f, &t->arch, &mask, &alt.sp, &alt.size, &alt.flags)) {
		process_explain(t->process, "rt_sigreturn without a signal frame");
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return 0;
	}
	signal_set_mask(mask);
	/* As sigaltstack(2); what that would refuse changes nothing. */
	back = (stack_t){.ss_sp = (void *)alt.sp, .ss_size = alt.size, .ss_flags = (int)alt.flags};
	(void)!set_altstack(t, &back, signal_on_altstack(t, frame_sp(f)));
	/* An address that no CPU can go to: the signal comes from there, as if it had been reached. */
	if (!frame_can_return(f))
		signal_force(SIGSEGV, SI_KERNEL, 0);
	return frame_result(f);
}

s64 sys_kill(int pid, int sig)
{
	return signal_kill(pid, sig);
}

s64 sys_tkill(int tid, int sig)
{
	return signal_kill_thread(-1, tid, sig);
}

s64 sys_tgkill(int tgid, int tid, int sig)
{
	return tgid <= 0 ? -EINVAL : signal_kill_thread(tgid, tid, sig);
}

s64 sys_rt_sigtimedwait(const void __user *set, void __user *info, const void __user *timeout,
			size_t sigsetsize)
{
	u64 wanted, deadline;
	siginfo_t taken;
	int signo, err;

	if (sigsetsize != sizeof(wanted))
		return -EINVAL;
	if (copy_from_user(&wanted, set, sizeof(wanted)))
		return -EFAULT;
	err = poll_deadline(timeout, &deadline);
	if (err)
		return err;
	signo = signal_wait(wanted, deadline, &taken);
	if (signo > 0 && info && copy_to_user(info, &taken, sizeof(taken)))
		return -EFAULT;
	return signo;
}

static s64 queue_info(int tgid, int tid, int sig, const void __user *info)
{
	siginfo_t given;

	if (copy_from_user(&given, info, sizeof(given)))
		return -EFAULT;
	if (tid < 0 || (tid > 0 && tgid <= 0))
		return -EINVAL;
	given.si_signo = sig;
	return signal_queue_info(tgid, tid, &given);
}

s64 sys_rt_sigqueueinfo(int pid, int sig, const void __user *info)
{
	return queue_info(pid, 0, sig, info);
}

s64 sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, const void __user *info)
{
	return queue_info(tgid, tid ? tid : -1, sig, info);
}
