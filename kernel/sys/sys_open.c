/* SPDX-License-Identifier: MIT */
/* Descriptors: open(2), close(2), dup(2), close_range(2). */
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include "sys_fs.h"
#include "sys_struct.h"

#define OPEN_HOW_SIZE_VER0 24
#define TMPFILE_BIT	   (O_TMPFILE & ~O_DIRECTORY)
#define KNOWN_FLAGS                                                                                          \
	((u64)(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
	       O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |          \
	       O_TMPFILE))
#define KNOWN_RESOLVE                                                                                        \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | \
	 RESOLVE_CACHED)

/* The number comes first, so that nothing is created when there is none left. */
static s64 open_path(const struct user_path *p, int flags, u32 mode)
{
	struct fd_table *files = current_thread()->files;
	struct file *f;
	int fd = fd_reserve(files, 0, sys_fd_limit(), flags & O_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = vfs_open_how(&p->at, (u32)flags, mode, &f);
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

/*
 * openat2(2): unlike open, what means nothing is an error. `how` may be larger than the one known here if the rest is 0.
 */
static s64 get_how(const struct open_how __user *from, size_t size, struct open_how *how)
{
	u64 flags;
	int err = sys_get_struct(from, size, OPEN_HOW_SIZE_VER0, how, sizeof(*how));

	if (err)
		return err;
	flags = how->flags;
	if ((flags & ~KNOWN_FLAGS) || (how->resolve & ~KNOWN_RESOLVE) || (how->mode & ~07777ul))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->mode && !(flags & (O_CREAT | TMPFILE_BIT)))
		return -EINVAL;
	if ((flags & O_PATH) && (flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	/* Making or emptying a file is never done from memory alone. */
	if ((how->resolve & RESOLVE_CACHED) && (flags & (O_TRUNC | O_CREAT | TMPFILE_BIT)))
		return -EAGAIN;
	return 0;
}

s64 sys_openat2(int dirfd, const char __user *path, const void __user *how_arg, size_t size)
{
	struct open_how how;
	struct user_path p;
	s64 fd = get_how(how_arg, size, &how);

	if (fd)
		return fd;
	fd = user_path_get(&p, dirfd, path, how.resolve & RESOLVE_IN_ROOT ? FS_SCOPED : 0);
	if (fd)
		return fd;
	p.at.resolve = (u32)how.resolve;
	fd = open_path(&p, (int)how.flags, (u32)how.mode);
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
