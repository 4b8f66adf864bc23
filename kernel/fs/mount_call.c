/* SPDX-License-Identifier: MIT */
/*
 * mount(2): new instances of file systems that live in memory, further places for what is mounted (MS_BIND), and what is
 * changed about a mount. umount.c takes away, pivot_root.c turns round.
 *
 * MS_SHARED, MS_SLAVE and the rest only mark mounts (mountinfo), and what may be moved or bound: there is one tree for all
 * processes, and nothing propagates in it.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <moat/heap.h>
#include <moat/parse.h>
#include <moat/string.h>
#include "mount.h"
#include "mount_call.h"
#include "namei.h"
#include "procfs.h"
#include "tmpfs.h"

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
	super->read_only = r->flags & MS_RDONLY;
	super->on_heap = true;
	super->source = r->source ? kstrdup(r->source, strlen(r->source)) : NULL;
	err = point->dir ? mount_attach(super, root, point) : -ENOTDIR;
	if (err) {
		super->detached = true;
		inode_put(root);
	}
	return err;
}

/* ---- changing ---- */

/* Files that are open for writing: through a bind mount alone, or through any. Tree lock held for writing. */
static bool is_written(const struct mount *m, bool everywhere)
{
	struct dentry *root = everywhere || !m->origin ? dentry_top(dentry_real(m->root)) : NULL;

	if (!root)
		return __atomic_load_n(&m->writers, __ATOMIC_RELAXED) > 0;
	for (struct dentry *d = root; d; d = dentry_next(root, d)) {
		if (__atomic_load_n(&d->inode->writers, __ATOMIC_RELAXED) > 0)
			return true;
		waitq_give_way();
	}
	return false;
}

/* What the flags of mount(2) say, which keep what they do not say of access times. */
static u64 new_flags(u64 old, u64 flags)
{
	const u64 times = MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME;

	if (!(flags & (times | MS_RELATIME)))
		flags |= old & times;
	return flags & MOUNT_FLAGS_KEPT;
}

/* MS_REMOUNT: of all of the file system; with MS_BIND, of this place. Tree lock held for writing. */
static int remount(struct dentry *d, u64 flags)
{
	struct mount *m = dentry_rooted(d);
	bool whole = !(flags & MS_BIND);
	u64 old, kept;

	if (!m)
		return -EINVAL;
	old = mount_flags(m);
	kept = new_flags(old, flags);
	/* A disk is read-only, or not, as it is. */
	if (whole && m->super->ops->sync && ((old ^ kept) & MOUNT_RDONLY))
		return -EPERM;
	if ((kept & MOUNT_RDONLY) && !(old & MOUNT_RDONLY) && is_written(m, whole))
		return -EBUSY;
	if (whole)
		__atomic_store_n(&m->super->read_only, (kept & MOUNT_RDONLY) != 0, __ATOMIC_RELEASE);
	__atomic_store_n(m->origin ? &m->flags : &m->super->mount_flags, kept, __ATOMIC_RELEASE);
	return 0;
}

static int change_propagation(struct dentry *d, u64 flags)
{
	const u64 kind = flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);
	struct mount *m = dentry_rooted(d), *other;

	/* One of them. */
	if ((flags & ~(kind | MS_REC | MS_SILENT)) || (kind & (kind - 1)) || !m)
		return -EINVAL;
	mount_set_propagation(m, kind);
	for (u32 id = 0; (flags & MS_REC) && (other = mount_next(id)); id = other->id + 1) {
		if (dentry_is_below(other->root, m->root))
			mount_set_propagation(other, kind);
	}
	return 0;
}

/* What is to be done at an existing place. Tree lock not held. */
static int mount_at(struct dentry *d, const struct mount_request *r, const struct fs_at *from)
{
	const u64 propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	int err;

	if (r->flags & MS_REMOUNT) {
		rwlock_write(&fs_tree_lock);
		err = remount(d, r->flags);
		rwlock_write_done(&fs_tree_lock);
		return err;
	}
	if (r->flags & MS_BIND)
		return mount_bind(d, from, r->flags & MS_REC ? MOUNT_ALL : 0);
	if (r->flags & propagation) {
		rwlock_write(&fs_tree_lock);
		err = change_propagation(d, r->flags);
		rwlock_write_done(&fs_tree_lock);
		return err;
	}
	return r->flags & MS_MOVE ? mount_move(d, from) : mount_new(d, r);
}

int vfs_mount(const struct fs_at *at, const struct mount_request *r)
{
	struct fs_at from = *at;
	struct dentry *d;
	int err = vfs_lookup(at, &d);

	if (err)
		return err;
	from.path = r->source ? r->source : "";
	from.base = NULL;
	err = fs_capable(CAP_SYS_ADMIN, at->uid) ? mount_at(d, r, &from) : -EPERM;
	dentry_put(d);
	return err;
}
