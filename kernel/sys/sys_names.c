/* SPDX-License-Identifier: MIT */
/* Names: mkdir, mknod, symlink, link, unlink, rmdir, rename, readlink, each with its "at" form. */
#include <linux/fs.h>
#include <linux/limits.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "sys_fs.h"

s64 sys_mkdirat(int dirfd, const char __user *path, u32 mode)
{
	struct user_path p;
	s64 err = user_path_get(&p, dirfd, path, 0);

	if (err)
		return err;
	err = vfs_mkdir(&p.at, mode);
	user_path_put(&p);
	return err;
}

s64 sys_mkdir(const char __user *path, u32 mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

/* A device number as programs pass it (makedev(3)); the upper half of dev_t does not reach the kernel. */
static u32 decode_dev(u32 dev)
{
	return dev_make((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

s64 sys_mknodat(int dirfd, const char __user *path, u32 mode, u32 dev)
{
	struct user_path p;
	s64 err = user_path_get(&p, dirfd, path, 0);

	if (err)
		return err;
	err = vfs_mknod(&p.at, mode, decode_dev(dev));
	user_path_put(&p);
	return err;
}

s64 sys_mknod(const char __user *path, u32 mode, u32 dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

s64 sys_symlinkat(const char __user *target, int dirfd, const char __user *path)
{
	struct user_path p;
	char *text;
	s64 err = sys_get_path(target, &text);

	if (err)
		return err;
	err = user_path_get(&p, dirfd, path, 0);
	if (!err) {
		err = vfs_symlink(&p.at, text);
		user_path_put(&p);
	}
	kfree(text);
	return err;
}

s64 sys_symlink(const char __user *target, const char __user *path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

s64 sys_linkat(int olddirfd, const char __user *oldpath, int newdirfd, const char __user *newpath, int flags)
{
	struct user_path from, to;
	u32 how = 0;
	s64 err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_SYMLINK_FOLLOW)
		how |= FS_FOLLOW;
	/* Linking a bare descriptor is a right of CAP_DAC_READ_SEARCH; without it the empty path is just
	 * wrong. */
	if ((flags & AT_EMPTY_PATH) && capable(CAP_DAC_READ_SEARCH))
		how |= FS_EMPTY_PATH;
	err = user_path_get(&from, olddirfd, oldpath, how);
	if (err)
		return err;
	err = user_path_get(&to, newdirfd, newpath, 0);
	if (!err) {
		/* A stream has no file system to be linked in. */
		err = from.file && !from.at.base ? -EXDEV : vfs_link(&from.at, &to.at);
		user_path_put(&to);
	}
	user_path_put(&from);
	return err;
}

s64 sys_link(const char __user *oldpath, const char __user *newpath)
{
	return sys_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

s64 sys_unlinkat(int dirfd, const char __user *path, int flags)
{
	struct user_path p;
	s64 err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = user_path_get(&p, dirfd, path, 0);
	if (err)
		return err;
	err = flags & AT_REMOVEDIR ? vfs_rmdir(&p.at) : vfs_unlink(&p.at);
	user_path_put(&p);
	return err;
}

s64 sys_unlink(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

s64 sys_rmdir(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

s64 sys_renameat2(int olddirfd, const char __user *oldpath, int newdirfd, const char __user *newpath,
		  u32 flags)
{
	struct user_path from, to;
	s64 err;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
	    ((flags & RENAME_EXCHANGE) && flags != RENAME_EXCHANGE))
		return -EINVAL;
	err = user_path_get(&from, olddirfd, oldpath, 0);
	if (err)
		return err;
	err = user_path_get(&to, newdirfd, newpath, 0);
	if (!err) {
		err = vfs_rename(&from.at, &to.at, flags);
		if (err == -EINVAL && (flags & RENAME_WHITEOUT))
			unsupported_flag("renameat2", "RENAME_WHITEOUT");
		user_path_put(&to);
	}
	user_path_put(&from);
	return err;
}

s64 sys_renameat(int olddirfd, const char __user *oldpath, int newdirfd, const char __user *newpath)
{
	return sys_renameat2(olddirfd, oldpath, newdirfd, newpath, 0);
}

s64 sys_rename(const char __user *oldpath, const char __user *newpath)
{
	return sys_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

/* Writes as much of a link's text as fits, without a terminator (readlink(2)). */
static s64 put_target(struct inode *i, bool empty_path, void __user *buf, size_t size)
{
	char *text;
	s64 n;

	if (!i || !inode_is_link(i))
		return empty_path ? -ENOENT : -EINVAL;
	text = kmalloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	n = inode_read_link(i, text, PATH_MAX);
	if (n >= 0) {
		n = MIN(n, (s64)size);
		n = copy_to_user(buf, text, (size_t)n) ? -EFAULT : n;
	}
	kfree(text);
	return n;
}

s64 sys_readlinkat(int dirfd, const char __user *path, void __user *buf, int bufsiz)
{
	struct user_path p;
	struct inode *i;
	s64 n;

	if (bufsiz <= 0)
		return -EINVAL;
	n = user_path_get(&p, dirfd, path, FS_EMPTY_PATH);
	if (n)
		return n;
	n = user_path_inode(&p, &i);
	if (!n) {
		n = put_target(i, !p.text[0], buf, (size_t)bufsiz);
		inode_put(i);
	}
	user_path_put(&p);
	return n;
}

s64 sys_readlink(const char __user *path, void __user *buf, int bufsiz)
{
	return sys_readlinkat(AT_FDCWD, path, buf, bufsiz);
}
