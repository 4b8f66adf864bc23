/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks over wait queues. The uncontended path is one atomic operation.
 *
 * Who holds a lock is known by the thread's address, so a mutex taken twice by one thread is found at once in the debug
 * kernel. Its lowest bit is set, so that code that runs before there are threads is somebody, too.
 */
#include <arch/cpu.h>
#include <arch/switch.h>
#include <moat/mutex.h>
#include <moat/panic.h>

static inline u64 me(void)
{
	return (u64)arch_current() | 1;
}

void mutex_init(struct mutex *m, enum lock_rank rank)
{
	m->holder = 0;
	m->rank = (u8)rank;
	waitq_init(&m->waiters);
}

bool mutex_trylock(struct mutex *m)
{
	u64 nobody = 0;

	return __atomic_compare_exchange_n(&m->holder, &nobody, me(), false, __ATOMIC_ACQUIRE,
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
	__atomic_store_n(&m->holder, 0, __ATOMIC_SEQ_CST);
	if (unlikely(!TAILQ_EMPTY(&m->waiters.waiters)))
		waitq_wake_one(&m->waiters);
}

bool mutex_is_held(const struct mutex *m)
{
	return __atomic_load_n(&m->holder, __ATOMIC_RELAXED) == me();
}

/*
 * The readers-writer lock. Readers that come and go on several CPUs write to no memory that they share: each CPU counts
 * its own, in a cache line of its own, and only a writer adds the counts up.
 *
 *     reader                                    writer
 *     the count of this CPU + 1                 writer: 0 -> me
 *     writer is 0: inside                       the sum of the counts is 0: inside
 *       else: the count - 1, and wait             else: wait for the readers to leave
 *
 * Each writes first and looks then at what the other writes, in the one order of all (SEQ_CST): one of them sees the other.
 * A reader that has slept may leave on another CPU, so that a count alone means nothing, and wraps. In the sum nobody who
 * is inside is missing: he had come before the writer looked. Somebody who turns away may still be in it; he wakes the writer.
 *
 * A writer waits only for the readers that were there before, and those who come later wait for it.
 */
void rwlock_init(struct rwlock *l, enum lock_rank rank)
{
	l->writer = 0;
	l->rank = (u8)rank;
	waitq_init(&l->waiters);
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		l->cpu[cpu].readers = 0;
}

/* Those who came in on other CPUs than the first, and not out. */
static __noinline u32 readers_elsewhere(const struct rwlock *l)
{
	u32 sum = 0;

	for (unsigned cpu = 1; cpu < CPU_MAX; cpu++)
		sum += __atomic_load_n(&l->cpu[cpu].readers, __ATOMIC_SEQ_CST);
	return sum;
}

/* Where no other CPU has ever run a thread, those are not asked. */
static inline bool has_readers(const struct rwlock *l)
{
	u32 here = __atomic_load_n(&l->cpu[0].readers, __ATOMIC_SEQ_CST);

	if (likely(cpu_count() == 1))
		return here;
	return here + readers_elsewhere(l);
}

static inline u64 writer(const struct rwlock *l)
{
	return __atomic_load_n(&l->writer, __ATOMIC_SEQ_CST);
}

/* After what they wait for has come true. */
static void wake(struct rwlock *l)
{
	if (unlikely(!TAILQ_EMPTY(&l->waiters.waiters)))
		waitq_wake_all(&l->waiters);
}

static inline void leave(struct rwlock *l)
{
	__atomic_fetch_sub(&l->cpu[cpu_id()].readers, 1, __ATOMIC_SEQ_CST);
	if (unlikely(writer(l)))
		wake(l);
}

/* False: the caller has been counted and must leave again. */
static inline bool enter(struct rwlock *l)
{
	__atomic_fetch_add(&l->cpu[cpu_id()].readers, 1, __ATOMIC_SEQ_CST);
	return !writer(l);
}

/* Looks before it counts: who turns away wakes all who wait, himself as well. */
static bool try_read(struct rwlock *l)
{
	if (writer(l))
		return false;
	if (enter(l))
		return true;
	leave(l);
	return false;
}

static __noinline void turn_away(struct rwlock *l)
{
	leave(l);
	WAIT_EVENT_UNKILLABLE(&l->waiters, try_read(l));
}

void rwlock_read(struct rwlock *l)
{
	DEBUG_ASSERT(!rwlock_is_write_held(l));
	if (unlikely(!enter(l)))
		turn_away(l);
}

void rwlock_read_done(struct rwlock *l)
{
	leave(l);
}

static inline bool claim(struct rwlock *l)
{
	u64 nobody = 0;

	return __atomic_compare_exchange_n(&l->writer, &nobody, me(), false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* It is claimed, or is not yet. */
static __noinline void write_wait(struct rwlock *l)
{
	if (writer(l) != me())
		WAIT_EVENT_UNKILLABLE(&l->waiters, claim(l));
	WAIT_EVENT_UNKILLABLE(&l->waiters, !has_readers(l));
}

void rwlock_write(struct rwlock *l)
{
	DEBUG_ASSERT(!rwlock_is_write_held(l));
	if (unlikely(!claim(l) || has_readers(l)))
		write_wait(l);
}

void rwlock_write_done(struct rwlock *l)
{
	DEBUG_ASSERT(rwlock_is_write_held(l));
	__atomic_store_n(&l->writer, 0, __ATOMIC_SEQ_CST);
	wake(l);
}

bool rwlock_is_write_held(const struct rwlock *l)
{
	return writer(l) == me();
}

bool rwlock_is_held(const struct rwlock *l)
{
	return writer(l) || has_readers(l);
}
