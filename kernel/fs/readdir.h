/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Open directories, of every file system. */
#ifndef FS_READDIR_H
#define FS_READDIR_H

#include "dentry.h"

extern const struct file_ops dir_file_ops;
/* Operations that directories with file_ops of their own share. */
s64 dir_seek(struct file *f, s64 offset, int whence);
int dir_fsync(struct file *f);
int dir_iterate(struct file *f, struct dir_emit *e);

#endif
