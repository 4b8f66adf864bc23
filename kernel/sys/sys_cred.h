/* SPDX-License-Identifier: MIT */
/* room: sys */
#ifndef SYS_CRED_H
#define SYS_CRED_H

#include <moat/types.h>

/* prctl(2) about capabilities: false: it is not one of these. arg: the second to the fifth. */
bool sys_prctl_cred(int option, const u64 arg[4], s64 *result);

#endif
