/* SPDX-License-Identifier: MIT */
/* room: fs */
/* The mount table: which file system covers which directory. */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "dentry.h"

struct mount {
	LIST_ENTRY(mount) link; /* [tree lock] */
	struct super *super;	/* [I] */
	u32 id;			/* [I] as mountinfo shows it */
	struct dentry *root;	/* [I] a reference */
	struct dentry *point;	/* [I] the directory that is covered, a reference; NULL: the first root */
};

/*
 * Covers `point` (NULL: makes the root of everything) with the file system whose root inode is given; takes
 * over the reference to it on success. 0, -ENOTDIR, -EBUSY (there is a root already), -ENOMEM. Takes the tree
 * lock.
 */
int __must_check mount_attach(struct super *s, struct inode *root, struct dentry *point);
/* The root of everything, borrowed; NULL before fs_init. */
struct dentry *mount_root(void);
/* The mount with the lowest id >= from, or NULL. Tree lock held. */
struct mount *mount_next(u32 from);
/* Makes each directory of an absolute path that is missing. */
int __must_check vfs_make_path(struct fs_context *ctx, const char *path);
/* It is found no more. Tree lock held for writing. */
void mount_forget(struct mount *m);
/* A device number for a new instance of a file system that has no device. */
u32 mount_new_dev(void);

#endif
