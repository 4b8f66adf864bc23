/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Open directories, of every file system. */
#ifndef FS_READDIR_H
#define FS_READDIR_H

#include "dentry.h"

extern const struct file_ops dir_file_ops;

#endif
