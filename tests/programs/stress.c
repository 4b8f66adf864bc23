/* SPDX-License-Identifier: MIT */
/*
 * Everything that processes and threads do to one another, all at once, for a while: fork, exec, exit and wait; signals; futexes;
 * pipes; mappings that come and go while other threads use them; threads made and joined.
 *
 *     stress SECONDS WORKERS [KIND]...
 *
 * Each worker is a process with a job of one kind, which it repeats until the time is over and which ends in a check: tokens that
 * went through pipes and locks are all there, each wake-up was seen, each child was reaped. A worker beats a counter in
 * shared memory; one whose counter stands still for STUCK_S was forgotten by somebody, which is a failure that is
 * told with its kind and step. "ok" and status 0 when nothing was found.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MAX 64
#define STUCK_S	    60

struct beat {
	volatile unsigned long rounds;
	const char *volatile step;
	char said[120];
};

static struct beat *beats, *mine;
static const char *self;
static time_t end_s;

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void step(const char *what)
{
	mine->step = what;
	mine->rounds++;
}

/* The worker ends with what it found. */
static void wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(mine->said, sizeof(mine->said), format, ap);
	va_end(ap);
	_exit(1);
}

static void reap(pid_t pid, int expected)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			wrong("waitpid: %s", strerror(errno));
	}
	if (status != expected)
		wrong("a child ended with %#x, not %#x", status, expected);
}

static unsigned below(unsigned n)
{
	static __thread uint64_t state;

	if (!state)
		state = (uint64_t)gettid() * 0x9e3779b97f4a7c15ull;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* --- processes --- */

static void processes(void)
{
	pid_t pids[8];

	step("fork");
	for (int i = 0; i < 8; i++) {
		pids[i] = i % 2 ? fork() : vfork();
		if (pids[i] == 0) {
			if (i < 4)
				execl(self, self, "exit", i % 2 ? "3" : "4", (char *)NULL);
			_exit(i % 2 ? 3 : 4);
		}
		if (pids[i] < 0)
			wrong("fork: %s", strerror(errno));
	}
	step("wait");
	for (int i = 7; i >= 0; i--)
		reap(pids[i], (i % 2 ? 3 : 4) << 8);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		wrong("there is a child left");
}

/* --- signals --- */

static volatile sig_atomic_t pings;

static void on_ping(int signo)
{
	(void)signo;
	pings++;
}

/* Two processes signal each other in turns; a lost one stops both. */
static void signals(void)
{
	struct sigaction a = {.sa_handler = on_ping};
	sigset_t blocked, old;
	pid_t parent = getpid(), pid;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	sigdelset(&old, SIGUSR1);
	sigaction(SIGUSR1, &a, NULL);
	pings = 0;
	step("signal");
	pid = fork();
	if (pid < 0)
		wrong("fork: %s", strerror(errno));
	for (int i = 1; i <= 50; i++) {
		if (pid == 0) {
			while (pings < i)
				sigsuspend(&old);
			kill(parent, SIGUSR1);
		} else {
			kill(pid, SIGUSR1);
			while (pings < i)
				sigsuspend(&old);
			mine->rounds++;
		}
	}
	if (pid == 0)
		_exit(0);
	reap(pid, 0);
	/* Stopped, gone on and killed, in any state. */
	step("stop");
	pid = fork();
	if (pid == 0) {
		for (;;)
			sched_yield();
	}
	for (int i = 0; i < 5; i++) {
		int status;

		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			wrong("not stopped: %#x", status);
		kill(pid, SIGCONT);
	}
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
}

/* --- futexes --- */

struct account {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int tokens[4];
	int running;
};

static void *trade(void *arg)
{
	struct account *a = arg;

	for (int i = 0; i < 200; i++) {
		unsigned from = below(4), to = below(4);

		pthread_mutex_lock(&a->lock);
		while (!a->tokens[from] && a->running > 1)
			from = (from + 1) % 4;
		if (a->tokens[from]) {
			a->tokens[from]--;
			a->tokens[to]++;
		}
		pthread_cond_signal(&a->changed);
		pthread_mutex_unlock(&a->lock);
		mine->rounds++;
		if (below(16) == 0)
			sched_yield();
	}
	pthread_mutex_lock(&a->lock);
	a->running--;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void locks(void)
{
	struct account a = {.lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER,
			    .tokens = {5, 5, 5, 5},
			    .running = 4};
	pthread_t t[4];

	step("lock");
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&t[i], NULL, trade, &a))
			wrong("pthread_create");
	}
	pthread_mutex_lock(&a.lock);
	while (a.running)
		pthread_cond_wait(&a.changed, &a.lock);
	pthread_mutex_unlock(&a.lock);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (a.tokens[0] + a.tokens[1] + a.tokens[2] + a.tokens[3] != 20)
		wrong("tokens lost in locks");
}

/* A turn that goes round four threads, by bare futexes: each wake-up counts. */
static int turn;

static void *take_turns(void *arg)
{
	int me = (int)(intptr_t)arg, now;

	for (int i = 0; i < 100; i++) {
		while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) % 4 != me)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL);
		__atomic_fetch_add(&turn, 1, __ATOMIC_RELEASE);
		mine->rounds++;
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 4);
	}
	return NULL;
}

static void turns(void)
{
	pthread_t t[4];

	step("turn");
	turn = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, take_turns, (void *)(intptr_t)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (turn != 400)
		wrong("turn %d", turn);
}

/* --- pipes --- */

/* Tokens through a ring of processes; what comes back is what was sent. */
static void pipes(void)
{
	int ends[4][2];
	uint32_t sent = 0, got = 0, token;
	pid_t pids[3];

	step("pipe");
	for (int i = 0; i < 4; i++) {
		if (pipe(ends[i]))
			wrong("pipe: %s", strerror(errno));
	}
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			wrong("fork: %s", strerror(errno));
		if (pids[i])
			continue;
		for (int j = 0; j < 4; j++) {
			if (j != i)
				close(ends[j][0]);
			if (j != i + 1)
				close(ends[j][1]);
		}
		while (read(ends[i][0], &token, sizeof(token)) == sizeof(token)) {
			if (write(ends[i + 1][1], &token, sizeof(token)) != sizeof(token))
				_exit(1);
		}
		_exit(0);
	}
	for (int j = 0; j < 4; j++) {
		if (j != 3)
			close(ends[j][0]);
		if (j != 0)
			close(ends[j][1]);
	}
	for (uint32_t i = 0; i < 200; i++) {
		token = below(1000);
		sent += token;
		if (write(ends[0][1], &token, sizeof(token)) != sizeof(token))
			wrong("write: %s", strerror(errno));
		mine->rounds++;
		/* Now and then all that is on its way comes back. */
		if (i % 8 != 7)
			continue;
		for (int n = 0; n < 8; n++) {
			if (read(ends[3][0], &token, sizeof(token)) != sizeof(token))
				wrong("read: %s", strerror(errno));
			got += token;
		}
	}
	close(ends[0][1]);
	if (read(ends[3][0], &token, sizeof(token)) != 0 || sent != got)
		wrong("sent %u, got %u", sent, got);
	close(ends[3][0]);
	for (int i = 0; i < 3; i++)
		reap(pids[i], 0);
}

/* --- memory --- */

static volatile int mapping_over;

static void *touch(void *arg)
{
	while (!mapping_over) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			continue;
		for (int i = 0; i < 65536; i += 4096) {
			if (p[i])
				return "a fresh page is not clear";
			p[i] = (char)i + 1;
		}
		mprotect(p, 32768, PROT_READ);
		madvise(p + 32768, 32768, MADV_DONTNEED);
		if (p[4096] != 1 || p[32768])
			return "a page holds what it should not";
		munmap(p, 65536);
	}
	return arg;
}

static void mappings(void)
{
	pthread_t t[2];
	void *said;

	step("map");
	mapping_over = 0;
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, touch, NULL);
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			reap(pid, 0);
	}
	mapping_over = 1;
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &said);
		if (said)
			wrong("%s", (char *)said);
	}
}

/* --- threads --- */

static void *doze(void *arg)
{
	struct timespec t = {.tv_nsec = 1 + (long)below(2000000)};

	nanosleep(&t, NULL);
	return arg;
}

static void threads(void)
{
	pthread_t t[8];

	step("thread");
	for (int i = 0; i < 8; i++) {
		if (pthread_create(&t[i], NULL, doze, NULL))
			wrong("pthread_create");
	}
	for (int i = 0; i < 8; i++) {
		if (i % 3 == 0)
			pthread_cancel(t[i]);
		pthread_join(t[i], NULL);
	}
	/* A process whose threads do all sorts of things is killed. */
	step("kill");
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 6; i++)
			pthread_create(&t[i], NULL, i % 2 ? touch : doze, NULL);
		for (;;)
			pause();
	}
	if (pid > 0) {
		doze(NULL);
		kill(pid, SIGKILL);
		reap(pid, SIGKILL);
	}
}

static const struct kind {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{"processes", processes}, {"signals", signals},	  {"locks", locks},	{"turns", turns},
	{"pipes", pipes},	  {"mappings", mappings}, {"threads", threads},
};

#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

static int is_chosen(const struct kind *k, int argc, char **argv)
{
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], k->name) == 0)
			return 1;
	}
	return argc <= 3;
}

static pid_t start_worker(int i, const struct kind *k)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	mine = &beats[i];
	do
		k->run();
	while (now_s() < end_s);
	_exit(0);
}

/* Until all workers have ended; 0, or 1 when one found something or stands still. */
static int watch(const pid_t *pids, const struct kind *const *jobs, int workers)
{
	unsigned long seen[WORKERS_MAX] = {0};
	time_t moved[WORKERS_MAX], now;
	int left = workers, bad = 0;

	for (int i = 0; i < workers; i++)
		moved[i] = now_s();
	while (left > 0) {
		struct timespec pause = {.tv_nsec = 100000000};
		int status;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			for (int i = 0; i < workers; i++) {
				if (pids[i] != pid)
					continue;
				left--;
				seen[i] = -1ul;
				if (status) {
					printf("%s: status %#x: %s\n", jobs[i]->name, status, beats[i].said);
					bad = 1;
				}
			}
		}
		now = now_s();
		for (int i = 0; i < workers; i++) {
			if (seen[i] == -1ul)
				continue;
			if (seen[i] != beats[i].rounds)
				moved[i] = now;
			seen[i] = beats[i].rounds;
			if (now - moved[i] >= STUCK_S) {
				printf("%s: stuck at %s, round %lu\n", jobs[i]->name, beats[i].step, seen[i]);
				return 1;
			}
		}
		nanosleep(&pause, NULL);
	}
	return bad;
}

int main(int argc, char **argv)
{
	const struct kind *jobs[WORKERS_MAX];
	int workers = argc > 2 ? atoi(argv[2]) : KINDS, n = 0, bad;
	pid_t pids[WORKERS_MAX];
	unsigned long rounds = 0;

	if (argc > 2 && strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	self = argv[0];
	end_s = now_s() + (argc > 1 ? atoi(argv[1]) : 5);
	beats = mmap(NULL, sizeof(*beats) * WORKERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	for (int i = 0; n < workers && n < WORKERS_MAX && (n || i < KINDS); i++) {
		if (!is_chosen(&kinds[i % KINDS], argc, argv))
			continue;
		jobs[n] = &kinds[i % KINDS];
		pids[n] = start_worker(n, jobs[n]);
		n++;
	}
	bad = watch(pids, jobs, n);
	for (int i = 0; i < n; i++)
		rounds += beats[i].rounds;
	if (!bad && waitpid(-1, NULL, WNOHANG) != -1) {
		printf("there is a child left\n");
		bad = 1;
	}
	if (bad)
		return 1;
	fprintf(stderr, "stress: %d workers, %lu steps\n", n, rounds);
	printf("ok\n");
	return 0;
}
