/* SPDX-License-Identifier: MIT */
/* room: task */
/* Signals (signal(7)): sending, masks, actions, delivery. Numbers and structures are Linux's. */
#ifndef MOAT_SIGNAL_H
#define MOAT_SIGNAL_H

#include <linux/signal.h>
#include <sys/queue.h>
#include <moat/spinlock.h>
#include <moat/types.h>

struct process;
struct thread;
struct trap_frame;

#define SIGNAL_MAX	   64
#define SIGNAL_BIT(n)	   (1ull << ((n)-1))
#define SIGNALS_UNMASKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* The kernel's struct sigaction of rt_sigaction(2), x86-64. */
struct signal_action {
	u64 handler; /* SIG_DFL, SIG_IGN or an address */
	u64 flags;
	u64 restorer;
	u64 mask;
};

/* sigaltstack(2) */
struct signal_stack {
	u64 sp, size;
	u32 flags;
};

/* What came with a pending signal. */
struct queued_signal {
	TAILQ_ENTRY(queued_signal) link;
	siginfo_t info;
};

TAILQ_HEAD(signal_list, queued_signal);

/*
 * A bit of `pending` says that the signal is to be acted on; its siginfo is in the queue, unless there was no memory for
 * it. Standard signals are queued once, those from SIGRTMIN on as often as they are sent.
 */
struct signal_state {
	struct spinlock lock;	  /* RANK_SIGNAL */
	u64 pending;		  /* [lock for change, a for read] */
	struct signal_list queue; /* [lock] oldest first */
	u32 queued;		  /* [lock] its length */
	int stopped;		  /* [lock for change, a for read] by this signal; 0: runs */
	bool stop_unreported;	  /* [lock] wait(2) has not told of it yet */
	bool continue_unreported; /* [lock] the same for the end of a stop */
	u64 action_set;		  /* [lock] actions[] below with a meaning; all others are SIG_DFL */
	struct signal_action actions[SIGNAL_MAX]; /* [own thread; with the lock to change them] */
};

void signal_state_init(struct signal_state *s);
/* fork(2): the actions, and nothing that is pending. The parent is the current process. */
void signal_state_fork(struct signal_state *child, const struct signal_state *parent);
/* execve(2), and CLONE_CLEAR_SIGHAND: what has a handler goes back to SIG_DFL. */
void signal_reset_handlers(struct process *p);
/* Drops all that is pending. Nobody can send any more. */
void signal_state_end(struct signal_state *s);

/*
 * Makes info->si_signo pending for p and wakes it. Any context. 0, or -EAGAIN when a real-time signal cannot be queued
 * (RLIMIT_SIGPENDING, no memory).
 */
int signal_send(struct process *p, const siginfo_t *info);
/* May the current process send `signo` to p (kill(2))? Process table locked. */
bool signal_permitted(const struct process *p, int signo);
/* kill(2), with its errors. */
int __must_check signal_kill(int pid, int signo);
/* tgkill(2); tgid -1: any, as tkill(2). */
int __must_check signal_kill_thread(int tgid, int tid, int signo);
/* The common forms: from kill(2) by the current process; from the kernel. */
int signal_send_user(struct process *p, int signo, int code);
void signal_send_kernel(struct process *p, int signo);
/* A fault of the current thread: cannot be blocked or ignored. */
void signal_force(int signo, int code, u64 addr);
/* The current thread has a signal that is not blocked. */
bool signal_due(void);
/* SIGKILL, or what will end the current process all the same, is pending. */
bool signal_kill_due(void);
/* Every byte is set: the structure goes to user memory whole. */
void signal_make_info(siginfo_t *info, int signo, int code);
/* What p does with signo now. Any process. */
struct signal_action signal_get_action(struct process *p, int signo);
/* Acts on every signal that is due: ends the process, or redirects f to a handler. Before a return to ring 3. */
void signal_deliver(struct trap_frame *f);
/* sigaction(2): a pending signal that the new action ignores is dropped. Own thread. */
void signal_set_action(struct process *p, int signo, const struct signal_action *a);
/* Name such as "SIGSEGV" and Linux's description ("Segmentation fault"). */
const char *signal_name(int signo);

#endif
