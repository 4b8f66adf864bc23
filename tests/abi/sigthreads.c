/* SPDX-License-Identifier: MIT */
/* Signals and threads: which thread gets what, waiting for signals, values, stops of a process with several threads. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static sem_t ready, done;
static volatile pid_t handled_by;
static volatile int handled, value, code;
static int quit;

static pid_t tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void note(int signo, siginfo_t *info, void *context)
{
	(void)context;
	handled_by = tid();
	value = info->si_value.sival_int;
	code = info->si_code;
	handled = signo;
}

static void handle(int signo)
{
	struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};

	R(sigaction(signo, &a, NULL));
}

static void block(int how, int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(how, &set, NULL);
}

static pid_t second_tid;

static void *waits(void *arg)
{
	(void)arg;
	second_tid = tid();
	sem_post(&ready);
	while (!__atomic_load_n(&quit, __ATOMIC_SEQ_CST)) {
		struct timespec ts = {.tv_nsec = 1000000};

		nanosleep(&ts, NULL);
	}
	return NULL;
}

static void await_handled(void)
{
	for (int i = 0; i < 2000 && !handled; i++)
		usleep(1000);
}

static void directed(void)
{
	pthread_t t;

	handle(SIGUSR1);
	R(pthread_create(&t, NULL, waits, NULL));
	sem_wait(&ready);
	R(pthread_kill(t, SIGUSR1));
	await_handled();
	R(handled_by == second_tid);
	R(code == SI_TKILL);
	handled = 0;
	R(raise(SIGUSR1));
	R(handled_by == tid());
	/* Only the other thread takes what this one blocks. */
	handled = 0;
	block(SIG_BLOCK, SIGUSR1);
	R(kill(getpid(), SIGUSR1));
	await_handled();
	R(handled_by == second_tid);
	R(code == SI_USER);
	/* What is sent to this thread waits for it. */
	handled = 0;
	R(pthread_kill(pthread_self(), SIGUSR1));
	usleep(3000);
	R(handled);
	block(SIG_UNBLOCK, SIGUSR1);
	R(handled);
	R(handled_by == tid());
	__atomic_store_n(&quit, 1, __ATOMIC_SEQ_CST);
	R(pthread_join(t, NULL));
}

static void *takes_signals(void *arg)
{
	sigset_t set = *(sigset_t *)arg;
	siginfo_t info;

	sem_post(&ready);
	for (int i = 0; i < 3; i++) {
		int signo = sigwaitinfo(&set, &info);

		printf("took %d, code %d, value %d\n", signo == SIGRTMIN ? 1 : signo, info.si_code,
		       info.si_value.sival_int);
		sem_post(&done);
	}
	return NULL;
}

static void waiting(void)
{
	struct timespec none = {0}, little = {.tv_nsec = 5000000}, bad = {.tv_nsec = -1};
	sigset_t set;
	siginfo_t info;
	pthread_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	R(sigtimedwait(&set, &info, &none));
	R(sigtimedwait(&set, &info, &little));
	R(sigtimedwait(&set, &info, &bad));
	R(syscall(SYS_rt_sigtimedwait, &set, &info, &none, 4));
	R(syscall(SYS_rt_sigtimedwait, 8, &info, &none, 8));
	R(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}));
	R(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 2}));
	R(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 3}));
	R(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 4}));
	for (int i = 0; i < 4; i++) {
		int signo = sigtimedwait(&set, &info, &none);

		printf("%d value %d code %d\n", signo == SIGRTMIN ? 1 : signo,
		       signo > 0 ? info.si_value.sival_int : 0, signo > 0 ? info.si_code : 0);
	}
	R(pthread_create(&t, NULL, takes_signals, &set));
	sem_wait(&ready);
	kill(getpid(), SIGUSR2);
	sem_wait(&done);
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 9});
	sem_wait(&done);
	/* Ignored by default, but somebody waits for it. */
	fflush(stdout);
	if (!fork())
		_exit(0);
	sem_wait(&done);
	R(wait(NULL) > 0);
	R(pthread_join(t, NULL));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void queueing(void)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};

	handled = 0;
	info.si_value.sival_int = 11;
	R(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	R(handled);
	R(value);
	R(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid(), SIGUSR1, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info));
	R(syscall(SYS_rt_tgsigqueueinfo, 1 << 22, tid(), SIGUSR1, &info));
	R(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info));
	R(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info));
	R(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8));
	info.si_code = SI_USER;
	R(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
	info.si_code = SI_TKILL;
	R(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
}

static void *spins(void *arg)
{
	volatile int *n = arg;

	for (;;)
		(*n)++;
	return NULL;
}

/* All threads stand still while the process is stopped, and go on with it. */
static void stopping(void)
{
	volatile int *n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, before;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		pthread_t t;

		pthread_create(&t, NULL, spins, (void *)n);
		pthread_create(&t, NULL, spins, (void *)(n + 16));
		for (;;)
			pause();
	}
	while (!n[0] || !n[16])
		usleep(1000);
	R(kill(pid, SIGSTOP));
	R(waitpid(pid, &status, WUNTRACED) == pid);
	R(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	before = n[0] + n[16];
	usleep(20000);
	R(n[0] + n[16] == before);
	R(kill(pid, SIGCONT));
	R(waitpid(pid, &status, WCONTINUED) == pid);
	R(WIFCONTINUED(status));
	while (n[0] + n[16] == before)
		usleep(1000);
	R(kill(pid, SIGSTOP));
	R(waitpid(pid, &status, WUNTRACED) == pid);
	R(kill(pid, SIGKILL));
	R(waitpid(pid, &status, 0) == pid);
	R(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A stop and its end leave a sleep alone; a handler does not. */
static void restarting(void)
{
	struct timespec start, end, ts = {.tv_nsec = 60000000}, left;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		int result = nanosleep(&ts, &left);
		clock_gettime(CLOCK_MONOTONIC, &end);
		long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;

		_exit(result == 0 && ms >= 60 ? 1 : 2);
	}
	usleep(10000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	R(waitpid(pid, &status, 0) == pid);
	R(WEXITSTATUS(status));
}

static volatile int ticks, word = 0;

static void on_tick(int n)
{
	(void)n;
	ticks++;
}

static void *holds(void *arg)
{
	struct timespec ts = {.tv_nsec = 40000000};

	syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL);
	sem_post(&ready);
	nanosleep(&ts, NULL);
	syscall(SYS_futex, &word, FUTEX_UNLOCK_PI_PRIVATE);
	return arg;
}

/* A handler ends a wait for a word if that has a time, but goes on with one for a lock; SA_RESTART or not. */
static void restarting_futex(int flags)
{
	struct sigaction a = {.sa_handler = on_tick, .sa_flags = flags};
	struct itimerval often = {.it_value.tv_usec = 10000, .it_interval.tv_usec = 10000}, never = {0};
	struct timespec span = {.tv_sec = 5}, moment;
	sigset_t alarm;
	pthread_t t;

	R(sigaction(SIGALRM, &a, NULL));
	word = 0;
	ticks = 0;
	setitimer(ITIMER_REAL, &often, NULL);
	R(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &span));
	clock_gettime(CLOCK_MONOTONIC, &moment);
	moment.tv_sec += 5;
	R(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &moment, NULL, -1));
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	pthread_create(&t, NULL, holds, NULL);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	sem_wait(&ready);
	R(syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
	R(syscall(SYS_futex, &word, FUTEX_UNLOCK_PI_PRIVATE));
	pthread_join(t, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	R(ticks > 2);
}

int main(void)
{
	sem_init(&ready, 0, 0);
	sem_init(&done, 0, 0);
	directed();
	waiting();
	queueing();
	stopping();
	restarting();
	restarting_futex(0);
	restarting_futex(SA_RESTART);
	return 0;
}
