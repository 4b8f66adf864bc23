/* SPDX-License-Identifier: MIT */
/* Timers that send signals: alarm, interval timers, POSIX timers, the limit on CPU time. No line tells a time. */
#include "abi.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define CALL(name, ...) syscall(SYS_##name, __VA_ARGS__)

static volatile int count, last_code, last_value, last_overrun;

static void handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	count++;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	last_overrun = info->si_overrun;
}

static void handle(int signo)
{
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(signo, &a, NULL);
}

static int64_t now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until so many signals have come; 10 seconds are for ever. */
static void await(int wanted)
{
	int64_t end = now_ms(CLOCK_MONOTONIC) + 10000;

	while (count < wanted && now_ms(CLOCK_MONOTONIC) < end)
		usleep(1000);
	HOLDS(count >= wanted);
}

static void burn(int wanted)
{
	int64_t end = now_ms(CLOCK_MONOTONIC) + 10000;

	while (count < wanted && now_ms(CLOCK_MONOTONIC) < end)
		;
	HOLDS(count >= wanted);
}

static void alarms(void)
{
	handle(SIGALRM);
	R(CALL(alarm, 0));
	R(CALL(alarm, 100));
	R(CALL(alarm, 5000000));
	HOLDS(CALL(alarm, 1) >= 4999999);
	count = 0;
	R(pause());
	R(count);
	R(last_code);
	R(CALL(alarm, 0));
}

static struct itimerval it(long sec, long usec, long every_sec, long every_usec)
{
	return (struct itimerval){{every_sec, every_usec}, {sec, usec}};
}

static void intervals(void)
{
	struct itimerval v, old;
	int64_t start;

	R(CALL(getitimer, 3, &v));
	R(CALL(getitimer, -1, &v));
	R(CALL(getitimer, ITIMER_REAL, 16));
	R(CALL(setitimer, 3, &v, NULL));
	R(CALL(setitimer, ITIMER_REAL, 16, NULL));
	v = it(1, 1000000, 0, 0);
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));
	v = it(1, -1, 0, 0);
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));
	v = it(-1, 0, 0, 0);
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));
	v = it(1, 0, 0, 1000000);
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));

	count = 0;
	start = now_ms(CLOCK_MONOTONIC);
	v = it(0, 20000, 0, 10000);
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));
	R(CALL(getitimer, ITIMER_REAL, &old));
	HOLDS(old.it_interval.tv_sec == 0 && old.it_interval.tv_usec == 10000);
	HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 20000);
	await(5);
	HOLDS(now_ms(CLOCK_MONOTONIC) - start >= 59);
	v = it(0, 0, 0, 0);
	R(CALL(setitimer, ITIMER_REAL, &v, &old));
	HOLDS(old.it_interval.tv_usec == 10000 && old.it_value.tv_usec > 0);
	R(CALL(setitimer, ITIMER_REAL, &v, &old));
	HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0 && old.it_interval.tv_usec == 0);

	/* What is not set has no period either; the longest are 292 years. */
	v = it(0, 0, 0x1ffffffff, 20);
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));
	v.it_value.tv_sec = 30;
	R(CALL(setitimer, ITIMER_REAL, &v, &old));
	R(old.it_interval.tv_sec);
	v = it(0, 0, 0, 0);
	R(CALL(setitimer, ITIMER_REAL, &v, &old));
	R(old.it_interval.tv_sec);

	/* Of CPU time: asleep, nothing happens. */
	handle(SIGVTALRM);
	handle(SIGPROF);
	for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
		printf("timer %d\n", which);
		count = 0;
		v = it(0, 50000, 0, 20000);
		R(CALL(setitimer, which, &v, NULL));
		usleep(120000);
		R(count);
		burn(3);
		R(CALL(getitimer, which, &old));
		HOLDS(old.it_value.tv_usec > 0 && old.it_interval.tv_usec == 20000);
		v = it(0, 0, 0, 0);
		R(CALL(setitimer, which, &v, NULL));
	}
}

static struct itimerspec ts(long ms, long every_ms)
{
	return (struct itimerspec){{every_ms / 1000, every_ms % 1000 * 1000000},
				   {ms / 1000, ms % 1000 * 1000000}};
}

static void posix_errors(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec v = ts(1000, 0);
	int id = -1;

	R(CALL(timer_create, 77, NULL, &id));
	R(CALL(timer_create, CLOCK_MONOTONIC_COARSE, NULL, &id));
	R(CALL(timer_create, CLOCK_MONOTONIC, NULL, 16));
	R(CALL(timer_create, CLOCK_MONOTONIC, 16, &id));
	e.sigev_signo = 0;
	R(CALL(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_signo = 65;
	R(CALL(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_signo = SIGUSR1;
	e.sigev_notify = 77;
	R(CALL(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_notify = SIGEV_THREAD_ID;
	((int *)&e)[4] = 1;
	R(CALL(timer_create, CLOCK_MONOTONIC, &e, &id));
	R(CALL(timer_settime, 12345, 0, &v, NULL));
	R(CALL(timer_gettime, 12345, &v));
	R(CALL(timer_getoverrun, 12345));
	R(CALL(timer_delete, 12345));
	R(CALL(timer_create, CLOCK_MONOTONIC, NULL, &id));
	R(CALL(timer_settime, id, 0, NULL, NULL));
	R(CALL(timer_settime, id, 0, 16, NULL));
	v.it_value.tv_nsec = 1000000000;
	R(CALL(timer_settime, id, 0, &v, NULL));
	v.it_value.tv_nsec = -1;
	R(CALL(timer_settime, id, 0, &v, NULL));
	v = ts(1000, 0);
	v.it_value.tv_sec = -1;
	R(CALL(timer_settime, id, 0, &v, NULL));
	R(CALL(timer_gettime, id, &v));
	HOLDS(v.it_value.tv_sec == 0 && v.it_value.tv_nsec == 0);
	R(CALL(timer_gettime, id, 16));
	R(CALL(timer_getoverrun, id));
	R(CALL(timer_delete, id));
	R(CALL(timer_delete, id));
}

static void one_clock(const char *name, clockid_t clock, int of_cpu)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec v = ts(20, 10), old;
	int id = -1;

	printf("%s\n", name);
	e.sigev_value.sival_int = 1234;
	count = 0;
	R(CALL(timer_create, clock, &e, &id));
	R(CALL(timer_settime, id, 0, &v, NULL));
	R(CALL(timer_gettime, id, &old));
	HOLDS(old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec > 0 &&
	      old.it_value.tv_nsec <= 20000000);
	if (of_cpu)
		burn(3);
	else
		await(3);
	R(last_value);
	R(last_code);
	v = ts(0, 0);
	R(CALL(timer_settime, id, 0, &v, &old));
	HOLDS(old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec > 0);
	count = 0;
	/* A moment that has passed. */
	v = ts(0, 0);
	v.it_value.tv_nsec = 1;
	R(CALL(timer_settime, id, TIMER_ABSTIME, &v, NULL));
	if (of_cpu)
		burn(1);
	else
		await(1);
	R(CALL(timer_gettime, id, &old));
	HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
	/* One to come. */
	count = 0;
	clock_gettime(clock, &v.it_value);
	v.it_value.tv_nsec += 30000000;
	if (v.it_value.tv_nsec >= 1000000000) {
		v.it_value.tv_sec++;
		v.it_value.tv_nsec -= 1000000000;
	}
	R(CALL(timer_settime, id, TIMER_ABSTIME, &v, NULL));
	if (of_cpu)
		burn(1);
	else
		await(1);
	R(CALL(timer_delete, id));
}

/* What is pending when a timer is set anew or deleted does not arrive; what arrives late has counted until then. */
static void pending_signals(void)
{
	struct itimerspec every = {.it_value = {0, 20000000}, .it_interval = {0, 20000000}},
			  later = {.it_value = {50, 0}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigset_t set, pending;
	int id;

	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	for (int way = 0; way < 4; way++) {
		count = 0;
		last_overrun = -1;
		sigprocmask(SIG_BLOCK, &set, NULL);
		R(CALL(timer_create, CLOCK_MONOTONIC, &event, &id));
		R(CALL(timer_settime, id, 0, &every, NULL));
		usleep(110000);
		sigpending(&pending);
		if (way == 0)
			R(CALL(timer_settime, id, 0, &later, NULL));
		else if (way == 1)
			R(CALL(timer_delete, id));
		else if (way == 2)
			signal(SIGUSR2, SIG_IGN);
		sigaction(SIGUSR2, &action, NULL);
		usleep(50000);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		printf("way %d: pending %d, then %d signals, overruns %d\n", way,
		       sigismember(&pending, SIGUSR2), count > 1 ? 1 : count, last_overrun >= 6);
		CALL(timer_delete, id);
	}
}

/* A timer's signal has its place, however many others wait. */
static void full_queue(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
	struct rlimit few = {1, 1};
	struct itimerspec soon = {.it_value = {0, 1000000}};
	struct timespec second = {1, 0};
	siginfo_t info = {0};
	sigset_t set;
	int id;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	R(CALL(timer_create, CLOCK_MONOTONIC, &event, &id));
	setrlimit(RLIMIT_SIGPENDING, &few);
	while (!sigqueue(getpid(), SIGRTMIN, (union sigval){0}))
		;
	R(sigqueue(getpid(), SIGRTMIN, (union sigval){0}));
	R(CALL(timer_settime, id, 0, &soon, NULL));
	sigdelset(&set, SIGRTMIN);
	R(sigtimedwait(&set, &info, &second) == SIGRTMIN + 1);
	R(info.si_code);
	R(CALL(timer_create, CLOCK_MONOTONIC, &event, &id));
}

static void overruns(void)
{
	struct itimerspec v = ts(10, 10);
	sigset_t set;
	int id = -1;

	handle(SIGALRM);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	count = 0;
	R(CALL(timer_create, CLOCK_MONOTONIC, NULL, &id));
	R(CALL(timer_settime, id, 0, &v, NULL));
	usleep(150000);
	R(count);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	await(1);
	HOLDS(CALL(timer_getoverrun, id) >= 0);
	v = ts(0, 0);
	R(CALL(timer_settime, id, 0, &v, NULL));
	HOLDS(last_value == id);
	R(CALL(timer_delete, id));
}

static void nobody_told(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_NONE};
	struct itimerspec v = ts(10, 0);
	int id = -1;

	count = 0;
	R(CALL(timer_create, CLOCK_REALTIME, &e, &id));
	R(CALL(timer_settime, id, 0, &v, NULL));
	usleep(30000);
	R(CALL(timer_gettime, id, &v));
	HOLDS(v.it_value.tv_sec == 0 && v.it_value.tv_nsec == 0);
	R(count);
	R(CALL(timer_delete, id));
}

static void to_thread(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec v = ts(10, 0);
	int id = -1;

	count = 0;
	((int *)&e)[4] = (int)syscall(SYS_gettid);
	R(CALL(timer_create, CLOCK_BOOTTIME, &e, &id));
	R(CALL(timer_settime, id, 0, &v, NULL));
	await(1);
	R(CALL(timer_delete, id));
}

/* A child does not inherit timers. */
static void inheritance(void)
{
	struct itimerval v = it(100, 0, 0, 0), old;
	int status, id = -1;

	R(CALL(timer_create, CLOCK_MONOTONIC, NULL, &id));
	R(CALL(setitimer, ITIMER_REAL, &v, NULL));
	fflush(stdout);
	if (fork() == 0) {
		R(CALL(getitimer, ITIMER_REAL, &old));
		HOLDS(old.it_value.tv_sec == 0);
		R(CALL(timer_delete, id));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(CALL(alarm, 0));
	R(CALL(timer_delete, id));
}

/* Ends by SIGXCPU, or, ignoring that, by SIGKILL. */
static void limit(int ignore)
{
	struct rlimit l = {1, 2};
	int status;

	fflush(stdout);
	if (fork() == 0) {
		signal(SIGXCPU, ignore ? SIG_IGN : SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		setrlimit(RLIMIT_CPU, &l);
		for (;;)
			;
	}
	wait(&status);
	HOLDS(WIFSIGNALED(status));
	R(WTERMSIG(status));
}

int main(void)
{
	alarms();
	intervals();
	handle(SIGUSR1);
	posix_errors();
	one_clock("realtime", CLOCK_REALTIME, 0);
	one_clock("monotonic", CLOCK_MONOTONIC, 0);
	one_clock("boottime", CLOCK_BOOTTIME, 0);
	one_clock("process", CLOCK_PROCESS_CPUTIME_ID, 1);
	one_clock("thread", CLOCK_THREAD_CPUTIME_ID, 1);
	overruns();
	pending_signals();
	nobody_told();
	to_thread();
	inheritance();
	limit(0);
	limit(1);
	full_queue();
	return 0;
}
