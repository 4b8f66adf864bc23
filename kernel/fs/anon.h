/* SPDX-License-Identifier: MIT */
/* room: fs */
#ifndef FS_ANON_H
#define FS_ANON_H

#include "inode.h"

void anon_init(void); /* boot */

#endif
