/* SPDX-License-Identifier: MIT */
/* room: sys */
/* What the calls that show resource usage share. */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include <linux/resource.h>
#include <moat/task.h>

/* A process's usage as getrusage(2) and wait4(2) show it. */
void usage_to_rusage(const struct process_usage *u, struct rusage *out);

#endif
