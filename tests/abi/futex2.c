/* SPDX-License-Identifier: MIT */
/* futex_wake, futex_wait and futex_requeue (Linux 6.7): flags, errors, and that they do what their names say. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

#define WAKE	454
#define WAIT	455
#define REQUEUE 456
#define U32	2
#define PRIVATE 128

struct word {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static unsigned a, b;
static int waiting, woken;

static void *waiter(void *arg)
{
	__atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
	if (syscall(WAIT, &a, 0, 6, U32 | PRIVATE, NULL, 0) == 0)
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void start(pthread_t *t, int count)
{
	waiting = woken = 0;
	for (int i = 0; i < count; i++)
		pthread_create(&t[i], NULL, waiter, NULL);
	while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) != count)
		usleep(1000);
	usleep(50000);
}

int main(void)
{
	struct timespec past = {0, 1}, bad = {-1, 0};
	struct word words[2] = {{0, (uintptr_t)&a, U32 | PRIVATE, 0}, {0, (uintptr_t)&b, U32 | PRIVATE, 0}};
	pthread_t t[3];

	R(syscall(WAKE, &a, 1, 1, 0));
	R(syscall(WAKE, &a, 1, 1, 1));
	R(syscall(WAKE, &a, 1, 1, 3));
	R(syscall(WAKE, &a, 1, 1, U32 | 16));
	R(syscall(WAKE, &a, 1, 1, U32));
	R(syscall(WAKE, &a, 0, 1, U32));
	R(syscall(WAKE, &a, 1ul << 32, 1, U32));
	R(syscall(WAKE, &a, 1, 0, U32));
	R(syscall(WAKE, (char *)&a + 1, 1, 1, U32));
	R(syscall(WAKE, 16, 1, 1, U32));
	R(syscall(WAIT, &a, 0, 1, 0, &past, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 0, 0, U32, &past, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 1ul << 32, 1, U32, &past, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 0, 1ul << 32, U32, &past, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 0, 1, U32, &past, CLOCK_BOOTTIME));
	R(syscall(WAIT, &a, 0, 1, U32, &bad, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 0, 1, U32, 8, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 1, 1, U32, NULL, -1));
	R(syscall(WAIT, &a, 0, 1, U32, &past, CLOCK_MONOTONIC));
	R(syscall(WAIT, &a, 0, 1, U32 | PRIVATE, &past, CLOCK_REALTIME));
	R(syscall(WAIT, 16, 0, 1, U32, &past, CLOCK_REALTIME));
	R(syscall(REQUEUE, words, 1, 1, 1));
	R(syscall(REQUEUE, NULL, 0, 1, 1));
	R(syscall(REQUEUE, 8, 0, 1, 1));
	R(syscall(REQUEUE, words, 0, -1, 1));
	R(syscall(REQUEUE, words, 0, 1, -1));
	R(syscall(REQUEUE, words, 0, 1, 1));
	words[1].reserved = 1;
	R(syscall(REQUEUE, words, 0, 1, 1));
	words[1].reserved = 0;
	words[0].val = 1;
	R(syscall(REQUEUE, words, 0, 1, 1));
	words[0].val = 0;
	start(t, 3);
	R(syscall(WAKE, &a, 1, 3, U32 | PRIVATE));
	R(syscall(REQUEUE, words, 0, 1, 1));
	R(syscall(WAKE, &b, 2, 5, U32 | PRIVATE));
	R(syscall(WAKE, &a, 4, 5, U32 | PRIVATE));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	R(woken);
	return 0;
}
