/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Files in memory. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "inode.h"

/* What other file systems with files in memory take from this one. */
ssize_t tmpfs_read(struct file *f, struct uio *u, u64 *offset);
ssize_t tmpfs_write(struct file *f, struct uio *u, u64 *offset);
s64 tmpfs_seek(struct file *f, s64 offset, int whence);
struct mobj *tmpfs_map(struct file *f, int *err);
int tmpfs_fsync(struct file *f);
int __must_check tmpfs_allocate(struct inode *i, u32 mode, struct range bytes);
int __must_check tmpfs_create_inode(struct super *s, const struct inode_seed *seed, struct inode **out);
void tmpfs_facts(struct super *s, struct fs_facts *out);

/* A new, empty instance and its root directory, with one reference; both or -ENOMEM. mode: permission bits of
 * the root. */
int __must_check tmpfs_create(const char *type, u32 mode, struct super **super, struct inode **root);

#endif
