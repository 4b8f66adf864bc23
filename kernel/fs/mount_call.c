/* SPDX-License-Identifier: MIT */
/*
 * mount(2) and umount2(2): new instances of file systems that live in memory, and how they go. What the machine was started
 * with (shares, disks, devices) stays mounted.
 *
 * There is one tree of names, and a mount is in one place of it: MS_BIND and MS_MOVE are refused, and there is nothing that
 * could propagate. A mount is busy while somebody but the tree itself holds one of its names. One that is detached all the
 * same (MNT_DETACH) loses its names at once; who has a file of it open keeps the file.
 *
 * Its super, from the heap, goes with its last inode (inode_put).
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <moat/heap.h>
#include <moat/parse.h>
#include <moat/string.h>
#include "mount.h"
#include "namei.h"
#include "procfs.h"
#include "tmpfs.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2 /* the C library has it, the kernel's headers do not */
#endif

/* What tmpfs(5) can be told; sizes are not kept to, and so refused. */
struct tmpfs_options {
	u32 mode, uid, gid;
};

/* The number behind `key=`, in base 8 or 10. */
static int take_value(const char *word, size_t len, const char *key, unsigned base, u32 *out)
{
	size_t n = strlen(key);
	u64 value = 0;

	if (len <= n || memcmp(word, key, n) != 0)
		return -EINVAL;
	for (; n < len; n++) {
		if (word[n] < '0' || word[n] >= (char)('0' + base) || value > UINT32_MAX / base)
			return -EINVAL;
		value = value * base + (u64)(word[n] - '0');
	}
	*out = (u32)value;
	return 0;
}

static int parse_tmpfs(const char *text, struct tmpfs_options *out)
{
	while (text && *text) {
		const char *comma = strchr(text, ',');
		size_t len = comma ? (size_t)(comma - text) : strlen(text);

		if (len && take_value(text, len, "mode=", 8, &out->mode) &&
		    take_value(text, len, "uid=", 10, &out->uid) &&
		    take_value(text, len, "gid=", 10, &out->gid))
			return -EINVAL;
		text = comma ? comma + 1 : NULL;
	}
	out->mode &= 07777;
	return 0;
}

static int make_tmpfs(const char *data, struct super **super, struct inode **root)
{
	struct tmpfs_options o = {.mode = S_ISVTX | 0777};
	int err = parse_tmpfs(data, &o);

	if (!err)
		err = tmpfs_create("tmpfs", o.mode, super, root);
	if (err)
		return err;
	(*root)->uid = o.uid;
	(*root)->gid = o.gid;
	return 0;
}

static int make_proc(const char *data, struct super **super, struct inode **root)
{
	return data && *data ? -EINVAL : procfs_create(false, super, root);
}

static int make_sys(const char *data, struct super **super, struct inode **root)
{
	return data && *data ? -EINVAL : procfs_create(true, super, root);
}

static const struct {
	const char *name;
	int (*make)(const char *data, struct super **super, struct inode **root);
} types[] = {
	{"tmpfs", make_tmpfs},
	{"proc", make_proc},
	{"sysfs", make_sys},
};

static int make_super(const char *type, const char *data, struct super **super, struct inode **root)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, type) == 0)
			return types[i].make(data, super, root);
	}
	return -ENODEV;
}

static int mount_new(struct dentry *point, const struct mount_request *r)
{
	struct super *super;
	struct inode *root;
	int err;

	if (!r->type)
		return -EINVAL;
	err = make_super(r->type, r->data, &super, &root);
	if (err)
		return err;
	super->mount_flags = r->flags & MOUNT_FLAGS_KEPT;
	super->on_heap = true;
	err = point->dir ? mount_attach(super, root, point) : -ENOTDIR;
	if (err) {
		super->detached = true;
		inode_put(root);
	}
	return err;
}

/* ---- walking a mounted tree; the tree lock held for writing ---- */

/* The name after d, what it holds first; NULL: all were seen. */
static struct dentry *next_name(const struct dentry *root, struct dentry *d)
{
	struct dentry *next = d->dir ? dentry_after(d, 0) : NULL;

	while (!next && d != root) {
		next = dentry_after(d->parent, d->cookie);
		d = d->parent;
	}
	return next;
}

/* Does anybody hold a name but its directory, the names in it, and, for the root, the mount? */
static bool is_busy(struct dentry *root)
{
	for (struct dentry *d = root; d; d = next_name(root, d)) {
		if (ref_read(&d->refs) != 1 + (d->dir ? d->dir->count : 0))
			return true;
		waitq_give_way();
	}
	return false;
}

static bool is_written(struct dentry *root)
{
	for (struct dentry *d = root; d; d = next_name(root, d)) {
		if (__atomic_load_n(&d->inode->writers, __ATOMIC_RELAXED) > 0)
			return true;
		waitq_give_way();
	}
	return false;
}

/* A mount on a name of this one, or NULL. */
static struct mount *mount_inside(const struct mount *m)
{
	struct mount *other;

	for (u32 id = 0; (other = mount_next(id)); id = other->id + 1) {
		if (other->point && dentry_top(other->point) == m->root)
			return other;
	}
	return NULL;
}

/* ---- changing ---- */

static int remount(struct dentry *d, u64 flags)
{
	struct mount *m = d->parent ? NULL : d->mount;

	if (!m)
		return -EINVAL;
	/* What the machine was started with is read-only, or not, as it is. */
	if (!m->super->on_heap)
		return ((flags ^ m->super->mount_flags) & MOUNT_FLAGS_KEPT) ? -EPERM : 0;
	if ((flags & MS_RDONLY) && !(m->super->mount_flags & MS_RDONLY) && is_written(d))
		return -EBUSY;
	__atomic_store_n(&m->super->mount_flags, flags & MOUNT_FLAGS_KEPT, __ATOMIC_RELEASE);
	return 0;
}

/* What is to be done at an existing place. Tree lock not held. */
static int mount_at(struct dentry *d, const struct mount_request *r)
{
	const u64 propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	int err = 0;

	if ((r->flags & propagation) && !(r->flags & (MS_REMOUNT | MS_BIND))) {
		const u64 kind = r->flags & propagation;

		/* One of them; and there is nobody to share with. */
		if ((r->flags & ~(propagation | MS_REC | MS_SILENT)) || (kind & (kind - 1)))
			return -EINVAL;
		rwlock_read(&fs_tree_lock);
		err = d->parent || !d->mount ? -EINVAL : 0;
		rwlock_read_done(&fs_tree_lock);
		return err;
	}
	if (r->flags & (MS_BIND | MS_MOVE))
		return -EINVAL;
	if (!(r->flags & MS_REMOUNT))
		return mount_new(d, r);
	rwlock_write(&fs_tree_lock);
	err = remount(d, r->flags);
	rwlock_write_done(&fs_tree_lock);
	return err;
}

int vfs_mount(const struct fs_at *at, const struct mount_request *r)
{
	struct dentry *d;
	int err = vfs_lookup(at, &d);

	if (err)
		return err;
	err = fs_capable(CAP_SYS_ADMIN, at->uid) ? mount_at(d, r) : -EPERM;
	dentry_put(d);
	return err;
}

/* ---- going ---- */

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

/* Takes a mount out of the tree: it is the caller's, to be given to finish. Tree lock held for writing. */
static void take_out(struct mount *m)
{
	m->point->covered_by = NULL;
	m->root->mount = NULL;
	m->root->attached = false;
	m->super->detached = true;
	mount_forget(m);
}

static void finish(struct mount *m)
{
	drop_names(m->root);
	dentry_put(m->point);
	dentry_put(m->root);
	kfree(m);
}

/* The innermost mount at or inside m. Tree lock held. */
static struct mount *innermost(struct mount *m)
{
	for (struct mount *in; (in = mount_inside(m)); m = in)
		;
	return m;
}

/* What is next to go of what is mounted at d: in *out, which is not NULL. */
static int choose(const struct dentry *d, u32 flags, struct mount **out)
{
	struct mount *m = d->parent ? NULL : d->mount;

	if (!m)
		return -EINVAL;
	if (!m->point)
		return -EBUSY;
	if (!(flags & MNT_DETACH) && (mount_inside(m) || is_busy(m->root)))
		return -EBUSY;
	*out = innermost(m);
	return (*out)->super->on_heap ? 0 : -EBUSY;
}

int vfs_umount(const struct fs_at *at, u32 flags)
{
	struct mount *m = NULL;
	bool last = false;
	int err;

	while (!last) {
		struct walk w = {0};

		do {
			rwlock_write(&fs_tree_lock);
			err = walk_existing(at, &w);
			if (!err && !fs_capable(CAP_SYS_ADMIN, at->uid))
				err = -EPERM;
			if (!err)
				err = choose(w.found, flags, &m);
			if (!err) {
				last = m->root == w.found;
				take_out(m);
			}
			rwlock_write_done(&fs_tree_lock);
		} while (walk_again(&w, &err));
		walk_done(&w);
		if (err)
			return err;
		finish(m);
	}
	return 0;
}
