/* SPDX-License-Identifier: MIT */
/* room: task */
#ifndef TASK_OOM_H
#define TASK_OOM_H

#include <moat/types.h>

/* How much ending a process would bring: its pages, moved by oom_score_adj thousandths of the machine (proc(5)). */
s64 oom_points(u64 pages, s32 score_adj, u64 total_pages);

struct process;
/*
 * Around giving back the memory of p: until the end of it nobody else is chosen, if p was. p->out_of_memory does not change
 * in between.
 */
void oom_release_begin(const struct process *p);
void oom_release_end(const struct process *p);

#endif
