/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a word, and then for a lock of the PI kind (futex(2), FUTEX_WAIT_REQUEUE_PI), as condition variables want it:
 *
 *     waiter:  queued for the word, knows the lock that it will want ──┐ requeue: the lock is free: it gets it and wakes up
 *                                                                     └─ else: queued for the lock, which is handed to it
 *
 * Who comes back with 0 has the lock. All others look again; a signal counts as that too.
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include "futex_internal.h"

int futex_wait_requeue_pi(const struct futex_word *word, u32 bits, u32 __user *lock, bool lock_shared,
			  u64 deadline_ns)
{
	struct futex_key key;
	struct futex_sleep sleep;
	struct futex_waiter w = {.bits = bits, .sleep = &sleep, .lock = &key};
	int err = word->addr == lock ? -EINVAL : futex_key_get(lock, lock_shared, &key);

	if (err)
		return err;
	futex_sleep_init(&sleep);
	err = futex_begin_wait(word, &w);
	if (!err) {
		err = futex_sleep_until(&sleep, deadline_ns);
		futex_dequeue(&w);
		if (sleep.woken >= 0)
			err = 0;
		else if (err == -EINTR)
			err = -EAGAIN;
	}
	futex_key_drop(&key);
	return err;
}

/* The next waiter for `from` after w (NULL: the first). Bucket locked. */
static struct futex_waiter *next_waiter(const struct futex_bucket *b, const struct futex_key *from,
					struct futex_waiter *w)
{
	for (w = w ? TAILQ_NEXT(w, link) : TAILQ_FIRST(&b->waiters); w; w = TAILQ_NEXT(w, link)) {
		if (futex_same(&w->key, from))
			return w;
	}
	return NULL;
}

static int find_owner(struct thread *t, void *arg)
{
	(void)arg;
	__atomic_store_n(&t->lock_waited_for, true, __ATOMIC_RELAXED);
	return 0;
}

/* Both buckets locked; value is the lock's word. How many were dealt with, or an error; -EFAULT: it changed, or is not there. */
static int hand_out(const struct futex_requeue *r, const struct futex_key *from, const struct futex_key *to,
		    u32 value)
{
	struct futex_bucket *a = futex_bucket_of(from), *b = futex_bucket_of(to);
	struct futex_waiter *w = next_waiter(a, from, NULL), *next;
	u32 owner = value & FUTEX_TID_MASK, seen = value, wanted;
	s64 limit = (s64)r->wake + r->move;
	int done = 0;

	if (!w)
		return 0;
	if (!w->lock || !futex_same(w->lock, to))
		return -EINVAL;
	if (owner == (u32)w->thread->tid)
		return -EDEADLK;
	/* The word may have changed before its owner ended: look again. */
	if (owner && thread_with((int)owner, find_owner, NULL))
		return user_word_peek(r->to, &seen) && seen == value ? -ESRCH : -EFAULT;
	wanted = owner ? value | FUTEX_WAITERS
		       : (u32)w->thread->tid | (value & (FUTEX_WAITERS | FUTEX_OWNER_DIED)) |
				 (next_waiter(a, from, w) && limit > 1 ? FUTEX_WAITERS : 0);
	if (!user_word_try_exchange(r->to, &seen, wanted) || seen != value)
		return -EFAULT;
	for (; w && done < limit; w = next) {
		next = next_waiter(a, from, w);
		if (!w->lock || !futex_same(w->lock, to))
			return done ? done : -EINVAL;
		if (done == 0 && !owner) {
			__atomic_store_n(&w->thread->lock_waited_for, true, __ATOMIC_RELAXED);
			futex_wake_waiter(w);
		} else {
			futex_move(w, b, to);
		}
		done++;
	}
	return done;
}

static int requeue_keys(const struct futex_requeue *r, const struct futex_key *from,
			const struct futex_key *to)
{
	struct futex_bucket *a = futex_bucket_of(from), *b = futex_bucket_of(to);

	for (;;) {
		u32 value, lock;
		int result;

		/* Both pages are there, the lock's to be written: then nothing under the buckets' locks need fault. */
		if (get_user(value, r->from) || get_user(lock, r->to) ||
		    user_word_exchange(r->to, &lock, lock))
			return -EFAULT;
		futex_lock_two(a, b);
		if (!user_word_peek(r->from, &value) || !user_word_peek(r->to, &lock))
			result = -EFAULT;
		else if (value != *r->expected)
			result = -EAGAIN;
		else
			result = hand_out(r, from, to, lock);
		futex_unlock_two(a, b);
		if (result != -EFAULT)
			return result;
		if (waitq_signal_due())
			return -EINTR;
	}
}

int futex_requeue_pi(const struct futex_requeue *r)
{
	struct futex_key from, to;
	int result =
		r->wake == 1 && r->from != r->to ? futex_key_get(r->from, r->from_shared, &from) : -EINVAL;

	if (result)
		return result;
	result = futex_key_get(r->to, r->to_shared, &to);
	if (!result) {
		result = futex_same(&from, &to) ? -EINVAL : requeue_keys(r, &from, &to);
		futex_key_drop(&to);
	}
	futex_key_drop(&from);
	return result;
}
