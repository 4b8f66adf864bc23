/* SPDX-License-Identifier: MIT */
/*
 * rename(2). Both names are looked up under one hold of the tree lock; every error comes before the first
 * change, in the order in which Linux finds them.
 *
 *     replace              from ──> to (was: nothing, a file, or an empty directory)
 *     RENAME_EXCHANGE      from <─> to
 *     RENAME_WHITEOUT      from ──> to, and a device 0:0 takes the place of `from`
 */
#include <asm/errno.h>
#include <linux/fs.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "names.h"
#include "notify.h"

struct renaming {
	const struct fs_at *old_at, *new_at;
	struct walk old, new;
	u32 flags;
	/* Allocated before the first change. */
	char *new_name, *old_name;
	struct dentry *whiteout; /* RENAME_WHITEOUT */
};

/* May a directory be moved out of its parent? It is written to, because its `..` changes. */
static int may_reparent(const struct fs_at *at, const struct dentry *d)
{
	return d->dir ? inode_permission(d->inode, at->uid, at->gid, MAY_WRITE) : 0;
}

/* The two paths by themselves: what they end in, and whether the names exist. */
static int check_names(const struct renaming *r)
{
	const struct walk *old = &r->old, *new = &r->new;
	bool exchange = r->flags & RENAME_EXCHANGE;

	if (old->last != LAST_NAME)
		return -EBUSY;
	if (new->last != LAST_NAME)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (old->parent->inode->super != new->parent->inode->super)
		return -EXDEV;
	if (old->via != new->via)
		return -EXDEV;
	if (new->read_only)
		return -EROFS;
	if (!old->found)
		return -ENOENT;
	if (new->found && (r->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!new->found && exchange)
		return -ENOENT;
	if (exchange && !new->found->dir &&new->slash)
		return -ENOTDIR;
	if (!old->found->dir && (old->slash || (!exchange && new->slash)))
		return -ENOTDIR;
	return 0;
}

/* A directory does not move below itself. */
static int check_loops(const struct renaming *r)
{
	if (dentry_is_below(r->new.parent, r->old.found))
		return -EINVAL;
	if (r->new.found && dentry_is_below(r->old.parent, r->new.found))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_rights(struct renaming *r)
{
	const struct dentry *from = r->old.found, *to = r->new.found;
	bool exchange = r->flags & RENAME_EXCHANGE, moves = r->old.parent != r->new.parent;
	int err = may_delete(r->old_at, from, from->dir);

	if (!err && !to)
		err = may_create(r->new_at, r->new.parent);
	if (!err && to)
		err = may_delete(r->new_at, to, exchange ? to->dir != NULL : from->dir != NULL);
	if (!err && moves)
		err = may_reparent(r->old_at, from);
	if (!err && moves && exchange)
		err = may_reparent(r->new_at, to);
	if (!err && to && !exchange && to->dir)
		err = walk_want_all(&r->new, r->new.found);
	if (!err && to && !exchange && to->dir && to->dir->count)
		err = -ENOTEMPTY;
	/* What is moved away stays away. */
	return err ? err : walk_want_all(&r->old, r->old.parent);
}

/* What union mounts of Linux take for a name that is gone: a device that there is not. */
static int make_whiteout(struct renaming *r)
{
	struct super *s = r->old.parent->inode->super;
	struct inode_seed seed = {.mode = S_IFCHR, .uid = r->old_at->uid, .gid = r->old_at->gid};
	struct inode *inode;
	int err = s->ops->makes_whiteouts ? super_create_inode(s, &seed, &inode) : -EINVAL;

	if (err)
		return err;
	r->whiteout = dentry_create(inode, r->old.name, r->old.name_len);
	if (r->whiteout)
		return 0;
	inode_put(inode);
	return -ENOMEM;
}

static int allocate(struct renaming *r)
{
	int err = r->flags & RENAME_WHITEOUT ? make_whiteout(r) : 0;

	if (err)
		return err;
	r->new_name = kstrdup(r->new.name, r->new.name_len);
	r->old_name = kstrdup(r->old.name, r->old.name_len);
	return r->new_name && r->old_name ? 0 : -ENOMEM;
}

/* A directory that goes from one parent to another takes its `..` along. */
static void move_dotdot(struct dentry *d, struct dentry *from, struct dentry *to)
{
	if (d->dir && from != to) {
		inode_add_links(from->inode, -1);
		inode_add_links(to->inode, 1);
	}
}

static void touch_all(struct renaming *r)
{
	inode_touch(r->old.parent->inode, TOUCH_WRITE);
	if (r->new.parent != r->old.parent)
		inode_touch(r->new.parent->inode, TOUCH_WRITE);
	inode_touch(r->old.found->inode, TOUCH_CHANGE);
}

static void exchange(struct renaming *r)
{
	struct dentry *a = r->old.found, *b = r->new.found;
	struct dentry *a_dir = r->old.parent, *b_dir = r->new.parent;

	move_dotdot(a, a_dir, b_dir);
	move_dotdot(b, b_dir, a_dir);
	/* The names that are freed are those that were just replaced. */
	r->new_name = dentry_move(a, b_dir, r->new_name, r->new.name_len);
	r->old_name = dentry_move(b, a_dir, r->old_name, r->old.name_len);
	touch_all(r);
	inode_touch(b->inode, TOUCH_CHANGE);
	notify_moved(a, a_dir, b->name, b->name_len, NULL);
	notify_moved(b, b_dir, a->name, a->name_len, NULL);
}

static void replace(struct renaming *r)
{
	if (r->new.found)
		name_remove(r->new.found);
	move_dotdot(r->old.found, r->old.parent, r->new.parent);
	/* The name that is freed is the old one. */
	r->new_name = dentry_move(r->old.found, r->new.parent, r->new_name, r->new.name_len);
	if (r->whiteout) {
		dentry_attach(r->old.parent, r->whiteout);
		inode_add_links(r->whiteout->inode, 1);
	}
	touch_all(r);
	notify_moved(r->old.found, r->old.parent, r->new_name, strlen(r->new_name), r->new.found);
}

/* The last thing that can fail: the move where the names are kept too. */
static int move_below(struct renaming *r)
{
	const struct super_ops *ops = r->old.found->inode->super->ops;

	if (!ops->move)
		return 0;
	return r->flags & RENAME_EXCHANGE ? -EINVAL : ops->move(r->old.found, r->new.parent, r->new_name);
}

/* Tree lock held for writing. 1: there is nothing to do, both names are the same file. */
static int prepare(struct renaming *r)
{
	int err = walk_name(r->old_at, &r->old);

	if (!err)
		err = walk_name(r->new_at, &r->new);
	if (!err)
		err = check_names(r);
	if (!err)
		err = check_loops(r);
	if (!err && r->new.found && r->new.found->inode == r->old.found->inode)
		return 1;
	if (!err)
		err = check_rights(r);
	if (!err)
		err = allocate(r);
	return err ? err : move_below(r);
}

int vfs_rename(const struct fs_at *old, const struct fs_at *new, u32 flags)
{
	struct renaming r = {.old_at = old, .new_at = new, .flags = flags};
	struct dentry *gone = NULL;
	int err;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
	    ((flags & RENAME_EXCHANGE) && flags != RENAME_EXCHANGE))
		return -EINVAL;
	do {
		rwlock_write(&fs_tree_lock);
		err = prepare(&r);
		if (!err && (flags & RENAME_EXCHANGE)) {
			exchange(&r);
		} else if (!err) {
			gone = r.new.found;
			replace(&r);
		}
		rwlock_write_done(&fs_tree_lock);
	} while (walk_both_again(&r.old, &r.new, &err));
	dentry_put(gone);
	dentry_put(r.whiteout);
	walk_done(&r.old);
	walk_done(&r.new);
	kfree(r.new_name);
	kfree(r.old_name);
	return err < 0 ? err : 0;
}
