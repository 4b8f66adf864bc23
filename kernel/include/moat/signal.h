/* SPDX-License-Identifier: MIT */
/* room: task */
/* Signals (signal(7)): sending, masks, actions, delivery. Numbers and structures are Linux's. */
#ifndef MOAT_SIGNAL_H
#define MOAT_SIGNAL_H

#include <linux/signal.h>
#include <sys/queue.h>
#include <moat/refcount.h>
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
	struct queued_signal **holder; /* [hand lock] NULL, or where who sent it is told that it is gone */
	siginfo_t info;
};

TAILQ_HEAD(signal_list, queued_signal);

/*
 * What is pending: for one thread, or for whichever thread of a process takes it first. A bit of `pending` says that the
 * signal is to be acted on; its siginfo is in the list, unless there was no memory for it. Standard signals are queued
 * once, those from SIGRTMIN on as often as they are sent.
 */
struct signal_queue {
	u64 pending;		 /* [hand lock for change, a for read] */
	struct signal_list list; /* [hand lock] oldest first */
};

/*
 * The actions, and the lock of all signals of those who have them: the threads of a process and, after clone(2) with
 * CLONE_SIGHAND, of others too.
 */
struct sighand {
	struct refcount refs;
	struct spinlock lock;  /* RANK_SIGNAL, interrupts off */
	u64 action_set;	       /* [lock] actions below with a meaning; all others are SIG_DFL */
	u32 flags[SIGNAL_MAX]; /* [lock] apart, so that the whole fits into a cell of 2 KiB */
	struct {
		u64 handler, restorer, mask;
	} actions[SIGNAL_MAX]; /* [lock] */
};

/* Why its threads look at more than at what is pending. */
enum signal_attention {
	ATTENTION_STOPPED = 1 << 0, /* `stopped` is not 0 */
	ATTENTION_TRACED = 1 << 1,  /* `traced` is not 0 */
};

/* The signals of a process. */
struct signal_state {
	struct sighand *hand;	     /* [table and hand lock for change, either for read] */
	struct signal_queue shared;  /* for any thread */
	u32 queued;		     /* [hand lock] entries in all queues of the process */
	struct queued_signal *spare; /* [a] for the next one, or NULL */
	u32 attention;	 /* [hand lock for change, a for read] enum signal_attention: 0 but in rare cases */
	u32 traced;	 /* [hand lock] threads with a tracer */
	int stopped;	 /* [hand lock for change, a for read] by this signal; 0: runs */
	u32 stop_number; /* [hand lock for change, a for read] of stops so far */
	u32 to_stop;	 /* [hand lock] threads that do not stand still yet; the last one tells the parent */
	bool stop_unreported;	  /* [hand lock] wait(2) has not told of it yet */
	bool continue_unreported; /* [hand lock] the same for the end of a stop */
	bool continue_pending;	  /* [hand lock] the parent has not been told that it goes on */
	bool ending;	/* [hand lock for change, a for read] all threads are to end: exit_group(2) */
	int end_status; /* [hand lock] with what, in the encoding of wait(2) */
	struct thread
		*executing; /* [hand lock for change, a for read] execve(2): all other threads are to end */
};

/* --- actions (signal_actions.c) --- */

/* All SIG_DFL, one reference; NULL: no memory. */
struct sighand *__must_check sighand_create(void);
/* The same actions, one reference; NULL: no memory. */
struct sighand *__must_check sighand_copy(struct sighand *from);
static inline struct sighand *sighand_get(struct sighand *h)
{
	ref_get(&h->refs);
	return h;
}
void sighand_put(struct sighand *h);
/* What has a handler goes back to SIG_DFL: execve(2), CLONE_CLEAR_SIGHAND. */
void sighand_reset(struct sighand *h);
/* What p does with signo now. p is the current process, or the table is locked. */
struct signal_action signal_get_action(struct process *p, int signo);
/* sigaction(2) for the current process: a pending signal that the new action ignores is dropped. */
void signal_set_action(int signo, const struct signal_action *a);

void signal_queue_init(struct signal_queue *q);
void signal_state_init(struct signal_state *s, struct sighand *hand);
/* Drops what a queue of p holds. Nobody can send to it any more. */
void signal_queue_end(struct process *p, struct signal_queue *q);

/* --- sending (signal_send.c) --- */

/*
 * Makes info->si_signo pending for p, and wakes a thread that takes it. Any context; p is the current process, or the
 * table is locked. 0, or -EAGAIN when a real-time signal cannot be queued (RLIMIT_SIGPENDING, no memory).
 */
int signal_send(struct process *p, const siginfo_t *info);
/* The same for one thread, of a process as above. */
int signal_send_thread(struct thread *t, const siginfo_t *info);
/* From the kernel. */
void signal_send_kernel(struct process *p, int signo);
/* From the kernel to a process that is not the current one, from a place where the table is not locked. Any context. */
void signal_send_outside(struct process *p, int signo);
/* A signal to the current thread for what it just did: SIGPIPE, SIGXFSZ. */
void signal_send_self(int signo);
/* A fault of the current thread: cannot be blocked or ignored. */
void signal_force(int signo, int code, u64 addr);
void signal_force_info(const siginfo_t *info);
/* Every byte is set: the structure goes to user memory whole. */
void signal_make_info(siginfo_t *info, int signo, int code);
/* The threads of p but `keep` are to end: each has SIGKILL pending. Hand lock held. */
void signal_kill_threads(struct process *p, const struct thread *keep);

/* --- kill(2) and its kin (signal_kill.c) --- */

struct cred;
/* May the current thread send `signo` to p, which or whose thread is `target` (kill(2))? Process table locked. */
bool signal_permitted(const struct process *p, const struct cred *target, int signo);
/* kill(2), with its errors. */
int __must_check signal_kill(int pid, int signo);
/* tgkill(2); tgid -1: any, as tkill(2). */
int __must_check signal_kill_thread(int tgid, int tid, int signo);
/* rt_sigqueueinfo(2) (tid 0) and rt_tgsigqueueinfo(2), with a siginfo of the program's making. */
int __must_check signal_queue_info(int tgid, int tid, const siginfo_t *info);

/* --- receiving (signal.c) --- */

/* The current thread has a signal that is not blocked, or is to stop or end. */
bool signal_due(void);
/* SIGKILL, or what will end the current process all the same, is pending. */
bool signal_kill_due(void);
/* Signals that the current thread could take: its own and the process's, blocked or not. */
u64 signal_pending(void);
/*
 * Takes one of the signals in `wanted` that is pending for the current thread, whether it is blocked or not: its own first,
 * faults first, then by number. 0: none. For sigtimedwait(2) and signalfd(2).
 */
int signal_dequeue(u64 wanted, siginfo_t *info);
/*
 * Waits until one of the signals in `wanted`, which should be blocked, is pending, and takes it. Its number; -EAGAIN when the
 * monotonic clock shows deadline_ns first (0: at once), -EINTR (another signal).
 */
int __must_check signal_wait(u64 wanted, u64 deadline_ns, siginfo_t *info);
/* Acts on every signal that is due: ends the process, or redirects f to a handler. Before a return to ring 3. */
void signal_deliver(struct trap_frame *f);
/*
 * Does a stack pointer lie in t's alternate stack? With SS_AUTODISARM nobody is on it: it is taken off while a handler runs.
 */
bool signal_on_altstack(const struct thread *t, u64 sp);
/* Changes which signals the current thread blocks. SIGKILL and SIGSTOP never are. */
void signal_set_mask(u64 blocked);
/*
 * Waits with another mask until a signal comes (sigsuspend(2), ppoll(2)): `signal_mask_end` puts the old one back, at once
 * or, with `interrupted`, after the handler has run.
 */
void signal_mask_begin(u64 blocked);
void signal_mask_end(bool interrupted);
/* Name such as "SIGSEGV" and Linux's description ("Segmentation fault"). */
const char *signal_name(int signo);

#endif
