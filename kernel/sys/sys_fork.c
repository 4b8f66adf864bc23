/* SPDX-License-Identifier: MIT */
/*
 * fork(2), vfork(2), clone(2), clone3(2), unshare(2): flags are decoded and checked in Linux's order; what this kernel cannot do yet
 * is counted and refused.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <arch/uaccess.h>
#include <moat/aspace.h>
#include <moat/string.h>
#include <moat/syscall.h>
#include <moat/sysv.h>
#include <moat/task.h>
#include "sys_struct.h"

#define CLONE_NAMESPACES                                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET)
#define NAMESPACES_DEEP 32 /* how deep those of PIDs may be on Linux */
#define CLONE3_KNOWN	(UINT32_MAX | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)

/* Flags that contradict each other. */
static bool flags_clash(u64 flags)
{
	return ((flags & (CLONE_NEWNS | CLONE_NEWUSER)) && (flags & CLONE_FS)) ||
	       ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) ||
	       ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)) ||
	       ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID))) ||
	       ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED)) ||
	       ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND));
}

static s64 refuse(const char *what, s64 error)
{
	unsupported_flag("clone", what);
	return error;
}

static s64 clone_checked(const struct clone_request *req)
{
	if (flags_clash(req->flags))
		return -EINVAL;
	/* What semop(2) is to undo belongs to a process: its threads share it, others cannot. */
	if ((req->flags & (CLONE_SYSVSEM | CLONE_THREAD)) == CLONE_SYSVSEM)
		return refuse("CLONE_SYSVSEM", -EINVAL);
	if (req->flags & (CLONE_NAMESPACES | CLONE_NEWTIME))
		return refuse("CLONE_NEW*",
			      capable(CAP_SYS_ADMIN) || (req->flags & CLONE_NEWUSER) ? -EINVAL : -EPERM);
	if ((req->flags & CLONE_PIDFD) && (req->flags & CLONE_PARENT_SETTID) && req->pidfd == req->parent_tid)
		return -EINVAL; /* both would be written to the same place */
	return process_clone(req);
}

s64 sys_fork(void)
{
	return clone_checked(&(struct clone_request){.exit_signal = SIGCHLD});
}

s64 sys_vfork(void)
{
	return clone_checked(
		&(struct clone_request){.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD});
}

s64 sys_clone(u64 flags, u64 stack, void __user *parent_tid, void __user *child_tid, u64 tls)
{
	struct clone_request req = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = stack,
		.tls = tls,
		.parent_tid = parent_tid,
		.pidfd = parent_tid,
		.child_tid = (__force u64)child_tid,
	};

	return clone_checked(&req);
}

static bool args_valid(const struct clone_args *a)
{
	if ((a->flags & ~CLONE3_KNOWN) || (a->flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))))
		return false;
	if (a->exit_signal > SIGNAL_MAX || ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal))
		return false;
	if ((a->set_tid != 0) != (a->set_tid_size != 0))
		return false;
	if ((a->stack != 0) != (a->stack_size != 0))
		return false;
	return !a->stack || !validate_user_pointer((void __user *)a->stack, a->stack_size, USER_WRITE);
}

/* The number that the child is to have, for who restores processes; there is one namespace of them. 0: any. */
static int get_chosen_tid(const struct clone_args *a, int *tid)
{
	*tid = 0;
	if (!a->set_tid)
		return 0;
	if (a->set_tid_size > NAMESPACES_DEEP)
		return -EINVAL;
	if (copy_from_user(tid, (const void __user *)a->set_tid, sizeof(*tid)))
		return -EFAULT;
	if (a->set_tid_size > 1 || *tid <= 0 || *tid >= process_pid_max())
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) || capable(CAP_CHECKPOINT_RESTORE) ? 0 : -EPERM;
}

s64 sys_clone3(const void __user *cl_args, size_t size)
{
	struct clone_request req;
	struct clone_args args;
	int chosen, err = sys_get_struct(cl_args, size, CLONE_ARGS_SIZE_VER0, &args, sizeof(args));

	if (err)
		return err;
	if (!args_valid(&args))
		return -EINVAL;
	err = get_chosen_tid(&args, &chosen);
	if (err)
		return err;
	if (args.flags & CLONE_INTO_CGROUP) /* no descriptor is one of a control group */
		return size < CLONE_ARGS_SIZE_VER2 || args.cgroup > INT32_MAX
			       ? -EINVAL
			       : refuse("CLONE_INTO_CGROUP", -EBADF);
	req = (struct clone_request){
		.flags = args.flags,
		.exit_signal = (int)args.exit_signal,
		.stack = args.stack ? args.stack + args.stack_size : 0,
		.tls = args.tls,
		.parent_tid = (int __user *)args.parent_tid,
		.pidfd = (int __user *)args.pidfd,
		.child_tid = args.child_tid,
		.chosen_tid = chosen,
	};
	return clone_checked(&req);
}

/* --- unshare(2) --- */

s64 sys_unshare(u64 flags)
{
	const u64 alone = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	const u64 known = alone | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_NAMESPACES | CLONE_NEWTIME;
	const struct process *me = current_process();
	s64 err = 0;

	if (flags & ~known)
		return -EINVAL;
	if (flags & (CLONE_NAMESPACES | CLONE_NEWTIME)) {
		unsupported_flag("unshare", "CLONE_NEW*");
		return -EPERM;
	}
	/* Who is alone has nothing of these to part with; a thread cannot leave the others. */
	if ((flags & alone) && (me->thread_count > 1 || ref_read(&me->signals.hand->refs) > 1 ||
				((flags & CLONE_VM) && ref_read(&me->aspace->refs) > 1)))
		return -EINVAL;
	/* The last one to have them undoes them. */
	if ((flags & CLONE_SYSVSEM) && me->thread_count == 1)
		sem_exit(current_process());
	if (flags & CLONE_FS)
		err = thread_unshare_fs();
	if (!err && (flags & CLONE_FILES))
		err = thread_unshare_files();
	return err;
}
