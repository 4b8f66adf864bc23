/* SPDX-License-Identifier: MIT */
/* System calls about other processes: waiting for children, sessions and groups, executing a program. */
#include <linux/wait.h>
#include <arch/uaccess.h>
#include <moat/exec.h>
#include <moat/heap.h>
#include <moat/pidfd.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "sys_fs.h"
#include "sys_process.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif
#define FD_NAME_BYTES 24 /* "/dev/fd/" and a number */

/* --- waiting --- */

static int put_rusage(const struct wait_result *r, void __user *to)
{
	struct rusage usage;

	if (!to)
		return 0;
	usage_to_rusage(&r->usage, &usage);
	return copy_to_user(to, &usage, sizeof(usage)) ? -EFAULT : 0;
}

/* wait4(2): 0, a PID, or a group by its negative. */
static void decode_pid(int pid, struct wait_request *req)
{
	if (pid == -1) {
		req->which = WAIT_ANY;
	} else if (pid > 0) {
		req->which = WAIT_PID;
		req->id = pid;
	} else {
		req->which = WAIT_GROUP;
		req->id = pid ? -pid : current_process()->pgid;
	}
}

s64 sys_wait4(int pid, void __user *wstatus, int options, void __user *rusage)
{
	struct wait_request req = {.options = (u32)options | WEXITED};
	struct wait_result r;
	int found;

	if ((u32)options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	decode_pid(pid, &req);
	found = process_wait(&req, &r);
	if (found <= 0)
		return found;
	if (wstatus && copy_to_user(wstatus, &r.status, sizeof(r.status)))
		return -EFAULT;
	return put_rusage(&r, rusage) ? -EFAULT : r.pid;
}

/* *file keeps what req refers to. */
static int decode_pidfd(int fd, struct wait_request *req, struct file **file)
{
	struct file *f = fd < 0 ? NULL : sys_file(fd);

	if (fd < 0)
		return -EINVAL;
	if (!f)
		return -EBADF;
	*file = f;
	req->which = WAIT_REF;
	req->ref = pidfd_ref(f);
	if (f->flags & O_NONBLOCK)
		req->options |= WNOHANG;
	return req->ref ? 0 : -EBADF;
}

static int decode_idtype(int idtype, int id, struct wait_request *req, struct file **file)
{
	req->id = id;
	switch (idtype) {
	case P_ALL:
		req->which = WAIT_ANY;
		return 0;
	case P_PID:
		req->which = WAIT_PID;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		req->which = WAIT_GROUP;
		if (id == 0)
			req->id = current_process()->pgid;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD:
		return decode_pidfd(id, req, file);
	default:
		return -EINVAL;
	}
}

/* What a child did, as si_status shows it. */
static int info_status(const struct wait_result *r)
{
	switch (r->code) {
	case CLD_EXITED:
	case CLD_STOPPED:
		return r->status >> 8 & 0xff;
	case CLD_TRAPPED:
		return r->status >> 8;
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return r->status & 0x7f;
	}
}

/* These fields, and no other byte of the structure. */
static int put_info(siginfo_t __user *to, const struct wait_result *r, bool found)
{
	char __user *at = (char __user *)to;
	const struct {
		size_t offset;
		int value;
	} fields[] = {
		{offsetof(siginfo_t, si_signo), found ? SIGCHLD : 0},
		{offsetof(siginfo_t, si_errno), 0},
		{offsetof(siginfo_t, si_code), found ? r->code : 0},
		{offsetof(siginfo_t, si_pid), found ? r->pid : 0},
		{offsetof(siginfo_t, si_uid), found ? (int)r->uid : 0},
		{offsetof(siginfo_t, si_status), found ? info_status(r) : 0},
	};

	for (size_t i = 0; to && i < ARRAY_SIZE(fields); i++) {
		if (copy_to_user(at + fields[i].offset, &fields[i].value, sizeof(int)))
			return -EFAULT;
	}
	return 0;
}

static int wait_by_id(int idtype, int id, int options, struct wait_result *r)
{
	struct wait_request req = {.options = (u32)options};
	struct file *file = NULL;
	int err;

	if ((u32)options &
	    ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	err = decode_idtype(idtype, id, &req, &file);
	if (!err)
		err = process_wait(&req, r);
	if (!err && req.options != (u32)options)
		err = -EAGAIN; /* the descriptor does not block */
	if (file)
		file_put(file);
	return err;
}

s64 sys_waitid(int idtype, int id, void __user *infop, int options, void __user *rusage)
{
	struct wait_result r;
	int err = wait_by_id(idtype, id, options, &r);

	if (err > 0 && put_rusage(&r, rusage))
		return -EFAULT;
	/* It is written whatever became of the wait. */
	return put_info(infop, &r, err > 0) ? -EFAULT : MIN(err, 0);
}

/* --- sessions and groups --- */

s64 sys_getpgrp(void)
{
	return current_process()->pgid;
}

static int pgid_of(struct process *p, void *arg)
{
	(void)arg;
	return p->pgid;
}

static int sid_of(struct process *p, void *arg)
{
	(void)arg;
	return p->sid;
}

s64 sys_getpgid(int pid)
{
	return process_with(pid, pgid_of, NULL);
}

s64 sys_getsid(int pid)
{
	return process_with(pid, sid_of, NULL);
}

s64 sys_setpgid(int pid, int pgid)
{
	return process_set_group(pid, pgid);
}

s64 sys_setsid(void)
{
	return process_new_session();
}

/* --- execve --- */

/* How the program is told its path: through the descriptor that it was found by, where that is the only way. */
static int make_execfn(const struct user_path *p, int dirfd, char **out)
{
	size_t len = strlen(p->text), size = len + FD_NAME_BYTES;

	*out = NULL;
	if (!p->file)
		return 0;
	*out = kmalloc(size);
	if (!*out)
		return -ENOMEM;
	(void)ksnprintf(*out, size, len ? "/dev/fd/%d/%s" : "/dev/fd/%d%s", dirfd, p->text);
	return 0;
}

/* The name of a program that was given as a descriptor only is that of its file. */
static const char *file_name(const struct user_path *p, const struct file *file, char *buf, size_t size)
{
	const char *slash;

	if (!p->file || p->text[0] || vfs_path(file, buf, size) < 0)
		return NULL;
	slash = strrchr(buf, '/');
	return slash ? slash + 1 : NULL;
}

static s64 exec_path(const struct user_path *p, int dirfd, int flags, struct exec_call *call)
{
	char *execfn, name[128];
	struct file *file;
	s64 err = exec_open_at(&p->at, flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0, &file);

	if (err || (flags & AT_EXECVE_CHECK)) {
		if (!err)
			file_put(file);
		return err;
	}
	err = make_execfn(p, dirfd, &execfn);
	if (!err) {
		call->file = file;
		call->execfn = execfn ? execfn : p->text;
		call->comm = file_name(p, file, name, sizeof(name));
		/* A script's interpreter could not open it by that name. */
		call->path_is_lost = p->file && fd_get_cloexec(current_thread()->files, dirfd) == 1;
		err = process_exec(call);
	}
	kfree(execfn);
	file_put(file);
	return err;
}

s64 sys_execveat(int dirfd, const char __user *path, const void __user *argv, const void __user *envp,
		 int flags)
{
	struct exec_call call = {.argv = argv, .envp = envp};
	struct user_path p;
	s64 err;

	err = user_path_get(&p, dirfd, path, flags & AT_EMPTY_PATH ? FS_EMPTY_PATH : 0);
	if (err)
		return err;
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK))
		err = -EINVAL;
	else
		err = exec_path(&p, dirfd, flags, &call);
	user_path_put(&p);
	return err;
}

s64 sys_execve(const char __user *path, const void __user *argv, const void __user *envp)
{
	return sys_execveat(AT_FDCWD, path, argv, envp, 0);
}
