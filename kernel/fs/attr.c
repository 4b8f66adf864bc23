/* SPDX-License-Identifier: MIT */
/*
 * Changing what an inode says of itself: chmod, chown, utimensat, truncate, fallocate. Each checks under no
 * lock what cannot change, and changes under inode->lock.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include "mount.h"
#include "memfd.h"
#include "notify.h"

static bool is_owner(const struct inode *i, const struct fs_context *c)
{
	u32 uid = fs_ids(c).uid;

	return uid == i->uid || fs_capable(CAP_FOWNER, uid);
}

/* First where the file is kept, if that is elsewhere. inode->lock held. */
static int change_below(struct inode *i, const struct inode_change *c)
{
	if (inode_is_read_only(i))
		return -EROFS;
	return i->ops && i->ops->change ? i->ops->change(i, c) : 0;
}

int inode_chmod(struct inode *i, const struct fs_context *c, u32 mode)
{
	struct fs_ids me = fs_ids(c);
	int err;

	if (!is_owner(i, c))
		return -EPERM;
	if (inode_is(i, S_IFLNK))
		return -EOPNOTSUPP;
	mode &= 07777;
	if (!fs_in_group(i->gid, me.gid) && !fs_capable(CAP_FSETID, me.uid))
		mode &= ~(u32)S_ISGID;
	mutex_lock(&i->lock);
	err = memfd_check_mode(i, mode);
	if (!err)
		err = change_below(i, &(struct inode_change){.what = CHANGE_MODE, .mode = mode});
	if (!err) {
		i->mode = (i->mode & S_IFMT) | mode;
		inode_touch_locked(i, TOUCH_CHANGE);
	}
	mutex_unlock(&i->lock);
	return err;
}

/* A user may keep the owner, and choose the group among its own. */
static bool may_chown(const struct inode *i, const struct fs_context *c, u32 uid, u32 gid)
{
	struct fs_ids me = fs_ids(c);

	if (fs_capable(CAP_CHOWN, me.uid))
		return true;
	if (uid != ID_KEEP && (me.uid != i->uid || uid != i->uid))
		return false;
	return gid == ID_KEEP || (me.uid == i->uid && (gid == i->gid || fs_in_group(gid, me.gid)));
}

static int chown_below(struct inode *i, u32 uid, u32 gid)
{
	struct inode_change c = {.uid = uid, .gid = gid};

	c.what = (uid != ID_KEEP ? CHANGE_UID : 0) | (gid != ID_KEEP ? CHANGE_GID : 0);
	return c.what ? change_below(i, &c) : 0;
}

int inode_chown(struct inode *i, const struct fs_context *c, u32 uid, u32 gid)
{
	int err;

	if (!may_chown(i, c, uid, gid))
		return -EPERM;
	mutex_lock(&i->lock);
	err = chown_below(i, uid, gid);
	if (err) {
		mutex_unlock(&i->lock);
		return err;
	}
	if (uid != ID_KEEP)
		i->uid = uid;
	if (gid != ID_KEEP)
		i->gid = gid;
	if (!inode_is_dir(i) && !inode_is(i, S_IFLNK)) {
		if (i->mode & S_IXGRP)
			i->mode &= ~(u32)S_ISGID;
		i->mode &= ~(u32)S_ISUID;
	}
	inode_touch_locked(i, TOUCH_CHANGE);
	mutex_unlock(&i->lock);
	return 0;
}

static void change_time(struct timestamp *t, const struct time_change *change, struct timestamp now)
{
	if (change->how == TIME_NOW)
		*t = now;
	else if (change->how == TIME_SET)
		*t = change->to;
}

static int times_below(struct inode *i, const struct time_change times[2])
{
	struct inode_change c = {.atime = times[0].to, .mtime = times[1].to};

	if (times[0].how != TIME_OMIT)
		c.what |= CHANGE_ATIME | (times[0].how == TIME_SET ? CHANGE_ATIME_SET : 0);
	if (times[1].how != TIME_OMIT)
		c.what |= CHANGE_MTIME | (times[1].how == TIME_SET ? CHANGE_MTIME_SET : 0);
	return c.what ? change_below(i, &c) : 0;
}

int inode_set_times(struct inode *i, const struct fs_context *c, const struct time_change times[2])
{
	struct timestamp now = timestamp_now();
	bool both_now = times[0].how == TIME_NOW && times[1].how == TIME_NOW;
	struct fs_ids me = fs_ids(c);
	int err;

	if (!is_owner(i, c)) {
		/* Who may write may say that it was just written. */
		err = both_now ? inode_permission(i, me.uid, me.gid, MAY_WRITE) : -EPERM;

		if (err)
			return err;
	}
	mutex_lock(&i->lock);
	err = times_below(i, times);
	if (!err) {
		change_time(&i->atime, &times[0], now);
		change_time(&i->mtime, &times[1], now);
		i->ctime = now;
	}
	mutex_unlock(&i->lock);
	return err;
}

/* Is there a size to set at all? */
static int check_resizable(const struct inode *i)
{
	if (inode_is_dir(i))
		return -EISDIR;
	return i->ops && i->ops->resize ? 0 : -EINVAL;
}

int inode_truncate(struct inode *i, s64 size, u64 limit_bytes)
{
	int err = size < 0 ? -EINVAL : check_resizable(i);

	if (err)
		return err;
	mutex_lock(&i->lock);
	if ((u64)size > limit_bytes && i->object && (u64)size > i->object->size_bytes)
		err = -EFBIG;
	else
		err = i->ops->resize(i, (u64)size);
	if (!err)
		inode_touch_locked(i, TOUCH_WRITE);
	mutex_unlock(&i->lock);
	return err;
}

/* truncate(2) of an inode that a path led to. */
static int truncate_named(const struct fs_at *at, const struct dentry *d, s64 size, u64 limit_bytes)
{
	struct inode *i = d->inode;
	int err = check_resizable(i);

	if (!err && (dentry_mount_flags(d) & MOUNT_RDONLY))
		err = -EROFS;
	if (!err)
		err = inode_permission(i, at->uid, at->gid, MAY_WRITE);
	if (!err)
		err = inode_begin_write(i);
	if (err)
		return err;
	err = inode_truncate(i, size, limit_bytes);
	inode_end_write(i);
	return err;
}

int vfs_truncate(const struct fs_at *at, s64 size, u64 limit_bytes)
{
	struct dentry *d;
	int err;

	if (size < 0)
		return -EINVAL;
	err = vfs_lookup(at, &d);
	if (err)
		return err;
	err = truncate_named(at, d, size, limit_bytes);
	if (!err)
		notify_event(d->inode, d, IN_MODIFY);
	dentry_put(d);
	return err;
}

int vfs_ftruncate(struct file *f, s64 size, u64 limit_bytes)
{
	int err;

	if (size < 0 || !f->inode || !inode_is(f->inode, S_IFREG) || !file_writable(f))
		return -EINVAL;
	err = inode_truncate(f->inode, size, limit_bytes);
	if (!err)
		notify_file(f, IN_MODIFY);
	return err;
}

/* Which modes mean something at all, whatever the file system can do. */
static int check_allocate_mode(u32 mode)
{
	const u32 known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
			  FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;

	if (mode & ~known)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	return 0;
}

/* What kind of file can be allocated for. */
static int check_allocate_file(const struct file *f)
{
	if (!file_writable(f))
		return -EBADF;
	if (!f->inode || inode_is(f->inode, S_IFIFO))
		return -ESPIPE;
	if (inode_is_dir(f->inode))
		return -EISDIR;
	if (!inode_is(f->inode, S_IFREG))
		return -ENODEV;
	return f->inode->ops && f->inode->ops->allocate ? 0 : -EOPNOTSUPP;
}

int vfs_fallocate(struct file *f, u32 mode, s64 offset, s64 len, u64 limit_bytes)
{
	struct range bytes;
	int err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	err = check_allocate_mode(mode);
	if (!err)
		err = check_allocate_file(f);
	if (err)
		return err;
	if (!range_make((u64)offset, (u64)len, &bytes) || bytes.end > INT64_MAX)
		return -EFBIG;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && bytes.end > limit_bytes)
		return -EFBIG;
	mutex_lock(&f->inode->lock);
	err = f->inode->ops->allocate(f->inode, mode, bytes);
	mutex_unlock(&f->inode->lock);
	if (!err)
		notify_file(f, IN_MODIFY);
	return err;
}
