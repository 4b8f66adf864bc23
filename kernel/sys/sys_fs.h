/* SPDX-License-Identifier: MIT */
/* room: sys */
/* What the system calls about files share: paths, descriptors and limits of the current process. */
#ifndef SYS_FS_H
#define SYS_FS_H

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <moat/fs.h>
#include <moat/mode.h>
#include <moat/syscall.h>
#include <moat/task.h>

#define MAX_RW_BYTES 0x7ffff000ul /* what one read or write moves at most, as on Linux */

/*
 * Copies a path from user space into a fresh heap buffer (kfree). -EFAULT, -ENAMETOOLONG (PATH_MAX), -ENOENT
 * when it is empty, -ENOMEM.
 */
int __must_check sys_get_path(const char __user *from, char **out);
/* The same, an empty path allowed. */
int __must_check sys_get_path_or_empty(const char __user *from, char **out);

/* A path argument with the directory that it starts at. */
struct user_path {
	char *text;	   /* short, as most are, or of the heap */
	char small[64];	   /* so this is not copied */
	struct file *file; /* behind dirfd, with a reference; NULL: AT_FDCWD, or an absolute path */
	struct fs_at at;
};

/*
 * Takes both arguments of an "at" call; flags are enum fs_at_flags. -EBADF for a bad dirfd (that a relative
 * path needs), and what sys_get_path says.
 */
int __must_check user_path_get(struct user_path *p, int dirfd, const char __user *path, u32 flags);
void user_path_put(struct user_path *p);
/*
 * The inode that such a path leads to, with a reference. With FS_EMPTY_PATH and an empty path that of the
 * descriptor itself, which is NULL for a stream that has none.
 */
int __must_check user_path_inode(const struct user_path *p, struct inode **out);
/* Both steps. */
int __must_check sys_get_inode(int dirfd, const char __user *path, u32 flags, struct inode **out);
/* The same with the name by which it was found, if there is one; a reference each. */
struct user_target {
	struct inode *inode;
	struct dentry *dentry;
};
/* The first of two steps, where the path was taken before. */
int __must_check user_path_target(const struct user_path *p, struct user_target *out);
int __must_check sys_get_target(int dirfd, const char __user *path, u32 flags, struct user_target *out);
void user_target_get(struct user_target *t, struct inode *i, struct dentry *d); /* either may be NULL */
void user_target_put(struct user_target *t);
/* AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH as flags for the above. */
u32 fs_flags_from_at(int at_flags);

/* Two descriptors are reserved, and told to the program, before a file stands behind one. 0, -EMFILE, -ENOMEM, -EFAULT. */
s64 sys_reserve_pair(void __user *fds, bool cloexec, int fd[2]);

/* The part of fcntl(2) that is about owners and their signals (sys_owner.c). -EINVAL for everything else. */
s64 sys_owner_control(struct file *f, u32 cmd, u64 arg);

/* The file behind fd with a reference, or NULL for -EBADF. */
static inline struct file *sys_file(int fd)
{
	return fd_get(current_thread()->files, fd);
}

static inline struct fs_context *sys_fs(void)
{
	return current_thread()->fs;
}

static inline u64 sys_fd_limit(void)
{
	return current_process()->limits[RLIMIT_NOFILE].soft;
}

static inline u64 sys_size_limit(void)
{
	return current_process()->limits[RLIMIT_FSIZE].soft;
}

/* What the current process may do when it writes. */
static inline struct write_rights sys_write_rights(void)
{
	return (struct write_rights){.size_limit_bytes = sys_size_limit(), .keep_setid = capable(CAP_FSETID)};
}

/* Lies all of it in the user half? */
static inline bool sys_in_user_half(u64 base, u64 len)
{
	return len <= USER_TOP && base <= USER_TOP - len;
}

/* Checks each piece of user memory, and cuts the sum to what one call moves (readv(2)): 0, -EINVAL, -EFAULT. */
struct uio_seg;
int __must_check sys_check_segs(struct uio_seg *segs, unsigned count);
/* The signal that goes with an error of a write: SIGPIPE, SIGXFSZ. Returns its argument. */
s64 sys_write_signal(s64 result);

#endif
