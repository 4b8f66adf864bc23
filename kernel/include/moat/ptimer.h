/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * Timers of processes: setitimer(2), alarm(2), timer_create(2), and the limit on CPU time. What expires sends a signal.
 */
#ifndef MOAT_PTIMER_H
#define MOAT_PTIMER_H

#include <linux/signal.h>
#include <sys/queue.h>
#include <moat/ktimer.h>

struct process;
struct posix_timer;

enum { ITIMERS = 3 }; /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */

/* How long until it expires, and then again each time; 0: it does not. */
struct timer_span {
	u64 value_ns, interval_ns;
};

/* All under the table's lock. */
struct process_timers {
	struct ktimer real;		  /* of ITIMER_REAL */
	struct timer_span spans[ITIMERS]; /* value_ns: the time on its clock when it expires */
	LIST_HEAD(, posix_timer) posix;
	u32 count;	  /* of these */
	u32 on_cpu_time;  /* of these, and of ITIMER_VIRTUAL and _PROF, that watch CPU time; [a] for read */
	u64 next_xcpu_ns; /* SIGXCPU is sent next when so much CPU time has been used; 0: at the limit */
	int next_id;
};

void process_timers_init(struct process *p);
/* The current process has a new program (POSIX timers go), or ends (all go). */
void process_timers_exec(struct process *p);
void process_timers_end(struct process *p);
/* At the tick, in interrupt context: does the current process use more CPU time than somebody has asked about? */
void process_timers_tick(struct process *p);

/* Sets (new not NULL) or only reads (old) a timer of the current process; which < ITIMERS. */
void itimer_set(int which, const struct timer_span *new, struct timer_span *old);

struct timer_request {
	int clock, notify, signo; /* notify: SIGEV_* */
	int tid;		  /* SIGEV_THREAD_ID */
	bool has_value;		  /* else the timer's number */
	sigval_t value;
};
/* timer_create(2): 0, -EINVAL, -EOPNOTSUPP, -EAGAIN, -ENOMEM. */
int __must_check posix_timer_create(const struct timer_request *req, int *id);
int __must_check posix_timer_delete(int id);
/* at: value_ns is a time on the clock, not a span. Each -EINVAL: there is no such timer. */
enum timer_set_flags { TIMER_AT = 1 };
int __must_check posix_timer_set(int id, unsigned flags, const struct timer_span *new,
				 struct timer_span *old);
int __must_check posix_timer_get(int id, struct timer_span *left);
int __must_check posix_timer_overrun(int id);

#endif
