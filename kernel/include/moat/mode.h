/* SPDX-License-Identifier: MIT */
/* room: fs */
/*
 * S_IFMT, S_ISDIR, struct statx and so on, from Linux's own header. It leaves the S_ names out when it sees
 * glibc's mark, which the C library's <sys/queue.h> sets even in a freestanding program; so it is included
 * here only, without the mark.
 */
#ifndef MOAT_MODE_H
#define MOAT_MODE_H

#pragma push_macro("__GLIBC__")
#undef __GLIBC__
#include <linux/stat.h>
#pragma pop_macro("__GLIBC__")

#endif
