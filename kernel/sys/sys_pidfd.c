/* SPDX-License-Identifier: MIT */
/* Calls with descriptors of processes: pidfd_open(2) and its kin, process_madvise(2), process_mrelease(2), setns(2). */
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <arch/uaccess.h>
#include <moat/cred.h>
#include <moat/pidfd.h>
#include "sys_fs.h"
#include "sys_rw.h"

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

/* One of the two numbers that stand for the caller itself. */
static bool is_self(int fd)
{
	return fd == PIDFD_SELF_THREAD || fd == PIDFD_SELF_PROCESS;
}

static int get_self(int fd, struct task_ref **out)
{
	return fd == PIDFD_SELF_THREAD ? task_ref_find(current_thread()->tid, PIDFD_THREAD, out)
				       : task_ref_find(current_process()->pid, 0, out);
}

/* Whom a descriptor stands for, with a reference. */
static int get_ref(int fd, struct task_ref **out)
{
	struct file *f;
	int err;

	if (is_self(fd))
		return get_self(fd, out);
	err = get_pidfd(fd, &f);
	if (err)
		return err;
	*out = pidfd_ref(f);
	ref_get(&(*out)->refs);
	file_put(f);
	return 0;
}

/* The same, or a process's directory in /proc; and to what of it a signal goes if nothing else is said. */
static int get_target(int fd, struct task_ref **out, enum pidfd_scope *scope)
{
	struct proc_key key;
	struct file *f;
	int err = 0;

	*scope = fd == PIDFD_SELF_THREAD ? PIDFD_TO_THREAD : PIDFD_TO_PROCESS;
	if (is_self(fd))
		return get_self(fd, out);
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

/* --- memory --- */

/* What somebody else may be advised. */
static bool is_for_others(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
	       advice == MADV_COLLAPSE;
}

/* One piece after the other: how many bytes were done before the first error, or that error. */
static s64 advise_all(struct aspace *as, const struct uio *u, int advice)
{
	s64 done = 0;

	for (unsigned i = 0; i < u->count; i++) {
		int err = aspace_advise(as, u->segs[i].base, u->segs[i].len, advice);

		if (err)
			return done ? done : err;
		done += (s64)u->segs[i].len;
		waitq_give_way();
		if (waitq_kill_due())
			return done;
	}
	return done;
}

static s64 advise_process(struct task_ref *r, const struct uio *u, int advice)
{
	struct aspace *as;
	s64 result = pidfd_get_aspace(r, &as);

	if (result)
		return result;
	if (as != current_process()->aspace && !is_for_others(advice))
		result = -EINVAL;
	else if (as != current_process()->aspace && !capable(CAP_SYS_NICE))
		result = -EPERM;
	else
		result = advise_all(as, u, advice);
	aspace_put(as);
	return result;
}

s64 sys_process_madvise(int pidfd, const struct iovec __user *vec, size_t vlen, int advice, int flags)
{
	struct task_ref *r;
	struct buffers b;
	s64 result;

	if (flags)
		return -EINVAL;
	result = sys_get_buffers(&b, vec, vlen);
	if (result)
		return result;
	result = get_ref(pidfd, &r);
	if (!result) {
		result = advise_process(r, &b.uio, advice);
		task_ref_put(r);
	}
	sys_put_buffers(&b);
	return result;
}

s64 sys_process_mrelease(int pidfd, int flags)
{
	struct task_ref *r;
	s64 err;

	if (flags)
		return -EINVAL;
	err = get_ref(pidfd, &r);
	if (err)
		return err;
	err = pidfd_await_memory(r);
	task_ref_put(r);
	return err;
}

/* --- namespaces --- */

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
