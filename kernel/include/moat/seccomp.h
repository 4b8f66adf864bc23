/* SPDX-License-Identifier: MIT */
/* room: task */
/* Which system calls a thread may make: seccomp(2), docs/seccomp.md. */
#ifndef MOAT_SECCOMP_H
#define MOAT_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <moat/types.h>

struct seccomp_filter;	 /* one program, and those that were there before it */
struct seccomp_listener; /* who decides where a filter does not */
struct thread;
struct trap_frame;

/* Of a thread. */
struct seccomp_state {
	u8 mode; /* [table for change, a for read] SECCOMP_MODE_… */
	struct seccomp_filter
		*filters; /* [table for change, own thread for read] the newest, with a reference */
	bool interrupted; /* [own thread] a signal ended the wait for somebody's decision: the call starts again */
};

/* What a thread's filters say of a call. */
struct seccomp_verdict {
	u32 says;			   /* SECCOMP_RET_…, the most restrictive one */
	bool log;			   /* it is from a filter with SECCOMP_FILTER_FLAG_LOG */
	struct seccomp_listener *listener; /* of that filter, or NULL */
	struct seccomp_data data;
};

/* What a listener decided. */
struct seccomp_answer {
	s64 result;
	bool go_on; /* the call is made */
};

/*
 * Why a system call must be looked at before it is made; 0: it need not. The one word that every call tests, so a machine
 * in which nobody filters pays nothing. [a] Bits are only ever set, but for those of memory and of tracing.
 */
#define WATCH_TRACE   1u
#define WATCH_SECCOMP 2u
#define WATCH_MEMORY  4u /* little is left: the next call gives up pages of files first */
#define WATCH_PTRACE  8u /* somebody is traced */
extern u32 calls_watched;
void calls_watch(u32 why);
void calls_unwatch(u32 why);
/* Any context. */
void calls_watch_memory(void);

/* The current thread may read, write, exit and return from signals from now on: 0 or -EINVAL (it has filters). */
int __must_check seccomp_set_strict(void);
/*
 * Gives the current thread one more filter, a copy of prog; with SECCOMP_FILTER_FLAG_TSYNC all other threads of its process
 * get the same ones. 0; -EINVAL (not a valid program, strict mode), -EACCES, -ENOMEM; with TSYNC the number of a thread that
 * has filters of its own, or -ESRCH if SECCOMP_FILTER_FLAG_TSYNC_ESRCH asks for it; with SECCOMP_FILTER_FLAG_NEW_LISTENER the
 * listener's descriptor, -EBUSY (there is one), -EMFILE.
 */
int __must_check seccomp_add_filter(const struct sock_filter *prog, u32 len, u32 flags);
/* What the current thread's filters say of the call in f. */
void seccomp_ask(const struct trap_frame *f, struct seccomp_verdict *v);
/*
 * Waits until the listener of one of the current thread's filters has decided about the call: 0; -ENOSYS: nobody listens any
 * more; -EINTR: a signal came first.
 */
int __must_check seccomp_listener_ask(struct seccomp_listener *l, const struct seccomp_data *data,
				      struct seccomp_answer *answer);

/* A new thread of the current one's making is filtered as that one is. Table locked. */
void seccomp_inherit(struct thread *t);
void seccomp_put(struct seccomp_filter *f); /* NULL is allowed */
/* The thread ends, and makes no calls any more: who listens to its filters may know before its parent does. Own thread. */
void seccomp_leave(struct thread *t);
/*
 * The filter with `nth` ones before it: its instructions (prog NULL: not wanted; else room for BPF_MAXINSNS) and whether it
 * asks for lines in the log. 0, -EINVAL (there are no filters), -ENOENT. Table locked.
 */
int __must_check seccomp_nth(const struct seccomp_state *s, u64 nth, struct sock_filter *prog, u32 *len,
			     bool *log);
/* How many filters. Table locked. */
u32 seccomp_count(const struct seccomp_state *s);

#endif
