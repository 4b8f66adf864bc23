/* SPDX-License-Identifier: MIT */
/* room: task */
#ifndef TASK_OOM_H
#define TASK_OOM_H

#include <moat/types.h>

/* How much ending a process would bring: its pages, moved by oom_score_adj thousandths of the machine (proc(5)). */
s64 oom_points(u64 pages, s32 score_adj, u64 total_pages);

#endif
