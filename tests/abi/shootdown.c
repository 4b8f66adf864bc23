/* SPDX-License-Identifier: MIT */
/*
 * Page tables that change while somebody else uses them, on another processor if there is one. A child that shares this
 * memory writes to a page, or reads it, without a pause; each change must be complete when the call returns:
 *
 *     mprotect, munmap, mmap over it    no write arrives any more that the new mapping would not let through
 *     fork                              what the copy shows does not change
 *     mremap                            no write arrives by the old address
 *     MADV_COLLAPSE, MADV_FREE          no write is lost
 *
 * The child touches nothing of the library: the two share one thread's memory. What it faults on it tries again.
 */
#include "mem.h"
#include <sched.h>

#define ROUNDS 100

/* What both see, and no test unmaps. */
static struct shared {
	volatile long *volatile target; /* where the child writes */
	volatile long turns;		/* of the child */
	volatile int stop;
	volatile int fill; /* write to a word of each page in turn, and keep count */
	volatile long written[512];
} * shared;

static char child_stack[65536] __attribute__((aligned(16)));
static char signal_stack[65536] __attribute__((aligned(16)));
static pid_t child;

static void again(int signo)
{
	(void)signo;
	shared->turns++;
}

static int child_main(void *arg)
{
	(void)arg;
	while (!shared->stop) {
		volatile long *t = shared->target;

		if (shared->fill) {
			for (int page = 0; page < 512 && !shared->stop; page++) {
				t[page * 512]++;
				shared->written[page]++;
			}
		} else {
			(*t)++;
		}
		shared->turns++;
	}
	return 0;
}

static void start(volatile void *target, int fill)
{
	static const stack_t alt = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction a = {.sa_handler = again, .sa_flags = SA_ONSTACK};

	shared->target = target;
	shared->stop = 0;
	shared->fill = fill;
	memset((void *)shared->written, 0, sizeof(shared->written));
	sigaction(SIGSEGV, &a, NULL);
	sigaltstack(&alt, NULL);
	child = clone(child_main, child_stack + sizeof(child_stack), CLONE_VM | SIGCHLD, NULL);
	if (child < 0) {
		printf("no child: %s\n", abi_error(errno));
		exit(1);
	}
}

static void finish(void)
{
	int status = -1;

	shared->stop = 1;
	waitpid(child, &status, 0);
	if (status)
		printf("the child ended with %#x\n", status);
}

/* Lets the child take a few turns. */
static void let_run(long turns)
{
	long from = shared->turns;

	while (shared->turns - from < turns)
		sched_yield();
}

/* Does a word stay as it is? */
static int is_still(const volatile long *word)
{
	long now = *word;

	let_run(20);
	return *word == now;
}

static void protection(void)
{
	volatile long *page = mmap(NULL, PAGE, RW, ANON, -1, 0);
	int good = 0;

	start(page, 0);
	for (int i = 0; i < ROUNDS; i++) {
		mprotect((void *)page, PAGE, RW);
		let_run(20);
		mprotect((void *)page, PAGE, PROT_READ);
		good += is_still(page);
	}
	mprotect((void *)page, PAGE, RW);
	finish();
	HOLDS(good == ROUNDS);
	munmap((void *)page, PAGE);
}

/* The first page of a file, and another one in its place. */
static void replacing(void)
{
	int fd = memfd_create("file", 0), good = 0;
	volatile long *old, *target;

	ftruncate(fd, 2 * PAGE);
	old = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	target = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	start(target, 0);
	for (int i = 0; i < ROUNDS; i++) {
		mmap((void *)target, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
		let_run(20);
		if (i % 2)
			munmap((void *)target, PAGE);
		else
			mmap((void *)target, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, PAGE);
		good += is_still(old);
	}
	mmap((void *)target, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	finish();
	HOLDS(good == ROUNDS);
	munmap((void *)old, PAGE);
	munmap((void *)target, PAGE);
	close(fd);
}

static void forking(void)
{
	volatile long *page = mmap(NULL, PAGE, RW, ANON, -1, 0);
	int good = 0;

	start(page, 0);
	for (int i = 0; i < ROUNDS; i++) {
		int status = -1;
		pid_t pid;

		let_run(20);
		pid = fork();
		if (pid == 0) {
			long now = *page;

			for (int n = 0; n < 20; n++)
				sched_yield();
			_exit(*page != now);
		}
		waitpid(pid, &status, 0);
		good += status == 0;
	}
	finish();
	HOLDS(good == ROUNDS);
	munmap((void *)page, PAGE);
}

static void moving(void)
{
	char *at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
	int good = 0;

	munmap(at + PAGE, PAGE);
	start(at, 0);
	for (int i = 0; i < ROUNDS; i++) {
		let_run(20);
		mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE);
		good += is_still((volatile long *)(at + PAGE));
		mremap(at + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	}
	finish();
	HOLDS(good == ROUNDS);
	munmap(at, PAGE);
}

/* Each page's count in memory against the child's own. */
static long lost(const volatile long *words)
{
	long sum = 0;

	for (int page = 0; page < 512; page++)
		sum += shared->written[page] - words[page * 512];
	return sum;
}

/* Nothing is lost where a page is copied, given up for a while, taken apart or put together meanwhile. */
static void keeping(void)
{
	char *all = mmap(NULL, 4ul << 20, RW, ANON, -1, 0);
	char *at = (char *)(((uintptr_t)all + (2ul << 20) - 1) & ~((2ul << 20) - 1));
	long gone;

	memset(at, 0, 2ul << 20);
	start(at, 1);
	for (int i = 0; i < ROUNDS / 4; i++) {
		pid_t pid;

		let_run(1);
		madvise(at, 2ul << 20, MADV_COLLAPSE);
		let_run(1);
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		mprotect(at + 7 * PAGE, PAGE, PROT_READ);
		mprotect(at + 7 * PAGE, PAGE, RW);
	}
	finish();
	gone = lost((volatile long *)at);
	/* The child may have been stopped between its two steps, never more. */
	HOLDS(gone >= -1 && gone <= 0);
	munmap(all, 4ul << 20);
}

int main(void)
{
	shared = mmap(NULL, 2 * PAGE, RW, SHANON, -1, 0);
	protection();
	replacing();
	forking();
	moving();
	keeping();
	return 0;
}
