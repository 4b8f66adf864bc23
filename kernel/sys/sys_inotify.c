/* SPDX-License-Identifier: MIT */
/* inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2). Questions are asked in Linux's order. */
#include <moat/inotify.h>
#include "sys_fs.h"

/* Newer than some headers. */
#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif
#define MASK_BITS                                                                                \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
	 IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT)

s64 sys_inotify_init1(int flags)
{
	struct file *f;
	int fd;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	fd = inotify_create((u32)flags & O_NONBLOCK, &f);
	if (fd)
		return fd;
	fd = fd_install(current_thread()->files, f, 0, sys_fd_limit(), flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static s64 add_watch(struct file *f, const char __user *path, u32 mask)
{
	struct user_target t;
	s64 err = sys_get_target(AT_FDCWD, path, mask & IN_DONT_FOLLOW ? 0 : FS_FOLLOW, &t);

	if (err)
		return err;
	if ((mask & IN_ONLYDIR) && !inode_is_folder(t.inode))
		err = -ENOTDIR;
	else
		err = inode_permission(t.inode, current_cred()->fsuid, current_cred()->fsgid, MAY_READ);
	if (!err)
		err = inotify_add(f, t.dentry, mask);
	user_target_put(&t);
	return err;
}

s64 sys_inotify_add_watch(int fd, const char __user *path, u32 mask)
{
	struct file *f;
	s64 err = -EINVAL;

	if ((mask & ~(u32)MASK_BITS) || !(mask & MASK_BITS))
		return -EINVAL;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	if (file_is_inotify(f) && !((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)))
		err = add_watch(f, path, mask);
	file_put(f);
	return err;
}

s64 sys_inotify_rm_watch(int fd, int wd)
{
	struct file *f = sys_file(fd);
	s64 err = -EINVAL;

	if (!f)
		return -EBADF;
	if (file_is_inotify(f))
		err = inotify_remove(f, wd);
	file_put(f);
	return err;
}
