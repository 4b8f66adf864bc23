/* SPDX-License-Identifier: MIT */
/*
 * Mounts that show what is mounted already: MS_BIND, MS_MOVE and pivot_root(2). Each looks both places up, takes the tree lock
 * for writing, checks in Linux's order, makes what is to be made, and then changes the table with functions that cannot fail.
 *
 *     bind     from ┐            MS_REC: a copy of each mount below, its point an alias
 *                   └> a bind mount of it covers d
 *     move     the mount covers d instead of what it covered
 *     pivot    the root covers `old`, which is below `new`; `new` covers nothing: it is the root
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include "mount_call.h"
#include "namei.h"

/* Copies of mounts that are nowhere yet, linked by `copy`; each but the first has its point. */
static void drop_copies(struct mount *list)
{
	struct mount *m;

	while ((m = list)) {
		list = m->copy;
		dentry_put(m->point);
		dentry_put(m->root);
		mount_put(m);
	}
}

/* What is mounted in `of` below `top` (NULL: anywhere) is put behind `last` as copies inside `in`. Or NULL: no memory. */
static struct mount *copy_inside(const struct mount *of, const struct dentry *top, struct mount *in,
				 struct mount *last)
{
	struct mount *m, *copy;

	for (u32 id = 0; (m = mount_next(id)); id = m->id + 1) {
		struct dentry *at = m->point;

		if (!at || dentry_mount(at) != of || m->unbindable || (top && !dentry_is_below(at, top)))
			continue;
		copy = mount_bind_create(m, dentry_real(m->root));
		if (!copy)
			return NULL;
		last->copy = copy;
		last = copy;
		copy->of = m;
		copy->group = m->group;
		copy->master = m->master;
		if (dentry_same(at, of->root) || dentry_real(at) == in->origin) {
			copy->point = in->root;
			dentry_get(in->root);
		} else {
			copy->point = dentry_alias(in, dentry_real(at));
		}
		if (!copy->point)
			return NULL;
	}
	return last;
}

/* The mount m as `from` shows it, without a point, and with `all` what is mounted below, linked by `copy`. Tree lock held for writing. */
static int copy_tree(const struct mount *m, struct dentry *from, bool all, struct mount **out)
{
	struct mount *first = mount_bind_create(m, dentry_real(from)), *last = first;

	if (!first)
		return -ENOMEM;
	first->group = m->group;
	first->master = m->master;
	if (all)
		last = copy_inside(m, from, first, last);
	/* What is mounted inside those: a copy's origin is the root of what it is a copy of. */
	for (struct mount *c = first->copy; last && c; c = c->copy)
		last = copy_inside(c->of, NULL, c, last);
	*out = first;
	if (last)
		return 0;
	drop_copies(first);
	return -ENOMEM;
}

static u32 count_copies(const struct mount *m)
{
	u32 n = 0;

	for (; m; m = m->copy)
		n++;
	return n;
}

/* Each copy gets its place; point is that of the first, a reference. */
static void show_copies(struct mount *list, struct dentry *point)
{
	for (struct mount *m = list, *next; m; m = next) {
		next = m->copy;
		m->copy = NULL;
		m->of = NULL;
		mount_cover(m, m == list ? point : m->point);
	}
}

/* Tree lock held for writing. */
static int bind_locked(struct dentry *d, struct dentry *from, unsigned flags)
{
	const struct mount *m = dentry_mount(from);
	struct mount *copies;
	int err;

	d = dentry_uncover(d);
	if (!m || m->unbindable || !dentry_mount(d))
		return -EINVAL;
	err = copy_tree(m, from, flags & MOUNT_ALL, &copies);
	if (err)
		return err;
	if (!d->dir != !from->dir)
		err = -ENOTDIR;
	else if (!dentry_real(d)->attached)
		err = -ENOENT;
	else if (mount_count() + count_copies(copies) > MOUNTS_MAX)
		err = -ENOSPC;
	if (err) {
		drop_copies(copies);
		return err;
	}
	dentry_get(d);
	show_copies(copies, d);
	return 0;
}

int mount_bind(struct dentry *d, const struct fs_at *from, unsigned flags)
{
	struct dentry *what;
	int err = *from->path ? vfs_lookup(from, &what) : -EINVAL;

	if (err)
		return err;
	rwlock_write(&fs_tree_lock);
	err = bind_locked(d, what, flags);
	rwlock_write_done(&fs_tree_lock);
	dentry_put(what);
	return err;
}

/* ---- MS_MOVE ---- */

/* The mount that holds what m covers; NULL: nothing does. */
static const struct mount *holder(const struct mount *m)
{
	return m->point ? dentry_mount(m->point) : NULL;
}

/* Tree lock held for writing. What was covered is in *old, a reference. */
static int move_locked(struct dentry *d, struct dentry *from, struct dentry **old)
{
	struct mount *m = dentry_rooted(from);

	d = dentry_uncover(d);
	if (!m || !dentry_mount(d) || !d->dir != !from->dir || (m->point && holder(m)->group))
		return -EINVAL;
	if (!dentry_real(d)->attached)
		return -ENOENT;
	if (!m->point || dentry_is_below(d, m->root))
		return -ELOOP;
	*old = mount_uncover(m);
	dentry_get(d);
	mount_cover(m, d);
	return 0;
}

int mount_move(struct dentry *d, const struct fs_at *from)
{
	struct dentry *what, *old = NULL;
	int err = *from->path ? vfs_lookup(from, &what) : -EINVAL;

	if (err)
		return err;
	rwlock_write(&fs_tree_lock);
	err = move_locked(d, what, &old);
	rwlock_write_done(&fs_tree_lock);
	dentry_put(old);
	dentry_put(what);
	return err;
}

/* ---- pivot_root(2) ---- */

/* `root` is the caller's. Tree lock held for writing. */
static int check_pivot(const struct dentry *root, struct dentry *new, struct dentry *old)
{
	const struct mount *rm = dentry_mount(root), *nm = dentry_mount(new), *om = dentry_mount(old);

	if (!rm || !nm || !om || om->group || (holder(nm) && holder(nm)->group))
		return -EINVAL;
	if (!dentry_real(new)->attached)
		return -ENOENT;
	if (nm == rm || om == rm)
		return -EBUSY;
	if (dentry_rooted(root) != rm || dentry_rooted(new) != nm)
		return -EINVAL;
	return dentry_is_below(old, new) && dentry_is_below(new, root) ? 0 : -EINVAL;
}

/* Both mounts change places; what `new` covered is in *gone, a reference. What the root covered, if it did, `new` covers. */
static void pivot(struct mount *rm, struct mount *nm, struct dentry *old, struct dentry **gone)
{
	struct dentry *above;

	dentry_get(old);
	*gone = mount_uncover(nm);
	above = mount_uncover(rm);
	mount_cover(rm, old);
	mount_cover(nm, above);
}

/* Both directories, with a reference each. */
static int find_dirs(const struct fs_at *at, struct dentry **out)
{
	int err = vfs_lookup(at, out);

	if (err || (*out)->dir)
		return err;
	dentry_put(*out);
	return -ENOTDIR;
}

int vfs_pivot_root(const struct fs_at *new_at, const struct fs_at *old_at)
{
	struct dentry *new, *old, *root, *gone = NULL;
	unsigned moved = 0;
	int err;

	if (!fs_capable(CAP_SYS_ADMIN, new_at->uid))
		return -EPERM;
	err = find_dirs(new_at, &new);
	if (err)
		return err;
	err = find_dirs(old_at, &old);
	if (err) {
		dentry_put(new);
		return err;
	}
	rwlock_write(&fs_tree_lock);
	root = new_at->ctx->root;
	dentry_get(root);
	err = check_pivot(root, new, dentry_uncover(old));
	if (!err) {
		pivot(dentry_rooted(root), dentry_rooted(new), dentry_uncover(old), &gone);
		moved = fs_contexts_move(root, dentry_rooted(new)->root);
	}
	rwlock_write_done(&fs_tree_lock);
	while (moved--)
		dentry_put(root);
	dentry_put(gone);
	dentry_put(root);
	dentry_put(old);
	dentry_put(new);
	return err;
}
