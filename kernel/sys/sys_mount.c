/* SPDX-License-Identifier: MIT */
/* mount(2) and umount2(2): their strings and flags. */
#include <linux/limits.h>
#include <linux/mount.h>
#include <moat/heap.h>
#include "sys_fs.h"

/* Of umount2(2): the C library has them, the kernel's headers do not. */
#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

#define MAGIC	   0xC0ED0000ul /* what very old programs put there */
#define MAGIC_MASK 0xffff0000ul
#define KNOWN                                                                                                \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_REMOUNT | MS_MANDLOCK |          \
	 MS_DIRSYNC | MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_BIND | MS_MOVE | MS_REC | MS_SILENT | \
	 MS_POSIXACL | MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_RELATIME | MS_KERNMOUNT |      \
	 MS_I_VERSION | MS_STRICTATIME | MS_LAZYTIME)

/* A string that may be missing. */
static s64 get_string(const char __user *from, char **out)
{
	*out = NULL;
	return from ? sys_get_path_or_empty(from, out) : 0;
}

s64 sys_mount(const char __user *source, const char __user *target, const char __user *type, u64 flags,
	      const char __user *data)
{
	struct mount_request r = {.flags = flags};
	char *from = NULL, *kind = NULL, *options = NULL;
	struct user_path p;
	s64 err;

	if ((flags & MAGIC_MASK) == MAGIC)
		r.flags &= ~MAGIC_MASK;
	err = get_string(type, &kind);
	if (err)
		return err;
	err = get_string(source, &from);
	if (!err)
		err = get_string(data, &options);
	if (!err)
		err = user_path_get(&p, AT_FDCWD, target, FS_FOLLOW);
	if (!err) {
		r.type = kind;
		r.data = options;
		r.source = from;
		err = r.flags & ~(u64)KNOWN ? -EINVAL : vfs_mount(&p.at, &r);
		user_path_put(&p);
	}
	kfree(options);
	kfree(from);
	kfree(kind);
	return err;
}

s64 sys_umount2(const char __user *target, int flags)
{
	struct user_path p;
	s64 err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = user_path_get(&p, AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : FS_FOLLOW);
	if (err)
		return err;
	err = vfs_umount(&p.at, (u32)flags);
	user_path_put(&p);
	return err;
}

s64 sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct user_path new, old;
	s64 err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_get(&new, AT_FDCWD, new_root, FS_FOLLOW);
	if (err)
		return err;
	err = user_path_get(&old, AT_FDCWD, put_old, FS_FOLLOW);
	if (!err) {
		err = vfs_pivot_root(&new.at, &old.at);
		user_path_put(&old);
	}
	user_path_put(&new);
	return err;
}
