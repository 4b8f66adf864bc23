/* SPDX-License-Identifier: MIT */
/*
 * Locks that the kernel hands on (futex(2), "Priority-inheritance futexes"). The word holds the number of the thread that has
 * the lock, 0 when it is free; FUTEX_WAITERS says that unlocking has to be done here.
 *
 *     lock      free: take it. Else set FUTEX_WAITERS and queue; whoever unlocks hands it on
 *     unlock    nobody waits: 0. Else the first one's number goes into the word, and that one is woken
 *     end       of an owner for whose lock somebody may wait: all who wait look again, and the first takes what nobody has
 *
 * The lock goes to whoever has waited longest; the priority of the owner is not raised meanwhile. So that queue and word
 * agree, the word is changed under the bucket's lock: by a try that serves no fault, and is made again when one was needed.
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include "futex_internal.h"

/* Whoever owns a lock that others wait for says so when he ends. Table locked. */
static int find_owner(struct thread *t, void *arg)
{
	(void)arg;
	__atomic_store_n(&t->lock_waited_for, true, __ATOMIC_RELAXED);
	return 0;
}

/* Takes the free lock, or marks it as waited for. Bucket locked. 0: it is ours; -EAGAIN: wait; -EFAULT: fault it in. */
static int take_or_mark(u32 __user *addr, u32 value, bool try)
{
	u32 tid = (u32)current_thread()->tid, seen = value;
	u32 wanted;

	if (!(value & FUTEX_TID_MASK))
		wanted = tid | (value & (FUTEX_WAITERS | FUTEX_OWNER_DIED));
	else if (try)
		return -EAGAIN;
	else
		wanted = value | FUTEX_WAITERS;
	if (!user_word_try_exchange(addr, &seen, wanted))
		return -EFAULT;
	if (seen != value)
		return -EFAULT; /* it changed under us: look again */
	return value & FUTEX_TID_MASK ? -EAGAIN : 0;
}

/* 0; -EAGAIN: look again; -EDEADLK, -ESRCH, -EFAULT. */
static int check_owner(const u32 __user *addr, u32 value)
{
	u32 owner = value & FUTEX_TID_MASK, now;

	if (owner == (u32)current_thread()->tid)
		return -EDEADLK;
	if (!owner || !thread_with((int)owner, find_owner, NULL))
		return 0;
	/* It may have let go of the lock, and ended, since the word was read. */
	if (get_user(now, addr))
		return -EFAULT;
	return now == value ? -ESRCH : -EAGAIN;
}

/* One try: 0: ours; -EAGAIN with w queued, or with try; else an error. */
static int try_lock(struct futex_bucket *b, u32 __user *addr, struct futex_waiter *w, bool try)
{
	for (;;) {
		u32 value;
		int err;

		if (get_user(value, addr))
			return -EFAULT;
		err = check_owner(addr, value);
		if (err == -EAGAIN)
			continue;
		if (err)
			return err;
		/* Makes the page writable, so that the change under the lock need not fault. */
		if (user_word_exchange(addr, &value, value))
			return -EFAULT;
		spin_lock(&b->lock);
		err = user_word_peek(addr, &value) ? take_or_mark(addr, value, try) : -EFAULT;
		if (err == -EAGAIN && !try)
			futex_enqueue(b, w);
		spin_unlock(&b->lock);
		if (err != -EFAULT)
			return err;
		if (waitq_signal_due())
			return -EINTR;
	}
}

/* The first who waits for the key, and whether there are more. Bucket locked. */
static struct futex_waiter *first_waiter(struct futex_bucket *b, const struct futex_key *key, bool *more)
{
	struct futex_waiter *w, *first = NULL;

	*more = false;
	TAILQ_FOREACH (w, &b->waiters, link) {
		if (!futex_same(&w->key, key))
			continue;
		if (first) {
			*more = true;
			break;
		}
		first = w;
	}
	return first;
}

/* 0: w has the lock; -EAGAIN: it has an owner, and w waits; -EFAULT: look again. Bucket of w locked. */
static int adopt(struct futex_bucket *b, struct futex_waiter *w, u32 __user *addr)
{
	u32 value, seen, wanted;
	bool more;

	if (!w->queued)
		return 0;
	w->sleep->woken = FUTEX_NOT_WOKEN;
	if (!user_word_peek(addr, &value))
		return -EFAULT;
	if ((value & FUTEX_TID_MASK) && !thread_with((int)(value & FUTEX_TID_MASK), find_owner, NULL))
		return -EAGAIN;
	if (first_waiter(b, &w->key, &more) != w)
		return -EAGAIN;
	wanted = (u32)w->thread->tid |
		 (value & FUTEX_TID_MASK ? FUTEX_OWNER_DIED : value & FUTEX_OWNER_DIED) |
		 (more ? FUTEX_WAITERS : 0);
	seen = value;
	if (!user_word_try_exchange(addr, &seen, wanted) || seen != value)
		return -EFAULT;
	w->thread->lock_waited_for |= more;
	TAILQ_REMOVE(&b->waiters, w, link);
	w->queued = false;
	return 0;
}

/* Until w, which is queued, has the lock: 0, -ETIMEDOUT, -EINTR, -EFAULT. */
static int await_lock(struct futex_waiter *w, u32 __user *addr, u64 deadline_ns)
{
	struct futex_bucket *b;
	u32 value;
	int err;

	/* The owner may have ended between the look at it and the place in the queue. */
	for (;;) {
		b = futex_lock_bucket_of(w);
		err = adopt(b, w, addr);
		spin_unlock(&b->lock);
		if (!err)
			return 0;
		if (err == -EFAULT) {
			if (get_user(value, addr) || user_word_exchange(addr, &value, value))
				return -EFAULT;
			if (waitq_signal_due())
				return -EINTR;
			continue;
		}
		err = futex_sleep_until(w->sleep, deadline_ns);
		if (err || __atomic_load_n(&w->sleep->woken, __ATOMIC_ACQUIRE) >= 0)
			return err;
	}
}

int futex_lock_pi(u32 __user *addr, bool shared, bool try, u64 deadline_ns)
{
	struct futex_sleep sleep;
	struct futex_waiter w;
	int err = futex_key_get(addr, shared, &w.key);

	if (err)
		return err;
	futex_sleep_init(&sleep);
	futex_waiter_init(&w, &sleep, FUTEX_ANY_BITS, 0);
	w.for_lock = true;
	err = try_lock(futex_bucket_of(&w.key), addr, &w, try);
	if (err != -EAGAIN || try) {
		futex_key_drop(&w.key);
		return err;
	}
	err = await_lock(&w, addr, deadline_ns);
	futex_dequeue(&w);
	return sleep.woken >= 0 ? 0 : err;
}

/* Bucket locked. -EFAULT: look again. */
static int hand_on(struct futex_bucket *b, const struct futex_key *key, u32 __user *addr, u32 value, u32 mark)
{
	bool more;
	struct futex_waiter *w = first_waiter(b, key, &more);
	u32 seen = value, next = mark | (w ? (u32)w->thread->tid | (more ? FUTEX_WAITERS : 0) : 0);

	if (!user_word_try_exchange(addr, &seen, next) || seen != value)
		return -EFAULT;
	if (w) {
		__atomic_store_n(&w->thread->lock_waited_for, true, __ATOMIC_RELAXED);
		futex_wake_waiter(w);
	}
	return 0;
}

/* mark: bits that the word gets besides. */
static int unlock_key(const struct futex_key *key, u32 __user *addr, u32 mark)
{
	struct futex_bucket *b = futex_bucket_of(key);

	for (;;) {
		u32 value;
		int err;

		if (get_user(value, addr))
			return -EFAULT;
		if ((value & FUTEX_TID_MASK) != (u32)current_thread()->tid)
			return -EPERM;
		if (user_word_exchange(addr, &value, value))
			return -EFAULT;
		spin_lock(&b->lock);
		err = user_word_peek(addr, &value) ? hand_on(b, key, addr, value, mark) : -EFAULT;
		spin_unlock(&b->lock);
		if (err != -EFAULT)
			return err;
		if (waitq_signal_due())
			return -EINTR;
	}
}

void futex_left(const struct thread *t)
{
	if (unlikely(__atomic_load_n(&t->lock_waited_for, __ATOMIC_ACQUIRE)))
		futex_look_again();
}

int futex_pass_on_pi(u32 __user *addr, bool shared, u32 mark)
{
	struct futex_key key;
	int err = futex_key_get(addr, shared, &key);

	if (err)
		return err;
	err = unlock_key(&key, addr, mark);
	futex_key_drop(&key);
	return err;
}

int futex_unlock_pi(u32 __user *addr, bool shared)
{
	return futex_pass_on_pi(addr, shared, 0);
}
