/* SPDX-License-Identifier: MIT */
/*
 * Programs that want too much of something: each meets its limit, and the rest goes on.
 *
 *     bombs fork        everybody forks as often as he can, up to RLIMIT_NPROC
 *     bombs threads     a process makes threads until it may not
 *     bombs signals     two processes send a third one all the signals that they can
 *     bombs pipes       pipes are made and filled until there is no room for more
 *     bombs sleepers    1,000 processes sleep and wake again and again
 *     bombs pids        numbers are used again, but never while anything still has them
 *
 * "ok" and status 0, or what went wrong. For use inside Moat only: where it runs nothing else should.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int *shared; /* counters that all processes see */

static void nap(long ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	nanosleep(&t, NULL);
}

static int failed(const char *what, long value)
{
	printf("%s: %ld (%s)\n", what, value, strerror(errno));
	return 1;
}

static void limit(int which, rlim_t n)
{
	struct rlimit l = {n, n};

	if (setrlimit(which, &l))
		failed("setrlimit", which);
}

/* Root has no limit on processes. */
static void become_somebody(void)
{
	if (setgid(1000) || setuid(1000))
		failed("setuid", 1000);
}

/* Somebody else works meanwhile: forks, pipes and waits, `rounds` times. */
static int goes_on(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		int ends[2], status;
		char byte = 'x';
		pid_t pid;

		if (pipe(ends))
			return failed("pipe beside it", i);
		pid = fork();
		if (pid < 0)
			return failed("fork beside it", i);
		if (pid == 0)
			_exit(write(ends[1], &byte, 1) == 1 ? 7 : 1);
		if (read(ends[0], &byte, 1) != 1 || waitpid(pid, &status, 0) != pid || status != 7 << 8)
			return failed("what goes on beside it", status);
		close(ends[0]);
		close(ends[1]);
	}
	return 0;
}

static int end_group(pid_t group)
{
	int n = 0;

	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		n++;
	return errno == ECHILD && n > 0 ? 0 : failed("processes that stay", n);
}

static int forks(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		become_somebody();
		limit(RLIMIT_NPROC, 60);
		for (;;) {
			if (fork() < 0) {
				if (errno != EAGAIN)
					shared[1] = errno;
				__atomic_fetch_add(&shared[0], 1, __ATOMIC_RELAXED);
				nap(1000000);
			}
		}
	}
	while (!__atomic_load_n(&shared[0], __ATOMIC_RELAXED))
		nap(1000000);
	if (goes_on(20) || end_group(pid))
		return 1;
	return shared[1] ? failed("fork failed with", shared[1]) : goes_on(1);
}

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int thread_bomb(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_attr_t small;
		pthread_t t;
		int n = 0, err;

		become_somebody();
		limit(RLIMIT_NPROC, 200);
		pthread_attr_init(&small);
		pthread_attr_setstacksize(&small, 16384);
		while (!(err = pthread_create(&t, &small, wait_for_ever, NULL)))
			n++;
		shared[1] = err;
		shared[0] = n;
		wait_for_ever(NULL);
	}
	while (!__atomic_load_n(&shared[0], __ATOMIC_ACQUIRE))
		nap(1000000);
	if (shared[0] < 150 || shared[0] > 200 || shared[1] != EAGAIN)
		return failed("threads", shared[0]);
	if (goes_on(20))
		return 1;
	kill(pid, SIGKILL);
	return waitpid(pid, NULL, 0) == pid ? goes_on(1) : failed("waitpid", pid);
}

static volatile int handled;

static void handle(int signo)
{
	(void)signo;
	handled++;
}

static int signal_storm(void)
{
	struct sigaction a = {.sa_handler = handle};
	sigset_t real_time;
	pid_t target, senders[2];
	int n = 0;

	target = fork();
	if (target == 0) {
		limit(RLIMIT_SIGPENDING, 100);
		sigemptyset(&real_time);
		sigaddset(&real_time, SIGRTMIN + 1);
		sigprocmask(SIG_BLOCK, &real_time, NULL);
		while (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = n}) == 0)
			n++;
		shared[0] = errno == EAGAIN ? n : -1;
		sigaction(SIGUSR1, &a, NULL);
		shared[1] = 1;
		for (;;)
			shared[2] = handled;
	}
	while (!__atomic_load_n(&shared[1], __ATOMIC_ACQUIRE))
		nap(1000000);
	for (int i = 0; i < 2; i++) {
		senders[i] = fork();
		if (senders[i] == 0) {
			for (;;)
				kill(target, SIGUSR1);
		}
	}
	while (__atomic_load_n(&shared[2], __ATOMIC_RELAXED) < 200)
		nap(1000000);
	if (goes_on(20))
		return 1;
	for (int i = 0; i < 2; i++)
		kill(senders[i], SIGKILL);
	kill(target, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return shared[0] == 100 ? goes_on(1) : failed("queued signals", shared[0]);
}

static int pipe_flood(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		static char bytes[65536];
		long pipes = 0, filled = 0;
		int ends[2];

		become_somebody();
		limit(RLIMIT_NOFILE, 4096);
		while (pipe2(ends, O_NONBLOCK) == 0) {
			pipes++;
			while (write(ends[1], bytes, sizeof(bytes)) > 0)
				filled++;
		}
		shared[0] = (int)pipes;
		_exit(errno == EMFILE || errno == ENFILE || errno == ENOMEM ? 0 : 1);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (goes_on(1))
			return 1;
	}
	/* It may also be the one that ended for want of memory. */
	if (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		return failed("the flood", status);
	return goes_on(20);
}

/* What all CPUs did so far that was not idling. */
static double busy_s(void)
{
	unsigned long user = 0, nice = 0, sys = 0;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || fscanf(f, "cpu %lu %lu %lu", &user, &nice, &sys) != 3)
		failed("/proc/stat", 0);
	if (f)
		fclose(f);
	return (double)(user + nice + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* What CPU time they take, as a part of the time that passes: told, and not more than half. */
static int sleepers(void)
{
	enum { COUNT = 1000, WAKES = 3 };
	struct timespec from, to;
	double wall, cpu;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < COUNT; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return failed("fork", i);
		if (pid)
			continue;
		while (!__atomic_load_n(&shared[0], __ATOMIC_ACQUIRE))
			nap(300000000);
		for (int j = 0; j < WAKES; j++)
			nap(1000000000);
		_exit(0);
	}
	__atomic_store_n(&shared[0], 1, __ATOMIC_RELEASE);
	nap(500000000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	cpu = busy_s();
	nap(1500000000);
	cpu = busy_s() - cpu;
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (goes_on(5))
		return 1;
	for (int i = 0; i < COUNT; i++) {
		int status;

		if (wait(&status) < 0 || status)
			return failed("a sleeper", status);
	}
	wall = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	fprintf(stderr, "sleepers: %.2f s of CPU in %.2f s: %.1f %%\n", cpu, wall, 100 * cpu / wall);
	return cpu < wall / 2 ? 0 : failed("CPU time in ms", (long)(cpu * 1000));
}

/* A process, a group whose leader has gone, and a thread stay; nothing new has their numbers. */
static int numbers(void)
{
	int fd = open("/proc/sys/kernel/pid_max", O_WRONLY), last = 0, wrapped = 0, status;
	pid_t stays, group;

	if (fd < 0 || write(fd, "400\n", 4) != 4)
		return failed("pid_max", fd);
	stays = fork();
	if (stays == 0)
		wait_for_ever(NULL);
	group = fork();
	if (group == 0) {
		setpgid(0, 0);
		if (fork() == 0)
			wait_for_ever(NULL);
		_exit(0);
	}
	waitpid(group, NULL, 0);
	for (int i = 0; i < 1500; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0)
			return failed("fork", i);
		if (pid == stays || pid == group || pid == getpid() || pid >= 400)
			return failed("a number that is taken", pid);
		wrapped += pid < last;
		last = pid;
		if (waitpid(pid, &status, 0) != pid || status)
			return failed("waitpid", pid);
	}
	if (kill(stays, 0) || kill(-group, 0))
		return failed("who stays", 0);
	/* All numbers in use: the limit answers. */
	for (int i = 0; i < 500; i++) {
		pid_t pid = fork();

		if (pid == 0)
			wait_for_ever(NULL);
		if (pid > 0)
			continue;
		if (errno != EAGAIN || i > 400)
			return failed("fork without a number", i);
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
		return wrapped > 1 ? goes_on(5) : failed("times round", wrapped);
	}
	return failed("fork never failed", 500);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} bombs[] = {
		{"fork", forks},       {"threads", thread_bomb}, {"signals", signal_storm},
		{"pipes", pipe_flood}, {"sleepers", sleepers},	 {"pids", numbers},
	};

	if (access("/proc/moat", F_OK)) {
		fprintf(stderr, "bombs: only for use inside Moat\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		if (strcmp(bombs[i].name, argv[1]) == 0) {
			if (bombs[i].run())
				return 1;
			puts("ok");
			return 0;
		}
	}
	fprintf(stderr, "usage: bombs fork|threads|signals|pipes|sleepers|pids\n");
	return 2;
}
