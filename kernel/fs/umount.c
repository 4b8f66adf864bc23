/* SPDX-License-Identifier: MIT */
/*
 * umount2(2). A mount is busy while somebody is in it: of the first mount of a file system, who but the tree itself, and the
 * aliases of bind mounts, holds one of its names; of a bind mount, who has an alias that is not its root.
 *
 * One that is detached all the same (MNT_DETACH) is found no more; who has a file of it open keeps the file. With the last mount
 * of a file system that mount(2) made its names go, and its super with the last inode (inode_put). What the machine was started
 * with (shares, disks, devices) is only not seen any more.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <moat/heap.h>
#include "mount_call.h"
#include "namei.h"

/* The C library has them, the kernel's headers do not. */
#define MNT_FORCE  1
#define MNT_DETACH 2
#define MNT_EXPIRE 4

struct dentry *dentry_next(const struct dentry *root, struct dentry *d)
{
	struct dentry *next = d->dir ? dentry_after(d, 0) : NULL;

	while (!next && d != root) {
		next = dentry_after(d->parent, d->cookie);
		d = d->parent;
	}
	return next;
}

/* Does anybody hold a name but its directory, the names in it, aliases, and, for the root, the mount? */
static bool is_held(struct dentry *root)
{
	for (struct dentry *d = root; d; d = dentry_next(root, d)) {
		u32 refs = ref_read(&d->refs);

		if (refs != 1 + (d->dir ? d->dir->count : 0) + __atomic_load_n(&d->aliases, __ATOMIC_ACQUIRE))
			return true;
		waitq_give_way();
	}
	return false;
}

/* Aliases that the walk itself made. */
static u32 count_own(const struct walk *w, const struct mount *m)
{
	u32 n = 0;

	for (const struct dentry *d = w->transients; d; d = d->next_transient)
		n += d->via == m;
	return n;
}

static bool is_busy(const struct mount *m, const struct walk *w)
{
	if (!m->origin)
		return is_held(m->root);
	return ref_read(&m->root->refs) != 1 || ref_read(&m->refs) != 2 + count_own(w, m);
}

/* Nobody finds the names any more: they go, the deepest first. */
static void drop_names(struct dentry *root)
{
	struct dentry *d, *child;

	for (;;) {
		rwlock_write(&fs_tree_lock);
		for (d = root; (child = dentry_after(d, 0)) && child->dir && child->dir->count; d = child)
			;
		if (child)
			dentry_detach(child);
		rwlock_write_done(&fs_tree_lock);
		if (!child)
			return;
		dentry_put(child);
		waitq_give_way();
	}
}

/* What is left of a mount that was taken out of the table. */
struct taken {
	struct mount *mount;
	struct dentry *point; /* a reference */
	struct dentry *names; /* a reference to the root of names that go with it, or NULL */
};

/* Takes a mount out of the tree: it is the caller's, to be given to finish. Tree lock held for writing. */
static void take_out(struct mount *m, struct taken *out)
{
	struct dentry *top = dentry_top(dentry_real(m->root));

	*out = (struct taken){.mount = m, .point = mount_uncover(m)};
	if (!m->origin)
		m->root->mount = NULL;
	mount_forget(m);
	if (m->super->mounts == 0 && m->super->on_heap) {
		top->attached = false;
		m->super->detached = true;
		dentry_get(top);
		out->names = top;
	}
}

static void finish(const struct taken *t)
{
	struct mount *m = t->mount;

	if (m->super->ops->sync)
		(void)m->super->ops->sync(m->super);
	if (t->names)
		drop_names(t->names);
	dentry_put(t->names);
	dentry_put(t->point);
	/* The names of what the machine was started with are its own. */
	if (m->origin || m->super->on_heap)
		dentry_put(m->root);
	mount_put(m);
}

/* The innermost mount at or inside m. Tree lock held. */
static struct mount *innermost(struct mount *m)
{
	for (struct mount *in; (in = mount_inside(m)); m = in)
		;
	return m;
}

/* MNT_EXPIRE: the first call marks it, the second finds that nobody has been there. */
static int expire(struct mount *m)
{
	__atomic_store_n(&mounts_expire, true, __ATOMIC_RELAXED);
	return __atomic_exchange_n(&m->expiring, true, __ATOMIC_RELAXED) ? 0 : -EAGAIN;
}

/* What is next to go of what is mounted where the walk ended: in *out, which is not NULL. */
static int choose(const struct fs_at *at, const struct walk *w, u32 flags, struct mount **out)
{
	struct mount *m = dentry_rooted(w->found);

	if (!m)
		return -EINVAL;
	if ((flags & MNT_EXPIRE) && (m == dentry_mount(at->ctx->root) || (flags & (MNT_FORCE | MNT_DETACH))))
		return -EINVAL;
	if (!m->point)
		return -EBUSY;
	if (!(flags & MNT_DETACH) && (mount_inside(m) || is_busy(m, w)))
		return -EBUSY;
	*out = innermost(m);
	return flags & MNT_EXPIRE ? expire(m) : 0;
}

int vfs_umount(const struct fs_at *path, u32 flags)
{
	struct fs_at umounting = *path, *at = &umounting;
	struct mount *m = NULL;
	struct taken taken = {0};
	bool last = false;
	int err;

	at->flags |= FS_UMOUNT;
	while (!last) {
		struct walk w = {0};

		do {
			rwlock_write(&fs_tree_lock);
			err = walk_existing(at, &w);
			if (!err && !fs_capable(CAP_SYS_ADMIN, at->uid))
				err = -EPERM;
			if (!err)
				err = choose(at, &w, flags, &m);
			if (!err) {
				last = m == dentry_rooted(w.found);
				take_out(m, &taken);
			}
			rwlock_write_done(&fs_tree_lock);
		} while (walk_again(&w, &err));
		walk_done(&w);
		if (err)
			return err;
		finish(&taken);
	}
	return 0;
}
