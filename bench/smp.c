/* SPDX-License-Identifier: MIT */
/*
 * What a second CPU brings: rows of two threads beside the same work of one, in one process.
 *
 *     smp          name, ns of one, ns of two, for each line
 *
 * Two CPUs work at once only when nothing else wants the host's: each row is measured several times, one and two in turns, and the
 * best of each counts: the first times touch memory of the host for the first time, and two that meet at a lock of QEMU's
 * (docs/memory.md, "Locks") lose much. Wall time; there is no counting of instructions with two CPUs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

#define TIMES 31
#define PAGES 2048ul

struct half {
	pthread_t thread;
	char *pages;
	uint64_t end_ns; /* of its job */
};

static volatile int go;
static void (*job)(struct half *);

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fault(struct half *h)
{
	touch_pages(h->pages, PAGES);
}

static void compute(struct half *h)
{
	(void)h;
	for (volatile int i = 0; i < 8000000; i++)
		;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The lock is free again by the time that the other one wants it, nearly always: most of the time is spent outside. */
static void pass(struct half *h)
{
	(void)h;
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
		for (volatile int j = 0; j < 50; j++)
			;
	}
}

static void *run_half(void *arg)
{
	struct half *h = arg;

	while (!go)
		;
	job(h);
	h->end_ns = now_ns();
	return NULL;
}

/* The job twice: one after the other by this thread, or by two at once, until both are done. ns, or 0 for an error. */
static uint64_t twice(void (*what)(struct half *), int threads)
{
	struct half h[2];
	uint64_t from;

	job = what;
	go = 0;
	for (int i = 0; i < 2; i++) {
		h[i].end_ns = 0;
		h[i].pages = fresh_pages(PAGES);
		if (!h[i].pages)
			return 0;
	}
	if (threads == 2 && pthread_create(&h[1].thread, NULL, run_half, &h[1]))
		return 0;
	/* It waits on the other CPU by now. */
	if (threads == 2)
		usleep(20000);
	from = now_ns();
	go = 1;
	what(&h[0]);
	if (threads == 1)
		what(&h[1]);
	h[0].end_ns = now_ns();
	if (threads == 2)
		pthread_join(h[1].thread, NULL);
	from = (h[0].end_ns > h[1].end_ns ? h[0].end_ns : h[1].end_ns) - from;
	for (int i = 0; i < 2; i++)
		munmap(h[i].pages, PAGES * PAGE);
	return from;
}

static void row(const char *name, void (*what)(struct half *))
{
	uint64_t best[3] = {0, UINT64_MAX, UINT64_MAX};

	for (int i = 0; i < TIMES; i++) {
		for (int threads = 1; threads <= 2; threads++) {
			uint64_t ns = twice(what, threads);

			if (ns && ns < best[threads])
				best[threads] = ns;
		}
	}
	printf("%s\t%llu\t%llu\n", name, (unsigned long long)best[1], (unsigned long long)best[2]);
	fflush(stdout);
}

int run_smp(void)
{
	row("faults in one address space", fault);
	row("computing", compute);
	row("a lock passed on", pass);
	return 0;
}
