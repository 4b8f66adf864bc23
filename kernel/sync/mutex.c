/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks over wait queues. The uncontended path is one atomic operation.
 *
 * `holder` is the thread's address, so a mutex taken twice by one thread is found at once in the debug kernel. Code that
 * runs before there are threads holds locks as BOOT_HOLDER.
 */
#include <arch/switch.h>
#include <moat/mutex.h>
#include <moat/panic.h>

#define BOOT_HOLDER ((struct thread *)1)

static struct thread *me(void)
{
	struct thread *t = arch_current();

	return t ? t : BOOT_HOLDER;
}

void mutex_init(struct mutex *m, enum lock_rank rank)
{
	m->holder = NULL;
	m->rank = (u8)rank;
	waitq_init(&m->waiters);
}

bool mutex_trylock(struct mutex *m)
{
	struct thread *free = NULL;

	return __atomic_compare_exchange_n(&m->holder, &free, me(), false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* The waiting is out of line, so that the uncontended way is a few instructions. */
static __noinline void mutex_wait(struct mutex *m)
{
	WAIT_EVENT_UNKILLABLE(&m->waiters, mutex_trylock(m));
}

void mutex_lock(struct mutex *m)
{
	DEBUG_ASSERT(!mutex_is_held(m));
	if (unlikely(!mutex_trylock(m)))
		mutex_wait(m);
}

void mutex_unlock(struct mutex *m)
{
	DEBUG_ASSERT(mutex_is_held(m));
	__atomic_store_n(&m->holder, NULL, __ATOMIC_SEQ_CST);
	if (unlikely(!TAILQ_EMPTY(&m->waiters.waiters)))
		waitq_wake_one(&m->waiters);
}

bool mutex_is_held(const struct mutex *m)
{
	return __atomic_load_n(&m->holder, __ATOMIC_RELAXED) == me();
}

void rwlock_init(struct rwlock *l, enum lock_rank rank)
{
	l->state = 0;
	l->writers = 0;
	l->writer = NULL;
	l->rank = (u8)rank;
	waitq_init(&l->waiters);
}

static bool try_read(struct rwlock *l)
{
	s32 s = __atomic_load_n(&l->state, __ATOMIC_RELAXED);

	return s >= 0 && !__atomic_load_n(&l->writers, __ATOMIC_RELAXED) &&
	       __atomic_compare_exchange_n(&l->state, &s, s + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool try_write(struct rwlock *l)
{
	s32 s = 0;

	if (!__atomic_compare_exchange_n(&l->state, &s, -1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&l->writer, me(), __ATOMIC_RELAXED);
	return true;
}

static __noinline void read_wait(struct rwlock *l)
{
	WAIT_EVENT_UNKILLABLE(&l->waiters, try_read(l));
}

void rwlock_read(struct rwlock *l)
{
	DEBUG_ASSERT(!rwlock_is_write_held(l));
	if (unlikely(!try_read(l)))
		read_wait(l);
}

static void wake(struct rwlock *l)
{
	if (unlikely(!TAILQ_EMPTY(&l->waiters.waiters)))
		waitq_wake_all(&l->waiters);
}

void rwlock_read_done(struct rwlock *l)
{
	if (__atomic_sub_fetch(&l->state, 1, __ATOMIC_SEQ_CST) == 0)
		wake(l);
}

static __noinline void write_wait(struct rwlock *l)
{
	__atomic_fetch_add(&l->writers, 1, __ATOMIC_SEQ_CST);
	WAIT_EVENT_UNKILLABLE(&l->waiters, try_write(l));
	__atomic_fetch_sub(&l->writers, 1, __ATOMIC_SEQ_CST);
}

void rwlock_write(struct rwlock *l)
{
	DEBUG_ASSERT(!rwlock_is_write_held(l));
	if (unlikely(!try_write(l)))
		write_wait(l);
}

void rwlock_write_done(struct rwlock *l)
{
	DEBUG_ASSERT(rwlock_is_write_held(l));
	__atomic_store_n(&l->writer, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&l->state, 0, __ATOMIC_SEQ_CST);
	wake(l);
}

bool rwlock_is_write_held(const struct rwlock *l)
{
	return __atomic_load_n(&l->state, __ATOMIC_RELAXED) == -1 &&
	       __atomic_load_n(&l->writer, __ATOMIC_RELAXED) == me();
}

bool rwlock_is_held(const struct rwlock *l)
{
	return __atomic_load_n(&l->state, __ATOMIC_RELAXED) != 0;
}
