/* SPDX-License-Identifier: MIT */
/* room: fs */
/* /dev/pts. */
#ifndef FS_DEVPTS_H
#define FS_DEVPTS_H

#include "dentry.h"

/* Makes the instance and covers `point` with it. 0 or -ENOMEM. Boot. */
int __must_check devpts_mount(struct dentry *point);

#endif
