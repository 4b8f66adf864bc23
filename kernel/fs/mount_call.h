/* SPDX-License-Identifier: MIT */
/* room: fs */
/* The parts of mount(2) and umount2(2). */
#ifndef FS_MOUNT_CALL_H
#define FS_MOUNT_CALL_H

#include "mount.h"

enum {
	MOUNT_ALL = 1, /* MS_REC: with what is mounted inside */
};

/*
 * MS_BIND and MS_MOVE: what `from` leads to is shown at d, too, or instead of where it was. -EINVAL, -ENOTDIR, -ENOENT, -ELOOP,
 * -ENOSPC, -ENOMEM, or what the walk says. Tree lock not held.
 */
int __must_check mount_bind(struct dentry *d, const struct fs_at *from, unsigned flags);
int __must_check mount_move(struct dentry *d, const struct fs_at *from);

/* The name after d in the tree below root, what it holds first; NULL: all were seen. Tree lock held for writing. */
struct dentry *dentry_next(const struct dentry *root, struct dentry *d);

#endif
