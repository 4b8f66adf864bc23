/* SPDX-License-Identifier: MIT */
/* Extended attributes, xattr(7): names, values and lists between a program and fs/xattr.c. Errors come in Linux's order. */
#include <arch/uaccess.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <moat/heap.h>
#include "sys_fs.h"
#include "sys_struct.h"

/* What names the file: a path, or, with an empty or no path, a descriptor that is not of O_PATH. */
struct where {
	int fd;
	const char __user *path; /* NULL: fd */
	int at_flags;
};

/* What setxattrat(2) and getxattrat(2) take; younger than the headers. */
struct at_args {
	u64 value;
	u32 size, flags;
};

/* ERANGE for a name that is empty or longer than any can be. */
static int get_name(char *copy, const char __user *name)
{
	s64 len = strncpy_from_user(copy, name, XATTR_NAME_MAX + 1);

	if (len == 0 || len == -ENAMETOOLONG)
		return -ERANGE;
	return len < 0 ? (int)len : 0;
}

static int check_where(const struct where *w)
{
	return w->at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -EINVAL : 0;
}

/* A path that says nothing: AT_EMPTY_PATH allows none, or an empty one. */
static int path_is_missing(const struct where *w)
{
	char first;

	if (!w->path || !(w->at_flags & AT_EMPTY_PATH))
		return !w->path;
	if (copy_from_user(&first, w->path, 1))
		return -EFAULT;
	return !first;
}

static int find(const struct where *w, struct user_target *out)
{
	struct file *f;
	int missing = path_is_missing(w);

	if (missing < 0)
		return missing;
	if (!missing || w->fd == AT_FDCWD)
		return sys_get_target(w->fd, w->path, fs_flags_from_at(w->at_flags), out);
	f = sys_file(w->fd);
	if (!f)
		return -EBADF;
	user_target_get(out, f->inode, f->dentry);
	file_put(f);
	return 0;
}

/* The same for who will change it. */
static int find_to_change(const struct where *w, struct user_target *out)
{
	int err = find(w, out);

	if (!err && !out->inode)
		err = -EOPNOTSUPP;
	else if (!err && out->dentry && dentry_is_read_only(out->dentry))
		err = -EROFS;
	else
		return err;
	user_target_put(out);
	return err;
}

static s64 set(const struct where *w, const char __user *name, const struct at_args *a)
{
	char copy[XATTR_NAME_MAX + 1];
	struct xattr_value v = {.name = copy, .size = a->size};
	struct user_target t;
	void *value = NULL;
	s64 err;

	if (a->flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = get_name(copy, name);
	if (!err && a->size > XATTR_SIZE_MAX)
		err = -E2BIG;
	if (err)
		return err;
	v.value = value = kmalloc(MAX(a->size, 1u));
	if (!value)
		return -ENOMEM;
	err = copy_from_user(value, (const void __user *)a->value, a->size) ? -EFAULT : 0;
	if (!err)
		err = find_to_change(w, &t);
	if (!err) {
		err = inode_set_xattr(t.inode, t.dentry, sys_fs(), &v, a->flags);
		user_target_put(&t);
	}
	kfree(value);
	return err;
}

static s64 get(const struct where *w, const char __user *name, void __user *to, size_t size)
{
	char copy[XATTR_NAME_MAX + 1];
	struct user_target t;
	void *buf;
	s64 n = get_name(copy, name);

	if (!n)
		n = find(w, &t);
	if (n)
		return n;
	size = MIN(size, (size_t)XATTR_SIZE_MAX);
	buf = kmalloc(MAX(size, (size_t)1));
	n = !buf ? -ENOMEM : !t.inode ? -EOPNOTSUPP : inode_get_xattr(t.inode, sys_fs(), copy, buf, size);
	if (n > 0 && size && copy_to_user(to, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	user_target_put(&t);
	return n;
}

static s64 list(const struct where *w, char __user *to, size_t size)
{
	struct user_target t;
	char *buf;
	s64 n = find(w, &t);

	if (n)
		return n;
	size = MIN(size, (size_t)XATTR_LIST_MAX);
	buf = kmalloc(MAX(size, (size_t)1));
	n = !buf ? -ENOMEM : !t.inode ? 0 : inode_list_xattrs(t.inode, sys_fs(), buf, size);
	if (n > 0 && size && copy_to_user(to, buf, (size_t)n))
		n = -EFAULT;
	kfree(buf);
	user_target_put(&t);
	return n;
}

static s64 take_away(const struct where *w, const char __user *name)
{
	char copy[XATTR_NAME_MAX + 1];
	struct user_target t;
	s64 err = get_name(copy, name);

	if (!err)
		err = find_to_change(w, &t);
	if (err)
		return err;
	err = inode_remove_xattr(t.inode, t.dentry, sys_fs(), copy);
	user_target_put(&t);
	return err;
}

/* ---- the calls ---- */

#define BY_PATH(path)  (&(struct where){AT_FDCWD, path, 0})
#define BY_LPATH(path) (&(struct where){AT_FDCWD, path, AT_SYMLINK_NOFOLLOW})
#define BY_FD(fd)      (&(struct where){fd, NULL, 0})

/* A path must be there, but where it may be missing. */
static const char __user *must(const char __user *path)
{
	return path ? path : (const char __user *)~0ul;
}

static struct at_args args(const void __user *value, size_t size, int flags)
{
	return (struct at_args){(u64)value, (u32)MIN(size, (size_t)XATTR_SIZE_MAX + 1), (u32)flags};
}

s64 sys_setxattr(const char __user *path, const char __user *name, const void __user *value, size_t size,
		 int flags)
{
	struct at_args a = args(value, size, flags);

	return set(BY_PATH(must(path)), name, &a);
}

s64 sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value, size_t size,
		  int flags)
{
	struct at_args a = args(value, size, flags);

	return set(BY_LPATH(must(path)), name, &a);
}

s64 sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size, int flags)
{
	struct at_args a = args(value, size, flags);

	return set(BY_FD(fd), name, &a);
}

s64 sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return get(BY_PATH(must(path)), name, value, size);
}

s64 sys_lgetxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return get(BY_LPATH(must(path)), name, value, size);
}

s64 sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
	return get(BY_FD(fd), name, value, size);
}

s64 sys_listxattr(const char __user *path, void __user *to, size_t size)
{
	return list(BY_PATH(must(path)), to, size);
}

s64 sys_llistxattr(const char __user *path, void __user *to, size_t size)
{
	return list(BY_LPATH(must(path)), to, size);
}

s64 sys_flistxattr(int fd, void __user *to, size_t size)
{
	return list(BY_FD(fd), to, size);
}

s64 sys_removexattr(const char __user *path, const char __user *name)
{
	return take_away(BY_PATH(must(path)), name);
}

s64 sys_lremovexattr(const char __user *path, const char __user *name)
{
	return take_away(BY_LPATH(must(path)), name);
}

s64 sys_fremovexattr(int fd, const char __user *name)
{
	return take_away(BY_FD(fd), name);
}

/* ---- those of Linux 6.13 ---- */

static int get_args(const struct where *w, const void __user *from, size_t size, struct at_args *out)
{
	int err = sys_get_struct(from, size, sizeof(*out), out, sizeof(*out));

	return err ? err : check_where(w);
}

s64 sys_setxattrat(int dirfd, const char __user *path, int at_flags, const char __user *name,
		   const void __user *uargs, size_t size)
{
	struct where w = {dirfd, at_flags & AT_EMPTY_PATH ? path : must(path), at_flags};
	struct at_args a;
	s64 err = get_args(&w, uargs, size, &a);

	return err ? err : set(&w, name, &a);
}

s64 sys_getxattrat(int dirfd, const char __user *path, int at_flags, const char __user *name,
		   void __user *uargs, size_t size)
{
	struct where w = {dirfd, at_flags & AT_EMPTY_PATH ? path : must(path), at_flags};
	struct at_args a;
	s64 err = get_args(&w, uargs, size, &a);

	if (!err && a.flags)
		err = -EINVAL;
	return err ? err : get(&w, name, (void __user *)a.value, a.size);
}

s64 sys_listxattrat(int dirfd, const char __user *path, int at_flags, void __user *to, size_t size)
{
	struct where w = {dirfd, at_flags & AT_EMPTY_PATH ? path : must(path), at_flags};
	s64 err = check_where(&w);

	return err ? err : list(&w, to, size);
}

s64 sys_removexattrat(int dirfd, const char __user *path, int at_flags, const char __user *name)
{
	struct where w = {dirfd, at_flags & AT_EMPTY_PATH ? path : must(path), at_flags};
	s64 err = check_where(&w);

	return err ? err : take_away(&w, name);
}
