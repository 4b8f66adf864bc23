/* SPDX-License-Identifier: MIT */
/*
 * Receiving signals: what is due, and what happens at the return to ring 3.
 *
 *     send ──> pending ──(not blocked, thread on its way to ring 3)──> default action: end, stop, nothing
 *                                                              └─────> handler: a frame on the user's stack
 *
 * How they come to be pending is signal_send.c. Here everything is done by the thread that gets the signal; its own
 * mask needs no lock, the actions and queues have that of its process's signals.
 */
#include <asm/errno.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/ptrace.h>
#include <moat/string.h>
#include <moat/task.h>
#include "posix_timer.h"
#include "signal_names.h"
#include "signal_queue.h"
#include "table.h"

static u64 pending_of(const struct thread *t)
{
	return __atomic_load_n(&t->process->signals.shared.pending, __ATOMIC_RELAXED) |
	       __atomic_load_n(&t->signals.pending, __ATOMIC_RELAXED);
}

u64 signal_pending(void)
{
	return pending_of(current_thread());
}

static u32 attention_of(const struct process *p)
{
	return __atomic_load_n(&p->signals.attention, __ATOMIC_ACQUIRE);
}

/* Who is traced stands still for its tracer only. */
static __noinline bool attention_due(const struct thread *t)
{
	if (thread_is_traced(t))
		return ptrace_trap_due(t);
	return attention_of(t->process) & ATTENTION_STOPPED;
}

bool signal_due(void)
{
	const struct thread *t = arch_current();

	return (pending_of(t) & ~t->blocked_signals) ||
	       (__atomic_load_n(&t->process->signals.attention, __ATOMIC_RELAXED) && attention_due(t));
}

/* A signal that ends the process without a core counts as SIGKILL from the moment it is sent, as on Linux. */
bool signal_kill_due(void)
{
	const u64 core = SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |
			 SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) |
			 SIGNAL_BIT(SIGXCPU) | SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGSYS);
	const struct thread *t = arch_current();
	const struct sighand *h = t->process->signals.hand;
	u64 left = pending_of(t) & ~t->blocked_signals;

	if (left & SIGNAL_BIT(SIGKILL))
		return true;
	/* A tracer may have something against it. */
	if (thread_is_traced(t))
		return false;
	for (left &= ~core; left; left &= left - 1) {
		int signo = __builtin_ctzll(left) + 1;

		if (signal_handler(h, signo) == (u64)SIG_DFL && signal_default(signo) == SIGNAL_DEFAULT_END)
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

static void default_action(struct process *p, int signo)
{
	switch (signal_default(signo)) {
	case SIGNAL_DEFAULT_IGNORE:
		return;
	case SIGNAL_DEFAULT_STOP:
		signal_stop(p, signo);
		return;
	case SIGNAL_DEFAULT_END:
		end_process(p, signo);
	}
}

bool signal_on_altstack(const struct thread *t, u64 sp)
{
	return t->altstack.size && !(t->altstack.flags & SS_AUTODISARM) && sp > t->altstack.sp &&
	       sp - t->altstack.sp <= t->altstack.size;
}

static u32 altstack_flags(const struct thread *t, u64 sp)
{
	if (!t->altstack.size)
		return SS_DISABLE | (t->altstack.flags & SS_AUTODISARM);
	return (signal_on_altstack(t, sp) ? SS_ONSTACK : 0) | (t->altstack.flags & SS_AUTODISARM);
}

/* False: there is no room for the frame. */
static bool run_handler(struct trap_frame *f, struct thread *t, const siginfo_t *info,
			const struct signal_action *a)
{
	u64 sp = frame_sp(f);
	bool to_alt = (a->flags & SA_ONSTACK) && t->altstack.size && !signal_on_altstack(t, sp);
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
	if (!(a->flags & SA_RESTORER) || arch_signal_frame_push(f, &d))
		return false;
	/* The program deals with it: what is known of this signal does not explain a later end. */
	t->process->explain[0] = 0;
	if (t->altstack.flags & SS_AUTODISARM && to_alt)
		t->altstack = (struct signal_stack){0};
	signal_set_mask(t->blocked_signals | a->mask |
			(a->flags & SA_NODEFER ? 0 : SIGNAL_BIT(info->si_signo)));
	return true;
}

/* Takes a signal that is in `wanted` off the thread's queue, or else the process's. Locked. */
static int take(struct thread *t, u64 wanted, struct queued_signal **entry)
{
	struct process *p = t->process;

	if (t->signals.pending & wanted)
		return signal_take(p, &t->signals, wanted, entry);
	if (p->signals.shared.pending & wanted)
		return signal_take(p, &p->signals.shared, wanted, entry);
	return 0;
}

/* An entry that is done with is kept for the process's next signal, but where each is to be accounted for. */
static void entry_put(struct process *p, struct queued_signal *entry)
{
	if (entry && !CONFIG_DEBUG)
		entry = __atomic_exchange_n(&p->signals.spare, entry, __ATOMIC_ACQ_REL);
	kfree(entry);
}

int signal_dequeue_any(u64 wanted, siginfo_t *info)
{
	struct thread *t = current_thread();
	struct sighand *h = t->process->signals.hand;
	struct queued_signal *entry = NULL;
	u64 irq;
	int signo;

	if (!(pending_of(t) & wanted))
		return 0;
	irq = spin_lock_irqsave(&h->lock);
	signo = take(t, wanted, &entry);
	spin_unlock_irqrestore(&h->lock, irq);
	if (entry) {
		*info = entry->info;
		if (info->si_code == SI_TIMER)
			posix_timer_arrived(info);
	} else if (signo) {
		signal_make_info(info, signo, SI_USER);
	}
	entry_put(t->process, entry);
	return signo;
}

int signal_dequeue(u64 wanted, siginfo_t *info)
{
	return signal_dequeue_any(wanted & ~SIGNALS_UNMASKABLE, info);
}

int signal_wait(u64 wanted, u64 deadline_ns, siginfo_t *info)
{
	struct thread *t = current_thread();
	struct waitq never;
	int signo, err;

	wanted &= ~SIGNALS_UNMASKABLE;
	waitq_init(&never);
	__atomic_store_n(&t->waited_signals, wanted, __ATOMIC_SEQ_CST);
	do {
		err = WAIT_EVENT_UNTIL(&never, signal_pending() & wanted, deadline_ns);
		/* Another thread may have been faster with one that is for the whole process. */
		signo = signal_dequeue(wanted, info);
	} while (!signo && !err);
	__atomic_store_n(&t->waited_signals, 0, __ATOMIC_RELAXED);
	if (signo)
		return signo;
	return err == -ETIMEDOUT ? -EAGAIN : err;
}

/* What is to be done about signo, which has been taken. Locked. */
static inline void use_action(struct sighand *h, int signo, struct signal_action *a)
{
	*a = sighand_action(h, signo);
	if ((a->flags & SA_RESETHAND) && a->handler != (u64)SIG_IGN)
		sighand_set_action(h, signo, &(struct signal_action){.flags = a->flags, .mask = a->mask});
}

void signal_use_action(struct thread *t, int signo, struct signal_action *a)
{
	struct sighand *h = t->process->signals.hand;
	u64 irq = spin_lock_irqsave(&h->lock);

	use_action(h, signo, a);
	spin_unlock_irqrestore(&h->lock, irq);
}

/* The next signal to act on, with its action and its entry, to be put, or NULL; 0: none. */
static int next_signal(struct thread *t, struct queued_signal **entry, struct signal_action *a)
{
	struct sighand *h = t->process->signals.hand;
	u64 irq;
	int signo;

	if (!(pending_of(t) & ~t->blocked_signals))
		return 0;
	irq = spin_lock_irqsave(&h->lock);
	signo = take(t, ~t->blocked_signals, entry);
	if (signo)
		use_action(h, signo, a);
	spin_unlock_irqrestore(&h->lock, irq);
	return signo;
}

/* The whole process ends, or another thread of it executes a program: this one goes, whatever else is pending. */
static void leave_if_told(const struct process *p, const struct thread *t)
{
	const struct thread *executing = __atomic_load_n(&p->signals.executing, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&p->signals.ending, __ATOMIC_ACQUIRE) || (executing && executing != t))
		thread_leave(p->signals.end_status);
}

/* Runs the handler for signo, whose entry may be missing for want of memory; puts the entry. */
static void handle(struct trap_frame *f, struct thread *t, int signo, struct queued_signal *entry,
		   const struct signal_action *a)
{
	struct process *p = t->process;
	siginfo_t info;
	bool done;

	if (likely(entry)) {
		if (entry->info.si_code == SI_TIMER)
			posix_timer_arrived(&entry->info);
		done = run_handler(f, t, &entry->info, a);
		entry_put(p, entry);
	} else {
		signal_make_info(&info, signo, SI_USER);
		done = run_handler(f, t, &info, a);
	}
	if (!done) {
		process_explain(p, "no room on the stack for the frame of %s", signal_name(signo));
		end_process(p, SIGSEGV);
	}
}

#define SIGNAL_USUAL (-1)

/* A thread that is traced, or whose process has stopped. A signal to act on; 0: none; SIGNAL_USUAL: to be taken as ever. */
static __noinline int attend(struct trap_frame *f, struct thread *t, struct queued_signal **entry,
			     struct signal_action *a)
{
	int signo;

	for (;;) {
		if (thread_is_traced(t)) {
			signo = ptrace_next_signal(f, t, entry, a);
			if (signo >= 0)
				return signo;
		} else if (attention_of(t->process) & ATTENTION_STOPPED) {
			signal_stand(t->process);
		}
		leave_if_told(t->process, t);
		if (!thread_is_traced(t))
			return SIGNAL_USUAL;
	}
}

void signal_deliver(struct trap_frame *f)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct queued_signal *entry;
	struct signal_action a;
	bool handled = false;
	int signo;

	for (;;) {
		leave_if_told(p, t);
		entry = NULL;
		signo = unlikely(attention_of(p)) ? attend(f, t, &entry, &a) : SIGNAL_USUAL;
		if (likely(signo == SIGNAL_USUAL))
			signo = next_signal(t, &entry, &a);
		if (!signo)
			break;
		if (a.handler == (u64)SIG_IGN || a.handler == (u64)SIG_DFL) {
			entry_put(p, entry);
			if (a.handler == (u64)SIG_DFL)
				default_action(p, signo);
			continue;
		}
		if (!handled)
			restart_call(f, true, a.flags);
		handled = true;
		handle(f, t, signo, entry, &a);
	}
	if (!handled)
		restart_call(f, false, 0);
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_mask(t->saved_mask);
	}
}

void signal_set_mask(u64 blocked)
{
	struct thread *t = current_thread();
	u64 old = t->blocked_signals;

	__atomic_store_n(&t->blocked_signals, blocked & ~SIGNALS_UNMASKABLE, __ATOMIC_SEQ_CST);
	/* What this thread was to take, and takes no longer, another one may. */
	if (unlikely(__atomic_load_n(&t->process->signals.shared.pending, __ATOMIC_RELAXED) & blocked & ~old))
		signal_retarget(t->process);
	if (pending_of(t) & ~blocked)
		request_user_work();
}

void signal_mask_begin(u64 blocked)
{
	struct thread *t = current_thread();

	t->saved_mask = t->blocked_signals;
	signal_set_mask(blocked);
}

void signal_mask_end(bool interrupted)
{
	struct thread *t = current_thread();

	if (interrupted)
		t->restore_mask = true;
	else
		signal_set_mask(t->saved_mask);
	request_user_work();
}
