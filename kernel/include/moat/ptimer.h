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

/* A clock of CPU time (cpu_clock.c): of a process, or of a thread, whose number is not 0 then. */
struct cpu_clock {
	int pid, tid;
	bool user_only; /* time in ring 3 */
};

enum cpu_clock_use {
	CPU_CLOCK_READ, /* the number of any thread of the caller's own process will do for it */
	CPU_CLOCK_TIMER,
};
bool clock_is_cpu(int id);
/* -EINVAL: there is no such process or thread, or no such kind of time. */
int __must_check cpu_clock_decode(int id, enum cpu_clock_use use, struct cpu_clock *c);
/* What it shows; 0 once nobody is there any more. */
u64 cpu_clock_now(const struct cpu_clock *c);
u64 cpu_clock_now_locked(const struct cpu_clock *c); /* table locked */
/* Sleeps until it shows so much: 0, -EINTR. */
int __must_check cpu_clock_sleep(const struct cpu_clock *c, u64 until_ns);

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
