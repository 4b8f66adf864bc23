/* SPDX-License-Identifier: MIT */
/*
 * Stops of a traced thread (docs/ptrace.md). Each is made by the thread itself, at one of these places:
 *
 *     unusual_call ──> ptrace_call_enter, ptrace_seccomp, ptrace_call_exit
 *     clone, exec, exit ──> ptrace_event
 *     signal_deliver ──> ptrace_next_signal ──> a signal on its way to it; a trap that was asked for; a group stop
 *
 * In a stop the thread sleeps until `stopped` is taken back or SIGKILL has come, whatever the tracer does. What it is asked about
 * meanwhile is in memory: it has parked its machine state.
 *
 * Locks: a stop begins and ends under the table's lock.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <arch/ptrace.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/heap.h>
#include "ptrace_internal.h"
#include "signal_queue.h"

#define STEP_IS_OURS(tr) ((tr)->resume & RESUME_STEP)
#define CALLS_GOOD	 0x80 /* PTRACE_O_TRACESYSGOOD */

struct stop {
	int code, why, inject;
	u64 message;
	siginfo_t *info;
};

static bool must_end(const struct thread *t)
{
	u64 pending = __atomic_load_n(&t->process->signals.shared.pending, __ATOMIC_ACQUIRE) |
		      __atomic_load_n(&t->signals.pending, __ATOMIC_ACQUIRE);

	return pending & SIGNAL_BIT(SIGKILL);
}

static u8 traps_of(const struct tracee *tr)
{
	return __atomic_load_n(&tr->traps, __ATOMIC_ACQUIRE);
}

static bool may_go_on(const struct tracee *tr, const struct thread *t)
{
	return !__atomic_load_n(&tr->stopped, __ATOMIC_ACQUIRE) || must_end(t) ||
	       (__atomic_load_n(&tr->listening, __ATOMIC_ACQUIRE) && traps_of(tr));
}

bool ptrace_trap_due(const struct thread *t)
{
	return traps_of(t->trace);
}

/* A stop answers every trap; one that tells of the group's state answers news of it too. True: it completes a group stop. */
static bool answer_traps(struct tracee *tr, const struct stop *s)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	bool last;

	spin_lock(&p->signals.hand->lock);
	tr->traps &= (u8)~TRAP_STOP;
	if (s->code >> 8 == PTRACE_EVENT_STOP)
		tr->traps &= (u8)~TRAP_NOTIFY;
	last = s->why == CLD_STOPPED && signal_count_standing(p, t);
	spin_unlock(&p->signals.hand->lock);
	return last;
}

/* False: nobody traces it any more, or it is to end. Table locked. */
static bool begin_stop(struct tracee *tr, const struct stop *s)
{
	struct process *p = current_process();
	bool last;

	if (!tr->tracer || must_end(current_thread()))
		return false;
	tr->code = s->code;
	tr->inject = s->inject;
	tr->message = s->message;
	tr->info = s->info;
	tr->told = tr->listening = false;
	tr->uid = current_cred()->uid;
	last = answer_traps(tr, s);
	__atomic_store_n(&tr->stopped, true, __ATOMIC_RELEASE);
	ptrace_tell(tr, s->why,
		    (s->why == CLD_STOPPED && p->signals.stopped ? p->signals.stopped : s->code) & 0x7f);
	if (last && tr->tracer->process != p->parent)
		parent_tell_locked(p, CLD_STOPPED, p->signals.stopped);
	return true;
}

/* Steps go on from here, with the trap flag as the tracer's unless the program itself has set it. */
static void apply_step(struct tracee *tr, struct trap_frame *f)
{
	tr->forced_step = STEP_IS_OURS(tr) && !frame_steps(f);
	if (tr->forced_step)
		frame_set_step(f, true);
}

static void undo_step(struct tracee *tr, struct trap_frame *f)
{
	if (tr->forced_step)
		frame_set_step(f, false);
	tr->forced_step = false;
}

/* The current thread stops. The signal that it goes on with, or 0. */
static int stop(struct tracee *tr, const struct stop *s)
{
	struct thread *t = current_thread();
	struct trap_frame *f = current_user_frame();
	int inject = s->inject;
	struct waitq never;
	bool begun;
	u64 irq;

	undo_step(tr, f);
	arch_trace_park(&t->arch);
	irq = table_lock();
	begun = begin_stop(tr, s);
	table_unlock(irq);
	if (begun) {
		waitq_init(&never);
		WAIT_EVENT_UNKILLABLE(&never, may_go_on(tr, t));
		irq = table_lock();
		inject = tr->inject;
		tr->stopped = tr->listening = false;
		tr->info = NULL;
		tr->message = 0;
		table_unlock(irq);
	}
	arch_trace_unpark(&t->arch);
	apply_step(tr, f);
	/* The way back loads every register. */
	sched_request_work();
	return inject;
}

static int notify(struct tracee *tr, int signo, int code, int why, u64 message)
{
	siginfo_t info;

	signal_make_info(&info, signo, code);
	info.si_pid = current_thread()->tid;
	info.si_uid = current_cred()->uid;
	return stop(tr, &(struct stop){.code = code, .why = why, .message = message, .info = &info});
}

static void send_to_self(int signo, int code)
{
	siginfo_t info;

	if (signo <= 0 || signo > SIGNAL_MAX)
		return;
	signal_make_info(&info, signo, code);
	if (code == SI_USER) {
		info.si_pid = current_process()->pid;
		info.si_uid = current_cred()->uid;
	}
	(void)signal_send_thread(current_thread(), &info);
}

/* --- events --- */

bool ptrace_wants(unsigned event)
{
	const struct thread *t = current_thread();

	return thread_is_traced(t) && t->trace->options >> event & 1;
}

bool ptrace_event(unsigned event, u64 message)
{
	if (likely(!thread_is_traced(current_thread())) || !ptrace_wants(event))
		return false;
	(void)notify(current_thread()->trace, SIGTRAP, (int)(event << 8 | SIGTRAP), CLD_TRAPPED, message);
	return true;
}

void ptrace_exit(int status)
{
	struct thread *t = current_thread();
	struct sighand *h = t->process->signals.hand;
	u64 irq;

	if (likely(!thread_is_traced(t)) || !ptrace_wants(PTRACE_EVENT_EXIT))
		return;
	/* The one that exit_group(2) and execve(2) send has done its work. */
	irq = spin_lock_irqsave(&h->lock);
	t->signals.pending &= ~SIGNAL_BIT(SIGKILL);
	spin_unlock_irqrestore(&h->lock, irq);
	(void)ptrace_event(PTRACE_EVENT_EXIT, (u64)status);
}

void ptrace_exec(int old_tid)
{
	struct thread *t = current_thread();

	if (likely(!thread_is_traced(t)))
		return;
	t->trace->forced_step = false;
	arch_debug_clear(&t->arch);
	frame_set_syscall(current_user_frame(), __NR_execve);
	if (!ptrace_event(PTRACE_EVENT_EXEC, (u64)old_tid) && !t->trace->seized)
		send_to_self(SIGTRAP, SI_USER);
}

/* --- system calls --- */

static void report_call(struct tracee *tr, u64 message)
{
	int code = SIGTRAP | (tr->options & PTRACE_O_TRACESYSGOOD ? CALLS_GOOD : 0);

	send_to_self(notify(tr, SIGTRAP, code, CLD_TRAPPED, message), SI_KERNEL);
}

bool ptrace_call_enter(struct trap_frame *f)
{
	struct thread *t = current_thread();
	struct tracee *tr = t->trace;
	unsigned how;

	if (!thread_is_traced(t))
		return true;
	how = tr->resume;
	frame_set_result(f, -ENOSYS);
	if (!(how & (RESUME_CALLS | RESUME_NO_CALL)))
		return true;
	report_call(tr, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	return !must_end(t) && !(how & RESUME_NO_CALL) && frame_is_syscall(f);
}

void ptrace_call_exit(struct trap_frame *f)
{
	struct thread *t = current_thread();

	if (!thread_is_traced(t))
		return;
	if ((t->trace->resume & (RESUME_STEP | RESUME_NO_CALL)) == RESUME_STEP)
		signal_force(SIGTRAP, TRAP_BRKPT, frame_ip(f));
	else if (t->trace->resume & RESUME_CALLS)
		report_call(t->trace, PTRACE_EVENTMSG_SYSCALL_EXIT);
}

bool ptrace_seccomp(u32 data)
{
	return ptrace_event(PTRACE_EVENT_SECCOMP, data);
}

bool ptrace_suspends_seccomp(void)
{
	const struct thread *t = current_thread();

	return thread_is_traced(t) && t->trace->options & PTRACE_O_SUSPEND_SECCOMP;
}

bool ptrace_drops_step(struct trap_frame *f, int signo)
{
	struct thread *t = current_thread();

	if (signo != SIGTRAP || thread_is_traced(t) || !t->trace || !t->trace->forced_step)
		return false;
	undo_step(t->trace, f);
	return true;
}

/* --- signals --- */

/* A stop that was asked for or that the whole process makes. */
static void make_trap(struct tracee *tr)
{
	struct signal_state *s = &current_process()->signals;
	int signo = __atomic_load_n(&s->stopped, __ATOMIC_ACQUIRE);
	u64 irq;

	if (tr->seized) {
		signo = signo ? signo : SIGTRAP;
		(void)notify(tr, signo, signo | PTRACE_EVENT_STOP << 8, CLD_STOPPED, 0);
		return;
	}
	if (signo) {
		(void)stop(tr, &(struct stop){.code = signo, .why = CLD_STOPPED});
		return;
	}
	/* SIGCONT was faster. */
	irq = spin_lock_irqsave(&s->hand->lock);
	tr->traps = 0;
	spin_unlock_irqrestore(&s->hand->lock, irq);
}

/* The tracer has another signal in mind than the one that was stopped for. */
static void make_other_info(const struct tracee *tr, siginfo_t *info, int signo)
{
	u64 irq = table_lock();

	signal_make_info(info, signo, SI_USER);
	if (tr->tracer) {
		info->si_pid = tr->tracer->process->pid;
		info->si_uid = tr->tracer->cred.uid;
	}
	table_unlock(irq);
}

/* The tracer is asked about a signal. What is to be acted on, or 0. */
static int signal_stop_for(struct tracee *tr, int signo, siginfo_t *info)
{
	struct thread *t = current_thread();
	int result =
		stop(tr, &(struct stop){.code = signo, .why = CLD_TRAPPED, .inject = signo, .info = info});

	if (!result || must_end(t))
		return 0;
	if (result != info->si_signo)
		make_other_info(tr, info, result);
	if (!(t->blocked_signals & SIGNAL_BIT(result)))
		return result;
	(void)signal_send_thread(t, info);
	return 0;
}

int ptrace_next_signal(struct trap_frame *f, struct thread *t, struct queued_signal **entry,
		       struct signal_action *a)
{
	struct tracee *tr = t->trace;
	siginfo_t info;
	int signo;

	if (t->arch.debug) {
		arch_debug_load(&t->arch);
		/* Wherever it goes on, it comes by here first. */
		__atomic_store_n(&t->sched.work, true, __ATOMIC_RELAXED);
	}
	if (tr->entered_handler) {
		tr->entered_handler = false;
		(void)notify(tr, SIGTRAP, SIGTRAP, CLD_TRAPPED, 0);
		return -1;
	}
	if (traps_of(tr) && !must_end(t)) {
		make_trap(tr);
		return -1;
	}
	signo = signal_dequeue_any(~t->blocked_signals, &info);
	if (!signo)
		return 0;
	if (signo != SIGKILL) {
		signo = signal_stop_for(tr, signo, &info);
		if (!signo)
			return -1;
	}
	*entry = kmalloc(sizeof(**entry));
	if (*entry)
		(*entry)->info = info;
	signal_use_action(t, signo, a);
	if (STEP_IS_OURS(tr) && a->handler != (u64)SIG_IGN && a->handler != (u64)SIG_DFL) {
		undo_step(tr, f);
		tr->entered_handler = true;
	}
	return signo;
}
