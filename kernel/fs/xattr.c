/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes (xattr(7)) of files in memory: a list of names and values at the inode, in the order in which Linux's tmpfs
 * shows them, the greatest name first. A file's names fit one listxattr(2); all that is kept takes an eighth of memory at most.
 *
 * What is mounted otherwise keeps none (EOPNOTSUPP). Access control lists (system.posix_acl_*) are kept nowhere; what
 * security.capability says gives nobody anything.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <moat/frame.h>
#include <moat/heap.h>
#include <moat/string.h>
#include "mount.h"
#include "notify.h"

struct xattr {
	struct xattr *next; /* [lock of the inode] */
	size_t size;	    /* [I] bytes of the value, which is behind the name */
	size_t name_len;    /* [I] */
	char name[];	    /* [I] terminated */
};

static u64 kept_bytes; /* [a] of all */

enum space {
	SPACE_NONE,
	SPACE_USER,
	SPACE_TRUSTED,
	SPACE_SECURITY,
	SPACE_SYSTEM,
};

static bool begins(const char *name, const char *prefix)
{
	return memcmp(name, prefix, MIN(strlen(prefix), strlen(name) + 1)) == 0;
}

static enum space space_of(const char *name)
{
	if (begins(name, XATTR_USER_PREFIX))
		return SPACE_USER;
	if (begins(name, XATTR_TRUSTED_PREFIX))
		return SPACE_TRUSTED;
	if (begins(name, XATTR_SECURITY_PREFIX))
		return SPACE_SECURITY;
	return begins(name, XATTR_SYSTEM_PREFIX) ? SPACE_SYSTEM : SPACE_NONE;
}

/* Linux's xattr_permission. */
static int check_rights(const struct inode *i, const struct fs_ids *me, const char *name, unsigned may)
{
	const int refused = may & MAY_WRITE ? -EPERM : -ENODATA;

	switch (space_of(name)) {
	case SPACE_SECURITY:
	case SPACE_SYSTEM:
		return 0;
	case SPACE_TRUSTED:
		return fs_capable(CAP_SYS_ADMIN, me->uid) ? 0 : refused;
	case SPACE_USER:
		if (!inode_is(i, S_IFREG) && !inode_is_dir(i))
			return refused;
		if (inode_is_dir(i) && (i->mode & S_ISVTX) && (may & MAY_WRITE) && me->uid != i->uid &&
		    !fs_capable(CAP_FOWNER, me->uid))
			return -EPERM;
		break;
	default:
		break;
	}
	return inode_permission(i, me->uid, me->gid, may);
}

/* Does the file system keep attributes of this name? */
static int check_kept(const struct inode *i, const char *name)
{
	enum space space = space_of(name);

	if (!i->super || !i->super->ops->keeps_xattrs || space == SPACE_NONE || space == SPACE_SYSTEM)
		return -EOPNOTSUPP;
	return strchr(name, '.')[1] ? 0 : -EINVAL;
}

/* security.*: what capabilities(7) is in must look like it. */
static int check_security(const struct fs_ids *me, const char *name, const void *value, size_t size,
			  bool remove)
{
	const struct vfs_cap_data *cap = value;
	u32 revision;

	if (space_of(name) != SPACE_SECURITY)
		return 0;
	if (strcmp(name, XATTR_NAME_CAPS) != 0)
		return fs_capable(CAP_SYS_ADMIN, me->uid) ? 0 : -EPERM;
	if (!remove && size) {
		revision = size >= sizeof(cap->magic_etc) ? cap->magic_etc & VFS_CAP_REVISION_MASK : 0;
		if (!(size == XATTR_CAPS_SZ_2 && revision == VFS_CAP_REVISION_2) &&
		    !(size == XATTR_CAPS_SZ_3 && revision == VFS_CAP_REVISION_3))
			return -EINVAL;
	}
	return fs_capable(CAP_SETFCAP, me->uid) ? 0 : -EPERM;
}

/* Where the name is, or would be. inode->lock held. */
static struct xattr **place_for(struct inode *i, const char *name, bool *there)
{
	struct xattr **at = &i->xattrs;
	int order = 1;

	while (*at && (order = strcmp((*at)->name, name)) > 0)
		at = &(*at)->next;
	*there = *at && order == 0;
	return at;
}

static size_t bytes_of(const struct xattr *x)
{
	return sizeof(*x) + x->name_len + 1 + x->size;
}

static void destroy(struct xattr *x)
{
	if (x)
		__atomic_fetch_sub(&kept_bytes, bytes_of(x), __ATOMIC_RELAXED);
	kfree(x);
}

void xattrs_drop(struct inode *i)
{
	struct xattr *x;

	while ((x = i->xattrs)) {
		i->xattrs = x->next;
		destroy(x);
	}
}

static int make(const char *name, const void *value, size_t size, struct xattr **out)
{
	size_t len = strlen(name);
	struct frame_stats stats;
	struct xattr *x = kmalloc(sizeof(*x) + len + 1 + size);

	if (!x)
		return -ENOMEM;
	*x = (struct xattr){.size = size, .name_len = len};
	memcpy(x->name, name, len + 1);
	memcpy(x->name + len + 1, value, size);
	frame_stats_read(&stats);
	if (__atomic_add_fetch(&kept_bytes, bytes_of(x), __ATOMIC_RELAXED) > stats.total / 8 * PAGE_SIZE) {
		destroy(x);
		return -ENOSPC;
	}
	*out = x;
	return 0;
}

static size_t list_bytes(const struct inode *i)
{
	size_t n = 0;

	for (const struct xattr *x = i->xattrs; x; x = x->next)
		n += x->name_len + 1;
	return n;
}

/* Puts x (NULL: nothing) in the place of what has the name, which is *old then. inode->lock held. */
static int replace(struct inode *i, const char *name, struct xattr *x, u32 flags, struct xattr **old)
{
	bool there;
	struct xattr **at = place_for(i, name, &there);

	if (there && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!there && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (!there && x && list_bytes(i) + x->name_len + 1 > XATTR_LIST_MAX)
		return -ENOSPC;
	*old = there ? *at : NULL;
	if (x) {
		x->next = there ? (*at)->next : *at;
		*at = x;
	} else if (there) {
		*at = (*at)->next;
	}
	inode_touch_locked(i, TOUCH_CHANGE);
	return 0;
}

static int change(struct inode *i, struct dentry *d, const char *name, struct xattr *x, u32 flags)
{
	struct xattr *old = NULL;
	int err;

	mutex_lock(&i->lock);
	err = replace(i, name, x, flags, &old);
	mutex_unlock(&i->lock);
	destroy(err ? x : old);
	if (!err)
		notify_event(i, d, IN_ATTRIB);
	return err;
}

int inode_set_xattr(struct inode *i, struct dentry *d, const struct fs_context *c,
		    const struct xattr_value *v, u32 flags)
{
	struct fs_ids me = fs_ids(c);
	struct xattr *x;
	int err = check_rights(i, &me, v->name, MAY_WRITE);

	if (!err)
		err = check_security(&me, v->name, v->value, v->size, false);
	if (!err)
		err = check_kept(i, v->name);
	if (!err)
		err = make(v->name, v->value, v->size, &x);
	return err ? err : change(i, d, v->name, x, flags);
}

int inode_remove_xattr(struct inode *i, struct dentry *d, const struct fs_context *c, const char *name)
{
	struct fs_ids me = fs_ids(c);
	int err = check_rights(i, &me, name, MAY_WRITE);

	if (!err)
		err = check_security(&me, name, NULL, 0, true);
	if (!err)
		err = check_kept(i, name);
	return err ? err : change(i, d, name, NULL, XATTR_REPLACE);
}

ssize_t inode_get_xattr(struct inode *i, const struct fs_context *c, const char *name, void *buf, size_t size)
{
	struct fs_ids me = fs_ids(c);
	const struct xattr *x;
	bool there;
	ssize_t n = check_rights(i, &me, name, MAY_READ);

	if (!n)
		n = check_kept(i, name);
	if (n)
		return n;
	mutex_lock(&i->lock);
	x = *place_for(i, name, &there);
	n = !there ? -ENODATA : size && size < x->size ? -ERANGE : (ssize_t)x->size;
	if (n > 0 && size)
		memcpy(buf, x->name + x->name_len + 1, (size_t)n);
	mutex_unlock(&i->lock);
	return n;
}

ssize_t inode_list_xattrs(struct inode *i, const struct fs_context *c, char *buf, size_t size)
{
	bool trusted = fs_capable(CAP_SYS_ADMIN, fs_ids(c).uid);
	size_t n = 0;

	mutex_lock(&i->lock);
	for (const struct xattr *x = i->xattrs; x; x = x->next) {
		if (!trusted && space_of(x->name) == SPACE_TRUSTED)
			continue;
		if (n + x->name_len + 1 <= size)
			memcpy(buf + n, x->name, x->name_len + 1);
		n += x->name_len + 1;
	}
	mutex_unlock(&i->lock);
	return size && n > size ? -ERANGE : (ssize_t)n;
}
