/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Character devices by number, and /dev. */
#ifndef FS_DEVFS_H
#define FS_DEVFS_H

#include "dentry.h"

/* The device of that number, or NULL. */
const struct chardev *chardev_find(u32 rdev);
/* Makes the instance for /dev, still without devices, and covers `point` with it. 0 or -ENOMEM. */
int __must_check devfs_mount(struct dentry *point);

#endif
