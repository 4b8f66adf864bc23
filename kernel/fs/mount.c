/* SPDX-License-Identifier: MIT */
/*
 * The mount table. A mounted file system covers a directory (a bind mount may cover a file with one): walks that reach it go on at
 * the root of what covers it, and `..` from there comes out beside it (namei.c).
 *
 * There is one tree for all processes, and the names of a file system are in one place of it, so that a dentry alone says where it
 * is; the other places where a bind mount shows them are aliases (dentry.h).
 */
#include <asm/errno.h>
#include <linux/mount.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "mount.h"

static LIST_HEAD(, mount) mounts = LIST_HEAD_INITIALIZER(mounts); /* [tree lock] */
static struct dentry *root_dentry;				  /* [tree lock for change] */
static u32 next_dev = 20;					  /* [a] */
bool mounts_expire;
static u32 next_id = 21; /* [tree lock] */

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

u32 dentry_mount_id(const struct dentry *d, bool *is_root)
{
	const struct mount *m;
	u32 id;

	rwlock_read(&fs_tree_lock);
	m = dentry_mount(d);
	id = m ? m->id : 0;
	if (is_root)
		*is_root = dentry_rooted(d) != NULL;
	rwlock_read_done(&fs_tree_lock);
	return id;
}

u32 file_mount_id(const struct file *f)
{
	return f->dentry ? dentry_mount_id(f->dentry, NULL) : 0;
}

static struct mount *member_of(u32 group)
{
	struct mount *m;

	LIST_FOREACH (m, &mounts, link) {
		if (m->group == group)
			return m;
	}
	return NULL;
}

/* The last one that leaves a group hands its slaves on to who is above. */
static void leave_group(struct mount *m)
{
	u32 group = m->group;
	struct mount *slave;

	m->group = 0;
	if (!group)
		return;
	if (member_of(group)) {
		m->master = group;
		return;
	}
	LIST_FOREACH (slave, &mounts, link) {
		if (slave->master == group)
			slave->master = m->master;
	}
}

void mount_set_propagation(struct mount *m, u64 kind)
{
	static u32 last_group; /* [tree lock] */

	if (kind != MS_SLAVE)
		m->unbindable = kind == MS_UNBINDABLE;
	if (kind == MS_SHARED) {
		m->group = m->group ? m->group : ++last_group;
		return;
	}
	leave_group(m);
	if (kind != MS_SLAVE)
		m->master = 0;
}

void mount_forget(struct mount *m)
{
	mount_set_propagation(m, MS_PRIVATE);
	LIST_REMOVE(m, link);
	m->super->mounts--;
}

struct mount *mount_inside(const struct mount *m)
{
	struct mount *other;

	LIST_FOREACH (other, &mounts, link) {
		if (other->point && dentry_mount(other->point) == m)
			return other;
	}
	return NULL;
}

u32 mount_count(void)
{
	const struct mount *m;
	u32 n = 0;

	LIST_FOREACH (m, &mounts, link)
		n++;
	return n;
}

struct mount *mount_on(const struct dentry *d)
{
	struct mount *m;

	if (likely(!d->via))
		return d->covered_by;
	if (likely(!d->real->covers))
		return NULL;
	LIST_FOREACH (m, &mounts, link) {
		if (m->point && dentry_same(m->point, d))
			return m;
	}
	return NULL;
}

static u64 super_flags(const struct super *s)
{
	return __atomic_load_n(&s->read_only, __ATOMIC_RELAXED) ? MOUNT_RDONLY : 0;
}

static u64 own_flags(const struct mount *m)
{
	return __atomic_load_n(m->origin ? &m->flags : &m->super->mount_flags, __ATOMIC_RELAXED);
}

u64 mount_flags(const struct mount *m)
{
	return own_flags(m) | super_flags(m->super);
}

u64 dentry_mount_flags(const struct dentry *d)
{
	const struct super *s = d->inode->super;

	if (!s)
		return 0;
	if (d->via)
		return mount_flags(d->via);
	return __atomic_load_n(&s->mount_flags, __ATOMIC_RELAXED) | super_flags(s);
}

bool dentry_is_read_only(const struct dentry *d)
{
	return dentry_mount_flags(d) & MOUNT_RDONLY;
}

void mount_used(const struct dentry *d)
{
	struct mount *m = dentry_mount(d);

	if (m)
		__atomic_store_n(&m->expiring, false, __ATOMIC_RELAXED);
}

u32 mount_new_dev(void)
{
	return dev_make(0, __atomic_fetch_add(&next_dev, 1, __ATOMIC_RELAXED));
}

void mount_cover(struct mount *m, struct dentry *point)
{
	if (!point)
		root_dentry = m->root;
	else if (point->via)
		point->real->covers++;
	else
		point->covered_by = m;
	/* What is mounted in a shared mount is shared. */
	if (point && dentry_mount(point) && dentry_mount(point)->group)
		mount_set_propagation(m, MS_SHARED);
	m->point = point;
	if (m->id)
		return; /* it was somewhere else before */
	if (!m->origin)
		m->root->mount = m;
	m->id = next_id++;
	m->super->mounts++;
	LIST_INSERT_HEAD(&mounts, m, link);
}

struct dentry *mount_uncover(struct mount *m)
{
	struct dentry *point = m->point;

	if (point && point->via)
		point->real->covers--;
	else if (point)
		point->covered_by = NULL;
	m->point = NULL;
	return point;
}

void mount_put(struct mount *m)
{
	if (!ref_put(&m->refs))
		return;
	if (m->origin) {
		__atomic_fetch_sub(&m->origin->aliases, 1, __ATOMIC_RELEASE);
		dentry_put(m->origin);
	}
	kfree(m);
}

struct mount *mount_bind_create(const struct mount *of, struct dentry *real)
{
	struct mount *m = kzalloc(sizeof(*m));

	if (!m)
		return NULL;
	ref_init(&m->refs, 1);
	m->super = of->super;
	m->flags = own_flags(of);
	dentry_get(real);
	__atomic_fetch_add(&real->aliases, 1, __ATOMIC_RELEASE);
	m->origin = real;
	m->root = dentry_alias(m, real);
	if (m->root)
		return m;
	mount_put(m);
	return NULL;
}

int mount_attach(struct super *s, struct inode *root, struct dentry *point)
{
	struct mount *m = kzalloc(sizeof(*m));
	int err = 0;

	if (!m)
		return -ENOMEM;
	ref_init(&m->refs, 1);
	m->super = s;
	m->root = dentry_create(root, NULL, 0);
	if (!m->root) {
		mount_put(m);
		return -ENOMEM;
	}
	m->root->attached = true;
	rwlock_write(&fs_tree_lock);
	if (point)
		point = dentry_uncover(point);
	if (point && !point->dir)
		err = -ENOTDIR;
	else if (!point && root_dentry)
		err = -EBUSY;
	else if (mount_count() >= MOUNTS_MAX)
		err = -ENOSPC;
	if (!err && point)
		dentry_get(point);
	if (!err)
		mount_cover(m, point);
	rwlock_write_done(&fs_tree_lock);
	if (err) {
		inode_get(root); /* the caller keeps its reference */
		dentry_put(m->root);
		mount_put(m);
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
