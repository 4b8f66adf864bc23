/* SPDX-License-Identifier: MIT */
/* room: fs */
/* What the files of procfs share. */
#ifndef FS_PROCFS_H
#define FS_PROCFS_H

#include <moat/procfs.h>
#include "dentry.h"

/* What an inode of procfs is about: inode->private. */
struct proc_node {
	const struct proc_entry *entry;
	struct proc_key key;
};

/* A new instance of /proc or /sys, and its root. 0 or -ENOMEM. */
int __must_check procfs_create(bool sys, struct super **super, struct inode **root);
/* Mounts /proc and /sys. 0 or -ENOMEM. */
int __must_check procfs_mount(struct dentry *proc, struct dentry *sys);

extern const struct file_ops proc_file_ops; /* procfs_file.c */
extern struct proc_table proc_fs_table;	    /* procfs_mounts.c */

#endif
