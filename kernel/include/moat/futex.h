/* SPDX-License-Identifier: MIT */
/* room: task */
/*
 * Futexes (futex(2), futex(7)): sleeping until a word of user memory is said to have changed. The word is the program's; the
 * kernel only keeps who waits for it.
 */
#ifndef MOAT_FUTEX_H
#define MOAT_FUTEX_H

#include <linux/futex.h>
#include <moat/types.h>

struct thread;

#define FUTEX_ANY_BITS	  FUTEX_BITSET_MATCH_ANY
#define FUTEX_NO_DEADLINE UINT64_MAX

void futex_init(void); /* boot */

/* One word to wait for. */
struct futex_word {
	u32 __user *addr; /* aligned, in the user half */
	u32 expected;
	bool shared; /* with other processes: found by what backs it */
};

/*
 * Sleeps while *addr is `expected`, until a wake whose bits meet `bits` (not 0), or the monotonic clock shows deadline_ns.
 * 0, -EAGAIN (it is not), -ETIMEDOUT, -EINTR, -EFAULT. No lock held.
 */
int __must_check futex_wait(const struct futex_word *w, u32 bits, u64 deadline_ns);
/* The same for up to FUTEX_WAITV_MAX words at once: the index of one that was woken, or the errors above, -ENOMEM. */
int __must_check futex_wait_many(const struct futex_word *words, u32 count, u64 deadline_ns);
/* Wakes up to `count` who wait there with bits that meet `bits`: how many, or -EFAULT. */
int futex_wake(u32 __user *addr, int count, u32 bits, bool shared);
/*
 * Wakes up to `wake` who wait at `from`, and makes up to `move` others wait at `to` instead. With `expected` only while
 * *from is that (else -EAGAIN). How many were woken and, with `expected`, moved; -EFAULT.
 */
struct futex_requeue {
	u32 __user *from, *to;
	int wake, move;
	const u32 *expected; /* NULL: whatever it is */
	bool from_shared, to_shared;
};
int __must_check futex_requeue(const struct futex_requeue *r);
/* FUTEX_WAKE_OP: changes *second as `op` encodes, wakes at `first`, and at `second` if its old value compares as asked. */
int __must_check futex_wake_op(u32 __user *first, u32 __user *second, int wake_first, int wake_second, u32 op,
			       bool shared);

/*
 * Locks that the kernel hands on (FUTEX_LOCK_PI and its kin): the word holds the owner's number. Whoever waits longest gets
 * it next. 0, -EAGAIN (try: taken), -EDEADLK, -ESRCH (the owner is gone), -EPERM (not the owner), -ETIMEDOUT, -EINTR, -EFAULT.
 */
int __must_check futex_lock_pi(u32 __user *addr, bool shared, bool try, u64 deadline_ns);
int __must_check futex_unlock_pi(u32 __user *addr, bool shared);

/* t, the current thread, ends or executes a program: locks on its robust list are marked and passed on. */
void futex_leave(struct thread *t);
/* The same for locks that are on no list, once nobody finds t by its number any more. No lock held. */
void futex_left(const struct thread *t);

/* --- waiting for a word, then for a lock (futex_requeue_pi.c) --- */

/* FUTEX_WAIT_REQUEUE_PI: 0 with the lock taken; -EINVAL, -EFAULT, -EAGAIN (look again), -ETIMEDOUT. */
int __must_check futex_wait_requeue_pi(const struct futex_word *word, u32 bits, u32 __user *lock,
				       bool lock_shared, u64 deadline_ns);
/* FUTEX_CMP_REQUEUE_PI: how many got the lock or wait for it now; r->wake is 1. */
int __must_check futex_requeue_pi(const struct futex_requeue *r);

#endif
