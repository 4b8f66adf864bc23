/* SPDX-License-Identifier: MIT */
/* Paths that programs pass: copied once, and paired with the directory that they start at. */
#include <linux/limits.h>
#include <arch/uaccess.h>
#include <moat/heap.h>
#include "sys_fs.h"

int sys_get_path_or_empty(const char __user *from, char **out)
{
	char *text = kmalloc(PATH_MAX);
	ssize_t len;

	if (!text)
		return -ENOMEM;
	len = strncpy_from_user(text, from, PATH_MAX);
	if (len < 0) {
		kfree(text);
		return (int)len;
	}
	*out = text;
	return 0;
}

int sys_get_path(const char __user *from, char **out)
{
	int err = sys_get_path_or_empty(from, out);

	if (err || **out)
		return err;
	kfree(*out);
	return -ENOENT;
}

u32 fs_flags_from_at(int at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : FS_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? FS_EMPTY_PATH : 0);
}

/* Makes p->at start at dirfd, if the path is relative. */
static int take_base(struct user_path *p, int dirfd)
{
	if (dirfd == AT_FDCWD || (p->text[0] == '/' && !(p->at.flags & FS_SCOPED)))
		return 0;
	p->file = fd_get_path(current_thread()->files, dirfd);
	if (!p->file)
		return -EBADF;
	p->at.base = p->file->dentry;
	/* Nothing is below a stream without a name. */
	return p->file->dentry || !p->text[0] ? 0 : -ENOTDIR;
}

int user_path_get(struct user_path *p, int dirfd, const char __user *path, u32 flags)
{
	ssize_t len = strncpy_from_user(p->small, path, sizeof(p->small));
	int err = 0;

	p->text = p->small;
	p->file = NULL;
	if (len == -ENAMETOOLONG)
		err = sys_get_path(path, &p->text);
	else if (len < 0 || (len == 0 && !(flags & FS_EMPTY_PATH)))
		err = len < 0 ? (int)len : -ENOENT;
	if (err)
		return err;
	p->at = fs_at(sys_fs(), NULL, p->text, flags);
	err = take_base(p, dirfd);
	if (err)
		user_path_put(p);
	return err;
}

void user_path_put(struct user_path *p)
{
	if (p->text != p->small)
		kfree(p->text);
	if (p->file)
		file_put(p->file);
}

void user_target_get(struct user_target *t, struct inode *i, struct dentry *d)
{
	*t = (struct user_target){i, d};
	if (i)
		inode_get(i);
	if (d)
		dentry_get(d);
}

void user_target_put(struct user_target *t)
{
	inode_put(t->inode);
	dentry_put(t->dentry);
}

int user_path_target(const struct user_path *p, struct user_target *out)
{
	struct dentry *d;
	int err;

	if (p->file && !p->text[0]) {
		user_target_get(out, p->file->inode, p->file->dentry);
		return 0;
	}
	err = vfs_lookup(&p->at, &d);
	if (err)
		return err;
	user_target_get(out, dentry_inode(d), d);
	dentry_put(d);
	return 0;
}

int user_path_inode(const struct user_path *p, struct inode **out)
{
	struct user_target t;
	int err = user_path_target(p, &t);

	if (err)
		return err;
	*out = t.inode;
	dentry_put(t.dentry);
	return 0;
}

int sys_get_target(int dirfd, const char __user *path, u32 flags, struct user_target *out)
{
	struct user_path p;
	int err = user_path_get(&p, dirfd, path, flags);

	if (err)
		return err;
	err = user_path_target(&p, out);
	user_path_put(&p);
	return err;
}

int sys_get_inode(int dirfd, const char __user *path, u32 flags, struct inode **out)
{
	struct user_path p;
	int err = user_path_get(&p, dirfd, path, flags);

	if (err)
		return err;
	err = user_path_inode(&p, out);
	user_path_put(&p);
	return err;
}
