/* SPDX-License-Identifier: MIT */
/*
 * Waiting and waking (futex(2)). Who waits stands in the queue of a bucket, which is found from the word's key:
 *
 *     private     address space and address
 *     shared      memory object and offset in it: the same for all who map it
 *
 *     wait:   lock the bucket; read the word; is it what is expected? queue; unlock; sleep
 *     wake:   lock the bucket; take waiters with this key off, wake them
 *
 * The word is read under the bucket's lock, and whoever changes it does so before he wakes: either the waiter sees the new
 * value, or the waker finds him. A page that is not there cannot be made under a spinlock: the read then fails at once, and
 * is tried again after the page has been faulted in without the lock.
 *
 * Lock: futex_bucket.lock (RANK_FUTEX).
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include <moat/hash.h>
#include <moat/heap.h>
#include "futex_internal.h"

#define BUCKETS 256u

static struct futex_bucket buckets[BUCKETS];

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX);
		TAILQ_INIT(&buckets[i].waiters);
	}
}

int futex_find_shared(struct futex_key *out)
{
	struct aspace *as = current_process()->aspace;
	u64 addr = out->offset;
	const struct vma *v;
	int err = -EFAULT;

	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	if (v && v->range.start <= addr) {
		err = 0;
		if (v->object && (v->flags & VMA_SHARED)) {
			mobj_get(v->object);
			out->object = v->object;
			out->home = v->object;
			out->offset = v->object_offset + (addr - v->range.start);
		}
	}
	rwlock_read_done(&as->lock);
	return err;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *k)
{
	u64 mix = ((u64)k->home >> 4) * 0x9e3779b97f4a7c15ull ^ k->offset * 0xc2b2ae3d27d4eb4full;

	return &buckets[mix >> 32 & (BUCKETS - 1)];
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a != b)
		spin_unlock(a < b ? &b->lock : &a->lock);
	spin_unlock(a < b ? &a->lock : &b->lock);
}

void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w)
{
	__atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
	w->thread = current_thread();
	w->queued = true;
	TAILQ_INSERT_TAIL(&b->waiters, w, link);
}

/* It may change until it is locked. */
struct futex_bucket *futex_lock_bucket_of(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);

		spin_lock(&b->lock);
		if (w->bucket == b)
			return b;
		spin_unlock(&b->lock);
	}
}

void futex_dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b = futex_lock_bucket_of(w);

	if (w->queued)
		TAILQ_REMOVE(&b->waiters, w, link);
	w->queued = false;
	spin_unlock(&b->lock);
	futex_key_drop(&w->key);
}

static bool is_woken(const struct futex_sleep *s)
{
	return __atomic_load_n(&s->woken, __ATOMIC_ACQUIRE) != FUTEX_NOT_WOKEN;
}

int futex_sleep_until(struct futex_sleep *s, u64 deadline_ns)
{
	struct wait_timeout timeout;
	int err = 0;

	wait_timeout_begin(&timeout, deadline_ns);
	do {
		waitq_prepare();
		if (!is_woken(s))
			err = waitq_block_until(WAIT_INTERRUPTIBLE, &timeout);
	} while (!is_woken(s) && !err);
	waitq_cancel();
	wait_timeout_end(&timeout);
	return is_woken(s) ? 0 : err;
}

/* Locks the word's bucket and reads the word: 0 with the bucket locked; -EFAULT, not locked. */
static __always_inline int lock_and_read(struct futex_bucket *b, const u32 __user *addr, u32 *value)
{
	for (;;) {
		spin_lock(&b->lock);
		if (likely(user_word_peek(addr, value)))
			return 0;
		spin_unlock(&b->lock);
		if (get_user(*value, addr))
			return -EFAULT;
	}
}

/* Inline: a wait and a wake are what every contended lock of a program consists of. */
static __always_inline int begin_wait(const struct futex_word *word, struct futex_waiter *w)
{
	struct futex_bucket *b;
	u32 value;
	int err = futex_key_get(word->addr, word->shared, &w->key);

	if (err)
		return err;
	b = futex_bucket_of(&w->key);
	err = lock_and_read(b, word->addr, &value);
	if (likely(!err)) {
		if (likely(value == word->expected))
			futex_enqueue(b, w);
		else
			err = -EAGAIN;
		spin_unlock(&b->lock);
	}
	if (err)
		futex_key_drop(&w->key);
	return err;
}

int futex_begin_wait(const struct futex_word *word, struct futex_waiter *w)
{
	return begin_wait(word, w);
}

int futex_wait(const struct futex_word *word, u32 bits, u64 deadline_ns)
{
	struct futex_sleep sleep;
	struct futex_waiter w;
	int err;

	futex_sleep_init(&sleep);
	futex_waiter_init(&w, &sleep, bits, 0);
	err = begin_wait(word, &w);
	if (err)
		return err;
	err = futex_sleep_until(&sleep, deadline_ns);
	futex_dequeue(&w);
	/* A wake that came at the same time counts: nobody else got it. */
	return sleep.woken >= 0 ? 0 : err;
}

static int wait_prepared(const struct futex_word *words, u32 count, struct futex_waiter *waiters,
			 struct futex_sleep *sleep, u64 deadline_ns)
{
	u32 queued = 0;
	int err = 0;

	for (; queued < count && !err; queued++) {
		futex_waiter_init(&waiters[queued], sleep, FUTEX_ANY_BITS, (int)queued);
		err = futex_begin_wait(&words[queued], &waiters[queued]);
		if (err)
			break;
	}
	if (!err)
		err = futex_sleep_until(sleep, deadline_ns);
	while (queued)
		futex_dequeue(&waiters[--queued]);
	return sleep->woken >= 0 ? sleep->woken : err;
}

int futex_wait_many(const struct futex_word *words, u32 count, u64 deadline_ns)
{
	struct futex_waiter *waiters = kcalloc(count, sizeof(*waiters));
	struct futex_sleep sleep;
	int result;

	if (!waiters)
		return -ENOMEM;
	futex_sleep_init(&sleep);
	result = wait_prepared(words, count, waiters, &sleep, deadline_ns);
	kfree(waiters);
	return result;
}

/* Wakes up to `count` who wait for the key. Bucket locked. */
static __always_inline int wake_in(struct futex_bucket *b, const struct futex_key *key, int count, u32 bits)
{
	struct futex_waiter *w, *next;
	int woken = 0;

	for (w = TAILQ_FIRST(&b->waiters); w && woken < count; w = next) {
		next = TAILQ_NEXT(w, link);
		if (unlikely(!futex_same(&w->key, key) || !(w->bits & bits)))
			continue;
		/* It wants a lock, which a wake does not give. */
		if (w->lock || w->for_lock)
			return -EINVAL;
		futex_wake_waiter(w);
		woken++;
	}
	return woken;
}

int futex_wake(u32 __user *addr, int count, u32 bits, bool shared)
{
	struct futex_bucket *b;
	struct futex_key key;
	int woken = futex_key_get(addr, shared, &key);

	if (woken)
		return woken;
	b = futex_bucket_of(&key);
	spin_lock(&b->lock);
	woken = wake_in(b, &key, count, bits);
	spin_unlock(&b->lock);
	futex_key_drop(&key);
	return woken;
}

void futex_look_again(void)
{
	struct futex_waiter *w;

	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_lock(&buckets[i].lock);
		TAILQ_FOREACH (w, &buckets[i].waiters, link) {
			if (!w->for_lock)
				continue;
			__atomic_store_n(&w->sleep->woken, FUTEX_LOOK_AGAIN, __ATOMIC_RELEASE);
			waitq_wake_thread(w->thread);
		}
		spin_unlock(&buckets[i].lock);
	}
}

void futex_move(struct futex_waiter *w, struct futex_bucket *to_bucket, const struct futex_key *to)
{
	TAILQ_REMOVE(&w->bucket->waiters, w, link);
	/* The caller holds a reference to both objects: this drops none for the last time. */
	if (to->object)
		mobj_get(to->object);
	if (w->key.object)
		mobj_put(w->key.object);
	w->key = *to;
	w->lock = NULL;
	__atomic_store_n(&w->bucket, to_bucket, __ATOMIC_RELEASE);
	TAILQ_INSERT_TAIL(&to_bucket->waiters, w, link);
}

/* Makes up to `count` who wait for `from` wait for `to`. Both buckets locked. */
static int move_in(struct futex_bucket *b, const struct futex_key *from, struct futex_bucket *to_bucket,
		   const struct futex_key *to, int count)
{
	struct futex_waiter *w, *next;
	int moved = 0;

	for (w = TAILQ_FIRST(&b->waiters); w && moved < count; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!futex_same(&w->key, from))
			continue;
		if (w->lock || w->for_lock)
			return -EINVAL;
		futex_move(w, to_bucket, to);
		moved++;
	}
	return moved;
}

/* Both buckets locked, *from read if that is asked for; 0 or -EFAULT, not locked. */
static int lock_for_requeue(const struct futex_requeue *r, struct futex_bucket *a, struct futex_bucket *b,
			    u32 *value)
{
	for (;;) {
		futex_lock_two(a, b);
		if (!r->expected || user_word_peek(r->from, value))
			return 0;
		futex_unlock_two(a, b);
		if (get_user(*value, r->from))
			return -EFAULT;
	}
}

static int requeue_keys(const struct futex_requeue *r, const struct futex_key *from,
			const struct futex_key *to)
{
	struct futex_bucket *a = futex_bucket_of(from), *b = futex_bucket_of(to);
	int result = 0, moved;
	u32 value;

	if (lock_for_requeue(r, a, b, &value))
		return -EFAULT;
	if (r->expected && value != *r->expected) {
		result = -EAGAIN;
	} else {
		result = wake_in(a, from, r->wake, FUTEX_ANY_BITS);
		moved = result < 0 || futex_same(from, to) ? 0 : move_in(a, from, b, to, r->move);
		if (moved < 0)
			result = moved;
		else if (r->expected && result >= 0)
			result += moved;
	}
	futex_unlock_two(a, b);
	return result;
}

int futex_requeue(const struct futex_requeue *r)
{
	struct futex_key from, to;
	int result = futex_key_get(r->from, r->from_shared, &from);

	if (result)
		return result;
	result = futex_key_get(r->to, r->to_shared, &to);
	if (!result) {
		result = requeue_keys(r, &from, &to);
		futex_key_drop(&to);
	}
	futex_key_drop(&from);
	return result;
}
