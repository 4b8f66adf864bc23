/* SPDX-License-Identifier: MIT */
/*
 * Clocks of CPU time of others, sleeping on clocks, setting the time of day. The host's time is left alone: what sets it runs
 * under Moat only, and what must come of it is known (clock_settime(2), timerfd_create(2)).
 */
#include "abi.h"
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#define CALL(name, ...)	     syscall(SYS_##name, __VA_ARGS__)
#define PROF		     0
#define VIRT		     1
#define SCHED		     2
#define OF(pid, kind)	     ((clockid_t)(~(unsigned)(pid) << 3 | (kind)))
#define OF_THREAD(tid, kind) ((clockid_t)(~(unsigned)(tid) << 3 | 4 | (kind)))

static int64_t to_ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now(clockid_t clock)
{
	struct timespec t = {-1, -1};

	syscall(SYS_clock_gettime, clock, &t);
	return to_ns(t);
}

static void burn(int ms)
{
	int64_t end = now(CLOCK_THREAD_CPUTIME_ID) + (int64_t)ms * 1000000;

	while (now(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static volatile pid_t thread_id;
static volatile int stop;

static void *busy(void *arg)
{
	thread_id = gettid();
	while (!stop)
		burn(1);
	return arg;
}

static void errors(void)
{
	struct timespec t;
	pid_t me = getpid();

	for (int id = -1; id > -9; id--) {
		printf("clock %d\n", id);
		R(CALL(clock_gettime, id, &t));
	}
	R(CALL(clock_gettime, OF(me, SCHED), &t));
	R(CALL(clock_gettime, OF(me, PROF), &t));
	R(CALL(clock_gettime, OF(me, VIRT), &t));
	R(CALL(clock_gettime, OF(me, 3), &t));
	R(CALL(clock_gettime, OF_THREAD(me, 3), &t));
	R(CALL(clock_gettime, OF_THREAD(me, SCHED), &t));
	R(CALL(clock_gettime, OF(1, SCHED), &t));
	R(CALL(clock_gettime, OF_THREAD(1, SCHED), &t));
	R(CALL(clock_gettime, OF(9999999, SCHED), &t));
	R(CALL(clock_gettime, OF_THREAD(9999999, SCHED), &t));
	R(CALL(clock_getres, OF(me, SCHED), &t));
	R(to_ns(t));
	R(CALL(clock_getres, OF(me, PROF), &t));
	HOLDS(to_ns(t) > 1);
	R(CALL(clock_getres, OF(9999999, SCHED), &t));
	R(CALL(clock_settime, OF(me, SCHED), &t));
	R(CALL(clock_settime, OF(9999999, SCHED), &t));
}

static void others(void)
{
	pthread_t thread;
	clockid_t id;
	int64_t before, after = 0;
	pid_t pid = fork();

	if (pid == 0) {
		burn(30);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	R(clock_getcpuclockid(pid, &id));
	HOLDS(now(id) >= 30000000 && now(id) < 3000000000);
	HOLDS(now(OF(pid, VIRT)) <= now(id));
	usleep(50000); /* until it really stands still */
	before = now(id);
	burn(5);
	HOLDS(now(id) == before);
	kill(pid, SIGCONT);
	siginfo_t info;
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	HOLDS(now(id) >= before); /* a zombie's */
	waitpid(pid, NULL, 0);
	struct timespec t;
	R(CALL(clock_gettime, id, &t));
	pthread_create(&thread, NULL, busy, NULL);
	while (!thread_id)
		usleep(1000);
	R(pthread_getcpuclockid(thread, &id));
	before = now(id);
	for (int i = 0; i < 500 && (after = now(id)) <= before; i++)
		usleep(10000);
	HOLDS(after > before);
	HOLDS(now(OF(thread_id, SCHED)) == -1000000001);
	HOLDS(now(OF_THREAD(thread_id, SCHED)) >= after);
	/* Sleeping while another thread works. */
	before = now(CLOCK_PROCESS_CPUTIME_ID);
	t = (struct timespec){0, 20000000};
	R(CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL));
	HOLDS(now(CLOCK_PROCESS_CPUTIME_ID) - before >= 20000000);
	before = now(id);
	R(CALL(clock_nanosleep, id, 0, &t, NULL));
	HOLDS(now(id) - before >= 20000000);
	t = (struct timespec){0, 1};
	R(CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL));
	R(CALL(clock_nanosleep, OF_THREAD(0, SCHED), 0, &t, NULL));
	R(CALL(clock_nanosleep, OF_THREAD(getpid(), SCHED), 0, &t, NULL));
	R(CALL(clock_nanosleep, OF(9999999, SCHED), 0, &t, NULL));
	/* A timer on the other thread's time. */
	struct sigevent e = {.sigev_notify = SIGEV_NONE};
	struct itimerspec set = {{0, 0}, {0, 5000000}}, left;
	int timer;
	R(CALL(timer_create, id, &e, &timer));
	R(CALL(timer_settime, timer, 0, &set, NULL));
	for (before = now(id); now(id) < before + 50000000;)
		usleep(10000);
	R(CALL(timer_gettime, timer, &left));
	R(left.it_value.tv_nsec);
	R(CALL(timer_delete, timer));
	R(CALL(timer_create, OF(getpid(), PROF), &e, &timer));
	R(CALL(timer_create, OF(getpid(), VIRT), &e, &timer));
	R(CALL(timer_create, OF(9999999, PROF), &e, &timer));
	R(CALL(timer_create, OF(thread_id, SCHED), &e, &timer));
	stop = 1;
	pthread_join(thread, NULL);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void sleeping(void)
{
	static const clockid_t clocks[] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99};
	struct timespec t = {0, 1000}, rest = {-1, -1};
	struct itimerval alarm_in = {{0, 0}, {0, 30000}};
	struct sigaction a = {.sa_handler = on_alarm};

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		printf("clock %d\n", clocks[i]);
		R(CALL(clock_nanosleep, clocks[i], 0, &t, NULL));
	}
	t.tv_nsec = 1000000000;
	R(CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL));
	R(CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL));
	R(CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, 8, NULL));
	/* A signal ends a sleep that would never end. */
	sigaction(SIGALRM, &a, NULL);
	t = (struct timespec){5, 0};
	setitimer(ITIMER_REAL, &alarm_in, NULL);
	R(CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, &rest));
	HOLDS(rest.tv_sec == 4 && rest.tv_nsec > 0);
	setitimer(ITIMER_REAL, &alarm_in, NULL);
	rest = (struct timespec){-1, -1};
	t = (struct timespec){5000, 0};
	R(CALL(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, &rest));
	R(rest.tv_sec);
}

static void without_rights(void)
{
	struct timeval tv;
	struct timespec t;
	struct timezone tz = {0, 0};
	struct timex x = {0};

	gettimeofday(&tv, NULL);
	clock_gettime(CLOCK_REALTIME, &t);
	R(setresuid(1000, 1000, 1000));
	R(CALL(clock_settime, CLOCK_REALTIME, &t));
	for (int id = 1; id < 13; id++) {
		printf("clock %d\n", id);
		R(CALL(clock_settime, id, &t));
	}
	R(CALL(clock_settime, CLOCK_REALTIME, 8));
	R(CALL(clock_settime, CLOCK_MONOTONIC, 8));
	t.tv_nsec = 1000000000;
	R(CALL(clock_settime, CLOCK_REALTIME, &t));
	t = (struct timespec){-1, 0};
	R(CALL(clock_settime, CLOCK_REALTIME, &t));
	R(CALL(settimeofday, &tv, NULL));
	R(CALL(settimeofday, NULL, &tz));
	R(CALL(settimeofday, NULL, NULL));
	R(CALL(settimeofday, 8, NULL));
	R(CALL(settimeofday, NULL, 8));
	tv.tv_usec = 1000000;
	R(CALL(settimeofday, &tv, NULL));
	R(CALL(adjtimex, &x) >= 0);
	R(x.tick);
	R(CALL(adjtimex, 8));
	x.modes = ADJ_STATUS;
	R(CALL(adjtimex, &x));
	x.modes = ADJ_SETOFFSET;
	R(CALL(adjtimex, &x));
	x.modes = 0x8000;
	R(CALL(adjtimex, &x));
	x.modes = ADJ_OFFSET_SINGLESHOT;
	R(CALL(adjtimex, &x));
	x.modes = ADJ_OFFSET_SS_READ;
	R(CALL(adjtimex, &x) >= 0);
	x.modes = 0;
	for (int id = -1; id < 13; id++) {
		printf("clock %d\n", id);
		R(CALL(clock_adjtime, id, &x) >= 0 ? 0 : -1);
	}
}

/* --- setting it --- */

static int may_set;

/* What the call must give where it must not be made. */
#define SETS(call, expected) R(may_set ? (call) : (expected))

static void setting(void)
{
	struct itimerspec far_off = {{0, 0}, {0, 0}};
	struct timespec t, old;
	struct timeval tv = {0, 0};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK),
	    quiet = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	int64_t start, mono;
	uint64_t ticks;
	struct timex x = {0};

	clock_gettime(CLOCK_REALTIME, &old);
	mono = now(CLOCK_MONOTONIC);
	far_off.it_value.tv_sec = old.tv_sec + 5000;
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far_off, NULL));
	R(timerfd_settime(quiet, TFD_TIMER_ABSTIME, &far_off, NULL));
	t = old;
	t.tv_sec += 1000;
	SETS(clock_settime(CLOCK_REALTIME, &t), 0);
	HOLDS(!may_set ||
	      (now(CLOCK_REALTIME) - to_ns(t) >= 0 && now(CLOCK_REALTIME) - to_ns(t) < 1000000000));
	HOLDS(now(CLOCK_MONOTONIC) - mono < 5000000000);
	SETS((errno = 0, read(fd, &ticks, sizeof(ticks)) == -1 && errno == ECANCELED), 1);
	SETS((errno = 0, read(quiet, &ticks, sizeof(ticks)) == -1 && errno == EAGAIN), 1);
	/* A sleep until a moment ends when the clock is set past it. */
	if (may_set && fork() == 0) {
		usleep(50000);
		t.tv_sec += 9000;
		_exit(clock_settime(CLOCK_REALTIME, &t) != 0);
	}
	start = now(CLOCK_MONOTONIC);
	struct timespec until = {t.tv_sec + 8000, 0};
	SETS(CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
	HOLDS(now(CLOCK_MONOTONIC) - start < 5000000000);
	SETS((errno = 0, read(quiet, &ticks, sizeof(ticks)) == sizeof(ticks)), 1);
	if (may_set)
		wait(NULL);
	tv.tv_sec = old.tv_sec;
	SETS(settimeofday(&tv, NULL), 0);
	HOLDS(!may_set || time(NULL) - old.tv_sec < 5);
	tv.tv_sec = 1;
	x.modes = ADJ_SETOFFSET;
	x.time.tv_sec = 100;
	SETS(adjtimex(&x) >= 0, 1);
	HOLDS(!may_set || (time(NULL) - old.tv_sec >= 100 && time(NULL) - old.tv_sec < 105));
	x.time.tv_sec = -100;
	SETS(adjtimex(&x) >= 0, 1);
	HOLDS(!may_set || time(NULL) - old.tv_sec < 5);
	x.time.tv_usec = 1000000;
	R(adjtimex(&x));
	x.modes = ADJ_TICK;
	x.tick = 5;
	R(adjtimex(&x));
}

int main(void)
{
	struct utsname name;

	setvbuf(stdout, NULL, _IOLBF, 0);
	uname(&name);
	may_set = strstr(name.release, "moat") != NULL;
	errors();
	others();
	sleeping();
	setting();
	if (fork() == 0) {
		without_rights();
		_exit(0);
	}
	wait(NULL);
	return 0;
}
