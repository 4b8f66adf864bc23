/* SPDX-License-Identifier: MIT */
/* Between interval timers (ptimer.c) and POSIX timers (posix_timer.c). */
#ifndef TASK_POSIX_TIMER_H
#define TASK_POSIX_TIMER_H

#include <moat/task.h>

#define TIMER_GAP_NS 100000ull /* a timer expires at most this often */

/* When a timer of p that has expired does so next, at least a gap from now; *missed: periods in between. */
u64 timer_next(const struct process *p, const struct timer_span *s, u64 now_ns, u64 *missed);
/* A timer of p that watches CPU time begins or ends to. Table locked. */
void timers_watch_cpu(struct process *p, bool before, bool now);
/* The process has used so much CPU time. Table locked. */
void posix_timers_tick(struct process *p, u64 cpu_ns);
void posix_timers_free(struct process *p);
/* A signal of a timer of the current process arrives: info gets the overrun up to now. No lock held. */
void posix_timer_arrived(siginfo_t *info);

#endif
