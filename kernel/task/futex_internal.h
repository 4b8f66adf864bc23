/* SPDX-License-Identifier: MIT */
/* room: task */
/* What the files about futexes share: where a word is, and who waits there. */
#ifndef TASK_FUTEX_INTERNAL_H
#define TASK_FUTEX_INTERNAL_H

#include <moat/futex.h>
#include <moat/task.h>

/*
 * Which word: an address of an address space, or a place in a memory object, which all who map it share. Holds a reference
 * to the object, so that no other one can come to have the same key.
 */
struct futex_key {
	const void *home; /* struct aspace or struct mobj */
	u64 offset;	  /* bytes */
	struct mobj *object;
};

/* A thread that sleeps for one word or for several. */
struct futex_sleep {
	int woken; /* [bucket for change, a for read] index of the waiter that was woken, or one of these: */
};
#define FUTEX_NOT_WOKEN	 (-1)
#define FUTEX_LOOK_AGAIN (-2) /* who waits for a lock: its owner may have ended */

struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) link; /* [bucket] */
	struct futex_key key;		/* [bucket] */
	struct futex_bucket *bucket;	/* [bucket for change, a for read] */
	struct futex_sleep *sleep;	/* [I] */
	struct thread *thread;		/* [I] */
	u32 bits;			/* [I] */
	int index;			/* [I] */
	bool queued;			/* [bucket] */
	bool for_lock;			/* [I] in futex_lock_pi */
	const struct futex_key *lock;	/* [bucket] the lock that it is to be queued for next, or NULL */
};

struct futex_bucket {
	struct spinlock lock; /* RANK_FUTEX; of two the one at the lower address is taken first */
	TAILQ_HEAD(, futex_waiter) waiters; /* [lock] oldest first */
};

/* *out is an address of the current process: makes it the place in the object that others share, if there is one. 0, -EFAULT. */
int __must_check futex_find_shared(struct futex_key *out);

/* 0, or -EFAULT. futex_key_drop gives the reference back; no lock held for either. */
static inline int __must_check futex_key_get(const u32 __user *addr, bool shared, struct futex_key *out)
{
	out->home = current_process()->aspace;
	out->offset = (__force u64)addr;
	out->object = NULL;
	return shared ? futex_find_shared(out) : 0;
}

static inline void futex_key_drop(struct futex_key *k)
{
	if (unlikely(k->object))
		mobj_put(k->object);
	k->object = NULL;
}

static inline bool futex_same(const struct futex_key *a, const struct futex_key *b)
{
	return a->home == b->home && a->offset == b->offset;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *k);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

static inline void futex_sleep_init(struct futex_sleep *s)
{
	s->woken = FUTEX_NOT_WOKEN;
}

/* All but what futex_key_get and futex_enqueue fill in. */
static inline void futex_waiter_init(struct futex_waiter *w, struct futex_sleep *s, u32 bits, int index)
{
	w->sleep = s;
	w->bits = bits;
	w->index = index;
	w->for_lock = false;
	w->lock = NULL;
}

/* w, whose key is set, waits for s from now on. Bucket locked. */
void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w);
/* Takes w off its queue and wakes its thread. Bucket locked. */
static inline void futex_wake_waiter(struct futex_waiter *w)
{
	TAILQ_REMOVE(&w->bucket->waiters, w, link);
	w->queued = false;
	__atomic_store_n(&w->sleep->woken, w->index, __ATOMIC_RELEASE);
	/* It takes the bucket's lock before it goes. */
	waitq_wake_thread(w->thread);
}

/* Takes w off, if it still waits, and drops its key. After this nobody looks at w or its sleep. */
void futex_dequeue(struct futex_waiter *w);
/* The bucket of w, locked. */
struct futex_bucket *futex_lock_bucket_of(struct futex_waiter *w);
/* Makes all who wait in futex_lock_pi look at their locks again. */
void futex_look_again(void);
/* Sleeps until woken, or told to look again: 0, -ETIMEDOUT, -EINTR. */
int __must_check futex_sleep_until(struct futex_sleep *s, u64 deadline_ns);
/* Queues w for one word. 0: it waits, and has the key; -EAGAIN, -EFAULT. */
int __must_check futex_begin_wait(const struct futex_word *word, struct futex_waiter *w);
/* Makes w, which waits in a bucket that is locked, wait for `to` in another one, locked too. */
void futex_move(struct futex_waiter *w, struct futex_bucket *to_bucket, const struct futex_key *to);
/* futex_unlock_pi, with bits that the word gets besides. */
int __must_check futex_pass_on_pi(u32 __user *addr, bool shared, u32 mark);

#endif
