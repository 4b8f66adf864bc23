/* SPDX-License-Identifier: MIT */
/* room: task */
/* Signals (signal(7)): sending, masks, actions, delivery. Numbers and structures are Linux's. */
#ifndef MOAT_SIGNAL_H
#define MOAT_SIGNAL_H

#include <linux/signal.h>
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

struct signal_state {
	struct spinlock lock;			  /* RANK_SIGNAL */
	u64 pending;				  /* [lock] */
	siginfo_t info[SIGNAL_MAX];		  /* [lock] of each pending signal */
	struct signal_action actions[SIGNAL_MAX]; /* [own thread] */
};

/* Makes info->si_signo pending for p and wakes it. Any context. */
void signal_send(struct process *p, const siginfo_t *info);
/* The common forms: from kill(2) by the current process; from the kernel. */
void signal_send_user(struct process *p, int signo, int code);
void signal_send_kernel(struct process *p, int signo);
/* A fault of the current thread: cannot be blocked or ignored. */
void signal_force(int signo, int code, u64 addr);
/* The current thread has a signal that is not blocked. */
bool signal_due(void);
/* Acts on every signal that is due: ends the process, or redirects f to a handler. Before a return to ring 3. */
void signal_deliver(struct trap_frame *f);
/* sigaction(2): a pending signal that the new action ignores is dropped. Own thread. */
void signal_set_action(struct process *p, int signo, const struct signal_action *a);
/* Name such as "SIGSEGV" and Linux's description ("Segmentation fault"). */
const char *signal_name(int signo);

#endif
