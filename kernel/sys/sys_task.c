/* SPDX-License-Identifier: MIT */
/* System calls about the process itself: its end, its identity, its session, its machine state. */
#include <asm/errno.h>
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <arch/signal.h>
#include <arch/uaccess.h>
#include <moat/futex.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/task.h>
#include "sys_cred.h"
#include "sys_prctl.h"
#include "sys_seccomp.h"

s64 sys_exit(int status)
{
	thread_leave((status & 0xff) << 8);
}

s64 sys_exit_group(int status)
{
	process_exit((status & 0xff) << 8);
}

s64 sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

s64 sys_getpid(void)
{
	return current_process()->pid;
}

s64 sys_gettid(void)
{
	return current_thread()->tid;
}

s64 sys_getppid(void)
{
	return process_parent_pid(current_process());
}

s64 sys_set_tid_address(void __user *tidptr)
{
	current_thread()->clear_tid = (__force u64)tidptr;
	return current_thread()->tid;
}

s64 sys_set_robust_list(void __user *head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current_thread()->robust_list = (__force u64)head;
	return 0;
}

struct robust_query {
	u64 head;
};

/* Who may look into the process's memory may know where its list is. Table locked. */
static int query_robust_list(struct thread *t, void *arg)
{
	struct robust_query *q = arg;

	q->head = t->robust_list;
	return t->process == current_process() || process_may_peek(t->process) ? 0 : -EPERM;
}

s64 sys_get_robust_list(int pid, void __user *head_ptr, void __user *len_ptr)
{
	const u64 len = sizeof(struct robust_list_head);
	struct robust_query q;
	int err = thread_with(pid, query_robust_list, &q);

	if (err)
		return err;
	if (copy_to_user(len_ptr, &len, sizeof(len)))
		return -EFAULT;
	return copy_to_user(head_ptr, &q.head, sizeof(q.head)) ? -EFAULT : 0;
}

s64 sys_rseq(u64 rseq, u32 rseq_len, u32 flags, u32 sig)
{
	return rseq_register(current_thread(), rseq, rseq_len, flags, sig);
}

s64 sys_arch_prctl(int code, u64 addr)
{
	struct arch_thread *t = &current_thread()->arch;
	u64 base;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_TOP)
			return -EPERM;
		if (code == ARCH_SET_FS)
			arch_set_fs_base(t, addr);
		else
			arch_set_gs_base(t, addr);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		base = code == ARCH_GET_FS ? arch_fs_base(t) : arch_gs_base(t);
		return copy_to_user((void __user *)addr, &base, sizeof(base)) ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}

static s64 prctl_name(int option, u64 arg)
{
	struct thread *t = current_thread();
	char name[TASK_NAME_MAX] = "";

	if (option == PR_GET_NAME)
		return copy_to_user((void __user *)arg, t->name, TASK_NAME_MAX) ? -EFAULT : 0;
	if (strncpy_from_user(name, (const char __user *)arg, TASK_NAME_MAX) == -EFAULT)
		return -EFAULT;
	memset(t->name, 0, sizeof(t->name));
	(void)str_copy(t->name, name, sizeof(t->name));
	if (t->tid == t->process->pid)
		(void)str_copy(t->process->name, name, sizeof(t->process->name));
	return 0;
}

static s64 put_int(int value, u64 to)
{
	return copy_to_user((void __user *)to, &value, sizeof(value)) ? -EFAULT : 0;
}

s64 sys_prctl(int option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	s64 result;

	switch (option) {
	case PR_SET_NAME:
	case PR_GET_NAME:
		return prctl_name(option, arg2);
	case PR_SET_PDEATHSIG:
		if (arg2 > SIGNAL_MAX)
			return -EINVAL;
		current_process()->parent_death_signal = (int)arg2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_int(current_process()->parent_death_signal, arg2);
	case PR_SET_CHILD_SUBREAPER:
		current_process()->subreaper = arg2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_int(current_process()->subreaper, arg2);
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || arg4 || arg5)
			return -EINVAL;
		current_thread()->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		if (arg2 || arg3 || arg4 || arg5)
			return -EINVAL;
		return current_thread()->no_new_privs;
	default:
		break;
	}
	if (option == PR_GET_SECCOMP)
		return current_thread()->seccomp.mode;
	if (option == PR_SET_SECCOMP)
		return sys_prctl_seccomp(arg2, (void __user *)arg3);
	if (sys_prctl_cred(option, (u64[]){arg2, arg3, arg4, arg5}, &result))
		return result;
	return sys_prctl_more(option, (u64[]){arg2, arg3, arg4, arg5});
}

/* personality(2): all ones asks only. Of the flags only ADDR_NO_RANDOMIZE means something, at the next exec. */
s64 sys_personality(u64 persona)
{
	struct process *p = current_process();
	u32 old = p->personality;

	if ((u32)persona != UINT32_MAX)
		p->personality = (u32)persona;
	return old;
}
