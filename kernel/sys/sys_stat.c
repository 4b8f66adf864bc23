/* SPDX-License-Identifier: MIT */
/* What a file is: stat(2), statx(2), statfs(2), access(2). */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/mount.h>
#include <arch/uaccess.h>
#include "sys_fs.h"

/* A device number as stat(2) shows it (makedev(3)). */
static u32 encode_dev(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static s64 put_stat(const struct file_attr *a, void __user *to)
{
	struct stat st = {
		.st_dev = encode_dev(a->dev),
		.st_ino = a->ino,
		.st_nlink = a->nlink,
		.st_mode = a->mode,
		.st_uid = a->uid,
		.st_gid = a->gid,
		.st_rdev = encode_dev(a->rdev),
		.st_size = (s64)a->size_bytes,
		.st_blksize = a->blksize,
		.st_blocks = (s64)a->blocks,
		.st_atime = (u64)a->atime.sec,
		.st_atime_nsec = a->atime.nsec,
		.st_mtime = (u64)a->mtime.sec,
		.st_mtime_nsec = a->mtime.nsec,
		.st_ctime = (u64)a->ctime.sec,
		.st_ctime_nsec = a->ctime.nsec,
	};

	return copy_to_user(to, &st, sizeof(st)) ? -EFAULT : 0;
}

/* Attributes of what a path leads to. Linux 6.11 and later take NULL for an empty path. */
static __always_inline int attr_at(int dirfd, const char __user *path, int at_flags, struct file_attr *out)
{
	struct inode *i = NULL;
	struct file *f;
	int err;

	if (!path && (at_flags & AT_EMPTY_PATH) && dirfd != AT_FDCWD) {
		f = fd_get_path(current_thread()->files, dirfd);
		if (!f)
			return -EBADF;
		inode_attr(f->inode, out);
		file_put(f);
		return 0;
	}
	err = sys_get_inode(dirfd, path, fs_flags_from_at(at_flags), &i);
	if (err)
		return err;
	inode_attr(i, out);
	inode_put(i);
	return 0;
}

s64 sys_newfstatat(int dirfd, const char __user *path, void __user *statbuf, int flags)
{
	struct file_attr attr;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	err = attr_at(dirfd, path, flags, &attr);
	return err ? err : put_stat(&attr, statbuf);
}

s64 sys_stat(const char __user *path, void __user *statbuf)
{
	return sys_newfstatat(AT_FDCWD, path, statbuf, 0);
}

s64 sys_lstat(const char __user *path, void __user *statbuf)
{
	return sys_newfstatat(AT_FDCWD, path, statbuf, AT_SYMLINK_NOFOLLOW);
}

s64 sys_fstat(int fd, void __user *statbuf)
{
	struct file *f = fd_get_path(current_thread()->files, fd);
	struct file_attr attr;

	if (!f)
		return -EBADF;
	inode_attr(f->inode, &attr);
	file_put(f);
	return put_stat(&attr, statbuf);
}

static struct statx_timestamp statx_time(struct timestamp t)
{
	return (struct statx_timestamp){.tv_sec = t.sec, .tv_nsec = t.nsec};
}

/* Linux's names for the newer bits of statx(2). */
#define MNT_ID		0x1000u
#define MNT_ID_UNIQUE	0x4000u
#define ATTR_AUTOMOUNT	0x1000u
#define ATTR_MOUNT_ROOT 0x2000u
#define UNIQUE_FROM	(1ull << 31) /* so that it is no number of the old kind */

/* Where it was found; mask: what was asked for. */
static void fill_mount(struct statx *x, const struct dentry *d, u32 mask)
{
	bool is_root;

	x->stx_attributes_mask = ATTR_AUTOMOUNT | ATTR_MOUNT_ROOT;
	if (!d)
		return;
	x->stx_mnt_id = dentry_mount_id(d, &is_root);
	if (is_root)
		x->stx_attributes |= ATTR_MOUNT_ROOT;
	if (mask & MNT_ID_UNIQUE)
		x->stx_mnt_id += UNIQUE_FROM;
	x->stx_mask |= mask & MNT_ID_UNIQUE ? MNT_ID_UNIQUE : MNT_ID;
}

static s64 put_statx(const struct file_attr *a, const struct dentry *d, u32 mask, void __user *to)
{
	struct statx x = {
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME,
		.stx_blksize = a->blksize,
		.stx_nlink = a->nlink,
		.stx_uid = a->uid,
		.stx_gid = a->gid,
		.stx_mode = (u16)a->mode,
		.stx_ino = a->ino,
		.stx_size = a->size_bytes,
		.stx_blocks = a->blocks,
		.stx_atime = statx_time(a->atime),
		.stx_btime = statx_time(a->btime),
		.stx_ctime = statx_time(a->ctime),
		.stx_mtime = statx_time(a->mtime),
		.stx_rdev_major = a->rdev >> 20,
		.stx_rdev_minor = a->rdev & 0xfffff,
		.stx_dev_major = a->dev >> 20,
		.stx_dev_minor = a->dev & 0xfffff,
	};

	fill_mount(&x, d, mask);
	return copy_to_user(to, &x, sizeof(x)) ? -EFAULT : 0;
}

static int statx_target(int dirfd, const char __user *path, int at_flags, struct user_target *out)
{
	struct file *f;

	if (path || !(at_flags & AT_EMPTY_PATH) || dirfd == AT_FDCWD)
		return sys_get_target(dirfd, path, fs_flags_from_at(at_flags), out);
	f = fd_get_path(current_thread()->files, dirfd);
	if (!f)
		return -EBADF;
	user_target_get(out, f->inode, f->dentry);
	file_put(f);
	return 0;
}

s64 sys_statx(int dirfd, const char __user *path, int flags, u32 mask, void __user *statxbuf)
{
	struct user_target t;
	struct file_attr attr;
	s64 err;

	if ((mask & STATX__RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	err = statx_target(dirfd, path, flags, &t);
	if (err)
		return err;
	inode_attr(t.inode, &attr);
	err = put_statx(&attr, t.dentry, mask, statxbuf);
	user_target_put(&t);
	return err;
}

/* ST_RDONLY, ST_NOSUID… have the numbers of MS_*, but that MS_RELATIME has another one and is what there is without the others. */
static u64 shown_flags(u64 mounted)
{
	return mounted & ~(u64)MS_STRICTATIME;
}

static s64 put_statfs(const struct inode *i, const struct dentry *d, void __user *to)
{
	struct fs_facts facts;
	struct statfs st;

	inode_fs_facts(i, &facts);
	st = (struct statfs){
		.f_type = (s64)facts.magic,
		.f_bsize = facts.block_size,
		.f_blocks = (s64)facts.blocks,
		.f_bfree = (s64)facts.blocks_free,
		.f_bavail = (s64)(facts.blocks_free - facts.blocks_kept),
		.f_files = (s64)facts.files,
		.f_ffree = (s64)facts.files_free,
		.f_fsid = {{(int)facts.fsid[0], (int)facts.fsid[1]}},
		.f_namelen = facts.name_max,
		.f_frsize = facts.block_size,
		.f_flags = (s64)(facts.flags | (d ? shown_flags(dentry_mount_flags(d)) : 0)),
	};
	return copy_to_user(to, &st, sizeof(st)) ? -EFAULT : 0;
}

s64 sys_statfs(const char __user *path, void __user *buf)
{
	struct user_target t;
	s64 err = sys_get_target(AT_FDCWD, path, FS_FOLLOW, &t);

	if (err)
		return err;
	err = put_statfs(t.inode, t.dentry, buf);
	user_target_put(&t);
	return err;
}

s64 sys_fstatfs(int fd, void __user *buf)
{
	struct file *f = fd_get_path(current_thread()->files, fd);
	s64 err;

	if (!f)
		return -EBADF;
	err = put_statfs(f->inode, f->dentry, buf);
	file_put(f);
	return err;
}

static int may_access(const struct user_target *t, const struct fs_at *at, unsigned may)
{
	u64 mounted = t->dentry ? dentry_mount_flags(t->dentry) : 0;
	struct file_attr attr;
	int err;

	inode_attr(t->inode, &attr);
	if ((may & MAY_EXEC) && S_ISREG(attr.mode) && (mounted & MS_NOEXEC))
		return -EACCES;
	err = inode_permission(t->inode, at->uid, at->gid, may);
	if (!err && (may & MAY_WRITE) && (mounted & MS_RDONLY) &&
	    (S_ISREG(attr.mode) || S_ISDIR(attr.mode) || S_ISLNK(attr.mode)))
		err = -EROFS;
	return err;
}

/* access(2) asks for the real user, unless AT_EACCESS says otherwise. */
s64 sys_faccessat2(int dirfd, const char __user *path, int mode, int flags)
{
	struct user_path p;
	struct user_target t;
	s64 err;

	if ((mode & ~(MAY_READ | MAY_WRITE | MAY_EXEC)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	err = user_path_get(&p, dirfd, path, fs_flags_from_at(flags & ~AT_EACCESS));
	if (err)
		return err;
	if (!(flags & AT_EACCESS)) {
		p.at.uid = current_cred()->uid;
		p.at.gid = current_cred()->gid;
	}
	current_thread()->asks_as_real_user = !(flags & AT_EACCESS);
	err = user_path_target(&p, &t);
	if (!err) {
		err = t.inode ? may_access(&t, &p.at, (unsigned)mode) : 0;
		user_target_put(&t);
	}
	current_thread()->asks_as_real_user = false;
	user_path_put(&p);
	return err;
}

s64 sys_faccessat(int dirfd, const char __user *path, int mode)
{
	return sys_faccessat2(dirfd, path, mode, 0);
}

s64 sys_access(const char __user *path, int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}
