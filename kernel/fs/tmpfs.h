/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Files in memory. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "inode.h"

/* A new, empty instance and its root directory, with one reference; both or -ENOMEM. mode: permission bits of
 * the root. */
int __must_check tmpfs_create(const char *type, u32 mode, struct super **super, struct inode **root);

#endif
