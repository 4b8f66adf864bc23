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
#include <moat/cred.h>
#include <moat/exec.h>
#include <moat/fail.h>
#include <moat/file.h>
#include <moat/fs.h>
#include <moat/log.h>
#include <moat/ptimer.h>
#include <moat/sched.h>
#include <moat/seccomp.h>
#include <moat/signal.h>
#include <moat/waitq.h>

struct task_ref;
struct tracee;
struct tty;

#define TASK_NAME_MAX	  16
#define EXPLAIN_MAX	  384
#define PERSONALITY_FIXED 0x0040000u /* ADDR_NO_RANDOMIZE, personality(2) */

struct rlimit_pair {
	u64 soft, hard;
};

enum process_state {
	PROCESS_NEW,   /* has its number and nothing else: nobody finds it yet */
	PROCESS_ALIVE, /* it has threads */
	PROCESS_ZOMBIE,
};

/* What a process has used; filled as it goes, complete once it is a zombie. */
struct process_usage {
	u64 user_ns, sys_ns;
	u64 minor_faults, major_faults, cow_faults;
	u64 peak_bytes;
	u64 bytes_read, bytes_written, reads, writes;
	u64 voluntary, involuntary; /* switches */
};

/* A thread that waits for the one it made with CLONE_VFORK to leave its memory alone; on the waiting one's stack. */
struct vfork_wait {
	struct waitq queue;
	bool done; /* [table for change, a for read] */
};

struct process {
	int pid;			/* [I] */
	struct process *parent;		/* [table] */
	int parent_pid;			/* [a] its number */
	TAILQ_HEAD(, process) children; /* [table] oldest first */
	TAILQ_ENTRY(process) sibling;	/* [table] */
	LIST_ENTRY(process) all;	/* [table] */
	LIST_ENTRY(process) hash;	/* [table] by PID */
	enum process_state state;	/* [table] */
	int exit_signal;		/* [table] what the parent gets at the end; 0: nothing */
	struct tracee *trace; /* [table] of its leader, also when that has ended; NULL: not traced */
	u32 in_exec;	      /* [table] threads inside execve(2): nobody attaches meanwhile */
	bool awaited;	      /* [I] process_await is used: stays a zombie until process_reap */
	int made_by; /* [table] the thread of its parent that made it, or adopted it: wait(2), __WNOTHREAD */
	bool has_executed;	  /* [table] execve since it was forked: setpgid(2) asks */
	bool subreaper;		  /* [table] PR_SET_CHILD_SUBREAPER */
	int parent_death_signal;  /* [own thread] PR_SET_PDEATHSIG */
	struct waitq child_event; /* a child has ended, stopped or gone on */
	char name[TASK_NAME_MAX]; /* [I between execs] */
	/* The threads are found with the table or the signals locked, and change with both. */
	TAILQ_HEAD(, thread) threads; /* [table, signals] oldest first */
	u32 thread_count;	      /* [table, signals for change, a for read] */
	struct thread *leader; /* [table, signals] the thread whose number is pid; NULL once it has ended */
	struct waitq thread_event; /* a thread has ended */
	/* What others may look at (/proc/PID), with the table locked: own threads change it so too. */
	struct aspace *aspace;	 /* [table for change] NULL: the kernel's process, or it ended */
	struct file *exe;	 /* [table for change] may be NULL */
	struct exec_facts facts; /* [table for change] of the program */
	u64 start_ns;		 /* [I] monotonic clock when it was made; with pid, who it is */
	s32 oom_score_adj;	 /* [table] -1000..1000, proc(5) */
	s32 oom_score_adj_min;	 /* [table] what who is not root may go down to */
	struct cred cred;	 /* [table] of the first thread, as others see it */
	int pgid, sid;		 /* [table] */
	struct tty *tty;	 /* [table] its controlling terminal, or NULL (terminal.c) */
	int tty_old_foreground;	 /* [table] of the terminal that hung up under this leader; 0: none */
	struct rlimit_pair limits[RLIM_NLIMITS]; /* [own thread] */
	u32 personality;			 /* [own thread] */
	bool not_dumpable; /* [table for change by others] PR_SET_DUMPABLE: not even its user may look in */
	u8 hints;	   /* [own thread] what prctl(2) keeps and nobody acts on (sys_prctl.c) */
	int exit_status;   /* [I once a zombie] in the encoding of wait(2) */
	struct process_usage usage; /* [table] of threads that have ended, and of programs before this one */
	struct process_usage children_usage; /* [table] of those that were waited for, and theirs */
	struct process_usage
		faults_before;	     /* [own thread] faults that the address space had seen at the start */
	struct ratelimit log_budget; /* [own thread] */
	char explain[EXPLAIN_MAX];   /* [own thread] why it was ended, for the report */
	bool out_of_memory;	     /* [table] ended, or to be ended, because memory ran out */
	u64 first_insn_ns, first_insn_cycles; /* [I after start] when ring 3 was entered first */
	u64 exit_cycles;		      /* [I once a zombie] */
	struct alloc_fail alloc_fail;	      /* [a] fault injection, debug kernel */
	struct process_timers timers;	      /* [table] */
	struct task_ref *ref; /* [table] what descriptors name it by (moat/pidfd.h), or NULL: nobody asked */
	struct signal_state signals;
};

enum thread_state {
	THREAD_READY, /* on the run queue */
	THREAD_NEW, /* thread_start has not been called: others may find it and kick it, which does not make it run */
	THREAD_RUNNING,
	THREAD_BLOCKING, /* running, about to block */
	THREAD_BLOCKED,
	THREAD_MOVING, /* to another CPU's queue */
	THREAD_DEAD,
};

struct thread {
	struct arch_thread arch;
	struct process *process;     /* [I until it has left the process] */
	int tid;		     /* [table for change] */
	TAILQ_ENTRY(thread) sibling; /* [table, signals] among the threads of its process */
	LIST_ENTRY(thread) hash;     /* [table] by tid */
	struct fd_table *files;	     /* [table for change] */
	struct fs_context *fs;	     /* [table for change] */
	char name[TASK_NAME_MAX];    /* [I between execs] */
	u32 state;		     /* [run queue for change, a for read] enum thread_state */
	struct sched_entity sched;
	LIST_ENTRY(thread) all;	     /* [thread list] */
	u64 on_cpu_since_ns;	     /* [run queue] */
	u64 cpu_ns;		     /* [run queue] up to the last switch away */
	u64 user_ticks, sys_ticks;   /* [own CPU] samples that split cpu_ns */
	u64 switches;		     /* [run queue] */
	struct signal_queue signals; /* for this thread alone */
	u64 blocked_signals;	     /* [own thread for change, a for read] */
	u64 waited_signals;   /* [own thread for change, a for read] sigtimedwait(2) sleeps for these */
	bool standing;	      /* [signals lock] counted as stopped */
	bool traced;	      /* [table and signals lock for change, a for read] */
	struct tracee *trace; /* [the same] its side of being traced; may be there when it is not */
	LIST_HEAD(, tracee) tracees;  /* [table] whom it traces */
	u64 restart_deadline_ns;      /* [own thread] of an interrupted wait that starts again; 0: none */
	u64 saved_mask;		      /* [own thread] put back after sigsuspend's handler */
	bool restore_mask;	      /* [own thread] */
	struct signal_stack altstack; /* [own thread] */
	u64 clear_tid;		      /* [own thread] user address, set_tid_address(2) */
	struct vfork_wait *vfork;     /* [table] who waits until it executes or ends, or NULL */
	u64 robust_list;	      /* [own thread] user address, set_robust_list(2) */
	bool lock_waited_for; /* [a] another one may wait for a lock of its own that the kernel hands on; never taken back */
	u64 set_child_tid;	 /* [own thread] user address, CLONE_CHILD_SETTID; 0: none */
	u64 rseq;		 /* [own thread] user address of its struct rseq, 0 = none */
	u32 rseq_signature;	 /* [own thread] */
	struct mempolicy policy; /* [own thread] set_mempolicy(2) */
	struct cred cred;	 /* [own thread for read, table for change] */
	bool asks_as_real_user;	 /* [own thread] inside access(2) */
	u64 faults;		 /* [own thread] that were served */
	u64 bytes_read, bytes_written, reads, writes; /* [own thread] by read(2), write(2) and their kin */
	u16 ioprio; /* [table] ioprio_set(2): kept for who asks; 0: none was set */
	u64 timer_slack_ns; /* [own thread for change, a for read] kept for who asks: timers here are never late on purpose */
	struct task_ref *ref; /* [table] what descriptors name it by if it leads no process, or NULL */
	bool no_new_privs;    /* [table for change by another thread] PR_SET_NO_NEW_PRIVS; never taken back */
	struct seccomp_state seccomp;
};

static inline struct thread *current_thread(void)
{
	return arch_current();
}

static inline struct process *current_process(void)
{
	return arch_current()->process;
}

static inline const struct cred *current_cred(void)
{
	return &arch_current()->cred;
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
/* Gives back what was not started: files and fs stay the caller's. */
void process_discard(struct process *p);
/* Makes file (a reference of the caller's; NULL: none) what p runs, in place of what it ran. Own thread, or not started. */
void process_set_exe(struct process *p, struct file *file);
/* What p itself has used so far, memory included. Own thread, or a zombie. */
void process_get_usage(struct process *p, struct process_usage *out);
void process_usage_add(struct process_usage *to, const struct process_usage *from);
/* Calls fn when a process ends, by its last thread, before it gives up what it holds. Boot, once. */
void process_register_exit(void (*fn)(struct process *p));
/* Ends the current process with all its threads: status in the encoding of wait(2). */
__noreturn void process_exit(int wait_status);
/* What all processes that have ended used, waited for or not. */
void process_ended_usage(struct process_usage *out);
/* Kills all processes but `keep`, which is a zombie, and waits until they are gone. */
void process_end_others(struct process *keep);
/* Whether p is a zombie. Takes the lock of the table of processes. */
bool process_has_ended(const struct process *p);
/* Waits until p, a child of the kernel's process, is a zombie; it stays one until process_reap. */
void process_await(struct process *p);
void process_reap(struct process *p);
/* Calls fn for each process with the table locked, until it returns false. */
void process_for_each(bool (*fn)(struct process *p, void *arg), void *arg);
/*
 * Calls fn with the table locked for the process `pid` (0: the current one; a thread's number: its process), PID 1
 * included. What fn says, or -ESRCH.
 */
int process_with(int pid, int (*fn)(struct process *p, void *arg), void *arg);
/*
 * The memory of the process with that number, with a reference, for the current process to read and write: -ESRCH (none,
 * or it has no memory any more), -EPERM.
 */
int __must_check process_peek(int pid, struct aspace **out);
/* May the current process look into p (ptrace(2))? Table locked. */
bool process_may_peek(const struct process *p);
/* CPU time so far, split by samples, of all threads. The current process, or one that does not go away. */
void process_cpu_times(struct process *p, u64 *user_ns, u64 *sys_ns);
/* The same with the table locked. */
void process_cpu_times_locked(const struct process *p, u64 *user_ns, u64 *sys_ns);
void thread_cpu_times(const struct thread *t, u64 *user_ns, u64 *sys_ns);
/* After the boot test: the kernel's process becomes PID 1. */
void process_become_init(void);
/* Calls fn with the table locked for the thread `tid` (0: the current one). What fn says, or -ESRCH. */
int thread_with(int tid, int (*fn)(struct thread *t, void *arg), void *arg);
/* Sets the reason shown in the report and log, unless there is one already. Own thread. */
void process_explain(struct process *p, const char *fmt, ...) __printf(2, 3);

/* How many processes there are, zombies included; PID 1 does not count. */
unsigned process_count(void);
/* Numbers of processes and threads are less than that (/proc/sys/kernel/pid_max); 0 or -EINVAL. */
int process_pid_max(void);
int __must_check process_set_pid_max(s64 value);
int process_parent_pid(const struct process *p);
bool process_exists(int pid); /* 0: the current one */
/* How many numbers were given to processes and threads so far, and the last of them. */
void process_numbers(u64 *made, int *last);

/* --- kcmp(2) (kcmp.c) --- */

enum task_part {
	PART_MEMORY,
	PART_FILES,
	PART_FS,
	PART_ACTIONS,
	PART_NOTHING, /* they are only looked for */
};
/*
 * Have two threads, by their numbers, the same one? 0: yes; 1, 2: no, and the first comes before or after the second in an
 * order that stays the same; -ESRCH, -EPERM.
 */
int __must_check task_compare(const int tids[2], enum task_part part);
/* The same for the open files behind their descriptors: also -EBADF. */
int __must_check task_compare_files(const int tids[2], const int fds[2]);
/* The file behind a descriptor of the first, and what the epoll file behind efd of the second watches as tfd. */
int __must_check task_compare_watched(const int tids[2], int fd, int efd, int tfd, u32 index);

/* --- sessions and process groups (group.c) --- */

/* setpgid(2): 0 for "the caller" and "its own number". 0, -ESRCH, -EPERM, -EACCES, -EINVAL. */
int __must_check process_set_group(int pid, int pgid);
/* setsid(2): the new session's number or -EPERM. */
int __must_check process_new_session(void);
/* Has nobody in the group a parent outside of it in the same session? Then no shell would continue it. */
bool group_is_orphaned(int pgid);

/* --- terminals (terminal.c) --- */

void terminals_init(void); /* boot, before devices */

/* --- making processes (fork.c) --- */

struct clone_request {
	u64 flags;		/* CLONE_* without the exit signal */
	int exit_signal;	/* to the parent; 0: none */
	u64 stack;		/* initial stack pointer; 0: as the parent's */
	u64 tls;		/* CLONE_SETTLS */
	int __user *parent_tid; /* CLONE_PARENT_SETTID */
	int __user *pidfd;	/* CLONE_PIDFD */
	u64 child_tid;		/* CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID: user address */
	int chosen_tid;		/* its number; 0: any */
};
/*
 * clone(2) by the current thread; flags that contradict each other were refused by the caller. With CLONE_VFORK it
 * returns when the child has executed or ended. The child's PID, or the new thread's number; -EAGAIN (limits), -ENOMEM,
 * -EPERM (tls), -EMFILE and -EFAULT (pidfd), -EEXIST (chosen_tid), -EINTR (killed).
 */
int __must_check process_clone(const struct clone_request *req);
/* The current process does not use its parent's memory any more. */
void vfork_release(struct thread *t);

/* --- waiting for children (wait.c) --- */

enum wait_which {
	WAIT_ANY,
	WAIT_PID,
	WAIT_GROUP,
	WAIT_REF,
};

struct wait_request {
	enum wait_which which;
	int id;			    /* PID or process group */
	const struct task_ref *ref; /* WAIT_REF */
	u32 options; /* of wait(2): WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL, __WCLONE */
};

struct wait_result {
	int pid;
	u32 uid;
	int code;   /* CLD_* */
	int status; /* in the encoding of wait(2) */
	struct process_usage usage;
};
/* 1: *out is filled. 0: WNOHANG, and nothing has happened. -ECHILD, -EINTR. */
int __must_check process_wait(const struct wait_request *req, struct wait_result *out);

/* --- execve (execve.c) --- */

/*
 * The current process becomes the program in `file` (from exec_open; borrowed). execfn: what it is told it is. comm:
 * its name; NULL: the last part of execfn. 0, and the frame for ring 3 is the new program's; or what exec_args_from_user
 * and exec_load say, -ETXTBSY, with nothing changed.
 */
struct exec_call {
	struct file *file;
	const char *execfn, *comm;
	bool path_is_lost; /* execfn leads nowhere once the program runs: no script */
	const char __user *const __user *argv;
	const char __user *const __user *envp;
};
int __must_check process_exec(const struct exec_call *call);

/* --- threads and scheduling (thread.c, sched.c) --- */

/* A thread of p that will run fn(arg) in the kernel, in no list of p's yet. NULL: no memory. */
struct thread *__must_check thread_create(struct process *p, const char *name, void (*fn)(void *), void *arg);
/* A new thread, not started: it takes its policy and its CPUs from the current one. */
void sched_init_thread(struct thread *t);
void thread_start(struct thread *t);
void thread_free(struct thread *t);
/* Ends the current thread, which belongs to the kernel or has left its process. */
__noreturn void thread_exit(void);
/* exit(2): the current thread ends, and its process with it when it was the last one. */
__noreturn void thread_leave(int wait_status);
/* Puts another descriptor table, whose reference is taken over, in the place of the current thread's. */
void thread_set_files(struct fd_table *files);
/* The same for root and working directory. */
void thread_set_fs(struct fs_context *fs);
/* The current thread gets a copy of its own of what it shares (unshare(2)): 0 or -ENOMEM. */
int __must_check thread_unshare_files(void);
int __must_check thread_unshare_fs(void);
/* Turns the boot context into the idle thread of this CPU. */
void sched_init(void);
__noreturn void sched_idle(void);
/* Lets others run. */
void sched_yield(void);
/* Wakes t if it sleeps interruptibly, for a signal. Any context. */
void sched_kick(struct thread *t);
/* The current thread, which is on its way to ring 3, looks at its signals before it gets there. */
void sched_request_work(void);
u64 thread_cpu_ns(const struct thread *t);

/* What RUSAGE_THREAD shows of the current thread. */
void thread_get_usage(struct process_usage *out);

/* --- load averages (loadavg.c) --- */

#define LOAD_SHIFT     11 /* of the parts after the point */
#define TIMER_SLACK_NS 50000u

/* Of 1, 5 and 15 minutes. */
void load_averages(u64 out[3]);

/* --- restartable sequences (rseq.c) --- */

/* rseq(2) for the current thread: 0, -EINVAL, -EPERM, -EBUSY, -EFAULT. */
int __must_check rseq_register(struct thread *t, u64 addr, u32 len, u32 flags, u32 signature);
/* Before a return to ring 3 after the thread lost the CPU or got a signal. */
void rseq_resume(struct thread *t, struct trap_frame *f);

/* --- out of memory (oom.c) --- */

void oom_init(void); /* boot */

/* --- calls that start again (restart.c) --- */

/*
 * When a wait that the current call begins is to end: deadline_ns, or that of the same call before it was interrupted.
 * call_deadline_over: it has ended otherwise than by a signal.
 */
u64 call_deadline(u64 deadline_ns);
void call_deadline_over(void);

/* --- /proc (proc_tasks.c) --- */

void proc_tasks_init(void); /* boot */

/* A process in a line of what /proc tells of all of them. */
struct process_summary {
	int pid;
	char name[TASK_NAME_MAX];
	u64 anon_pages, refused_faults;
};
/* The process with the lowest PID >= from; false: there is none, or no memory. */
bool process_summary_next(u32 from, struct process_summary *out);

/* Sums over all processes so far; total and running are of those that there are. */
struct process_totals {
	u64 total, running;
	u64 user_ns, sys_ns, switches;
	u64 made;     /* processes and threads, ever */
	int last_pid; /* the number that was given last */
};
void process_totals_read(struct process_totals *out);

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
