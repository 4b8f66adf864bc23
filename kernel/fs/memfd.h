/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Anonymous files and seals, as the fs room sees them. */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "inode.h"

/* The file system that anonymous files live in: 0 or -ENOMEM. Boot, once. */
int __must_check memfd_init(void);
/* May the inode get these permission bits (F_SEAL_EXEC)? 0 or -EPERM; inode->lock held. */
int __must_check memfd_check_mode(const struct inode *i, u32 mode);

#endif
