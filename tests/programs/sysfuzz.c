/* SPDX-License-Identifier: MIT */
/*
 * Random system calls with random arguments, valid and not, from several threads of several processes: nothing of it may
 * panic, hang or leak. It says nothing about what the calls return, so it is not compared with the host.
 *
 *     sysfuzz SEED ROUNDS CALLS THREADS
 *
 * Each round is a child process with a few threads and limits of its own; the parent ends it after two seconds. The last
 * line tells how many rounds there were. Calls that would end the round at once, or reach the parent, are left out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX   470
#define ARENA_BYTES (1ul << 20)

static char *arena; /* shared between the threads of a round; anything may happen to it */
static long calls_of_thread;

struct rng {
	uint64_t state;
};

static uint64_t next(struct rng *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(struct rng *r, uint64_t n)
{
	return next(r) % n;
}

/* What ends the process, reaches beyond it, or only waits. */
static int left_out(long nr)
{
	switch (nr) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_kill:
	case SYS_tkill:
	case SYS_reboot:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_rt_sigreturn:
	case SYS_vfork:
	case SYS_setsid:
	case SYS_setpgid:
		return 1;
	default:
		return 0;
	}
}

static uint64_t number(struct rng *r)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 7,
					 8,
					 16,
					 64,
					 4095,
					 4096,
					 4097,
					 65536,
					 1 << 20,
					 INT32_MAX,
					 UINT32_MAX,
					 1ull << 32,
					 INT64_MAX,
					 UINT64_MAX,
					 UINT64_MAX - 4095,
					 0x7ffffffff000,
					 0x7fffffffffff,
					 0x800000000000,
					 0xffff800000000000};

	switch (below(r, 4)) {
	case 0:
		return edges[below(r, sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return below(r, 64);
	case 2:
		return 1ull << below(r, 64);
	default:
		return next(r) >> below(r, 64);
	}
}

static uint64_t pointer(struct rng *r)
{
	uint64_t at = (uint64_t)arena + below(r, ARENA_BYTES);

	switch (below(r, 8)) {
	case 0:
		return number(r);
	case 1:
		return 0;
	case 2: /* just before the end of a mapping */
		return (uint64_t)arena + ARENA_BYTES - below(r, 64);
	default:
		return at & ~(below(r, 2) ? 15ul : 0ul);
	}
}

static uint64_t argument(struct rng *r)
{
	switch (below(r, 4)) {
	case 0:
		return below(r, 24); /* a descriptor, a small number */
	case 1:
		return number(r);
	default:
		return pointer(r);
	}
}

/* Things that arguments may mean: paths, vectors, structures with small numbers. */
static void fill(struct rng *r)
{
	static const char *const words[] = {"a",  "b",	       "dir",	"/dev/null", "/proc/self/maps",
					    "..", "/dev/zero", "dir/x", ""};

	for (int i = 0; i < 16; i++) {
		char *at = arena + below(r, ARENA_BYTES - 256);

		if (below(r, 2)) {
			strcpy(at, words[below(r, sizeof(words) / sizeof(words[0]))]);
		} else {
			for (int j = 0; j < 8; j++)
				((uint64_t *)((uintptr_t)at & ~7ul))[j] = argument(r);
		}
	}
}

/* Faults in the arena: somebody unmapped or protected it. A fresh one takes its place. */
static void mend(int signo)
{
	(void)signo;
	mmap(arena, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void *calls(void *arg)
{
	struct rng r = {.state = (uint64_t)arg * 0x9e3779b97f4a7c15ull + 1};

	for (long i = 0; i < calls_of_thread; i++) {
		long nr = (long)below(&r, CALLS_MAX);

		if (left_out(nr))
			continue;
		if (i % 32 == 0)
			fill(&r);
		/* Calls that make a process or replace this one are made now and then. */
		if ((nr == SYS_fork || nr == SYS_clone || nr == SYS_clone3 || nr == SYS_execve ||
		     nr == SYS_execveat) &&
		    below(&r, 8))
			continue;
		if (syscall(nr, argument(&r), argument(&r), argument(&r), argument(&r), argument(&r),
			    argument(&r)) == 0 &&
		    nr == SYS_fork)
			_exit(0);
	}
	return NULL;
}

static void limit(int which, rlim_t n)
{
	struct rlimit l = {n, n};

	setrlimit(which, &l);
}

static void round_of(uint64_t seed, int threads)
{
	static const int mended[] = {SIGSEGV, SIGBUS};
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction a = {.sa_handler = mend, .sa_flags = SA_ONSTACK | SA_NODEFER};
	pthread_t t[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What it writes goes nowhere. */
	for (int fd = 0, nowhere = open("/dev/null", O_RDWR); fd < 3; fd++)
		dup2(nowhere, fd);
	limit(RLIMIT_AS, 256ul << 20);
	limit(RLIMIT_NPROC, 64);
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_CORE, 0);
	setpgid(0, 0);
	sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(mended) / sizeof(mended[0]); i++)
		sigaction(mended[i], &a, NULL);
	mkdir("dir", 0777);
	for (int i = 0; i < threads; i++) {
		if (pthread_create(&t[i], NULL, calls, (void *)(seed * 64 + (uint64_t)i)))
			t[i] = 0;
	}
	for (int i = 0; i < threads; i++) {
		if (t[i])
			pthread_join(t[i], NULL);
	}
	_exit(0);
}

/* Waits for at most two seconds, then ends the whole group. */
static void end_round(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		struct timespec ts = {.tv_nsec = 10000000};

		if (waitpid(pid, NULL, WNOHANG) == pid) {
			kill(-pid, SIGKILL);
			return;
		}
		nanosleep(&ts, NULL);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	long rounds = argc > 2 ? atol(argv[2]) : 10;
	int threads = argc > 4 ? atoi(argv[4]) : 3;

	/* On a real system it could do real harm. */
	if (access("/proc/moat", F_OK)) {
		fprintf(stderr, "sysfuzz: only for use inside Moat\n");
		return 2;
	}
	calls_of_thread = argc > 3 ? atol(argv[3]) : 2000;
	threads = threads > 16 ? 16 : threads;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (long i = 0; i < rounds; i++) {
		pid_t pid;

		arena = mmap((void *)0x10000000, ARENA_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		pid = fork();
		if (pid == 0)
			round_of(seed + (uint64_t)i, threads);
		if (pid > 0)
			end_round(pid);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	printf("%ld rounds\n", rounds);
	return 0;
}
