/* SPDX-License-Identifier: MIT */
/*
 * Who gets how much of the CPUs. All times are CPU times, compared with one another.
 *
 *     fair threads     50 busy threads: each gets about the same
 *     fair nice        two on one CPU, five steps of nice apart: three times as much (1.25 to the power of five)
 *     fair hog         beside one that is SCHED_FIFO and never waits, another one still gets on
 *
 * What each got goes to standard error; "ok" and status 0 when it is as it should be.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MAX 50

static volatile int over;
static volatile int begun;
static int ready;

struct busy {
	pthread_t thread;
	int nice, fifo, pinned;
	double used_ms;
	volatile long rounds;
};

static double ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* musl has no sched_setscheduler(2), which is the thread's own there. */
static int set_policy(int policy, int priority)
{
	struct sched_param p = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, 0, policy, &p);
}

static void *work(void *arg)
{
	struct busy *b = arg;
	cpu_set_t one;
	double from;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (b->pinned)
		sched_setaffinity(0, sizeof(one), &one);
	if (b->nice)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), b->nice);
	/* Not by a barrier: its last ones leave it when all others have had a turn. */
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!begun)
		usleep(1000);
	if (b->fifo && set_policy(SCHED_FIFO, 10))
		perror("sched_setscheduler");
	from = ms(CLOCK_THREAD_CPUTIME_ID);
	while (!over) {
		for (volatile int i = 0; i < 2000; i++)
			;
		b->used_ms = ms(CLOCK_THREAD_CPUTIME_ID) - from;
		b->rounds++;
	}
	return NULL;
}

/* Until the process has used so much CPU time, and so much time has passed at least. */
static void run(struct busy *b, int count, double cpu_ms, double wall_ms)
{
	double from, cpu;
	struct timespec nap = {.tv_nsec = 20000000};

	over = 0;
	for (int i = 0; i < count; i++)
		pthread_create(&b[i].thread, NULL, work, &b[i]);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < count)
		usleep(1000);
	begun = 1;
	from = ms(CLOCK_MONOTONIC);
	cpu = ms(CLOCK_PROCESS_CPUTIME_ID);
	while (ms(CLOCK_PROCESS_CPUTIME_ID) - cpu < cpu_ms || ms(CLOCK_MONOTONIC) - from < wall_ms)
		nanosleep(&nap, NULL);
	over = 1;
	for (int i = 0; i < count; i++)
		pthread_join(b[i].thread, NULL);
}

/* What is compared is work, not time: where the host keeps a virtual CPU waiting, its time goes on. */
static int threads(void)
{
	static struct busy b[BUSY_MAX];
	long least, most = 0, sum = 0;

	run(b, BUSY_MAX, BUSY_MAX * 150, 0);
	least = b[0].rounds;
	for (int i = 0; i < BUSY_MAX; i++) {
		least = b[i].rounds < least ? b[i].rounds : least;
		most = b[i].rounds > most ? b[i].rounds : most;
		sum += b[i].rounds;
		fprintf(stderr, "%6ld %6.1f%s", b[i].rounds, b[i].used_ms, i % 5 == 4 ? "\n" : " | ");
	}
	fprintf(stderr, "rounds (and ms) of %d threads: least %ld, mean %ld, most %ld\n", BUSY_MAX, least,
		sum / BUSY_MAX, most);
	return sum && least * BUSY_MAX >= sum / 5 && most * BUSY_MAX <= sum * 3;
}

static int nice_weights(void)
{
	struct busy b[2] = {{.pinned = 1}, {.pinned = 1, .nice = 5}};

	run(b, 2, 1500, 0);
	fprintf(stderr, "nice 0: %.1f ms, nice 5: %.1f ms\n", b[0].used_ms, b[1].used_ms);
	return b[0].used_ms > 2 * b[1].used_ms && b[0].used_ms < 4.5 * b[1].used_ms;
}

static int hog(void)
{
	struct busy b[2] = {{.pinned = 1, .fifo = 1}, {.pinned = 1}};

	/* The one that watches must not wait for the hog itself. */
	if (set_policy(SCHED_FIFO | SCHED_RESET_ON_FORK, 20))
		perror("sched_setscheduler");
	run(b, 2, 0, 2500);
	fprintf(stderr, "SCHED_FIFO: %.1f ms, the other: %.1f ms\n", b[0].used_ms, b[1].used_ms);
	return b[1].used_ms > 1 && b[0].used_ms > b[1].used_ms;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "threads";
	int good = strcmp(what, "nice") == 0 ? nice_weights() : strcmp(what, "hog") == 0 ? hog() : threads();

	puts(good ? "ok" : "not fair");
	return !good;
}
