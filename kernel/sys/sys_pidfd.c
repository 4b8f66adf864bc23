/* SPDX-License-Identifier: MIT */
/* Descriptors of processes: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), and setns(2), which takes one. */
#include <linux/capability.h>
#include <linux/sched.h>
#include <arch/uaccess.h>
#include <moat/cred.h>
#include <moat/pidfd.h>
#include "sys_fs.h"

/* Newer than the build machine's headers. */
#define PIDFD_SELF_THREAD    (-10000)
#define PIDFD_SELF_PROCESS   (-10001)
#define PIDFD_SIGNAL_THREAD  1
#define PIDFD_SIGNAL_PROCESS 2
#define PIDFD_SIGNAL_GROUP   4
#define PIDFD_SIGNAL_FLAGS   7
#define NAMESPACES_BUT_USER                                                                          \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWTIME)

/* A descriptor for f, which it takes over. */
static s64 install(struct file *f)
{
	int fd = fd_install(current_thread()->files, f, 0, sys_fd_limit(), true);

	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_pidfd_open(int pid, int flags)
{
	struct task_ref *r;
	struct file *f;
	int err;

	if (flags & ~(O_NONBLOCK | PIDFD_THREAD))
		return -EINVAL;
	err = task_ref_find(pid, (u32)flags & PIDFD_THREAD, &r);
	if (err)
		return err;
	err = pidfd_create(r, (u32)flags, &f);
	task_ref_put(r);
	return err ? err : install(f);
}

/*
 * Whom a descriptor of a process, or of its directory in /proc, stands for, with a reference; and to what of it a signal goes
 * if nothing else is said.
 */
static int get_target(int fd, struct task_ref **out, enum pidfd_scope *scope)
{
	struct proc_key key;
	struct file *f;
	int err = 0;

	*scope = fd == PIDFD_SELF_THREAD ? PIDFD_TO_THREAD : PIDFD_TO_PROCESS;
	if (fd == PIDFD_SELF_THREAD)
		return task_ref_find(current_thread()->tid, PIDFD_THREAD, out);
	if (fd == PIDFD_SELF_PROCESS)
		return task_ref_find(current_process()->pid, 0, out);
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	*out = pidfd_ref(f);
	if (*out) {
		ref_get(&(*out)->refs);
		if (f->flags & PIDFD_THREAD)
			*scope = PIDFD_TO_THREAD;
	} else {
		err = proc_task_key(f, &key) ? task_ref_find_key(&key, out) : -EBADF;
	}
	file_put(f);
	return err;
}

s64 sys_pidfd_send_signal(int pidfd, int sig, const void __user *info, int flags)
{
	enum pidfd_scope scope;
	struct task_ref *r;
	siginfo_t given;
	int err;

	/* At most one of them. */
	if ((flags & ~PIDFD_SIGNAL_FLAGS) || (flags & (flags - 1)))
		return -EINVAL;
	err = get_target(pidfd, &r, &scope);
	if (err)
		return err;
	if (flags)
		scope = flags == PIDFD_SIGNAL_THREAD	? PIDFD_TO_THREAD
			: flags == PIDFD_SIGNAL_PROCESS ? PIDFD_TO_PROCESS
							: PIDFD_TO_GROUP;
	if (info && copy_from_user(&given, info, sizeof(given)))
		err = -EFAULT;
	else
		err = signal_kill_ref(r, scope, sig, info ? &given : NULL);
	task_ref_put(r);
	return err;
}

/* The file of a descriptor that must be one of a process. */
static int get_pidfd(int fd, struct file **out)
{
	*out = sys_file(fd);
	if (!*out)
		return -EBADF;
	if (pidfd_ref(*out))
		return 0;
	file_put(*out);
	return -EBADF;
}

s64 sys_pidfd_getfd(int pidfd, int targetfd, int flags)
{
	struct file *f, *theirs;
	int err;

	if (flags)
		return -EINVAL;
	err = get_pidfd(pidfd, &f);
	if (err)
		return err;
	err = pidfd_get_file(pidfd_ref(f), targetfd, &theirs);
	file_put(f);
	return err ? err : install(theirs);
}

/* There is one namespace of each kind: who may change it is in it already, and a user namespace is not entered twice. */
static s64 enter_namespaces(struct task_ref *r, int nstype)
{
	int err;

	if (!nstype || (nstype & ~(int)(NAMESPACES_BUT_USER | CLONE_NEWUSER)))
		return -EINVAL;
	err = pidfd_may_peek(r);
	if (err)
		return err;
	if (nstype & CLONE_NEWUSER)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (nstype & CLONE_NEWNS) {
		unsupported_flag("setns", "CLONE_NEWNS");
		return -EPERM;
	}
	return 0;
}

s64 sys_setns(int fd, int nstype)
{
	struct file *f = sys_file(fd);
	struct task_ref *r;
	s64 err;

	if (!f)
		return -EBADF;
	r = pidfd_ref(f);
	err = r ? enter_namespaces(r, nstype) : -EINVAL;
	file_put(f);
	return err;
}
