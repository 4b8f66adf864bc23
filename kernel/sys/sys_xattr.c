/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: no file system here has any, and these calls say so as Linux says it of one that has none: setting,
 * getting and removing are EOPNOTSUPP, the list is empty. What else is wrong with a call comes first, as there.
 */
#include <arch/uaccess.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include "sys_fs.h"

/* ERANGE for a name that is empty or longer than any can be. */
static int check_name(const char __user *name)
{
	char copy[XATTR_NAME_MAX + 1];
	s64 len = strncpy_from_user(copy, name, sizeof(copy));

	if (len == 0 || len == -ENAMETOOLONG)
		return -ERANGE;
	return len < 0 ? (int)len : 0;
}

static int find_at(const char __user *path, u32 flags)
{
	struct inode *i;
	int err = sys_get_inode(AT_FDCWD, path, flags, &i);

	if (!err)
		inode_put(i);
	return err;
}

static int find_fd(int fd)
{
	struct file *f = sys_file(fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

static s64 unsupported_if(int err)
{
	return err ? err : -EOPNOTSUPP;
}

static int check_set(const char __user *name, size_t size, int flags)
{
	int err = flags & ~(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : check_name(name);

	if (!err && size > XATTR_SIZE_MAX)
		err = -E2BIG;
	return err;
}

static s64 set_at(const char __user *path, u32 follow, const char __user *name, size_t size, int flags)
{
	int err = check_set(name, size, flags);

	return unsupported_if(err ? err : find_at(path, follow));
}

s64 sys_setxattr(const char __user *path, const char __user *name, const void __user *value __unused,
		 size_t size, int flags)
{
	return set_at(path, FS_FOLLOW, name, size, flags);
}

s64 sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value __unused,
		  size_t size, int flags)
{
	return set_at(path, 0, name, size, flags);
}

s64 sys_fsetxattr(int fd, const char __user *name, const void __user *value __unused, size_t size, int flags)
{
	int err = check_set(name, size, flags);

	return unsupported_if(err ? err : find_fd(fd));
}

static s64 get_at(const char __user *path, u32 follow, const char __user *name)
{
	int err = check_name(name);

	return unsupported_if(err ? err : find_at(path, follow));
}

s64 sys_getxattr(const char __user *path, const char __user *name, void __user *value __unused,
		 size_t size __unused)
{
	return get_at(path, FS_FOLLOW, name);
}

s64 sys_lgetxattr(const char __user *path, const char __user *name, void __user *value __unused,
		  size_t size __unused)
{
	return get_at(path, 0, name);
}

s64 sys_fgetxattr(int fd, const char __user *name, void __user *value __unused, size_t size __unused)
{
	int err = check_name(name);

	return unsupported_if(err ? err : find_fd(fd));
}

s64 sys_listxattr(const char __user *path, void __user *list __unused, size_t size __unused)
{
	return find_at(path, FS_FOLLOW);
}

s64 sys_llistxattr(const char __user *path, void __user *list __unused, size_t size __unused)
{
	return find_at(path, 0);
}

s64 sys_flistxattr(int fd, void __user *list __unused, size_t size __unused)
{
	return find_fd(fd);
}

s64 sys_removexattr(const char __user *path, const char __user *name)
{
	return get_at(path, FS_FOLLOW, name);
}

s64 sys_lremovexattr(const char __user *path, const char __user *name)
{
	return get_at(path, 0, name);
}

s64 sys_fremovexattr(int fd, const char __user *name)
{
	int err = check_name(name);

	return unsupported_if(err ? err : find_fd(fd));
}
