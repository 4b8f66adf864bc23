/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * The file-system room as other rooms see it: paths in kernel memory in, files and attributes out.
 *
 * An inode is a file; a dentry is a name of one in the tree of names. A context is what a process has of the
 * file system: root, working directory, umask and who it is. A `struct fs_at` says where a path starts and
 * how it is walked; all calls that take a path take one.
 */
#ifndef MOAT_FS_H
#define MOAT_FS_H

#include <moat/file.h>
#include <moat/types.h>

struct fs_context {
	struct refcount refs;
	struct dentry *root, *cwd;   /* [tree lock] one reference each */
	u32 umask;		     /* [a] */
	u32 fsuid, fsgid;	     /* who asks, where no fs_cred_ops say it: tests, the boot */
	LIST_ENTRY(fs_context) link; /* [contexts_lock] of all */
};

/* Mounts tmpfs as root and devfs on /dev. Boot, once; panics when memory is out. */
void fs_init(void);
struct fs_context *__must_check fs_context_create(void); /* root, cwd "/", umask 022, uid 0; or NULL */
struct fs_context *__must_check fs_context_copy(struct fs_context *c);
void fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);
enum fs_place {
	FS_PLACE_ROOT,
	FS_PLACE_CWD,
};
/* The directory, with a reference. The tree lock is held (`_locked`), or taken. */
struct dentry *fs_context_dir_locked(struct fs_context *c, enum fs_place which);
struct dentry *fs_context_dir(struct fs_context *c, enum fs_place which);

/* Hands the entry `.moat/spec` of the archive, if there is one, to spec(bytes, len, arg). */
void initramfs_find_spec(const void *archive, size_t len,
			 void (*spec)(const void *bytes, size_t len, void *arg), void *arg);
/*
 * Unpacks a cpio archive (newc) into the tree of names. The entry `.moat/spec` is handed to spec(bytes,
 * len, arg) instead; NULL: it is left out. 0, -EINVAL (malformed, with what was good kept), -ENOMEM, or what making an entry gave.
 */
int __must_check initramfs_unpack(const void *archive, size_t len,
				  void (*spec)(const void *bytes, size_t len, void *arg), void *arg);

/* How a walk treats the last component. */
enum fs_at_flags {
	FS_FOLLOW = 1 << 0,	/* a symbolic link at the end is followed */
	FS_EMPTY_PATH = 1 << 1, /* an empty path names `base` itself (AT_EMPTY_PATH) */
	FS_CREATE = 1 << 3,	/* open(2), O_CREAT: slashes behind the last name are -EISDIR */
	FS_SCOPED = 1 << 4,	/* openat2(2), RESOLVE_IN_ROOT: an absolute path starts at `base`, too */
	FS_UMOUNT = 1 << 5,	/* umount2(2): passing is no use of a mount (MNT_EXPIRE) */
};

struct fs_at {
	struct fs_context *ctx;
	struct dentry *base; /* where relative paths start; NULL: the working directory. Borrowed */
	const char *path;
	u32 flags;    /* enum fs_at_flags */
	u32 uid, gid; /* who asks; fs_at() fills in fs_ids() */
	u32 resolve;  /* where the walk may not go: RESOLVE_… of openat2(2) */
};

/* By whose rights the current thread reaches files. */
struct fs_ids {
	u32 uid, gid;
};
/* Who asks. c may be NULL. */
struct fs_ids fs_ids(const struct fs_context *c);

static inline struct fs_at fs_at(struct fs_context *c, struct dentry *base, const char *path, u32 flags)
{
	struct fs_ids ids = fs_ids(c);

	return (struct fs_at){c, base, path, flags, ids.uid, ids.gid, 0};
}

/* Who asks, as the task room knows it; registered at boot. Without it user 0 may do everything. */
struct fs_cred_ops {
	struct fs_ids (*ids)(void);
	/* Has the current thread, acting as the user, the capability (CAP_… of capabilities(7))? */
	bool (*capable)(unsigned cap, u32 uid);
	bool (*in_group)(u32 gid); /* is it in this group? */
};
void fs_register_cred_ops(const struct fs_cred_ops *ops);
bool fs_capable(unsigned cap, u32 uid);
/* Is gid the group `own`, or one of the current thread's? */
bool fs_in_group(u32 gid, u32 own);

void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d); /* NULL is allowed */
void inode_get(struct inode *i);
void inode_put(struct inode *i); /* NULL is allowed */
/* The inode of a name; borrowed, lives as long as the dentry. */
struct inode *dentry_inode(const struct dentry *d);

/* The dentry that a path leads to, with a reference; path_resolution(7). */
int __must_check vfs_lookup(const struct fs_at *at, struct dentry **out);

/*
 * Opens path (kernel string) relative to `base` (NULL: the context's working directory) as open(2) does.
 * A new reference in *out, or -errno. O_CLOEXEC is the descriptor table's business and ignored here.
 */
int __must_check vfs_open(struct fs_context *c, struct dentry *base, const char *path, u32 flags, u32 mode,
			  struct file **out);
/* The same with at->resolve obeyed; at->flags is 0. -EXDEV, -ELOOP, and -EAGAIN with RESOLVE_CACHED. */
int __must_check vfs_open_how(const struct fs_at *at, u32 flags, u32 mode, struct file **out);
/*
 * The same without creating anything; at->flags may hold FS_EMPTY_PATH. With OPEN_FOR_EXEC among the flags the file must be one
 * that may be executed, and need not be one that may be read.
 */
#define OPEN_FOR_EXEC 0x20u /* no flag of open(2) */
int __must_check vfs_open_at(const struct fs_at *at, u32 flags, struct file **out);
/* Bytes at an absolute offset into kernel memory, for the program loader; bytes read or -errno. */
ssize_t vfs_pread(struct file *f, void *buf, size_t len, u64 offset);
/* The absolute path of what the file is, as /proc shows it; length or -ENAMETOOLONG. */
ssize_t vfs_path(const struct file *f, char *buf, size_t size);
/* The same of a name, " (deleted)" included. */
ssize_t dentry_path(struct dentry *d, char *buf, size_t size);
/* What /proc/PID/fd shows of a file: its path, or "pipe:[7]" and the like. Length or -ENAMETOOLONG. */
ssize_t file_describe(const struct file *f, char *buf, size_t size);
/* The mount that the file lies in, as mountinfo numbers it; 0: none. */
u32 file_mount_id(const struct file *f);
u32 dentry_mount_id(const struct dentry *d, bool *is_root); /* is_root: of that mount; may be NULL */
/* MS_* as it is mounted where d is. */
u64 dentry_mount_flags(const struct dentry *d);
bool dentry_is_read_only(const struct dentry *d);
/* Where opening /proc/PID/fd/N leads, with a reference; NULL: nowhere, or no memory. */
struct dentry *file_place(struct file *f);
/* getcwd(2): length without the terminator; -ENOENT (removed), -ENAMETOOLONG when it does not fit. */
ssize_t vfs_getcwd(struct fs_context *c, char *buf, size_t size);
int __must_check vfs_chdir(struct fs_context *c, const char *path);
int __must_check vfs_chdir_to(struct fs_context *c, struct dentry *dir); /* fchdir(2) */
int __must_check vfs_chroot(const struct fs_at *at);
struct mount_request {
	const char *source, *type, *data; /* may be NULL */
	u64 flags;			  /* MS_* */
};
/* mount(2) and umount2(2); flags are known ones. */
int __must_check vfs_mount(const struct fs_at *at, const struct mount_request *r);
int __must_check vfs_umount(const struct fs_at *path, u32 flags);
int __must_check vfs_pivot_root(const struct fs_at *new_at, const struct fs_at *old_at);
/* What exec wants to know: size, mode, kind. */
struct file_facts {
	u64 size_bytes;
	u32 mode; /* S_IFMT and permission bits */
	u32 uid, gid;
};
void vfs_facts(const struct file *f, struct file_facts *out);
/* The file's memory object with a reference, for private or shared mappings; NULL with *err set. */
struct mobj *vfs_object(struct file *f, int *err);
/* Is it in a file system that nothing is executed from? Then no mapping of it is executable (-EPERM). */
bool vfs_is_noexec(const struct file *f);
bool vfs_is_nosuid(const struct file *f); /* its set-ID bits count for nothing */
/* May a mapping reach so far into it? Offsets in regular files are signed. */
bool vfs_is_mappable_to(const struct file *f, u64 offset, u64 len);
/* While a program runs its file is not written (ETXTBSY), and none starts while it is being written. */
int __must_check vfs_deny_write(struct file *f);
void vfs_allow_write(struct file *f);

/* Times since 1970-01-01 UTC; nsec < 1,000,000,000. */
struct timestamp {
	s64 sec;
	u32 nsec;
};

struct file_attr {
	u64 ino, size_bytes, blocks; /* blocks of 512 bytes */
	u32 dev, rdev;		     /* dev_make() */
	u32 mode, nlink, uid, gid, blksize;
	struct timestamp atime, mtime, ctime, btime;
};
/* stat(2) of an inode; NULL is a stream that has none. */
void inode_attr(struct inode *i, struct file_attr *out);

struct fs_facts {
	u64 magic, blocks, blocks_free, blocks_kept /* of those free: for root */, files, files_free;
	u32 fsid[2], block_size, name_max, flags;
};
void inode_fs_facts(const struct inode *i, struct fs_facts *out); /* statfs(2) */
bool inode_is_link(const struct inode *i);
bool inode_is_folder(const struct inode *i);
/* readlink(2): the text, terminated; its length, -ENAMETOOLONG, or what making it gave. */
ssize_t inode_read_link(struct inode *i, char *buf, size_t size);

/* Rights asked of permission checks: the bits of access(2). */
enum may {
	MAY_EXEC = 1,
	MAY_WRITE = 2,
	MAY_READ = 4,
};
/* 0, -EACCES or -EROFS. path_resolution(7), "Permissions"; uid 0 overrides. */
int __must_check inode_permission(const struct inode *i, u32 uid, u32 gid, unsigned may);

/* The calls of section 2 of the same names, on inodes. `at` says who asks. 0 or -errno. */
int __must_check inode_chmod(struct inode *i, const struct fs_context *c, u32 mode);
#define ID_KEEP UINT32_MAX /* chown: leave this one */
int __must_check inode_chown(struct inode *i, const struct fs_context *c, u32 uid, u32 gid);
enum time_how {
	TIME_OMIT,
	TIME_NOW,
	TIME_SET,
};
struct time_change {
	enum time_how how;
	struct timestamp to;
};
/* times[0] is the access time, times[1] the modification time. utimensat(2). */
int __must_check inode_set_times(struct inode *i, const struct fs_context *c,
				 const struct time_change times[2]);
/*
 * xattr(7). Names are terminated, not empty, at most XATTR_NAME_MAX long. d (NULL: none) is how the inode was found. Setting and
 * removing: -EPERM, -EACCES, -EROFS, -EOPNOTSUPP, -EINVAL, -EEXIST, -ENODATA, -ENOSPC, -ENOMEM. Getting and listing: bytes; with
 * a size of 0, that there would be, or -ERANGE.
 */
struct xattr_value {
	const char *name;
	const void *value;
	size_t size;
};
int __must_check inode_set_xattr(struct inode *i, struct dentry *d, const struct fs_context *c,
				 const struct xattr_value *v, u32 flags); /* XATTR_CREATE, XATTR_REPLACE */
int __must_check inode_remove_xattr(struct inode *i, struct dentry *d, const struct fs_context *c,
				    const char *name);
ssize_t inode_get_xattr(struct inode *i, const struct fs_context *c, const char *name, void *buf,
			size_t size);
ssize_t inode_list_xattrs(struct inode *i, const struct fs_context *c, char *buf, size_t size);
/* truncate(2) without permission checks: -EFBIG beyond limit_bytes, -EISDIR, -EINVAL. */
int __must_check inode_truncate(struct inode *i, s64 size, u64 limit_bytes);
/* truncate(2) by name: permission and ETXTBSY are checked. */
int __must_check vfs_truncate(const struct fs_at *at, s64 size, u64 limit_bytes);
int __must_check vfs_ftruncate(struct file *f, s64 size, u64 limit_bytes);
/* fallocate(2): mode is FALLOC_FL_*. */
int __must_check vfs_fallocate(struct file *f, u32 mode, s64 offset, s64 len, u64 limit_bytes);

/*
 * memfd_create(2), flags MFD_*, checked before: a file open for reading and writing that no directory shows. `name` is all
 * of its name, "memfd:" included. 0 or -ENOMEM.
 */
int __must_check vfs_memfd(const struct fs_context *c, const char *name, u32 flags, struct file **out);
/* fcntl(2), F_GET_SEALS and F_ADD_SEALS: -EINVAL (no such file, or seal), -EPERM, -EBUSY. */
int __must_check vfs_get_seals(const struct file *f, u32 *seals);
int __must_check vfs_add_seals(struct file *f, u32 seals);

/* Names. Modes hold the permission bits only, the umask is applied here. */
int __must_check vfs_mkdir(const struct fs_at *at, u32 mode);
int __must_check vfs_mknod(const struct fs_at *at, u32 mode, u32 rdev); /* mode with S_IFMT */
int __must_check vfs_symlink(const struct fs_at *at, const char *target);
int __must_check vfs_link(const struct fs_at *old, const struct fs_at *new);
int __must_check vfs_unlink(const struct fs_at *at);
int __must_check vfs_rmdir(const struct fs_at *at);
int __must_check vfs_rename(const struct fs_at *old, const struct fs_at *new, u32 flags); /* RENAME_* */

#endif
