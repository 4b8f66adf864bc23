/* SPDX-License-Identifier: MIT */
/*
 * open(2), in three steps: find (or make) the name, check that it may be opened this way, make the
 * description.
 *
 * The order of errors is Linux's. A file that open made itself is not checked for permission: its mode counts
 * for the next one.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include "devfs.h"
#include "mount.h"
#include "notify.h"
#include "names.h"
#include "readdir.h"

#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

struct opening {
	struct fs_at at;
	u32 flags, mode;
	struct dentry *dentry; /* found or made, with a reference */
	bool created;
};

/* The rights that the access mode asks for; mode 3 asks for both and gives neither. */
static unsigned rights_wanted(u32 flags)
{
	static const u8 by_mode[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};

	if (flags & OPEN_FOR_EXEC)
		return MAY_EXEC;
	return by_mode[flags & O_ACCMODE] | (flags & O_TRUNC ? (unsigned)MAY_WRITE : 0);
}

/* Flags that contradict each other; those that mean nothing with O_PATH are dropped. */
static int check_flags(u32 *flags)
{
	*flags &= ~OPEN_FOR_EXEC;
	if (*flags & O_PATH)
		*flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
	if ((*flags & O_DIRECTORY) && (*flags & O_CREAT))
		return -EINVAL;
	if ((*flags & TMPFILE_BIT) && (!(*flags & O_DIRECTORY) || !(rights_wanted(*flags) & MAY_WRITE)))
		return -EINVAL;
	return 0;
}

/* What is already there. */
static int find(struct opening *o)
{
	if (!(o->flags & O_NOFOLLOW))
		o->at.flags |= FS_FOLLOW;
	return vfs_lookup(&o->at, &o->dentry);
}

/* What was found, as it is seen where it was looked for: o->dentry gets a reference. Tree lock held. */
static int take_found(struct opening *o, struct mount *via, struct dentry *d)
{
	if (likely(!via)) {
		dentry_get(d);
		o->dentry = d;
		return 0;
	}
	o->dentry = dentry_alias(via, d);
	return o->dentry ? 0 : -ENOMEM;
}

/* The name is free: makes a regular file. Tree lock held for writing. */
static int create_at(struct opening *o, const struct walk *w)
{
	struct inode_seed seed;
	struct dentry *made;
	int err = w->read_only ? -EROFS : may_create(&o->at, w->parent);

	if (err)
		return err;
	seed_init(&seed, &o->at, w->parent, S_IFREG | o->mode);
	o->created = true;
	err = name_create(w->parent, w->name, w->name_len, &seed, &made);
	return err ? err : take_found(o, w->via, made);
}

/* A name that exists, met with O_CREAT. */
static int check_existing(const struct opening *o, const struct dentry *d)
{
	if (o->flags & O_EXCL)
		return -EEXIST;
	return d->dir ? -EISDIR : 0;
}

static int find_or_create_locked(struct opening *o, struct walk *w)
{
	struct dentry *seen;
	int err = walk_path(&o->at, w);

	if (err)
		return err;
	if (!w->found) {
		w->via = w->parent->via;
		w->read_only = dentry_mount_flags(w->parent) & MOUNT_RDONLY;
		w->parent = dentry_real(w->parent);
		return create_at(o, w);
	}
	seen = dentry_uncover(w->found);
	err = check_existing(o, seen);
	if (err)
		return err;
	dentry_get(seen);
	o->dentry = seen;
	return 0;
}

static int find_or_create(struct opening *o)
{
	struct walk w = {0};
	int err;

	o->at.flags |= FS_CREATE;
	if (!(o->flags & (O_NOFOLLOW | O_EXCL)))
		o->at.flags |= FS_FOLLOW;
	do {
		rwlock_write(&fs_tree_lock);
		err = find_or_create_locked(o, &w);
		rwlock_write_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	return err;
}

/* O_TMPFILE: a file in the directory's file system that has no name. Tree lock held. */
static int create_unnamed(struct opening *o, struct dentry *dir)
{
	struct inode_seed seed;
	struct inode *inode;
	struct dentry *d;
	int err = -ENOTDIR;

	const struct super_ops *ops;
	struct mount *via = dir->via;

	if (dir->dir)
		err = dentry_mount_flags(dir) & MOUNT_RDONLY
			      ? -EROFS
			      : inode_permission(dir->inode, o->at.uid, o->at.gid, MAY_WRITE | MAY_EXEC);
	dir = dentry_real(dir);
	if (err)
		return err;
	ops = dir->inode->super->ops;
	seed_init(&seed, &o->at, dir, S_IFREG | o->mode);
	err = ops->make && !ops->unnamed ? -EOPNOTSUPP : super_create_inode(dir->inode->super, &seed, &inode);
	if (err)
		return err;
	err = ops->unnamed ? ops->unnamed(dir, inode, &seed) : 0;
	if (err) {
		inode_put(inode);
		return err;
	}
	d = dentry_create(inode, "#", 1);
	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	inode->linkable = !(o->flags & O_EXCL);
	dentry_get(dir);
	d->parent = dir;
	o->created = true;
	err = take_found(o, via, d);
	dentry_put(d);
	return err;
}

static int make_tmpfile(struct opening *o)
{
	struct walk w = {0};
	int err;

	o->at.flags |= FS_FOLLOW;
	do {
		rwlock_read(&fs_tree_lock);
		err = walk_existing(&o->at, &w);
		if (!err)
			err = create_unnamed(o, w.found);
		rwlock_read_done(&fs_tree_lock);
	} while (walk_again(&w, &err));
	walk_done(&w);
	return err;
}

/* May this inode be opened with these flags? */
static int may_open(const struct opening *o)
{
	const struct inode *i = o->dentry->inode;
	unsigned rights = rights_wanted(o->flags);
	u64 mounted = dentry_mount_flags(o->dentry);
	int err;

	if ((o->flags & O_DIRECTORY) && !(o->flags & TMPFILE_BIT) && !inode_is_dir(i))
		return -ENOTDIR;
	if (o->flags & O_PATH)
		return 0;
	if ((inode_is(i, S_IFCHR) || inode_is(i, S_IFBLK)) && (mounted & MOUNT_NODEV))
		return -EACCES;
	if ((rights & MAY_EXEC) && inode_is(i, S_IFREG) && (mounted & MOUNT_NOEXEC))
		return -EACCES;
	if (inode_is(i, S_IFLNK))
		return -ELOOP;
	/* Before opening does anything: a FIFO waits for its other end. */
	if ((o->flags & OPEN_FOR_EXEC) && !inode_is(i, S_IFREG))
		return -EACCES;
	if (inode_is_dir(i) && (rights & MAY_WRITE))
		return -EISDIR;
	if ((rights & MAY_WRITE) && inode_is(i, S_IFREG) && (mounted & MOUNT_RDONLY))
		return -EROFS;
	err = o->created ? 0 : inode_permission(i, o->at.uid, o->at.gid, rights);
	if (err)
		return err;
	if ((o->flags & O_NOATIME) && o->at.uid != i->uid && !fs_capable(CAP_FOWNER, o->at.uid))
		return -EPERM;
	return (o->flags & O_DIRECT) && !inode_is(i, S_IFREG) ? -EINVAL : 0;
}

/* A description that only says where (O_PATH) does nothing. */
static const struct file_ops path_ops;

/* What lies behind an inode. Sockets by name, and block devices, are not there. */
static int find_ops(const struct inode *i, const struct file_ops **ops, void **private)
{
	const struct chardev *dev;

	*private = i->private;
	*ops = i->file_ops;
	if (i->file_ops)
		return 0;
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		*ops = &dir_file_ops;
		return 0;
	case S_IFCHR:
		dev = chardev_find(i->rdev);
		if (!dev)
			break;
		*ops = dev->ops;
		*private = dev->private;
		return 0;
	case S_IFIFO:
		*ops = fifo_file_ops;
		*private = NULL;
		return 0;
	default:
		break;
	}
	return -ENXIO;
}

/* The flags that F_GETFL shows: those that only opening was about are gone. */
static u32 flags_kept(u32 flags)
{
	if (flags & O_PATH)
		return flags;
	return (flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | OPEN_FOR_EXEC)) |
	       O_LARGEFILE;
}

static bool truncates(const struct opening *o, const struct file *f)
{
	return (o->flags & O_TRUNC) && !o->created && inode_is(f->inode, S_IFREG);
}

/* Truncation, and what the kind of file does when it is opened. f is complete. */
static int finish_open(const struct opening *o, struct file *f)
{
	int err = 0;

	if (truncates(o, f))
		err = inode_truncate(f->inode, 0, UINT64_MAX);
	if (err || !f->ops->open)
		return err;
	f->flags |= o->flags & O_NOCTTY; /* while it is being opened */
	err = f->ops->open(f);
	f->flags &= ~(u32)O_NOCTTY;
	return err;
}

static void tell_of_open(const struct opening *o, struct file *f)
{
	f->is_named = true;
	notify_file(f, IN_OPEN);
	if (truncates(o, f))
		notify_file(f, IN_MODIFY);
}

/* Makes the description for o->dentry, whose reference it takes over on success. */
static int make_file(const struct opening *o, struct file **out)
{
	struct inode *i = o->dentry->inode;
	const struct file_ops *ops;
	void *private;
	u32 flags = flags_kept(o->flags);
	bool path_only = flags & O_PATH, counts = inode_is(i, S_IFREG) && ((flags + 1) & 2) && !path_only;
	int err = find_ops(i, &ops, &private);

	if (path_only) {
		ops = &path_ops;
		private = NULL;
	} else if (err) {
		return err;
	}
	/* O_TRUNC alone writes too, but only now. */
	if (counts || (inode_is(i, S_IFREG) && (o->flags & O_TRUNC))) {
		err = inode_begin_write(i);
		if (err)
			return err;
		if (!counts)
			inode_end_write(i);
	}
	*out = file_create(ops, i, o->dentry, flags, private);
	if (!*out) {
		if (counts)
			inode_end_write(i);
		return -ENOMEM;
	}
	inode_get(i);
	if (counts && o->dentry->via)
		__atomic_fetch_add(&o->dentry->via->writers, 1, __ATOMIC_RELAXED);
	(*out)->is_created = o->created && !(o->flags & TMPFILE_BIT);
	err = path_only ? 0 : finish_open(o, *out);
	if (err) {
		dentry_get(o->dentry); /* the caller puts its own */
		file_put(*out);
		return err;
	}
	if (!path_only)
		tell_of_open(o, *out);
	return 0;
}

/* The name is found or made: the rest. */
static int open_found(struct opening *o, struct file **out)
{
	int err = may_open(o);

	if (!err)
		err = make_file(o, out);
	if (err)
		dentry_put(o->dentry);
	return err;
}

int vfs_open_at(const struct fs_at *at, u32 flags, struct file **out)
{
	struct opening o = {.at = *at, .flags = flags};
	int err = find(&o);

	return err ? err : open_found(&o, out);
}

int vfs_open(struct fs_context *c, struct dentry *base, const char *path, u32 flags, u32 mode,
	     struct file **out)
{
	struct fs_at at = fs_at(c, base, path, 0);

	return vfs_open_how(&at, flags, mode, out);
}

int vfs_open_how(const struct fs_at *at, u32 flags, u32 mode, struct file **out)
{
	struct opening o = {.at = *at, .mode = mode & 07777};
	int err = check_flags(&flags);

	if (err)
		return err;
	o.flags = flags;
	if (flags & TMPFILE_BIT)
		err = make_tmpfile(&o);
	else if (flags & O_CREAT)
		err = find_or_create(&o);
	else
		err = find(&o);
	return err ? err : open_found(&o, out);
}
