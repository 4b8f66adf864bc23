/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Inodes and the file system instances ("supers") that make them. */
#ifndef FS_INODE_H
#define FS_INODE_H

#include <sys/queue.h>
#include <moat/fs.h>
#include <moat/object.h>
#include <moat/mode.h>

struct super;

/* What a new inode is to be. */
struct inode_seed {
	u32 mode, uid, gid, rdev;
	const char *target; /* S_IFLNK */
};

/* What a file system does. */
struct super_ops {
	/* A new inode with one reference and nlink 0. NULL: the file system is read-only. */
	int (*create)(struct super *s, const struct inode_seed *seed, struct inode **out);
	void (*facts)(struct super *s, struct fs_facts *out);
	/*
	 * For a file system that keeps its names somewhere else too: each does there what is about to be done to the tree of
	 * names, or says why not. NULL: nothing to do. Tree lock held for writing; may sleep, killably.
	 *
	 * `make`: child, from `create` with the seed, is to be shown in dir. `remove`: a name. `move`: to another place, over
	 * what is there.
	 */
	int (*make)(struct dentry *dir, struct dentry *child, const struct inode_seed *seed);
	int (*link)(struct dentry *dir, struct dentry *child);
	/* O_TMPFILE: an inode from `create` that no name leads to. NULL with `make`: -EOPNOTSUPP. Tree lock held for reading */
	int (*unnamed)(struct dentry *dir, struct inode *i, const struct inode_seed *seed);
	int (*remove)(struct dentry *d);
	int (*move)(struct dentry *d, struct dentry *dir, const char *name);
	bool keeps_xattrs;	      /* xattr.c */
	bool makes_whiteouts;	      /* renameat2(2) with RENAME_WHITEOUT */
	int (*sync)(struct super *s); /* syncfs(2): all that has changed. No lock held. NULL: nothing to do */
};

/* What is to be changed of an inode, where it is kept. */
struct inode_change {
	u32 what; /* CHANGE_*: numbers of 9P */
	u32 mode, uid, gid;
	u64 size_bytes;
	struct timestamp atime, mtime;
};

enum {
	CHANGE_MODE = 0x1,
	CHANGE_UID = 0x2,
	CHANGE_GID = 0x4,
	CHANGE_SIZE = 0x8,
	CHANGE_ATIME = 0x10,
	CHANGE_MTIME = 0x20,
	CHANGE_ATIME_SET = 0x80, /* to the value given, not to now */
	CHANGE_MTIME_SET = 0x100,
};

/* The flags of mount(2) that say something here, the numbers of MS_* in <linux/mount.h>. */
#define MOUNT_FLAGS_KEPT  (1u | 2u | 4u | 8u | 1024u | 2048u | 1u << 24)
#define MOUNT_RDONLY	  1u
#define MOUNT_NOSUID	  2u
#define MOUNT_NODEV	  4u
#define MOUNT_NOEXEC	  8u
#define MOUNT_NOATIME	  1024u
#define MOUNT_NODIRATIME  2048u
#define MOUNT_STRICTATIME (1u << 24)

/* One instance of a file system. Lives for ever once mounted, unless it is on_heap. */
struct super {
	const struct super_ops *ops; /* [I] */
	const char *type;	     /* [I] as /proc/filesystems names it */
	u32 dev;		     /* [I] st_dev */
	u64 next_ino;		     /* [a] */
	u64 inodes;		     /* [a] that exist */
	u64 mount_flags;	     /* [a] MOUNT_FLAGS_KEPT of its first mount */
	char *source;		     /* [I] what mount(2) was told of it, from the heap; NULL: the type */
	bool read_only;		     /* [a] all of it, wherever it is mounted */
	u32 mounts;		     /* [tree] that show it */
	bool on_heap;		     /* [I] made by mount(2): goes with its last inode once it is detached */
	bool detached;		     /* [tree] */
};

/* What an inode does for itself. Each may be NULL. */
struct inode_ops {
	/* Regular files; inode->lock held. */
	int (*resize)(struct inode *i, u64 size_bytes);
	/* fallocate(2), mode checked against what Linux allows. NULL: -EOPNOTSUPP. */
	int (*allocate)(struct inode *i, u32 mode, struct range bytes);
	/*
	 * A directory whose names are made when somebody asks (procfs): a fresh dentry for the name, which holds
	 * its parent and which no directory shows. 0, -ENOENT, -ENOMEM. Tree lock held; must not take it.
	 */
	int (*lookup)(struct dentry *dir, const char *name, size_t len, struct dentry **out);
	/* Does it where the file is kept, before it is done here; inode->lock held. NULL: nothing to do. 0 or -errno. */
	int (*change)(struct inode *i, const struct inode_change *c);
	/*
	 * A directory that is partial: makes `name`, or all names (NULL), known to the tree of names. 0; -ENOENT: there is no
	 * such name now. No lock held; may sleep.
	 */
	int (*fetch)(struct dentry *dir, const char *name, size_t len);
	/* A symbolic link without a text of its own: the text's length, or -errno. No lock held. */
	ssize_t (*readlink)(struct inode *i, char *buf, size_t size);
	void (*attr)(struct inode *i,
		     struct file_attr *out); /* what stat(2) says otherwise than by default */
	void (*destroy)(struct inode *i);    /* gives back `private` and `host` */
};

struct file_lock;
LIST_HEAD(file_lock_list, file_lock);
struct watch;
LIST_HEAD(watch_list, watch);
LIST_HEAD(name_list, dentry);

struct inode {
	struct refcount refs;
	struct mutex lock;	     /* RANK_INODE */
	struct super *super;	     /* [I] NULL: anonymous */
	const struct inode_ops *ops; /* [I] may be NULL */
	const struct file_ops
		*file_ops;	/* [I] regular files, directories of their own kind, what can be reopened */
	struct mobj *object;	/* [I] regular files: contents and size */
	char *target;		/* [I] symbolic links: the text, if it is known */
	struct pipe *pipe;	/* [lock] FIFOs: what those who have it open share; NULL: nobody has */
	struct dentry *jump;	/* [I] symbolic links that lead to a file itself: a reference */
	struct host_node *host; /* [I] what lies below on the host (hostfs.h), or NULL */
	struct ext2_node *disk; /* [I] what lies below on a disk (ext2.h), or NULL */
	u64 dir_bytes; /* [I] directories of the host: the size that is shown; 0: counted from the names */
	bool unread;   /* [I] only its kind and number are known; walks do not stop here (hostfs.c) */
	u32 watched;   /* [a] who wants to know what happens to it: notify.h; mostly 0 */
	void *private; /* [I] for ops; for file_ops of what is reopened (inode_set_reopen) */
	u64 ino;       /* [I] */
	u32 rdev;      /* [I] */
	u32 mode, uid, gid;	/* [lock for change, a for read] */
	struct name_list names; /* [tree lock] the names that directories show, as far as they are known */
	u32 nlink;		/* [tree lock for change, a for read] */
	u32 entries;		/* [tree lock for change, a for read] names in this directory */
	s32 writers;		/* [a] descriptions open for writing; < 0: programs running from it */
	bool linkable;		/* [tree lock] made by O_TMPFILE without O_EXCL */
	struct timestamp atime, mtime, ctime; /* [lock] */
	struct timestamp btime;		      /* [I] */
	struct xattr *xattrs;		      /* [lock] xattr.c */
	struct file_lock_list locks;	      /* [lock] */
	struct watch_list watches;	      /* [notify_lock] of inotify(7) */
};

static inline bool inode_is_read_only(const struct inode *i)
{
	return i->super && __atomic_load_n(&i->super->read_only, __ATOMIC_RELAXED);
}

static inline bool inode_is(const struct inode *i, u32 kind)
{
	return (i->mode & S_IFMT) == kind;
}

static inline bool inode_is_dir(const struct inode *i)
{
	return inode_is(i, S_IFDIR);
}

/* A plain inode of the seed's kind, without contents; super may be NULL. One reference, or NULL. */
struct inode *__must_check inode_create(struct super *s, const struct inode_seed *seed);
/* A new inode of super by its operations: -EROFS, -ENOMEM. */
int __must_check super_create_inode(struct super *s, const struct inode_seed *seed, struct inode **out);

struct timestamp timestamp_now(void);
enum inode_touch {
	TOUCH_ACCESS = 1 << 0,
	TOUCH_MODIFY = 1 << 1,
	TOUCH_CHANGE = 1 << 2,
	TOUCH_WRITE = TOUCH_MODIFY | TOUCH_CHANGE,
};
/* Sets the named times to now. Takes inode->lock; inode_touch_locked wants it held. */
void inode_touch(struct inode *i, unsigned what);
void inode_touch_locked(struct inode *i, unsigned what);
/* A read happened: the access time follows the rules of `relatime`. */
void file_accessed(const struct file *f);
/* Tree lock held for writing. Changes the number of names by +1 or -1. */
void inode_add_links(struct inode *i, int by);

/* 0 or -ETXTBSY; counts a description that writes. Undone by inode_end_write. */
int __must_check inode_begin_write(struct inode *i);
void inode_end_write(struct inode *i);

/* What opening a FIFO leads to; pipe.c. */
extern const struct file_ops *const fifo_file_ops;

/* The last reference goes: so do its extended attributes. xattr.c */
void xattrs_drop(struct inode *i);

/* Locks on files, in flock.c: what `owner` holds on the inode is given up. */
void file_locks_release(struct inode *i, const void *owner);

#endif
