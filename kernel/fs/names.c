/* SPDX-License-Identifier: MIT */
/*
 * Making and removing names: mkdir, mknod, symlink, link, unlink, rmdir.
 *
 * Each call takes the tree lock for writing, walks, checks everything in Linux's order of errors, allocates,
 * and then changes the tree with functions that cannot fail. What was detached is put after unlocking.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include "names.h"
#include "notify.h"

/* Links of a directory and its entry count in its parent's: `.` and each child's `..` are names too. */
static void count_links(struct dentry *d, int by)
{
	inode_add_links(d->inode, by);
	if (d->dir) {
		inode_add_links(d->inode, by);
		inode_add_links(d->parent->inode, by);
	}
	inode_touch(d->parent->inode, TOUCH_WRITE);
}

int name_create(struct dentry *dir, const char *name, size_t len, const struct inode_seed *seed,
		struct dentry **out)
{
	struct inode *inode;
	int err = super_create_inode(dir->inode->super, seed, &inode);

	if (err)
		return err;
	*out = dentry_create(inode, name, len);
	if (!*out) {
		inode_put(inode);
		return -ENOMEM;
	}
	if (inode->super->ops->make) {
		err = inode->super->ops->make(dir, *out, seed);
		if (err) {
			dentry_put(*out);
			return err;
		}
	}
	dentry_attach(dir, *out);
	count_links(*out, 1);
	notify_created(*out);
	dentry_put(*out);
	return 0;
}

int name_link(struct dentry *dir, const char *name, size_t len, struct inode *inode)
{
	struct dentry *d = dentry_create(inode, name, len);
	int err = 0;

	if (!d)
		return -ENOMEM;
	inode_get(inode);
	if (inode->super->ops->link)
		err = inode->super->ops->link(dir, d);
	if (err) {
		dentry_put(d);
		return err;
	}
	dentry_attach(dir, d);
	count_links(d, 1);
	notify_linked(d);
	inode->linkable = false; /* once only: when this name goes too, the file is gone */
	dentry_put(d);
	return 0;
}

void name_remove(struct dentry *d)
{
	dentry_detach(d);
	count_links(d, -1);
}

/* Walks to a name that must not exist yet. The order of errors is Linux's filename_create. */
static int walk_new(const struct fs_at *at, bool as_dir, struct walk *w)
{
	int err = walk_name(at, w);

	if (err)
		return err;
	if (w->last != LAST_NAME || w->found)
		return -EEXIST;
	if (w->slash && !as_dir)
		return -ENOENT;
	return w->read_only ? -EROFS : may_create(at, w->parent);
}

/* Makes a node. `seed` holds what only the kind of node knows; owner and permission bits are filled in. */
static int make(const struct fs_at *at, u32 mode, u32 rdev, const char *target)
{
	struct inode_seed seed;
	struct dentry *made;
	struct walk w = {0};
	int err;

	do {
		rwlock_write(&fs_tree_lock);
		err = walk_new(at, S_ISDIR(mode), &w);
		if (!err) {
			seed_init(&seed, at, w.parent, mode);
			seed.rdev = rdev;
			seed.target = target;
			err = name_create(w.parent, w.name, w.name_len, &seed, &made);
		}
		rwlock_write_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	return err;
}

int vfs_mkdir(const struct fs_at *at, u32 mode)
{
	return make(at, S_IFDIR | (mode & (0777 | S_ISVTX)), 0, NULL);
}

int vfs_mknod(const struct fs_at *at, u32 mode, u32 rdev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!fs_capable(CAP_MKNOD, at->uid))
			return -EPERM;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make(at, mode & (S_IFMT | 07777), S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0, NULL);
}

int vfs_symlink(const struct fs_at *at, const char *target)
{
	return make(at, S_IFLNK | 0777, 0, target);
}

/* What link(2) refuses, the old file and the new place being known. */
static int may_link(const struct dentry *from, const struct walk *w)
{
	const struct inode *inode = from->inode;

	if (inode->super != w->parent->inode->super)
		return -EXDEV;
	if (from->via != w->via)
		return -EXDEV;
	if (inode_is_dir(inode))
		return -EPERM;
	if (inode->nlink == 0 && !inode->linkable)
		return -ENOENT;
	return 0;
}

int vfs_link(const struct fs_at *old, const struct fs_at *new)
{
	struct walk from = {0}, w = {0};
	int err;

	do {
		rwlock_write(&fs_tree_lock);
		err = walk_existing(old, &from);
		if (!err)
			err = walk_new(new, false, &w);
		if (!err)
			err = may_link(from.found, &w);
		if (!err)
			err = name_link(w.parent, w.name, w.name_len, from.found->inode);
		rwlock_write_done(&fs_tree_lock);
	} while (walk_both_again(&from, &w, &err));
	walk_done(&from);
	walk_done(&w);
	return err;
}

/* What unlink(2) says of a path. */
static int check_unlink(const struct fs_at *at, struct walk *w)
{
	if (w->last != LAST_NAME)
		return -EISDIR;
	if (w->read_only)
		return -EROFS;
	if (!w->found)
		return -ENOENT;
	if (w->slash)
		return w->found->dir ? -EISDIR : -ENOTDIR;
	return may_delete(at, w->found, false);
}

/* What rmdir(2) says of a path. */
static int check_rmdir(const struct fs_at *at, struct walk *w)
{
	int err;

	switch (w->last) {
	case LAST_DOT:
		return -EINVAL;
	case LAST_DOTDOT:
		return -ENOTEMPTY;
	case LAST_ROOT:
		return -EBUSY;
	case LAST_NAME:
		break;
	}
	if (w->read_only)
		return -EROFS;
	if (!w->found)
		return -ENOENT;
	err = may_delete(at, w->found, true);
	if (!err)
		err = walk_want_all(w, w->found);
	if (err)
		return err;
	return w->found->dir->count ? -ENOTEMPTY : 0;
}

static int remove_name(const struct fs_at *at, int (*check)(const struct fs_at *, struct walk *))
{
	struct walk w = {0};
	int err;

	do {
		rwlock_write(&fs_tree_lock);
		err = walk_name(at, &w);
		if (!err)
			err = check(at, &w);
		if (!err)
			err = walk_want_all(&w, w.parent);
		if (!err && w.found->inode->super->ops->remove)
			err = w.found->inode->super->ops->remove(w.found);
		if (!err) {
			name_remove(w.found);
			notify_removed(w.found);
		}
		rwlock_write_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	if (!err)
		dentry_put(w.found);
	walk_done(&w);
	return err;
}

int vfs_unlink(const struct fs_at *at)
{
	return remove_name(at, check_unlink);
}

int vfs_rmdir(const struct fs_at *at)
{
	return remove_name(at, check_rmdir);
}
