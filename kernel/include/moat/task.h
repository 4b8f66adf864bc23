/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * Processes and threads. A process owns an address space, open files and identity; a thread is what the scheduler
 * runs. Kernel threads belong to the kernel's own process, which has no user address space and is the parent
 * of what has no other.
 */
#ifndef MOAT_TASK_H
#define MOAT_TASK_H

#include <linux/resource.h>
#include <arch/switch.h>
#include <moat/aspace.h>
#include <moat/file.h>
#include <moat/fs.h>
#include <moat/log.h>
#include <moat/signal.h>
#include <moat/waitq.h>

#define TASK_NAME_MAX	  16
#define EXPLAIN_MAX	  240
#define PERSONALITY_FIXED 0x0040000u /* ADDR_NO_RANDOMIZE, personality(2) */

struct rlimit_pair {
	u64 soft, hard;
};

enum process_state {
	PROCESS_READY,
	PROCESS_RUNNING,
	PROCESS_BLOCKED,
	PROCESS_ZOMBIE,
	PROCESS_TERMINATED,
};

/* What a process has used; filled as it goes, complete once it is a zombie. */
struct process_usage {
	u64 user_ns, sys_ns;
	u64 minor_faults, major_faults, cow_faults;
	u64 peak_bytes;
	u64 switches;
};

struct process {
	int pid;				 /* [I] */
	struct process *parent;			 /* [table] */
	LIST_HEAD(, process) children;		 /* [table] */
	LIST_ENTRY(process) sibling;		 /* [table] */
	LIST_ENTRY(process) all;		 /* [table] */
	enum process_state state;		 /* [table] coarse: a zombie, or what its thread does */
	char name[TASK_NAME_MAX];		 /* [I between execs] */
	struct thread *thread;			 /* [I] its first thread */
	struct aspace *aspace;			 /* [I between execs] NULL: the kernel's process */
	struct fd_table *files;			 /* [I] */
	struct fs_context *fs;			 /* [I] */
	struct file *exe;			 /* [I between execs] may be NULL */
	u32 uid, euid, suid, gid, egid, sgid;	 /* [own thread] */
	int pgid, sid;				 /* [table] */
	struct rlimit_pair limits[RLIM_NLIMITS]; /* [own thread] */
	u32 personality;			 /* [own thread] */
	bool no_new_privs;			 /* [own thread] */
	struct signal_state signals;
	int exit_status; /* [I once a zombie] in the encoding of wait(2) */
	struct waitq exited;
	struct process_usage usage;
	struct ratelimit log_budget;	      /* [own thread] */
	char explain[EXPLAIN_MAX];	      /* [own thread] why it was ended, for the report */
	bool out_of_memory;		      /* [own thread] ended because memory ran out */
	u64 first_insn_ns, first_insn_cycles; /* [I after start] when ring 3 was entered first */
	u64 exit_cycles;		      /* [I once a zombie] */
};

enum thread_state {
	THREAD_READY, /* on the run queue */
	THREAD_RUNNING,
	THREAD_BLOCKING, /* running, about to block */
	THREAD_BLOCKED,
	THREAD_DEAD,
};

struct thread {
	struct arch_thread arch;
	struct process *process;      /* [I] */
	int tid;		      /* [I] */
	char name[TASK_NAME_MAX];     /* [I between execs] */
	enum thread_state state;      /* [run queue] */
	TAILQ_ENTRY(thread) run;      /* [run queue] */
	LIST_ENTRY(thread) all;	      /* [thread list] */
	u32 slice_ticks;	      /* [own CPU] ticks left before others get a turn */
	u64 on_cpu_since_ns;	      /* [run queue] */
	u64 cpu_ns;		      /* [run queue] up to the last switch away */
	u64 user_ticks, sys_ticks;    /* [own CPU] samples that split cpu_ns */
	u64 switches;		      /* [run queue] */
	u64 blocked_signals;	      /* [own thread] */
	u64 saved_mask;		      /* [own thread] put back after sigsuspend's handler */
	bool restore_mask;	      /* [own thread] */
	struct signal_stack altstack; /* [own thread] */
	u64 clear_tid;		      /* [own thread] user address, set_tid_address(2) */
	u64 rseq;		      /* [own thread] user address of its struct rseq, 0 = none */
	u32 rseq_signature;	      /* [own thread] */
};

static inline struct thread *current_thread(void)
{
	return arch_current();
}

static inline struct process *current_process(void)
{
	return arch_current()->process;
}

/* --- processes (process.c) --- */

extern struct process kernel_process;

/*
 * A process with one thread that will run fn(arg) in the kernel, and an empty signal state; not yet started. files
 * and fs are taken over. NULL: no memory, or the limit on processes.
 */
struct process *__must_check process_create(struct process *parent, const char *name, struct fd_table *files,
					    struct fs_context *fs, void (*fn)(void *), void *arg);
void process_start(struct process *p);
/* Ends the current process: status in the encoding of wait(2). */
__noreturn void process_exit(int wait_status);
/* Whether p is a zombie. Takes the lock of the table of processes. */
bool process_has_ended(const struct process *p);
/* Waits until p, a child of the kernel's process, is a zombie; it stays one until process_reap. */
void process_await(struct process *p);
void process_reap(struct process *p);
/* Calls fn for each process with the table locked, until it returns false. */
void process_for_each(bool (*fn)(struct process *p, void *arg), void *arg);
/* CPU time so far, split by samples. Any process that does not end meanwhile. */
void process_cpu_times(struct process *p, u64 *user_ns, u64 *sys_ns);
/* After the boot test: the kernel's process becomes PID 1. */
void process_become_init(void);
/* Sets the reason shown in the report and log, unless there is one already. Own thread. */
void process_explain(struct process *p, const char *fmt, ...) __printf(2, 3);

/* --- threads and scheduling (thread.c, sched.c) --- */

struct thread *__must_check thread_create(struct process *p, const char *name, void (*fn)(void *), void *arg);
void thread_start(struct thread *t);
void thread_free(struct thread *t);
__noreturn void thread_exit(void);
/* Turns the boot context into the idle thread of this CPU. */
void sched_init(void);
__noreturn void sched_idle(void);
/* Lets others run. */
void sched_yield(void);
/* Wakes t if it sleeps interruptibly, for a signal. Any context. */
void sched_kick(struct thread *t);
u64 thread_cpu_ns(const struct thread *t);

/* --- restartable sequences (rseq.c) --- */

/* rseq(2) for the current thread: 0, -EINVAL, -EPERM, -EBUSY, -EFAULT. */
int __must_check rseq_register(struct thread *t, u64 addr, u32 len, u32 flags, u32 signature);
/* Before a return to ring 3 after the thread lost the CPU or got a signal. */
void rseq_resume(struct thread *t, struct trap_frame *f);

/* --- time-outs (timeout.c) --- */

/* Sleeps until the monotonic clock shows deadline_ns: 0, or -EINTR when a signal is due. */
int __must_check sleep_until_ns(u64 deadline_ns);
/* Wakes sleepers whose time has come; called at each tick. */
void timeouts_run(u64 now_ns);

/* --- starting programs (spawn.c) --- */

struct spawn_request {
	struct file *file; /* or NULL and object */
	struct mobj *object;
	const char *execfn;
	const char *const *argv; /* ends in NULL */
	const char *const *envp;
	struct fd_table *files; /* taken over on success */
	struct fs_context *fs;	/* taken over on success */
	bool fixed_addresses;
};
/* A new process, child of the kernel's, about to run the program; not started. 0 or what exec_load says. */
int __must_check process_spawn(const struct spawn_request *req, struct process **out);

#endif
