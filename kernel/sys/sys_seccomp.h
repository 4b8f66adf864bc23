/* SPDX-License-Identifier: MIT */
/* room: sys */
#ifndef SYS_SECCOMP_H
#define SYS_SECCOMP_H

#include <moat/types.h>

struct trap_frame;

/* prctl(2), PR_SET_SECCOMP. */
s64 sys_prctl_seccomp(u64 mode, const void __user *prog);
/*
 * May the current thread, which is restricted, make the call in f? False: it is not to be made, and f is ready for the way
 * back. Does not return if the thread is to end.
 */
bool seccomp_permits(struct trap_frame *f, u64 nr);

#endif
