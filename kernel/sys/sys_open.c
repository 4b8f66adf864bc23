/* SPDX-License-Identifier: MIT */
/* Descriptors: open(2), close(2), dup(2), close_range(2). */
#include <linux/close_range.h>
#include <linux/fs.h>
#include "sys_fs.h"

/* FIFOs exist as names only; Linux has no error for that, and a FIFO that nobody serves is the nearest. */
static int explain_open(int err)
{
	if (err != -EOPNOTSUPP)
		return err;
	unsupported_flag("open", "FIFO");
	return -ENXIO;
}

/* The number comes first, so that nothing is created when there is none left. */
static s64 open_path(const struct user_path *p, int flags, u32 mode)
{
	struct fd_table *files = current_thread()->files;
	struct file *f;
	int fd = fd_reserve(files, 0, sys_fd_limit(), flags & O_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = explain_open(vfs_open(p->at.ctx, p->at.base, p->text, (u32)flags, mode, &f));
	if (err) {
		fd_unreserve(files, fd);
		return err;
	}
	fd_fill(files, fd, f);
	return fd;
}

s64 sys_openat(int dirfd, const char __user *path, int flags, u32 mode)
{
	struct user_path p;
	s64 fd = user_path_get(&p, dirfd, path, 0);

	if (fd)
		return fd;
	fd = open_path(&p, flags, mode);
	user_path_put(&p);
	return fd;
}

s64 sys_open(const char __user *path, int flags, u32 mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

s64 sys_creat(const char __user *path, u32 mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

s64 sys_close(int fd)
{
	return fd_close(current_thread()->files, fd);
}

s64 sys_close_range(u32 first, u32 last, int flags)
{
	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) && thread_unshare_files())
		return -ENOMEM;
	fd_close_range(current_thread()->files, first, last, flags & CLOSE_RANGE_CLOEXEC);
	return 0;
}

s64 sys_dup(int oldfd)
{
	struct fd_table *files = current_thread()->files;
	struct file *f = fd_get_path(files, oldfd);
	int fd;

	if (!f)
		return -EBADF;
	fd = fd_install(files, f, 0, sys_fd_limit(), false);
	if (fd < 0)
		file_put(f);
	return fd;
}

static s64 dup_to(int oldfd, int newfd, bool cloexec)
{
	struct fd_table *files = current_thread()->files;
	struct file *f = fd_get_path(files, oldfd);
	int fd;

	if (!f)
		return -EBADF;
	fd = fd_replace(files, f, newfd, sys_fd_limit(), cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_dup2(int oldfd, int newfd)
{
	/* dup2(2): the same number twice is left alone, but must be open. */
	if (oldfd == newfd) {
		int err = fd_get_cloexec(current_thread()->files, oldfd);

		return err < 0 ? err : newfd;
	}
	return dup_to(oldfd, newfd, false);
}

s64 sys_dup3(int oldfd, int newfd, int flags)
{
	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	return dup_to(oldfd, newfd, flags & O_CLOEXEC);
}
