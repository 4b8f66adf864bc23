/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Folders of the host, with what the program changes in them kept in memory. See hostfs.c. */
#ifndef FS_HOSTFS_H
#define FS_HOSTFS_H

#include <moat/share.h>
#include "dentry.h"
#include "ninep.h"

#define HOST_LINK_BUCKETS 64

/* One share. Lives for ever. */
struct host_super {
	struct super super; /* first */
	struct ninep ninep;
	bool writable;		    /* [I] the host's files change with the program's */
	u32 own_uid, own_gid;	    /* [I] of the host's user: shown as 0 */
	struct spinlock links_lock; /* RANK_MAPS */
	LIST_HEAD(, host_node)
	links[HOST_LINK_BUCKETS]; /* [links_lock] files that have several names on the host */
};

/* What lies below an inode: a file of the host. Belongs to the memory object of a regular file, else to the inode. */
struct host_node {
	struct host_super *super; /* [I] */
	u32 fid;		  /* [I] on the server */
	u32 name_fid; /* [inode->lock] the same, or, when that one's name went, another name's (hostfs_names.c) */
	bool nameless;		/* [inode->lock for change, a for read] no name of it is known any more */
	bool elsewhere;		/* [inode->lock] nameless, but the host has names that nobody has met */
	bool kept;		/* [inode->lock] of a writable share: the contents are those in memory */
	u64 qid_path;		/* [I] */
	u64 blocks;		/* [I] of 512 bytes */
	struct mutex open_lock; /* RANK_OBJECT, inside the object's */
	bool opened;		/* [open_lock for change, a for read] */
	bool writes;		/* [open_lock] opened for writing too */
	bool mapped;		/* [a] of a writable share: may have been written through a mapping */
	u64 below_end;		/* [a] bytes behind it are zeros, whatever lies below */
	u64 next_index;		/* [object lock] where the last fill ended */
	u32 run_pages;		/* [object lock] */
	struct inode *twin;	/* [links_lock] its inode while it is in `links`, else NULL; no reference */
	LIST_ENTRY(host_node) link; /* [links_lock] */
};

/* Regular files; hostfs_file.c. */
extern const struct inode_ops host_regular_ops;
extern const struct file_ops host_file_ops;
extern const struct mobj_ops host_object_ops;
/* Directories; hostfs_dir.c. */
extern const struct inode_ops host_dir_ops;

/* The same in writable shares; hostfs_write.c, names in hostfs_names.c. */
extern const struct inode_ops host_write_regular_ops, host_write_ops;
extern const struct file_ops host_write_file_ops;
extern const struct mobj_ops host_write_object_ops;
extern const struct super_ops host_write_super_ops;
/* A name was found of a file of a writable share that had lost all that were known; `fid` stays the caller's. */
void host_names_found(struct inode *i, u32 fid);
int __must_check host_file_resize(struct inode *i, u64 size_bytes);
int host_dir_fetch(struct dentry *dir, const char *name, size_t len);
struct range host_file_window(struct mobj *obj, u64 index);
int host_file_fill(struct mobj *obj, u64 first, struct page *const pages[], unsigned n);
s64 host_file_read(struct mobj *obj, u64 offset, struct page *const pages[], u32 in_page, u32 bytes);
void host_object_destroy(struct mobj *obj);
void host_inode_destroy(struct inode *i);
void host_file_destroy_inode(struct inode *i);
void host_facts(struct super *s, struct fs_facts *out);
/* Opens the host's file once: for reading, in a writable share for writing too if it may be. */
int __must_check host_node_open(struct host_node *node);
/* The object of a regular file, with the node, to which it belongs from now on; or NULL. */
struct mobj *__must_check host_object_create(struct host_node *node, u64 size_bytes);

/* A node for the file number, or NULL. */
struct host_node *__must_check host_node_create(struct host_super *s, u32 fid);
void host_node_free(struct host_node *node); /* gives the file number back too */
/* The inode is about to go: no new name of its file leads to it any more. */
void host_links_forget(struct host_node *node);
/*
 * The inode of the file that `fid` stands for, with a reference: a new one, or that of another name of it. The number is
 * used up, also on failure.
 */
int __must_check host_inode_get(struct host_super *s, u32 fid, struct inode **out);

#endif
