/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2): the calls, and what becomes of a system call that is not allowed (docs/seccomp.md). Which filters a thread has
 * is in task/seccomp.c.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <asm/unistd_64.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <arch/signal.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/mode.h>
#include <moat/ptrace.h>
#include <moat/run.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_seccomp.h"
#include "system.h"

/* Newer than some headers. */
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define LINES_PER_SECOND 10
#define ERRNO_MAX	 4095u

/* From the most restrictive to the least. */
static const struct {
	u32 action;
	const char *name;
} actions[] = {
	{SECCOMP_RET_KILL_PROCESS, "kill_process"},
	{SECCOMP_RET_KILL_THREAD, "kill_thread"},
	{SECCOMP_RET_TRAP, "trap"},
	{SECCOMP_RET_ERRNO, "errno"},
	{SECCOMP_RET_USER_NOTIF, "user_notif"},
	{SECCOMP_RET_TRACE, "trace"},
	{SECCOMP_RET_LOG, "log"},
	{SECCOMP_RET_ALLOW, "allow"},
};
#define ACTION_ALLOW (ARRAY_SIZE(actions) - 1)

/* [a] Those that may get a line in the log, by place in `actions`. */
static u32 logged = (1u << ACTION_ALLOW) - 1;

/* --- a call that is made --- */

/* Place in `actions`; what is not there kills the process. */
static unsigned action_index(u32 action)
{
	for (unsigned i = 0; i < ARRAY_SIZE(actions); i++) {
		if (actions[i].action == action)
			return i;
	}
	return 0;
}

/* Ends and LOG get a line in the log always, the other verdicts if who made the filter asked for it. */
static bool is_noted(u32 action, bool log)
{
	return log || (action != SECCOMP_RET_TRAP && action != SECCOMP_RET_ERRNO &&
		       action != SECCOMP_RET_USER_NOTIF && action != SECCOMP_RET_TRACE);
}

static void note(u32 action, const struct trap_frame *f, u64 nr)
{
	struct process *p = current_process();
	unsigned i = action_index(action);

	if (!(__atomic_load_n(&logged, __ATOMIC_RELAXED) >> i & 1) ||
	    !ratelimit_allow(&p->log_budget, clock_monotonic_ns(), LINES_PER_SECOND))
		return;
	log_printf("seccomp: PID %d (%s): %s for system call %d (%s) at 0x%llx\n", p->pid, p->name,
		   actions[i].name, (int)nr, syscall_name(nr) ? syscall_name(nr) : "?",
		   (unsigned long long)frame_ip(f));
}

/* SIGSYS as if the call's instruction had faulted. */
static void trap(struct trap_frame *f, u64 nr, u16 data)
{
	siginfo_t info;

	frame_undo_syscall(f);
	signal_make_info(&info, SIGSYS, SYS_SECCOMP);
	info.si_errno = data;
	info.si_call_addr = (void *)frame_ip(f);
	info.si_syscall = (int)nr;
	info.si_arch = ARCH_AUDIT;
	signal_force_info(&info);
}

static __noreturn void kill(u32 action, int signo, u64 nr)
{
	struct process *p = current_process();

	if (action == SECCOMP_RET_KILL_THREAD && p->thread_count > 1)
		thread_leave(signo);
	process_explain(p, "system call %d (%s) is not allowed (seccomp)", (int)nr,
			syscall_name(nr) ? syscall_name(nr) : "?");
	process_exit(signo);
}

static bool is_allowed_in_strict(u64 nr)
{
	return nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn;
}

/* As seccomp_permits, where the filter leaves it to its listener. */
static bool listener_permits(struct trap_frame *f, const struct seccomp_verdict *v)
{
	struct seccomp_answer answer = {.result = -ENOSYS};
	int err = v->listener ? seccomp_listener_ask(v->listener, &v->data, &answer) : 0;

	if (!err && answer.go_on)
		return true;
	frame_set_result(f, err ? err : answer.result);
	if (err == -EINTR)
		current_thread()->seccomp.interrupted = true;
	else
		frame_forget_syscall(f);
	return false;
}

static bool judge(struct trap_frame *f, u64 nr, bool asked);

/* The tracer has seen the call, and may have made another one of it, or none; it is not asked about that once more. */
static bool permits_after_stop(struct trap_frame *f)
{
	return frame_is_syscall(f) && !waitq_kill_due() && judge(f, frame_syscall(f), true);
}

bool seccomp_permits(struct trap_frame *f, u64 nr)
{
	return ptrace_suspends_seccomp() || judge(f, nr, false);
}

static bool judge(struct trap_frame *f, u64 nr, bool asked)
{
	struct seccomp_verdict v;
	u32 action, data;

	if (current_thread()->seccomp.mode == SECCOMP_MODE_STRICT) {
		if (!is_allowed_in_strict(nr)) {
			note(SECCOMP_RET_KILL_THREAD, f, nr);
			kill(SECCOMP_RET_KILL_THREAD, SIGKILL, nr);
		}
		return true;
	}
	seccomp_ask(f, &v);
	action = v.says & SECCOMP_RET_ACTION_FULL;
	data = v.says & SECCOMP_RET_DATA;
	if (action == SECCOMP_RET_ALLOW)
		return true;
	if (is_noted(action, v.log))
		note(action, f, nr);
	if (action == SECCOMP_RET_TRACE && (asked || ptrace_seccomp(data)))
		return asked || permits_after_stop(f);
	switch (action) {
	case SECCOMP_RET_LOG:
		return true;
	case SECCOMP_RET_ERRNO:
		frame_set_result(f, -(s64)MIN(data, ERRNO_MAX));
		frame_forget_syscall(f);
		return false;
	case SECCOMP_RET_TRAP:
		trap(f, nr, (u16)data);
		return false;
	case SECCOMP_RET_USER_NOTIF:
		return listener_permits(f, &v);
	case SECCOMP_RET_TRACE: /* there is nobody to ask */
		frame_set_result(f, -ENOSYS);
		return false;
	case SECCOMP_RET_KILL_THREAD:
		kill(action, SIGSYS, nr);
	default: /* also what no action is */
		kill(SECCOMP_RET_KILL_PROCESS, SIGSYS, nr);
	}
}

/* --- seccomp(2) and prctl(2) --- */

/* Flags were checked. */
static s64 add_filter(u32 flags, const void __user *user_prog)
{
	struct sock_fprog prog;
	struct sock_filter *copy;
	s64 err;

	if (copy_from_user(&prog, user_prog, sizeof(prog)))
		return -EFAULT;
	if (prog.len == 0 || prog.len > BPF_MAXINSNS)
		return -EINVAL;
	if (!current_thread()->no_new_privs && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!prog.filter)
		return -EINVAL;
	copy = kmalloc(prog.len * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, (const void __user *)(u64)prog.filter, prog.len * sizeof(*copy)))
		err = -EFAULT;
	else
		err = seccomp_add_filter(copy, prog.len, flags);
	kfree(copy);
	return err;
}

static s64 set_filter(u32 flags, const void __user *prog)
{
	const u32 all = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_NEW_LISTENER |
			SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	/* The result cannot be a descriptor and a thread's number. */
	if ((flags & ~all) ||
	    ((flags & SECCOMP_FILTER_FLAG_TSYNC) && (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
	     !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH)) ||
	    ((flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)))
		return -EINVAL;
	return add_filter(flags, prog);
}

static s64 action_available(const void __user *arg)
{
	u32 action;

	if (copy_from_user(&action, arg, sizeof(action)))
		return -EFAULT;
	return actions[action_index(action)].action == action ? 0 : -EOPNOTSUPP;
}

static s64 notification_sizes(void __user *arg)
{
	const struct seccomp_notif_sizes sizes = {
		.seccomp_notif = sizeof(struct seccomp_notif),
		.seccomp_notif_resp = sizeof(struct seccomp_notif_resp),
		.seccomp_data = sizeof(struct seccomp_data),
	};

	return copy_to_user(arg, &sizes, sizeof(sizes)) ? -EFAULT : 0;
}

s64 sys_seccomp(u32 op, u32 flags, void __user *args)
{
	if (op == SECCOMP_SET_MODE_FILTER)
		return set_filter(flags, args);
	if (flags)
		return -EINVAL;
	switch (op) {
	case SECCOMP_SET_MODE_STRICT:
		return args ? -EINVAL : seccomp_set_strict();
	case SECCOMP_GET_ACTION_AVAIL:
		return action_available(args);
	case SECCOMP_GET_NOTIF_SIZES:
		return notification_sizes(args);
	default:
		return -EINVAL;
	}
}

s64 sys_prctl_seccomp(u64 mode, const void __user *prog)
{
	if (mode == SECCOMP_MODE_STRICT)
		return seccomp_set_strict();
	return mode == SECCOMP_MODE_FILTER ? add_filter(0, prog) : -EINVAL;
}

/* --- /proc/sys/kernel/seccomp --- */

static const u32 available = (1u << ARRAY_SIZE(actions)) - 1;

static int show_actions(struct proc_text *t, const struct proc_open *o, u64 *pos)
{
	const u32 set = __atomic_load_n((const u32 *)o->entry->data, __ATOMIC_RELAXED);
	const char *space = "";

	(void)pos;
	for (unsigned i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!(set >> i & 1))
			continue;
		proc_printf(t, "%s%s", space, actions[i].name);
		space = " ";
	}
	proc_printf(t, "\n");
	return 0;
}

/* The name that text starts with, as a bit; 0: it is none. What allows is not logged. */
static u32 action_bit(const char *text, size_t len)
{
	for (unsigned i = 0; i < ACTION_ALLOW; i++) {
		if (strlen(actions[i].name) == len && memcmp(actions[i].name, text, len) == 0)
			return 1u << i;
	}
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int store_actions(const struct proc_open *o, char *text, size_t len)
{
	u32 set = 0;

	(void)o;
	(void)len;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	while (*text) {
		const char *name = text;
		u32 bit;

		while (*text && !is_blank(*text))
			text++;
		bit = action_bit(name, (size_t)(text - name));
		if (text > name && !bit)
			return -EINVAL;
		set |= bit;
		while (is_blank(*text))
			text++;
	}
	__atomic_store_n(&logged, set, __ATOMIC_RELAXED);
	return 0;
}

const struct proc_entry seccomp_sysctl_table[] = {
	{.name = "actions_avail", .mode = S_IFREG | 0444, .show = show_actions, .data = &available},
	{.name = "actions_logged",
	 .mode = S_IFREG | 0644,
	 .show = show_actions,
	 .store = store_actions,
	 .data = &logged},
	{0},
};
