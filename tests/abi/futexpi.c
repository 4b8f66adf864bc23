/* SPDX-License-Identifier: MIT */
/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: from a word to a lock. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

static unsigned word, lock_word, other_lock;
static int waiting, done, got_it, had_it, gave_it;

static long futex(unsigned *addr, int op, unsigned val, const void *timeout, unsigned *addr2, unsigned val3)
{
	return syscall(SYS_futex, addr, op | FUTEX_PRIVATE_FLAG, val, timeout, addr2, val3);
}

static void await(const int *what, int value)
{
	while (__atomic_load_n(what, __ATOMIC_ACQUIRE) != value)
		usleep(1000);
	usleep(30000);
}

static void *waiter(void *arg)
{
	unsigned tid = (unsigned)syscall(SYS_gettid);

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	if (futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock_word, 0) == 0)
		__atomic_add_fetch(&got_it, 1, __ATOMIC_SEQ_CST);
	if ((__atomic_load_n(&lock_word, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK) == tid)
		__atomic_add_fetch(&had_it, 1, __ATOMIC_SEQ_CST);
	if (futex(&lock_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0)
		__atomic_add_fetch(&gave_it, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void start(pthread_t *t, int count)
{
	waiting = done = 0;
	for (int i = 0; i < count; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	await(&waiting, count);
}

static void finish(pthread_t *t, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(t[i], NULL);
	printf("%d: %d %d %d word %u lock %u\n", count, got_it, had_it, gave_it, word,
	       lock_word & ~FUTEX_WAITERS);
	got_it = had_it = gave_it = 0;
}

static void *holder(void *arg)
{
	R(futex(&lock_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	__atomic_store_n(&waiting, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		usleep(1000);
	return arg;
}

static void *heir(void *arg)
{
	unsigned tid = (unsigned)syscall(SYS_gettid);

	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	if (futex(&lock_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0)
		__atomic_add_fetch(&got_it, 1, __ATOMIC_SEQ_CST);
	if ((lock_word & FUTEX_TID_MASK) == tid && (lock_word & FUTEX_OWNER_DIED))
		__atomic_add_fetch(&had_it, 1, __ATOMIC_SEQ_CST);
	return arg;
}

/* Each has it, ends without giving it back, and so leaves it to the next. */
static void heirs(void)
{
	pthread_t t[4];

	waiting = done = 0;
	pthread_create(&t[0], NULL, holder, NULL);
	await(&waiting, 1);
	for (int i = 1; i < 4; i++)
		pthread_create(&t[i], NULL, heir, NULL);
	await(&waiting, 4);
	R(futex(&lock_word, FUTEX_WAKE, 1, NULL, NULL, 0));
	done = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("left to %d, %d had it\n", got_it, had_it);
	lock_word = got_it = had_it = 0;
}

static void errors(void)
{
	struct timespec past = {0, 1}, bad = {0, -1};

	R(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &word, 0));
	R(futex(&word, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &lock_word, 0));
	R(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &past, &lock_word, 0));
	R(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &past, &lock_word, 0));
	R(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &bad, &lock_word, 0));
	R(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, (unsigned *)((char *)&lock_word + 1), 0));
	R(futex((unsigned *)16, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 0, (void *)1, &lock_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, &lock_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1, &lock_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock_word, 1));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, (unsigned *)16, 0));
}

static void *sleeper(void *arg)
{
	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	got_it = (int)futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return arg;
}

int main(void)
{
	struct timespec soon;
	pthread_t t[3];

	alarm(20);
	setvbuf(stdout, NULL, _IOLBF, 0);
	errors();
	heirs();
	/* The lock is free: the first gets it. */
	start(t, 1);
	R(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	R(futex(&word, FUTEX_REQUEUE, 0, (void *)1, &other_lock, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)5, &other_lock, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &lock_word, 0));
	finish(t, 1);
	/* The lock is ours: they wait for it. */
	R(futex(&lock_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	start(t, 3);
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock_word, 0));
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)10, &lock_word, 0));
	HOLDS(lock_word & FUTEX_WAITERS);
	usleep(20000);
	R(done);
	R(futex(&lock_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	finish(t, 3);
	/* Nobody may move who did not say where to. */
	waiting = 0;
	pthread_create(&t[0], NULL, sleeper, NULL);
	await(&waiting, 1);
	R(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock_word, 0));
	R(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	pthread_join(t[0], NULL);
	R(got_it);
	/* A time that runs out. */
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	R(futex(&word, FUTEX_WAIT_REQUEUE_PI, 0, &soon, &lock_word, 0));
	return 0;
}
