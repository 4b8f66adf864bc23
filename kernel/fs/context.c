/* SPDX-License-Identifier: MIT */
/*
 * What a process has of the file system: root and working directory. Both change under the tree lock, so that
 * a walk, which holds it, reads them without a lock of their own.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <moat/heap.h>
#include <moat/printf.h>
#include <moat/string.h>
#include "mount.h"
#include "namei.h"
#include "path.h"

static LIST_HEAD(, fs_context) contexts = LIST_HEAD_INITIALIZER(contexts);
static struct spinlock contexts_lock = SPINLOCK_INIT(RANK_FDTABLE); /* inside the tree lock */

static void enlist(struct fs_context *c)
{
	spin_lock(&contexts_lock);
	LIST_INSERT_HEAD(&contexts, c, link);
	spin_unlock(&contexts_lock);
}

struct fs_context *fs_context_create(void)
{
	struct fs_context *c = kzalloc(sizeof(*c));
	struct dentry *root = mount_root();

	if (!c)
		return NULL;
	ref_init(&c->refs, 1);
	dentry_get(root);
	dentry_get(root);
	c->root = c->cwd = root;
	c->umask = 022;
	enlist(c);
	return c;
}

struct fs_context *fs_context_copy(struct fs_context *c)
{
	struct fs_context *copy = kzalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	rwlock_read(&fs_tree_lock);
	*copy = *c;
	dentry_get(copy->root);
	dentry_get(copy->cwd);
	ref_init(&copy->refs, 1);
	enlist(copy);
	rwlock_read_done(&fs_tree_lock);
	return copy;
}

void fs_context_get(struct fs_context *c)
{
	ref_get(&c->refs);
}

void fs_context_put(struct fs_context *c)
{
	if (!c || !ref_put(&c->refs))
		return;
	spin_lock(&contexts_lock);
	LIST_REMOVE(c, link);
	spin_unlock(&contexts_lock);
	dentry_put(c->root);
	dentry_put(c->cwd);
	kfree(c);
}

static unsigned replace_place(struct dentry **place, const struct dentry *from, struct dentry *to)
{
	if (!dentry_same(*place, from))
		return 0;
	dentry_get(to);
	*place = to;
	return 1;
}

unsigned fs_contexts_move(const struct dentry *from, struct dentry *to)
{
	struct fs_context *c;
	unsigned n = 0;

	DEBUG_ASSERT(rwlock_is_write_held(&fs_tree_lock));
	spin_lock(&contexts_lock);
	LIST_FOREACH (c, &contexts, link)
		n += replace_place(&c->root, from, to) + replace_place(&c->cwd, from, to);
	spin_unlock(&contexts_lock);
	return n;
}

/* Puts `to` into *place if `at` may search it. Tree lock held for writing; what was there is returned in
 * *old. */
static int enter(const struct fs_at *at, struct dentry *to, struct dentry **place, struct dentry **old)
{
	int err;

	if (!to->dir)
		return -ENOTDIR;
	err = inode_permission(to->inode, at->uid, at->gid, MAY_EXEC);
	if (err)
		return err;
	dentry_get(to);
	*old = *place;
	*place = to;
	return 0;
}

static int change(const struct fs_at *at, struct dentry **place)
{
	struct dentry *old = NULL;
	struct walk w = {0};
	int err;

	do {
		rwlock_write(&fs_tree_lock);
		err = walk_existing(at, &w);
		if (!err)
			err = enter(at, w.found, place, &old);
		rwlock_write_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	dentry_put(old);
	return err;
}

int vfs_chdir(struct fs_context *c, const char *path)
{
	struct fs_at at = fs_at(c, NULL, path, FS_FOLLOW);

	return change(&at, &c->cwd);
}

int vfs_chdir_to(struct fs_context *c, struct dentry *dir)
{
	struct fs_at at = fs_at(c, dir, "", FS_EMPTY_PATH);

	return change(&at, &c->cwd);
}

/* chroot(2) leaves the working directory alone. */
int vfs_chroot(const struct fs_at *at)
{
	int err;

	if (!fs_capable(CAP_SYS_CHROOT, at->uid)) {
		struct dentry *d;

		/* Linux looks at the path first. */
		err = vfs_lookup(at, &d);
		if (err)
			return err;
		err = d->dir ? -EPERM : -ENOTDIR;
		dentry_put(d);
		return err;
	}
	return change(at, &at->ctx->root);
}

/* Puts the names from d up to root in front of each other. Tree lock held. */
static void build_path(struct path_builder *b, const struct dentry *d, const struct dentry *root)
{
	struct place p = place_of(d);
	const struct dentry *name;

	while (!place_is(&p, root)) {
		if (!place_up(&p, &name)) {
			/* A name that no directory ever had: memfd_create(2). */
			if (p.d->name)
				path_builder_prepend(b, p.d->name, p.d->name_len);
			return;
		}
		if (name)
			path_builder_prepend(b, name->name, name->name_len);
	}
}

/* True when the walk up from d stays among names that are still there. Tree lock held. */
static bool is_reachable(const struct dentry *d)
{
	struct place p = place_of(d);
	const struct dentry *name;

	do {
		if (!p.d->attached)
			return false;
	} while (place_up(&p, &name));
	return true;
}

/* Puts text in front of the len bytes in buf; the new length or -ENAMETOOLONG. */
static ssize_t put_in_front(char *buf, size_t size, size_t len, const char *text)
{
	size_t extra = strlen(text);

	if (len + extra >= size)
		return -ENAMETOOLONG;
	memmove(buf + extra, buf, len + 1);
	memcpy(buf, text, extra);
	return (ssize_t)(len + extra);
}

ssize_t vfs_getcwd(struct fs_context *c, char *buf, size_t size)
{
	struct path_builder b;
	bool reachable, inside;
	ssize_t len;

	path_builder_init(&b, buf, size);
	rwlock_read(&fs_tree_lock);
	reachable = is_reachable(c->cwd);
	inside = dentry_is_below(c->cwd, c->root);
	build_path(&b, c->cwd, c->root);
	rwlock_read_done(&fs_tree_lock);
	len = path_builder_finish(&b);
	if (!reachable)
		return -ENOENT;
	/* Outside of a root that chroot set: Linux says so in front of the path. */
	return len < 0 || inside ? len : put_in_front(buf, size, (size_t)len, "(unreachable)");
}

struct dentry *fs_context_dir_locked(struct fs_context *c, enum fs_place which)
{
	struct dentry *d = which == FS_PLACE_ROOT ? c->root : c->cwd;

	DEBUG_ASSERT(rwlock_is_held(&fs_tree_lock));
	dentry_get(d);
	return d;
}

struct dentry *fs_context_dir(struct fs_context *c, enum fs_place which)
{
	struct dentry *d;

	rwlock_read(&fs_tree_lock);
	d = fs_context_dir_locked(c, which);
	rwlock_read_done(&fs_tree_lock);
	return d;
}

ssize_t vfs_path(const struct file *f, char *buf, size_t size)
{
	return f->dentry ? dentry_path(f->dentry, buf, size) : -ENAMETOOLONG;
}

ssize_t file_describe(const struct file *f, char *buf, size_t size)
{
	const struct inode *i = f->inode;
	int len;

	if (f->dentry && (f->dentry->name || f->dentry->mount || f->dentry->via))
		return dentry_path(f->dentry, buf, size);
	if (f->ops->anon_name)
		len = ksnprintf(buf, size, "anon_inode:%s", f->ops->anon_name);
	else if (i && inode_is(i, S_IFCHR))
		len = ksnprintf(buf, size, "/dev/pts/%u", i->rdev & 0xfffff);
	else if (i && inode_is(i, S_IFSOCK))
		len = ksnprintf(buf, size, "socket:[%lu]", i->ino);
	else
		len = ksnprintf(buf, size, "pipe:[%lu]", i ? i->ino : 1);
	return (size_t)len < size ? len : -ENAMETOOLONG;
}

struct dentry *file_place(struct file *f)
{
	struct dentry *d = f->dentry;

	if (d) {
		dentry_get(d);
	} else if (f->inode) {
		d = dentry_create(f->inode, NULL, 0);
		if (d)
			inode_get(f->inode);
	}
	return d;
}

ssize_t dentry_path(struct dentry *d, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)";
	struct path_builder b;
	bool reachable;
	ssize_t len;

	if (size == 0)
		return -ENAMETOOLONG;
	path_builder_init(&b, buf, size);
	rwlock_read(&fs_tree_lock);
	reachable = is_reachable(d);
	build_path(&b, d, NULL);
	rwlock_read_done(&fs_tree_lock);
	len = path_builder_finish(&b);
	if (len < 0 || reachable)
		return len;
	if ((size_t)len + sizeof(deleted) > size)
		return -ENAMETOOLONG;
	memcpy(buf + len, deleted, sizeof(deleted));
	return len + (ssize_t)sizeof(deleted) - 1;
}
