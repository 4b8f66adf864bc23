/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * Wait queues: where a thread sleeps until something is so. The scheduler, a higher room, registers how a
 * thread blocks and wakes.
 *
 *     err = WAIT_EVENT(&q, condition);       killable and interruptible: 0, or -EINTR when a signal is due
 *     err = WAIT_EVENT_UNTIL(&q, condition, deadline_ns);      also -ETIMEDOUT
 *     waitq_wake_all(&q);                    after the condition was made true
 *
 * The condition is evaluated without a lock of the queue; make it a read of something that its owner
 * changes before waking. Waking may be done from interrupt context.
 *
 * Not only threads wait. A waiter may have a function instead, which is called at each wake; that is how epoll(7)
 * watches a file without a thread. And poll(2) waits on many queues at once: a file's `poll` operation
 * shows its queues to a struct poll_table, which puts waiters of its own on them.
 */
#ifndef MOAT_WAITQ_H
#define MOAT_WAITQ_H

#include <sys/queue.h>
#include <moat/ktimer.h>
#include <moat/spinlock.h>

struct thread;
struct waitq;

enum waiter_flags {
	WAITER_STAYS = 1 << 0,	   /* a thread's: stays on the queue when it is woken; functions always do */
	WAITER_EXCLUSIVE = 1 << 1, /* waitq_wake wakes one of these only */
};

struct waiter {
	TAILQ_ENTRY(waiter) link; /* [queue lock] */
	struct waitq *queue;	  /* [I] */
	struct thread *thread;	  /* [I] whom to wake, or: */
	/*
	 * [I] what to call, under the queue's lock, interrupts off: it may take locks of later ranks only. `events`
	 * is what the waker said. Returns whether that makes somebody do something (which counts for WAITER_EXCLUSIVE).
	 */
	bool (*notify)(struct waiter *w, u32 events);
	void *arg;   /* [I] for notify */
	u32 events;  /* [I] POLL*: wakes that are for other events pass by; 0: all concern it */
	u8 flags;    /* [I] enum waiter_flags */
	bool queued; /* [queue lock] */
};

struct waitq {
	struct spinlock lock;
	TAILQ_HEAD(, waiter) waiters; /* [lock] */
};

enum wait_flags {
	WAIT_INTERRUPTIBLE = 1 << 0, /* a pending signal ends the wait */
	WAIT_KILLABLE = 1 << 1,	     /* only SIGKILL does */
};

struct wait_ops {
	struct thread *(*current)(void);
	void (*prepare)(void); /* mark the current thread as about to block */
	void (*cancel)(void);  /* it will not block after all */
	void (*block)(void);   /* switch away unless woken since prepare */
	void (*wake)(struct thread *t);
	bool (*signal_due)(void); /* the current thread has a signal to act on */
	bool (*kill_due)(void);	  /* and it is SIGKILL */
	void (*give_way)(void);	  /* let others run if the current thread's turn is over */
};

void waitq_register_scheduler(const struct wait_ops *ops);
void waitq_init(struct waitq *q);
void waitq_init_ranked(struct waitq *q, enum lock_rank rank); /* a lock of another rank than RANK_WAITQ */
/* The three steps of WAIT_EVENT, for callers that need a shape of their own. */
void waitq_enter(struct waitq *q, struct waiter *w);
void waitq_enter_exclusive(struct waitq *q, struct waiter *w); /* WAITER_EXCLUSIVE */
void waitq_leave(struct waitq *q, struct waiter *w);
/*
 * Sleeps until woken: 0; or does not, as there is a signal: -EINTR. One that comes later wakes, too: the caller looks at his
 * condition again and then calls this again, and so gets what came together with a signal.
 */
int waitq_block(unsigned flags);
/*
 * For one who waits on several queues: puts waiters on them, whose thread (or notify), events and flags he has filled in;
 * then prepare, look, block, cancel, as often as needed; then takes them off again.
 */
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_remove(struct waiter *w); /* when it returns, notify is not running and will not be called */
void waitq_prepare(void);
void waitq_cancel(void);
/* t, which is where it cannot go without a lock that the caller holds, does not block or goes on. Any context. */
void waitq_wake_thread(struct thread *t);
struct thread *waitq_current(void);
/* Has the current thread a signal to act on? For long work that should end early then. */
bool waitq_signal_due(void);
/* Has it been killed? For long work that a signal does not end, as nobody can see any more that it ended early. */
bool waitq_kill_due(void);
/*
 * Lets others run if the current thread's turn is over: long work calls it from each round, since kernel code is not
 * preempted. Sleeping locks may be held, spinlocks not; cheap when there is nothing to do.
 */
void waitq_give_way(void);

void waitq_wake_slow(struct waitq *q, u32 events, u32 exclusive);
void waitq_wake_one(struct waitq *q); /* the first waiter, whatever it is */

/* Is nobody there? The caller has made the condition true before: either we see the waiter, or he sees that. */
static inline bool waitq_is_idle(const struct waitq *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !__atomic_load_n(&q->waiters.tqh_first, __ATOMIC_RELAXED);
}

/* Wakes everybody. */
static inline void waitq_wake_all(struct waitq *q)
{
	if (!waitq_is_idle(q))
		waitq_wake_slow(q, 0, UINT32_MAX);
}

/* Wakes whom any of `events` (POLL*) concerns, but of the exclusive waiters the first only. */
static inline void waitq_wake(struct waitq *q, u32 events)
{
	if (!waitq_is_idle(q))
		waitq_wake_slow(q, events, 1);
}

/* One who wants to know the queues that a file's events come from. `add` is called for each, before the look. */
struct poll_table {
	void (*add)(struct poll_table *t, struct waitq *q);
};

enum { POLL_QUEUES = 2 }; /* that one file shows at most */

/* For `poll` operations; t is NULL when somebody looks only. */
static inline void poll_add(struct poll_table *t, struct waitq *q)
{
	if (t)
		t->add(t, q);
}

#define WAIT_EVENT_FLAGS(q, cond, flags)                        \
	({                                                      \
		struct waiter wait_entry_;                      \
		int wait_err_ = 0;                              \
		while (!(cond)) {                               \
			waitq_enter((q), &wait_entry_);         \
			bool wait_ready_ = (cond);              \
			if (!wait_ready_)                       \
				wait_err_ = waitq_block(flags); \
			waitq_leave((q), &wait_entry_);         \
			if (wait_ready_ || wait_err_)           \
				break;                          \
		}                                               \
		wait_err_;                                      \
	})
/* The end of a wait by time, on the waiting thread's stack. */
struct wait_timeout {
	struct ktimer timer;
	struct thread *thread; /* [I] */
	bool due;	       /* [a] */
	bool set;	       /* [I] there is a time */
};

/*
 * waitq_block, with a time at which it ends: between the two others, as often as needed. The deadline is one of the
 * monotonic clock, KTIMER_NEVER: there is none; or one of real time.
 */
void wait_timeout_begin_realtime(struct wait_timeout *w, u64 deadline_ns);
int waitq_block_until(unsigned flags, const struct wait_timeout *w); /* 0, -EINTR or -ETIMEDOUT */
void wait_timeout_set(struct wait_timeout *w, u64 deadline_ns);	     /* the slow part of the next one */

static inline void wait_timeout_begin(struct wait_timeout *w, u64 deadline_ns)
{
	w->due = w->set = false;
	if (deadline_ns != KTIMER_NEVER)
		wait_timeout_set(w, deadline_ns);
}

static inline void wait_timeout_end(struct wait_timeout *w)
{
	if (w->set)
		(void)ktimer_cancel_sync(&w->timer);
}

#define WAIT_EVENT_UNTIL_FLAGS(q, cond, deadline_ns, flags)                                   \
	({                                                                                    \
		struct wait_timeout wait_timeout_;                                            \
		struct waiter wait_entry_;                                                    \
		int wait_err_ = 0;                                                            \
		if (!(cond)) {                                                                \
			wait_timeout_begin(&wait_timeout_, (deadline_ns));                    \
			for (;;) {                                                            \
				waitq_enter((q), &wait_entry_);                               \
				bool wait_ready_ = (cond);                                    \
				if (!wait_ready_)                                             \
					wait_err_ = waitq_block_until(flags, &wait_timeout_); \
				waitq_leave((q), &wait_entry_);                               \
				if (wait_ready_ || wait_err_)                                 \
					break;                                                \
			}                                                                     \
			wait_timeout_end(&wait_timeout_);                                     \
			if (wait_err_ && (cond))                                              \
				wait_err_ = 0;                                                \
		}                                                                             \
		wait_err_;                                                                    \
	})
#define WAIT_EVENT_UNTIL(q, cond, deadline_ns) \
	WAIT_EVENT_UNTIL_FLAGS(q, cond, deadline_ns, WAIT_INTERRUPTIBLE)

/* Sleeps until the monotonic clock shows deadline_ns: 0, or -EINTR when a signal is due. */
int __must_check sleep_until_ns(u64 deadline_ns);
/* The same for the clock of real time: when that is set meanwhile, the sleep ends sooner or later accordingly. */
int __must_check sleep_until_realtime_ns(u64 deadline_ns);

#define WAIT_EVENT(q, cond)	       WAIT_EVENT_FLAGS(q, cond, WAIT_INTERRUPTIBLE)
#define WAIT_EVENT_UNKILLABLE(q, cond) ((void)WAIT_EVENT_FLAGS(q, cond, 0))

#endif
