/* SPDX-License-Identifier: MIT */
/* room: sys */
/* The part of prctl(2) that is about nobody else's business. */
#ifndef SYS_PRCTL_H
#define SYS_PRCTL_H

#include <moat/types.h>

/* The options that no other file has, and all that there are not. arg: the second to the fifth. */
s64 sys_prctl_more(int option, const u64 arg[4]);

#endif
