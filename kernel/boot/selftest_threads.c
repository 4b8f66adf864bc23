/* SPDX-License-Identifier: MIT */
/*
 * Threads under load: programs that never stop by themselves run all the time, while kernel threads
 *
 *     - hold a mutex across giving way: nobody else is inside meanwhile
 *     - read and write a pair under a readers-writer lock: nobody sees it half changed
 *     - hand numbers from one to the other through a one-place buffer and its wait queue: none is lost
 *     - sleep: never too short
 *
 * At the end each program has had its share of the CPU, its registers are as they were, and it dies at once.
 */
#include <arch/smp.h>
#include <arch/timer.h>
#include <moat/log.h>
#include <moat/mutex.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define LOOPERS	      3
#define MUTEX_THREADS 4
#define ROUNDS	      12
#define NUMBERS	      40
#define NAP_NS	      7000000ull
#define MAX_NAPS      1000
#define SHARE_PERCENT 50 /* at least, of what the busiest program had */

static struct {
	struct mutex lock;
	unsigned inside, entries;
	struct rwlock pair_lock;
	u64 pair[2];
	struct waitq changed;
	u64 place; /* [a] 0: empty */
	u64 received_sum;
	struct waitq finished;
	unsigned running; /* [a] kernel threads that have not finished */
} shared;

static void finish(void)
{
	__atomic_sub_fetch(&shared.running, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&shared.finished);
	thread_exit();
}

static void use_mutex(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		mutex_lock(&shared.lock);
		EXPECT(mutex_is_held(&shared.lock));
		EXPECT_EQ(shared.inside++, 0);
		sched_yield();
		EXPECT_EQ(--shared.inside, 0);
		shared.entries++;
		mutex_unlock(&shared.lock);
		EXPECT(!mutex_is_held(&shared.lock));
	}
	finish();
}

static void write_pair(void *arg)
{
	(void)arg;
	for (u64 i = 1; i <= ROUNDS; i++) {
		rwlock_write(&shared.pair_lock);
		shared.pair[0] = i;
		sched_yield();
		shared.pair[1] = i;
		rwlock_write_done(&shared.pair_lock);
		sched_yield();
	}
	finish();
}

static void read_pair(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		rwlock_read(&shared.pair_lock);
		u64 first = shared.pair[0];
		sched_yield();
		EXPECT_EQ(shared.pair[1], first);
		rwlock_read_done(&shared.pair_lock);
		sched_yield();
	}
	finish();
}

static u64 place(void)
{
	return __atomic_load_n(&shared.place, __ATOMIC_ACQUIRE);
}

static void produce(void *arg)
{
	(void)arg;
	for (u64 i = 1; i <= NUMBERS; i++) {
		EXPECT_EQ(WAIT_EVENT(&shared.changed, place() == 0), 0);
		__atomic_store_n(&shared.place, i, __ATOMIC_RELEASE);
		waitq_wake_all(&shared.changed);
	}
	finish();
}

static void consume(void *arg)
{
	(void)arg;
	for (u64 i = 1; i <= NUMBERS; i++) {
		EXPECT_EQ(WAIT_EVENT(&shared.changed, place() != 0), 0);
		EXPECT_EQ(place(), i);
		shared.received_sum += i;
		__atomic_store_n(&shared.place, 0, __ATOMIC_RELEASE);
		waitq_wake_all(&shared.changed);
	}
	finish();
}

static void nap(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		u64 until = clock_monotonic_ns() + NAP_NS;
		EXPECT_EQ(sleep_until_ns(until), 0);
		EXPECT(clock_monotonic_ns() >= until);
	}
	finish();
}

static void start(const char *name, void (*fn)(void *))
{
	struct thread *t = thread_create(&kernel_process, name, fn, NULL);

	EXPECT(t);
	__atomic_add_fetch(&shared.running, 1, __ATOMIC_RELAXED);
	thread_start(t);
}

static void run_kernel_threads(void)
{
	memset(&shared, 0, sizeof(shared));
	mutex_init(&shared.lock, RANK_PROCESS);
	rwlock_init(&shared.pair_lock, RANK_PROCESS);
	waitq_init(&shared.changed);
	waitq_init(&shared.finished);
	for (int i = 0; i < MUTEX_THREADS; i++)
		start("mutex", use_mutex);
	start("writer", write_pair);
	start("reader", read_pair);
	start("reader", read_pair);
	start("consumer", consume);
	start("producer", produce);
	start("napper", nap);
	WAIT_EVENT_UNKILLABLE(&shared.finished, __atomic_load_n(&shared.running, __ATOMIC_ACQUIRE) == 0);
	EXPECT_EQ(shared.entries, MUTEX_THREADS * ROUNDS);
	EXPECT_EQ(shared.pair[1], ROUNDS);
	EXPECT_EQ(shared.received_sum, NUMBERS * (NUMBERS + 1) / 2);
}

/* The kernel threads may be done sooner than the programs have had a few turns each. */
static void await_turns(struct process *const programs[LOOPERS])
{
	for (int i = 0; i < LOOPERS; i++) {
		const struct thread *t = programs[i]->leader;

		for (int naps = 0; naps < MAX_NAPS && cpu_count() == 1 && t->switches <= ROUNDS; naps++)
			EXPECT_EQ(sleep_until_ns(clock_monotonic_ns() + NAP_NS), 0);
	}
}

static void check_shares(struct process *const programs[LOOPERS])
{
	u64 most = 0;

	for (int i = 0; i < LOOPERS; i++) {
		EXPECT(!process_has_ended(programs[i]));
		most = MAX(most, thread_cpu_ns(programs[i]->leader));
	}
	for (int i = 0; i < LOOPERS; i++) {
		const struct thread *t = programs[i]->leader;
		log_printf("selftest: program %d: %llu ms in %llu turns\n", i,
			   (unsigned long long)(thread_cpu_ns(t) / 1000000), (unsigned long long)t->switches);
		/* Where there are more CPUs, nobody need wait for a turn. */
		EXPECT(t->switches > ROUNDS || cpu_count() > 1);
		EXPECT(thread_cpu_ns(t) * 100 >= most * SHARE_PERCENT || cpu_count() > 1);
	}
}

static void run_all(void)
{
	struct process *programs[LOOPERS];

	for (int i = 0; i < LOOPERS; i++) {
		u64 seed = 0x0101010101010101ull * (u64)(i + 1);
		programs[i] = selftest_looper("looper", selftest_aspace(), seed);
		process_start(programs[i]);
	}
	run_kernel_threads();
	await_turns(programs);
	check_shares(programs);
	for (int i = 0; i < LOOPERS; i++)
		selftest_kill(programs[i]);
}

void test_threads(void)
{
	struct ledger before;

	run_all(); /* makes once what stays, such as the kernel's tables for stacks */
	ledger_take(&before);
	run_all();
	ledger_expect(&before, "threads");
}
