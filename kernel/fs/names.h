/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Making and removing names. Tree lock held for writing in all of them. */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include "namei.h"

/*
 * Makes an inode as `seed` says and its name in `dir`; what was checked before: the name is free, and the
 * caller may create. The dentry, borrowed (the directory holds it), in *out. -EROFS, -ENOMEM.
 */
int __must_check name_create(struct dentry *dir, const char *name, size_t len, const struct inode_seed *seed,
			     struct dentry **out);
/* Gives an existing inode another name in `dir`, as link(2). -ENOMEM. */
int __must_check name_link(struct dentry *dir, const char *name, size_t len, struct inode *inode);
/* Takes the name away and counts links and times; the caller puts the dentry after unlocking. */
void name_remove(struct dentry *d);

#endif
