/* SPDX-License-Identifier: MIT */
/*
 * The mount table. A mounted file system covers a directory: walks that reach the directory go on at the root
 * of what covers it, and `..` from there comes out beside the directory (dentry_above).
 *
 * A file system is mounted in one place, and there is one tree for all processes, so a dentry alone says
 * where it is.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "mount.h"

static LIST_HEAD(, mount) mounts = LIST_HEAD_INITIALIZER(mounts); /* [tree lock] */
static struct dentry *root_dentry;				  /* [tree lock for change] */
static u32 next_dev = 20;					  /* [a] */
static u32 next_id = 21;					  /* [tree lock] */

struct dentry *mount_root(void)
{
	return root_dentry;
}

struct mount *mount_next(u32 from)
{
	struct mount *m, *best = NULL;

	LIST_FOREACH (m, &mounts, link) {
		if (m->id >= from && (!best || m->id < best->id))
			best = m;
	}
	return best;
}

u32 file_mount_id(const struct file *f)
{
	const struct dentry *d;
	u32 id;

	if (!f->dentry)
		return 0;
	rwlock_read(&fs_tree_lock);
	d = dentry_top(f->dentry);
	id = d->mount ? d->mount->id : 0;
	rwlock_read_done(&fs_tree_lock);
	return id;
}

void mount_forget(struct mount *m)
{
	LIST_REMOVE(m, link);
}

u32 mount_new_dev(void)
{
	return dev_make(0, __atomic_fetch_add(&next_dev, 1, __ATOMIC_RELAXED));
}

/* Tree lock held for writing; cannot fail. */
static void cover(struct mount *m, struct dentry *point)
{
	if (point) {
		dentry_get(point);
		point->covered_by = m;
	} else {
		root_dentry = m->root;
	}
	m->point = point;
	m->root->mount = m;
	m->id = next_id++;
	LIST_INSERT_HEAD(&mounts, m, link);
}

int mount_attach(struct super *s, struct inode *root, struct dentry *point)
{
	struct mount *m;
	int err = 0;

	if (point && !point->dir)
		return -ENOTDIR;
	m = kzalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->super = s;
	m->root = dentry_create(root, NULL, 0);
	if (!m->root) {
		kfree(m);
		return -ENOMEM;
	}
	m->root->attached = true;
	rwlock_write(&fs_tree_lock);
	if (point)
		point = dentry_uncover(point);
	if (!point && root_dentry)
		err = -EBUSY;
	else
		cover(m, point);
	rwlock_write_done(&fs_tree_lock);
	if (err) {
		inode_get(root); /* the caller keeps its reference */
		dentry_put(m->root);
		kfree(m);
	}
	return err;
}

int vfs_make_path(struct fs_context *ctx, const char *path)
{
	char *copy = kstrdup(path, strlen(path));
	int err = copy ? 0 : -ENOMEM;

	for (char *at = copy; !err && at && *at;) {
		char *slash = strchr(at + 1, '/');
		struct fs_at where = fs_at(ctx, NULL, copy, 0);

		if (slash)
			*slash = '\0';
		err = vfs_mkdir(&where, 0755);
		if (err == -EEXIST)
			err = 0;
		if (slash)
			*slash = '/';
		at = slash;
	}
	kfree(copy);
	return err;
}
