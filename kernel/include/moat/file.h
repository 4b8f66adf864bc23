/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * Open files. A `struct file` is one open file description (open(2)): an offset, status flags and the
 * operations of what lies behind it. Descriptor tables map numbers to descriptions.
 *
 * Operations move bytes only through struct uio and may sleep; -EINTR means that a signal is due.
 */
#ifndef MOAT_FILE_H
#define MOAT_FILE_H

#include <sys/queue.h>
#include <moat/mutex.h>
#include <moat/object.h>
#include <moat/refcount.h>
#include <moat/uio.h>

struct file;
struct inode;
struct dentry;
struct proc_text;
struct epoll_item;
struct file_owner;

/* A directory entry as handed to the emitter of `iterate`: false stops the iteration. */
struct dir_emit {
	bool (*emit)(struct dir_emit *e, const char *name, size_t len, u64 ino, unsigned char type, u64 next);
};

struct file_ops {
	/* Something more to do when a node of this kind is opened; NULL: nothing. 0 or -errno (the open
	 * fails). */
	int (*open)(struct file *f);
	/*
	 * Bytes moved (short counts allowed), 0 at the end, or -errno. offset is NULL for streams (files
	 * without `seek`); otherwise the operation advances it. A write to a file that has a memory object is
	 * called with inode->lock held.
	 */
	ssize_t (*read)(struct file *f, struct uio *u, u64 *offset);
	ssize_t (*write)(struct file *f, struct uio *u, u64 *offset);
	/* Sets and returns f->offset; f->offset_lock is held. NULL: -ESPIPE, and the file is a stream. */
	s64 (*seek)(struct file *f, s64 offset, int whence);
	int (*ioctl)(struct file *f, unsigned cmd, u64 arg); /* NULL: -ENOTTY */
	int (*iterate)(struct file *f, struct dir_emit *e);  /* NULL: -ENOTDIR */
	/* The memory object to map, or NULL with *err = -ENODEV. NULL op: -ENODEV. */
	struct mobj *(*map)(struct file *f, int *err);
	int (*fsync)(struct file *f);
	/*
	 * Shows the table the queues that are woken when events come, POLL_QUEUES at most (poll_add), and then says
	 * which events among POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP… there are. May sleep. NULL: always ready.
	 */
	unsigned (*poll)(struct file *f, struct poll_table *t);
	void (*release)(struct file *f); /* last reference is gone */
	void (*show)(struct file *f,
		     struct proc_text *t); /* lines of its own for /proc/PID/fdinfo (proc(5)); may be NULL */
	const char *anon_name; /* what /proc/PID/fd shows without a name: "[eventfd]"; NULL: pipe, socket… */
	/* Seeks, but no transfer depends on where it is (null(4)): read and write get no offset, and no lock. */
	bool no_offset;
	bool no_pread; /* pread and pwrite fail all the same (-ESPIPE) */
	bool tells;    /* O_ASYNC makes it send signals when its queues are woken (owner.h) */
};

struct file {
	struct refcount refs;
	const struct file_ops *ops; /* [I] */
	u32 flags;		    /* [a] O_ACCMODE | O_APPEND | O_NONBLOCK … as F_GETFL shows them */
	u32 pipe_opens; /* [I once open] for pipe.c: opens for writing before this one, if nobody has it so */
	bool is_created; /* [I once open] opening it made the file: F_CREATED_QUERY */
	bool is_named;	 /* [I once open] opened by a name, not with O_PATH: its close is told (inotify) */
	struct mutex offset_lock;	  /* RANK_FILE */
	u64 offset;			  /* [offset_lock] */
	struct inode *inode;		  /* [I] */
	struct dentry *dentry;		  /* [I] how it was opened; may be NULL */
	void *private;			  /* [I] for ops */
	struct file_owner *owner;	  /* [a] whom it tells by signals; NULL: nobody */
	struct watch *dnotify;		  /* [notify_lock for change, a for read] F_NOTIFY; NULL: none */
	LIST_HEAD(, epoll_item) watchers; /* [links_lock of epoll] who watches it by epoll(7) */
};

/*
 * A description with one reference, or NULL (no memory). Takes over the caller's references to inode and
 * dentry on success; both may be NULL (a stream that no name leads to).
 */
struct file *__must_check file_create(const struct file_ops *ops, struct inode *inode, struct dentry *dentry,
				      u32 flags, void *private);
void file_destroy(struct file *f); /* what file_put does when the last reference goes */

static inline void file_get(struct file *f)
{
	ref_get(&f->refs);
}

/* Any context that may sleep. */
static inline void file_put(struct file *f)
{
	if (ref_put(&f->refs))
		file_destroy(f);
}
/* A description without a name or contents, only with operations and `private`, as eventfd(2) makes; or NULL. */
struct file *__must_check anon_file_create(const struct file_ops *ops, u32 flags, void *private);
/* An inode that no name leads to, for streams: mode is S_IFMT and permission bits, rdev from dev_make(). Or
 * NULL. */
struct inode *__must_check inode_create_anon(u32 mode, u32 rdev);
/* The same for what belongs to who makes it, such as a pipe: its owner may open it again by /proc/PID/fd. */
struct inode *__must_check inode_create_own(u32 mode);

/* Opening it again, through /proc/PID/fd, gives a description with these operations and `private`. */
void inode_set_reopen(struct inode *i, const struct file_ops *ops, void *private);

/* A device number as the kernel keeps it: 12 bits of major, 20 of minor. */
static inline u32 dev_make(u32 major, u32 minor)
{
	return major << 20 | (minor & 0xfffff);
}

/* Does the description allow reading, writing? Access mode 3 of open(2) allows neither. */
static inline bool file_readable(const struct file *f)
{
	return ((f->flags + 1) & 1) && !(f->flags & 010000000 /* O_PATH */);
}

static inline bool file_writable(const struct file *f)
{
	return ((f->flags + 1) & 2) && !(f->flags & 010000000 /* O_PATH */);
}

/* Does it matter where in the file a transfer takes place? */
static inline bool file_has_offset(const struct file *f)
{
	return f->ops->seek && !f->ops->no_offset;
}

/* What the writer may do: RLIMIT_FSIZE, and whether set-user-ID bits survive the write (CAP_FSETID). */
struct write_rights {
	u64 size_limit_bytes;
	bool keep_setid;
};
/*
 * read(2) and write(2) at the description's own offset (offset NULL) or at *offset, which is advanced (pread,
 * pwrite: -ESPIPE for streams). Bytes moved or -errno: -EBADF, -EISDIR, -EINVAL, -EFBIG, what the operation
 * says.
 */
ssize_t vfs_read(struct file *f, struct uio *u, u64 *offset);
ssize_t vfs_write(struct file *f, struct uio *u, u64 *offset, struct write_rights rights);
/* lseek(2). */
s64 vfs_seek(struct file *f, s64 offset, int whence);
/* ioctl(2), the part that every file has (FIONREAD, FIONBIO, FIGETBSZ) is in sys. -ENOTTY. */
int vfs_ioctl(struct file *f, unsigned cmd, u64 arg);
/* getdents(2): -ENOTDIR; -ENOENT for a directory that was removed. */
int vfs_iterate(struct file *f, struct dir_emit *e);
/* fsync(2): -EINVAL for what cannot be synchronised. */
int vfs_fsync(struct file *f);
int vfs_syncfs(struct file *f); /* syncfs(2): all of the file system that it lies in */
/* The events that there are now; t (may be NULL) is shown the queues that others will come from. */
unsigned vfs_poll(struct file *f, struct poll_table *t);
/* fcntl(2) F_SETFL: changes the flags in `mask` to those of `flags`. */
void file_change_flags(struct file *f, u32 mask, u32 flags);

/* Seeking for a file of `size` bytes without holes (whence SEEK_SET, SEEK_CUR, SEEK_END); for `seek`
 * operations. */
s64 file_seek_sized(struct file *f, s64 offset, int whence, u64 size);
/* Seeking for devices such as /dev/null: succeeds and stays at 0. */
s64 file_seek_null(struct file *f, s64 offset, int whence);

/* Character devices: the dev room registers them, devfs shows them. */
struct chardev {
	const char *name; /* below /dev */
	u32 major, minor;
	u32 mode; /* permission bits */
	const struct file_ops *ops;
	void *private; /* becomes file->private */
};
/* Copies *dev (its pointers must stay) and makes its node. 0, -ENOMEM, -EEXIST. Boot, after fs_init. */
int __must_check chardev_register(const struct chardev *dev);

/* /dev/pts/NUMBER appears, a device that is opened through `ops`: 0, -ENOMEM, -EEXIST. And goes. */
int __must_check devpts_add(u32 number, u32 rdev, u32 uid, const struct file_ops *ops);
void devpts_remove(u32 number);

/*
 * A table of descriptors; shared by threads. Its address is the owner of the POSIX record locks that were
 * taken through it (fcntl(2)).
 */
struct fd_table;
struct fd_table *__must_check fd_table_create(void); /* empty, one reference; or NULL */
void fd_table_get(struct fd_table *t);
void fd_table_put(struct fd_table *t);				 /* the last one closes everything */
struct fd_table *__must_check fd_table_copy(struct fd_table *t); /* fork; or NULL */
bool fd_table_is_shared(const struct fd_table *t);		 /* by another process */
void fd_table_close_on_exec(struct fd_table *t);
/* The file behind fd with a reference for the caller, or NULL. fd_get does not find descriptors of O_PATH. */
struct file *__must_check fd_get(struct fd_table *t, int fd);
struct file *__must_check fd_get_path(struct fd_table *t, int fd);
/*
 * A number is reserved first and filled when the file is there, so that open(2) can fail without having
 * created anything. The lowest free number >= min and < limit (RLIMIT_NOFILE): -EMFILE, -ENOMEM.
 */
int __must_check fd_reserve(struct fd_table *t, int min, u64 limit, bool cloexec);
void fd_fill(struct fd_table *t, int fd, struct file *f); /* takes over the caller's reference */
void fd_unreserve(struct fd_table *t, int fd);
/* Both steps; takes over the caller's reference on success. */
int __must_check fd_install(struct fd_table *t, struct file *f, int min, u64 limit, bool cloexec);
/*
 * dup2(2): takes over the reference on success; what was there is closed. fd, or -EBADF (out of range),
 * -EBUSY (reserved by another thread), -ENOMEM.
 */
int __must_check fd_replace(struct fd_table *t, struct file *f, int fd, u64 limit, bool cloexec);
int __must_check fd_close(struct fd_table *t, int fd); /* 0 or -EBADF */
/* close_range(2), both ends included; with `cloexec` it marks instead of closing. */
void fd_close_range(struct fd_table *t, u32 first, u32 last, bool cloexec);
/* How many numbers the table has room for now. */
u32 fd_table_capacity(struct fd_table *t);
/* The lowest open descriptor >= from, or -1. */
int fd_next(struct fd_table *t, int from);
int __must_check fd_get_cloexec(struct fd_table *t, int fd); /* 0, 1 or -EBADF */
int __must_check fd_set_cloexec(struct fd_table *t, int fd, bool cloexec);

/*
 * pipe(2): ends[0] reads, ends[1] writes, one reference each; flags: O_NONBLOCK, O_DIRECT (packets). 0 or -ENOMEM.
 */
int __must_check pipe_create(u32 flags, struct file *ends[2]);
/* Bytes that a pipe holds at most; -EBADF when f is none. */
s64 pipe_capacity(const struct file *f);
/*
 * fcntl(F_SETPIPE_SZ): the new capacity in bytes, rounded up to a power of two; -EBADF, -EINVAL, -EPERM (beyond what is
 * allowed without privilege), -EBUSY (more is in it), -ENOMEM.
 */
s64 pipe_resize(struct file *f, u64 bytes, bool privileged);

#define LOCK_OF_DESCRIPTION (-1)
/* A record lock in Linux's terms: [start, end) in bytes, end = UINT64_MAX for "to the end of the file". */
struct file_lock_request {
	struct range bytes;
	int type;	   /* F_RDLCK, F_WRLCK, F_UNLCK */
	int pid;	   /* whose it is, for F_GETLK; or LOCK_OF_DESCRIPTION */
	const void *owner; /* fd_table (POSIX) or file (open file description locks) */
};
/* 0; -EAGAIN (not to wait), -EINTR, -ENOMEM, -EDEADLK (POSIX locks). Rights were checked by the caller. */
int __must_check file_lock_range(struct file *f, const struct file_lock_request *r, bool wait);
/* F_GETLK: rewrites *r to the first lock in the way (type F_UNLCK: the first of its own), or sets type to F_UNLCK. */
void file_lock_query(struct file *f, struct file_lock_request *r);
/* flock(2): type as above. */
int __must_check file_lock_whole(struct file *f, int type, bool wait);

#endif
