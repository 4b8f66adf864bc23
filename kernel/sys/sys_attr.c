/* SPDX-License-Identifier: MIT */
/* Changing what a file is: chmod, chown, the utime family, truncate, fallocate. */
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/utime.h>
#include <arch/uaccess.h>
#include <moat/inotify.h>
#include "sys_fs.h"

/* utimensat(2): values of tv_nsec that are no times. The UAPI headers leave them to the C library. */
#define UTIME_NOW  ((1l << 30) - 1)
#define UTIME_OMIT ((1l << 30) - 2)

#define NS_PER_SEC 1000000000l

/* The file that a descriptor names, with a reference; -EBADF, also for O_PATH, and for a stream without an inode. */
static int target_of_fd(int fd, struct user_target *out)
{
	struct file *f = sys_file(fd);

	if (!f)
		return -EBADF;
	user_target_get(out, f->inode, f->dentry);
	file_put(f);
	return out->inode ? 0 : -EBADF;
}

/* These take over t. Who watches is told what was changed. */
static s64 done(struct user_target *t, s64 err, u32 event)
{
	if (!err && event)
		notify_event(t->inode, t->dentry, event);
	user_target_put(t);
	return err;
}

static bool is_read_only(const struct user_target *t)
{
	return t->dentry && dentry_is_read_only(t->dentry);
}

static s64 change_mode(struct user_target *t, u32 mode)
{
	if (is_read_only(t))
		return done(t, -EROFS, 0);
	return done(t, inode_chmod(t->inode, sys_fs(), mode), IN_ATTRIB);
}

static s64 change_owner(struct user_target *t, u32 uid, u32 gid)
{
	if (is_read_only(t))
		return done(t, -EROFS, 0);
	return done(t, inode_chown(t->inode, sys_fs(), uid, gid),
		    uid == ID_KEEP && gid == ID_KEEP ? 0 : IN_ATTRIB);
}

/* A single time looks like what usually sets it. */
static s64 change_times(struct user_target *t, const struct time_change times[2])
{
	bool access = times[0].how != TIME_OMIT, change = times[1].how != TIME_OMIT;

	if (is_read_only(t))
		return done(t, -EROFS, 0);
	return done(t, inode_set_times(t->inode, sys_fs(), times),
		    access && change ? IN_ATTRIB
		    : access	     ? IN_ACCESS
				     : IN_MODIFY);
}

s64 sys_fchmodat2(int dirfd, const char __user *path, u32 mode, int flags)
{
	struct user_target t;
	s64 err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = sys_get_target(dirfd, path, fs_flags_from_at(flags), &t);
	if (err || !t.inode)
		return err;
	return change_mode(&t, mode);
}

s64 sys_fchmodat(int dirfd, const char __user *path, u32 mode)
{
	return sys_fchmodat2(dirfd, path, mode, 0);
}

s64 sys_chmod(const char __user *path, u32 mode)
{
	return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

s64 sys_fchmod(int fd, u32 mode)
{
	struct user_target t;
	s64 err = target_of_fd(fd, &t);

	if (err)
		return err;
	return change_mode(&t, mode);
}

s64 sys_fchownat(int dirfd, const char __user *path, u32 uid, u32 gid, int flags)
{
	struct user_target t;
	s64 err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = sys_get_target(dirfd, path, fs_flags_from_at(flags), &t);
	if (err || !t.inode)
		return err;
	return change_owner(&t, uid, gid);
}

s64 sys_chown(const char __user *path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

s64 sys_lchown(const char __user *path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

s64 sys_fchown(int fd, u32 uid, u32 gid)
{
	struct user_target t;
	s64 err = target_of_fd(fd, &t);

	if (err)
		return err;
	return change_owner(&t, uid, gid);
}

static const struct time_change both_now[2] = {{.how = TIME_NOW}, {.how = TIME_NOW}};

static s64 set_times_at(int dirfd, const char __user *path, u32 flags, const struct time_change times[2])
{
	struct user_target t;
	s64 err = sys_get_target(dirfd, path, flags, &t);

	if (err || !t.inode)
		return err;
	return change_times(&t, times);
}

static s64 set_times_fd(int fd, const struct time_change times[2])
{
	struct user_target t;
	s64 err = target_of_fd(fd, &t);

	if (err)
		return err;
	return change_times(&t, times);
}

/* One time of utimensat(2). */
static int decode_time(const struct __kernel_timespec *ts, struct time_change *out)
{
	*out = (struct time_change){.how = TIME_SET, .to = {ts->tv_sec, (u32)ts->tv_nsec}};
	if (ts->tv_nsec == UTIME_NOW)
		out->how = TIME_NOW;
	else if (ts->tv_nsec == UTIME_OMIT)
		out->how = TIME_OMIT;
	else if (ts->tv_nsec < 0 || ts->tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	return 0;
}

/* NULL means now, for both. */
static int get_times(const struct __kernel_timespec __user *from, struct time_change out[2])
{
	struct __kernel_timespec ts[2];
	int err;

	out[0] = both_now[0];
	out[1] = both_now[1];
	if (!from)
		return 0;
	if (copy_from_user(ts, from, sizeof(ts)))
		return -EFAULT;
	err = decode_time(&ts[0], &out[0]);
	return err ? err : decode_time(&ts[1], &out[1]);
}

s64 sys_utimensat(int dirfd, const char __user *path, const struct __kernel_timespec __user *times, int flags)
{
	struct time_change change[2];
	s64 err = get_times(times, change);

	/* With nothing to do not even the path is looked at. */
	if (!err && change[0].how == TIME_OMIT && change[1].how == TIME_OMIT)
		return 0;
	if (err == -EFAULT)
		return err;
	if (!err && (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		err = -EINVAL;
	if (err)
		return err;
	if (!path && dirfd != AT_FDCWD)
		return flags ? -EINVAL : set_times_fd(dirfd, change);
	return set_times_at(dirfd, path, fs_flags_from_at(flags), change);
}

/* The times of utimes(2), in microseconds. */
static int get_timevals(const void __user *from, struct time_change out[2])
{
	struct __kernel_old_timeval tv[2];

	out[0] = both_now[0];
	out[1] = both_now[1];
	if (!from)
		return 0;
	if (copy_from_user(tv, from, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		out[i] = (struct time_change){TIME_SET, {tv[i].tv_sec, (u32)tv[i].tv_usec * 1000}};
	}
	return 0;
}

s64 sys_futimesat(int dirfd, const char __user *path, const void __user *times)
{
	struct time_change change[2];
	s64 err = get_timevals(times, change);

	if (err)
		return err;
	if (!path && dirfd != AT_FDCWD)
		return set_times_fd(dirfd, change);
	return set_times_at(dirfd, path, FS_FOLLOW, change);
}

s64 sys_utimes(const char __user *path, const void __user *times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

s64 sys_utime(const char __user *path, const void __user *times)
{
	struct time_change change[2] = {both_now[0], both_now[1]};
	struct utimbuf buf;

	if (times) {
		if (copy_from_user(&buf, times, sizeof(buf)))
			return -EFAULT;
		change[0] = (struct time_change){TIME_SET, {buf.actime, 0}};
		change[1] = (struct time_change){TIME_SET, {buf.modtime, 0}};
	}
	return set_times_at(AT_FDCWD, path, FS_FOLLOW, change);
}

s64 sys_truncate(const char __user *path, s64 length)
{
	struct user_path p;
	s64 err;

	if (length < 0)
		return -EINVAL;
	err = user_path_get(&p, AT_FDCWD, path, FS_FOLLOW);
	if (err)
		return err;
	err = vfs_truncate(&p.at, length, sys_size_limit());
	user_path_put(&p);
	return sys_write_signal(err);
}

s64 sys_ftruncate(int fd, s64 length)
{
	struct file *f;
	s64 err;

	if (length < 0)
		return -EINVAL;
	f = sys_file(fd);
	if (!f)
		return -EBADF;
	err = vfs_ftruncate(f, length, sys_size_limit());
	file_put(f);
	return sys_write_signal(err);
}

s64 sys_fallocate(int fd, int mode, s64 offset, s64 len)
{
	struct file *f = sys_file(fd);
	s64 err;

	if (!f)
		return -EBADF;
	err = vfs_fallocate(f, (u32)mode, offset, len, sys_size_limit());
	file_put(f);
	return sys_write_signal(err);
}
