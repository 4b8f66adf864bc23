/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a trap in ring 3 (walk 2 of docs/architecture.md): a page fault goes to the address space first;
 * what cannot be served, and every other exception, becomes a signal, with an explanation for the log and report.
 */
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/panic.h>
#include <moat/ptrace.h>
#include <moat/string.h>
#include "signal_queue.h"

#define LOG_LINES_PER_SECOND 10

typedef unsigned long long ull;

/* What the program tried. */
static const char *access_word(unsigned access)
{
	return access & FAULT_EXEC ? "execute" : access & FAULT_WRITE ? "write" : "read";
}

static const char *result_word(enum fault_result result)
{
	switch (result) {
	case FAULT_NO_VMA:
		return "nothing is mapped there";
	case FAULT_GUARD:
		return "a guard was put there (MADV_GUARD_INSTALL)";
	case FAULT_NO_ACCESS:
		return "the mapping does not allow it";
	case FAULT_PAST_END:
		return "beyond the end of the file";
	case FAULT_NO_MEMORY:
		return "out of memory";
	default:
		return "the page cannot be read";
	}
}

static void log_line(const struct process *p)
{
	log_printf("task: PID %d (%s): %s\n", p->pid, p->name, p->explain);
}

/* One line to the log, unless the process has used up its lines of this second (U10). */
static void log_explanation(struct process *p)
{
	if (ratelimit_allow(&p->log_budget, clock_monotonic_ns(), LOG_LINES_PER_SECOND))
		log_line(p);
}

/* Will the program's own handler see this fault? Then it is likely to be one of many. */
static bool is_handled(const struct process *p, enum fault_result result)
{
	int signo = result == FAULT_PAST_END || result == FAULT_IO ? SIGBUS : SIGSEGV;
	u64 handler = signal_handler(p->signals.hand, signo);

	return result != FAULT_NO_MEMORY && handler != (u64)SIG_DFL && handler != (u64)SIG_IGN &&
	       !(current_thread()->blocked_signals & 1ull << (signo - 1));
}

/*
 * A sentence costs more than the rest of the fault: of those that are handled only the first few of each second get one,
 * as many as the log takes.
 */
static __noinline void explain_fault(struct process *p, const struct trap_frame *f, u64 addr, unsigned access,
				     enum fault_result result)
{
	bool log = ratelimit_allow(&p->log_budget, clock_monotonic_ns(), LOG_LINES_PER_SECOND);
	char nearest[224];

	if (!log && is_handled(p, result))
		return;
	aspace_explain(p->aspace, addr, nearest, sizeof(nearest));
	p->explain[0] = 0;
	process_explain(p, "cannot %s 0x%llx: %s (%s), at instruction 0x%llx", access_word(access), (ull)addr,
			result_word(result), nearest, (ull)f->rip);
	if (log)
		log_line(p);
}

static __noinline void signal_for(enum fault_result result, u64 addr)
{
	switch (result) {
	case FAULT_NO_VMA:
	case FAULT_GUARD:
		signal_force(SIGSEGV, SEGV_MAPERR, addr);
		break;
	case FAULT_NO_ACCESS:
		signal_force(SIGSEGV, SEGV_ACCERR, addr);
		break;
	case FAULT_NO_MEMORY:
		current_process()->out_of_memory = true;
		signal_force(SIGKILL, SI_KERNEL, 0);
		break;
	default:
		signal_force(SIGBUS, BUS_ADRERR, addr);
	}
}

bool trap_page_fault(struct trap_frame *f, u64 addr, unsigned access, bool from_user)
{
	struct process *p = current_process();
	enum fault_result result;

	if (!p->aspace)
		return false;
	result = aspace_fault(p->aspace, addr, access);
	if (likely(result == FAULT_DONE)) {
		current_thread()->faults++;
		return true;
	}
	if (!from_user) {
		/* A user copy: the call fails, but with no memory left the program cannot go on either. */
		if (result == FAULT_NO_MEMORY)
			signal_for(result, addr);
		return false;
	}
	explain_fault(p, f, addr, access, result);
	signal_for(result, addr);
	return true;
}

void trap_user_exception(struct trap_frame *f, int signal, int code, u64 addr, const char *what)
{
	struct process *p = current_process();

	if (ptrace_drops_step(f, signal))
		return;
	p->explain[0] = 0;
	if (signal == SIGSEGV && code == SEGV_MAPERR)
		process_explain(p, "%s at 0x%llx, at instruction 0x%llx", what, (ull)addr, (ull)f->rip);
	else
		process_explain(p, "%s at instruction 0x%llx", what, (ull)f->rip);
	/* A debugger makes it happen. */
	if (signal != SIGTRAP || !thread_is_traced(current_thread()))
		log_explanation(p);
	signal_force(signal, code, addr);
}
