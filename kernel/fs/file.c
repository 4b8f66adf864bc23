/* SPDX-License-Identifier: MIT */
/*
 * Open file descriptions: what read, write, lseek and their relatives do before the file system or device
 * does its part. Rights, the offset, and the limits on a write are decided here, once for all kinds of files.
 *
 * Lock order: f->offset_lock, then inode->lock.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <moat/epoll.h>
#include <moat/heap.h>
#include <moat/owner.h>
#include "mount.h"
#include "notify.h"

struct file *file_create(const struct file_ops *ops, struct inode *inode, struct dentry *dentry, u32 flags,
			 void *private)
{
	struct file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	ref_init(&f->refs, 1);
	mutex_init(&f->offset_lock, RANK_FILE);
	f->ops = ops;
	f->flags = flags;
	f->inode = inode;
	f->dentry = dentry;
	f->private = private;
	return f;
}

void file_destroy(struct file *f)
{
	if (f->is_named)
		notify_file(f, file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (unlikely(!LIST_EMPTY(&f->watchers)))
		epoll_forget(f);
	if (unlikely(f->dnotify))
		dnotify_close(f, NULL);
	if (unlikely(f->owner))
		file_owner_end(f);
	if (f->inode)
		file_locks_release(f->inode, f);
	if (f->ops->release)
		f->ops->release(f);
	/* Counted by vfs_open, which is where files with a name come from. */
	if (f->dentry && file_writable(f) && inode_is(f->inode, S_IFREG)) {
		inode_end_write(f->inode);
		if (f->dentry->via)
			__atomic_fetch_sub(&f->dentry->via->writers, 1, __ATOMIC_RELAXED);
	}
	inode_put(f->inode);
	dentry_put(f->dentry);
	kfree(f);
}

void file_change_flags(struct file *f, u32 mask, u32 flags)
{
	u32 was = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(&f->flags, &was, (was & ~mask) | (flags & mask), false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* A transfer may not reach past the last offset there is. */
static bool area_is_valid(u64 offset, size_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

static int why_no_read(const struct file *f)
{
	return f->inode && inode_is_dir(f->inode) ? -EISDIR : -EINVAL;
}

static ssize_t read_at(struct file *f, struct uio *u, u64 *offset)
{
	return area_is_valid(*offset, u->left) ? f->ops->read(f, u, offset) : -EINVAL;
}

/* At *offset, or at the description's own. */
static __noinline ssize_t read_somewhere(struct file *f, struct uio *u, u64 *offset)
{
	ssize_t n;

	if (offset)
		return read_at(f, u, offset);
	mutex_lock(&f->offset_lock);
	n = read_at(f, u, &f->offset);
	mutex_unlock(&f->offset_lock);
	return n;
}

static ssize_t read_file(struct file *f, struct uio *u, u64 *offset)
{
	if (offset && (!f->ops->seek || f->ops->no_pread))
		return -ESPIPE;
	if (!file_readable(f))
		return -EBADF;
	if (!f->ops->read)
		return why_no_read(f);
	return file_has_offset(f) ? read_somewhere(f, u, offset) : f->ops->read(f, u, NULL);
}

ssize_t vfs_read(struct file *f, struct uio *u, u64 *offset)
{
	ssize_t n = read_file(f, u, offset);

	if (n > 0)
		notify_file(f, IN_ACCESS);
	return n;
}

/* setuid(2) bits do not survive that somebody without the right writes to the program. inode->lock held. */
static void drop_setid(struct inode *i)
{
	if (i->mode & S_IXGRP)
		i->mode &= ~(u32)S_ISGID;
	i->mode &= ~(u32)S_ISUID;
}

/* A write to a file that memory holds: its inode is locked from the choice of the offset on. */
static ssize_t write_regular(struct file *f, struct uio *u, u64 *offset, struct write_rights rights)
{
	struct inode *i = f->inode;
	ssize_t n = -EFBIG;

	if (u->left == 0)
		return 0;
	mutex_lock(&i->lock);
	if (f->flags & O_APPEND)
		*offset = i->object->size_bytes;
	if (*offset < rights.size_limit_bytes && *offset < INT64_MAX) {
		u->left = MIN(u->left, MIN(rights.size_limit_bytes, (u64)INT64_MAX) - *offset);
		if (!rights.keep_setid)
			drop_setid(i);
		n = f->ops->write(f, u, offset);
	}
	mutex_unlock(&i->lock);
	return n;
}

static ssize_t write_at(struct file *f, struct uio *u, u64 *offset, struct write_rights rights)
{
	if (!area_is_valid(*offset, u->left))
		return -EINVAL;
	if (f->inode && f->inode->object)
		return write_regular(f, u, offset, rights);
	return f->ops->write(f, u, offset);
}

static __noinline ssize_t write_somewhere(struct file *f, struct uio *u, u64 *offset,
					  struct write_rights rights)
{
	ssize_t n;

	if (offset)
		return write_at(f, u, offset, rights);
	mutex_lock(&f->offset_lock);
	n = write_at(f, u, &f->offset, rights);
	mutex_unlock(&f->offset_lock);
	return n;
}

static ssize_t write_file(struct file *f, struct uio *u, u64 *offset, struct write_rights rights)
{
	if (offset && (!f->ops->seek || f->ops->no_pread))
		return -ESPIPE;
	if (!file_writable(f))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	return file_has_offset(f) ? write_somewhere(f, u, offset, rights) : f->ops->write(f, u, NULL);
}

ssize_t vfs_write(struct file *f, struct uio *u, u64 *offset, struct write_rights rights)
{
	ssize_t n = write_file(f, u, offset, rights);

	if (n > 0)
		notify_file(f, IN_MODIFY);
	return n;
}

ssize_t vfs_pread(struct file *f, void *buf, size_t len, u64 offset)
{
	struct uio u;

	uio_init_kernel(&u, buf, len);
	return vfs_read(f, &u, &offset);
}

s64 vfs_seek(struct file *f, s64 offset, int whence)
{
	s64 at;

	if (whence < SEEK_SET || whence > SEEK_MAX)
		return -EINVAL;
	if (!f->ops->seek)
		return -ESPIPE;
	mutex_lock(&f->offset_lock);
	at = f->ops->seek(f, offset, whence);
	mutex_unlock(&f->offset_lock);
	return at;
}

s64 file_seek_sized(struct file *f, s64 offset, int whence, u64 size)
{
	s64 base = whence == SEEK_CUR ? (s64)f->offset : whence == SEEK_END ? (s64)size : 0;

	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		return -EINVAL;
	if (__builtin_add_overflow(base, offset, &offset) || offset < 0)
		return -EINVAL;
	f->offset = (u64)offset;
	return offset;
}

s64 file_seek_null(struct file *f, s64 offset, int whence)
{
	(void)offset;
	(void)whence;
	f->offset = 0;
	return 0;
}

int vfs_ioctl(struct file *f, unsigned cmd, u64 arg)
{
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

int vfs_iterate(struct file *f, struct dir_emit *e)
{
	int err;

	if (!f->ops->iterate)
		return -ENOTDIR;
	mutex_lock(&f->offset_lock);
	err = f->ops->iterate(f, e);
	mutex_unlock(&f->offset_lock);
	if (!err)
		notify_file(f, IN_ACCESS);
	return err;
}

int vfs_fsync(struct file *f)
{
	return f->ops->fsync ? f->ops->fsync(f) : -EINVAL;
}

int vfs_syncfs(struct file *f)
{
	struct super *s = f->inode ? f->inode->super : NULL;

	return s && s->ops->sync ? s->ops->sync(s) : 0;
}

unsigned vfs_poll(struct file *f, struct poll_table *t)
{
	return f->ops->poll ? f->ops->poll(f, t) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

bool vfs_is_nosuid(const struct file *f)
{
	return f->dentry && (dentry_mount_flags(f->dentry) & MOUNT_NOSUID);
}

bool vfs_is_noexec(const struct file *f)
{
	return f->dentry && (dentry_mount_flags(f->dentry) & MOUNT_NOEXEC);
}

bool vfs_is_mappable_to(const struct file *f, u64 offset, u64 len)
{
	const struct inode *i = f->inode;
	bool is_signed = i && (inode_is(i, S_IFREG) || inode_is(i, S_IFBLK) || inode_is(i, S_IFSOCK));
	u64 max = is_signed ? INT64_MAX : UINT64_MAX;

	return len <= max && offset <= max - len;
}

struct mobj *vfs_object(struct file *f, int *err)
{
	*err = -ENODEV;
	return f->ops->map ? f->ops->map(f, err) : NULL;
}
