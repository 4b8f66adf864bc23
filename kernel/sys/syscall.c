/* SPDX-License-Identifier: MIT */
/*
 * The system-call dispatcher (walk 3 of docs/architecture.md): number to handler, counted, traced when asked.
 *
 * Both ways in, SYSCALL and INT 0x80, come here with the number in f->error and x86-64's numbers and registers.
 */
#include <asm/errno.h>
#include <asm/unistd_64.h>
#include <arch/cpu.h>
#include <arch/signal.h>
#include <arch/trap.h>
#include <moat/log.h>
#include <moat/object.h>
#include <moat/printf.h>
#include <moat/ptrace.h>
#include <moat/run.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_seccomp.h"
#include "syscall_table.h"

#define LINE_MAX 400

_Static_assert(SYSCALLS_MAX == CALLS_COUNTED, "each CPU counts all calls");

static __noinline s64 unknown_call(u64 nr)
{
	static u64 last_noted =
		UINT64_MAX; /* [a] in the report already: a program that insists costs little */
	char name[24];

	if (nr == __atomic_load_n(&last_noted, __ATOMIC_RELAXED) && !run_policy.strict)
		return -ENOSYS;
	__atomic_store_n(&last_noted, nr, __ATOMIC_RELAXED);
	(void)ksnprintf(name, sizeof(name), "syscall %llu", (unsigned long long)nr);
	unsupported_flag(name, "");
	return -ENOSYS;
}

static __noinline s64 traced_call(struct trap_frame *f, const struct syscall_entry *e, u64 nr)
{
	char line[LINE_MAX];
	s64 result;

	syscall_trace_format(e, nr, f, line, sizeof(line));
	/* Calls that do not come back are shown before, all others with their result. */
	if (nr == __NR_exit || nr == __NR_exit_group)
		log_force("[%d] %s = ?\n", current_process()->pid, line);
	result = e ? e->call(f) : unknown_call(nr);
	log_force("[%d] %s = %lld\n", current_process()->pid, line, (long long)result);
	return result;
}

/* The call may want memory: so that it is not refused for the sake of pages that can be read again. */
static void balance_memory(void)
{
	if (!(__atomic_load_n(&calls_watched, __ATOMIC_RELAXED) & WATCH_MEMORY))
		return;
	calls_unwatch(WATCH_MEMORY);
	mobj_cache_balance();
}

/* The call in f, which a tracer may have changed; and its result. */
static s64 watched_call(struct trap_frame *f)
{
	u64 nr = frame_syscall(f);
	const struct syscall_entry *e;

	if (current_thread()->seccomp.mode && !seccomp_permits(f, nr))
		return frame_result(f);
	nr = frame_syscall(f); /* a tracer may have changed it */
	e = nr < SYSCALLS_MAX && syscall_table[nr].call ? &syscall_table[nr] : NULL;
	if (e)
		cpu_count_call(nr);
	if (run_policy.trace)
		return traced_call(f, e, nr);
	return e ? e->call(f) : unknown_call(nr);
}

/* There is no such call; or somebody in this machine filters or traces calls, all are shown, or memory is low. */
static __noinline s64 unusual_call(struct trap_frame *f)
{
	balance_memory();
	if (ptrace_call_enter(f))
		frame_set_result(f, watched_call(f));
	ptrace_call_exit(f);
	return frame_result(f);
}

/* A jump, not a call, leads from here to the function of the call: each instruction in between is part of every call. */
static inline s64 dispatch(struct trap_frame *f, u64 nr)
{
	s64 (*call)(const struct trap_frame *) = likely(nr < SYSCALLS_MAX) ? syscall_table[nr].call : NULL;

	if (unlikely(!call || __atomic_load_n(&calls_watched, __ATOMIC_RELAXED)))
		return unusual_call(f);
	cpu_count_call(nr);
	return call(f);
}

s64 syscall_dispatch(struct trap_frame *f)
{
	/* Linux takes the low half of RAX as an int. */
	u64 nr = (u32)f->error;
	s64 result;

	if (!CONFIG_DEBUG)
		return dispatch(f, nr);
	result = dispatch(f, nr);
	syscall_check_memory(nr);
	return result;
}

u64 syscall_count(u64 nr)
{
	u64 sum = 0;

	for (u32 cpu = 0; nr < SYSCALLS_MAX && cpu < CPU_MAX; cpu++)
		sum += cpu_calls(cpu)[nr];
	return sum;
}

const char *syscall_name(u64 nr)
{
	return nr < SYSCALLS_MAX ? syscall_table[nr].name : NULL;
}

void syscall_counts_reset(void)
{
	for (u32 cpu = 0; cpu < CPU_MAX; cpu++)
		memset(cpu_calls(cpu), 0, CALLS_COUNTED * sizeof(u64));
}

unsigned syscall_numbers(void)
{
	return SYSCALLS_MAX;
}
