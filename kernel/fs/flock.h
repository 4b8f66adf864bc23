/* SPDX-License-Identifier: MIT */
/* room: fs */
/* Locks on files; the calls are in moat/file.h. */
#ifndef FS_FLOCK_H
#define FS_FLOCK_H

void flock_init(void); /* boot, once */

#endif
