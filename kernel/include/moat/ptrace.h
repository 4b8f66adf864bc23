/* SPDX-License-Identifier: MIT */
/* room: task */
/* Tracing (ptrace(2)): who traces whom, stops, and what a tracer may ask; docs/ptrace.md is the theory. */
#ifndef MOAT_PTRACE_H
#define MOAT_PTRACE_H

#include <linux/ptrace.h>
#include <moat/task.h>

enum trace_traps {			 /* stops that are due at the next return to ring 3 */
		   TRAP_STOP = 1 << 0,	 /* asked for, or a group stop */
		   TRAP_NOTIFY = 1 << 1, /* the group stop has begun or ended (PTRACE_SEIZE) */
};

enum trace_resume {
	RESUME_CALLS = 1 << 0,	 /* until the next system call, or its end */
	RESUME_NO_CALL = 1 << 1, /* PTRACE_SYSEMU: the next call is not made */
	RESUME_STEP = 1 << 2,
};

/*
 * The side of the traced one. It belongs to its thread, and stays with it when nobody traces it any more; when the traced
 * thread ends, to its tracer's list, until that one has waited for it.
 */
struct tracee {
	LIST_ENTRY(tracee) link; /* [table] */
	struct thread *tracer;	 /* [table] NULL: nobody */
	struct thread *thread;	 /* [table] NULL: it has left its process */
	struct process *process; /* [table] NULL: it has left, and did not lead one */
	int tid, pgid;		 /* [table] what is waited for */
	u32 uid;		 /* [table] */
	u32 options;		 /* [table for change, own thread for read] PTRACE_O_* */
	bool seized;		 /* [I while traced] */
	bool privileged;	 /* [I while traced] the tracer had CAP_SYS_PTRACE */
	bool stopped;		 /* [table for change, a for read] */
	bool listening; /* [table for change, a for read] it stays stopped, but tells what becomes of the group stop */
	bool told; /* [table] wait(2) has told of this stop */
	bool dead; /* [table] the thread has ended, exit_status says how */
	u8 traps;  /* [signals lock for change, a for read] enum trace_traps */
	u8 resume; /* [table for change, own thread for read] enum trace_resume */
	int code; /* [table] of the stop: a signal, with an event in the second byte; the upper half of wait(2)'s */
	int inject;	      /* [table] the signal that the thread goes on with */
	int exit_status;      /* [table] as wait(2) */
	u64 message;	      /* [table] PTRACE_GETEVENTMSG */
	siginfo_t *info;      /* [table] of the stop, on the thread's stack; NULL: it has none */
	bool forced_step;     /* [own thread] the trap flag in its frame is the tracer's */
	bool entered_handler; /* [own thread] while it stepped: a stop is due */
};

/* --- the relation (ptrace.c) --- */

/* PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_SEIZE by the current thread: 0, -EPERM, -ESRCH, -ENOMEM, -EINTR. */
int __must_check ptrace_traceme(void);
int __must_check ptrace_attach(int tid, bool seize, u32 options);
/* Nobody traces tr any more; it goes on with `signo`. Table locked. A thread that has ended leaves tr to the caller. */
void ptrace_detach(struct tracee *tr, int signo);

/* A new thread of the current one's making, not yet traced; *out to be given to ptrace_child. 0 or -ENOMEM. */
struct clone_request;
int __must_check ptrace_prepare_child(const struct clone_request *req, struct tracee **out);
/* It is published: traced by whom the current thread is traced by, if that is so still. Takes over tr. Table locked. */
void ptrace_child(struct thread *child, struct tracee *tr);

/* t, which leaves its process, traces nobody any more. Zombies that nobody wants by then go to `dead`. Table locked. */
struct process_list;
void ptrace_tracer_ends(struct thread *t, struct process_list *dead);
/* It is not traced any more, or its end is told to its tracer. Table locked. */
void ptrace_thread_ends(struct thread *t, int status);
/* p, a zombie with p->trace: its tracer is told. Table locked. */
void ptrace_process_ended(struct process *p);
/* t, which executes a program, has become its process's leader. Table locked. */
void ptrace_new_leader(struct thread *t);
/* Nobody is traced: what is not so for the caller's own tracees does not change under the table's lock. */
bool ptrace_is_idle(void);
/* May the current process, traced or not, get other rights by executing? */
bool ptrace_allows_setid(void);
void ptrace_exec_begin(void);
void ptrace_exec_end(void);

/* --- stops of the current thread (ptrace_stop.c) --- */

static inline bool thread_is_traced(const struct thread *t)
{
	return __atomic_load_n(&t->traced, __ATOMIC_ACQUIRE);
}

/* PTRACE_EVENT_*, if the tracer asked for it; false: it did not. */
bool ptrace_event(unsigned event, u64 message);
/* The current thread is about to end. A SIGKILL that made it end has done so: another one ends the stop. */
void ptrace_exit(int status);
/* The new program is there; old_tid: the number that the thread had before. */
void ptrace_exec(int old_tid);
/* Before and after a system call. False: it is not to be made. */
bool ptrace_call_enter(struct trap_frame *f);
void ptrace_call_exit(struct trap_frame *f);
/* The verdict SECCOMP_RET_TRACE with its data. False: nobody wants to know. */
bool ptrace_seccomp(u32 data);
/* Filters do not count for the current thread (PTRACE_O_SUSPEND_SECCOMP). */
bool ptrace_suspends_seccomp(void);
/* A trap of the current thread that nobody asked for (any more); f is put right. */
bool ptrace_drops_step(struct trap_frame *f, int signo);
/* The current thread has a stop to make. */
bool ptrace_trap_due(const struct thread *t);

struct queued_signal;
struct signal_action;
/* As next_signal in signal.c, for a thread that is traced, by way of its tracer. -1: look again. */
int ptrace_next_signal(struct trap_frame *f, struct thread *t, struct queued_signal **entry,
		       struct signal_action *a);

/* --- requests (ptrace_request.c) --- */

/* Runs fn on the tracee `tid` of the current thread, which stands still, with the table locked. What fn says, or -ESRCH. */
int ptrace_with(int tid, int (*fn)(struct tracee *tr, void *arg), void *arg);
/* Requests for one that may run. */
int ptrace_interrupt(int tid);
int ptrace_kill(int tid);
/* For fn of ptrace_with. */
int ptrace_resume(struct tracee *tr, int signo, unsigned how);
int ptrace_listen(struct tracee *tr);
void ptrace_get_regs(struct tracee *tr, u64 regs[]);
int ptrace_set_reg(struct tracee *tr, unsigned n, u64 value);

#endif
