/* SPDX-License-Identifier: MIT */
/* More of wait(2): every option with every kind of child, threads that wait, first threads that end early, orphans. */
#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#ifndef __WNOTHREAD
#define __WNOTHREAD 0x20000000
#endif
#ifndef __WALL
#define __WALL 0x40000000
#endif
#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif

#define wait4_(pid, status, options)	 syscall(SYS_wait4, pid, status, options, NULL)
#define waitid_(type, id, info, options) syscall(SYS_waitid, type, id, info, options, NULL)

static pid_t clone_child(unsigned long flags, int code)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid == 0)
		syscall(SYS_exit_group, code);
	return pid;
}

static pid_t sleeper(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

/* --- children that end with another signal than SIGCHLD, or none --- */

static void kinds(void)
{
	static const unsigned long signals[] = {SIGCHLD, SIGUSR1, 0};
	static const unsigned options[] = {
		0, __WCLONE, __WALL, __WCLONE | __WALL, __WNOTHREAD, __WALL | __WNOTHREAD};
	siginfo_t info;
	int status;

	signal(SIGUSR1, SIG_IGN);
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
			pid_t pid = clone_child(signals[i], 7);

			waitid_(P_PID, pid, &info, WEXITED | WNOWAIT | __WALL);
			printf("signal %lu, options %x\n", signals[i], options[k]);
			status = -1;
			R(wait4_(pid, &status, options[k] | WNOHANG) == pid);
			R(status);
			wait4_(pid, NULL, __WALL);
		}
	}
	R(wait4_(-1, NULL, WNOHANG | __WALL));
}

/* --- what is shown --- */

static void show(const siginfo_t *i, pid_t pid)
{
	printf("signo %d errno %d code %d status %d pid %s uid %u\n", i->si_signo, i->si_errno, i->si_code,
	       i->si_status,
	       i->si_pid == pid ? "right"
	       : i->si_pid	? "wrong"
				: "0",
	       i->si_uid);
}

static void contents(void)
{
	siginfo_t info;
	struct rusage usage;
	pid_t pid = sleeper(SIGCHLD);

	memset(&info, 0x55, sizeof(info));
	R(waitid_(P_ALL, 12345, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG));
	show(&info, pid);
	kill(pid, SIGSTOP);
	R(waitid_(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	show(&info, pid);
	R(waitid_(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	R(waitid_(P_PID, pid, &info, WEXITED | WNOHANG));
	show(&info, pid);
	R(waitid_(P_PID, pid, &info, WSTOPPED));
	R(waitid_(P_PID, pid, &info, WSTOPPED | WNOHANG));
	show(&info, pid);
	kill(pid, SIGCONT);
	R(waitid_(P_PID, pid, &info, WCONTINUED | WNOWAIT));
	show(&info, pid);
	R(waitid_(P_PID, pid, &info, WSTOPPED | WEXITED | WNOHANG));
	show(&info, pid);
	R(waitid_(P_PID, pid, &info, WCONTINUED));
	R(waitid_(P_PID, pid, &info, WCONTINUED | WNOHANG));
	/* A stop that is over before anybody looks. */
	kill(pid, SIGSTOP);
	waitid_(P_PID, pid, &info, WSTOPPED | WNOWAIT);
	kill(pid, SIGCONT);
	R(waitid_(P_PID, pid, &info, WSTOPPED | WCONTINUED | WNOHANG));
	show(&info, pid);
	R(waitid_(P_PID, pid, &info, WSTOPPED | WNOHANG));
	show(&info, pid);
	kill(pid, SIGTERM);
	R(syscall(SYS_waitid, P_PID, pid, &info, WEXITED, &usage));
	show(&info, pid);
	HOLDS(usage.ru_nswap == 0 && usage.ru_msgsnd == 0);
	R(waitid_(P_PID, pid, NULL, WEXITED));
	R(waitid_(P_PID, pid, 8, WEXITED));
	memset(&info, 0x55, sizeof(info));
	R(waitid_(P_PID, pid, &info, WEXITED));
	show(&info, pid);
	memset(&info, 0x55, sizeof(info));
	R(waitid_(P_PID, pid, &info, 0));
	show(&info, pid);
	pid = clone_child(SIGCHLD, 300);
	R(waitid_(P_ALL, 0, &info, WEXITED));
	show(&info, pid);
}

/* --- groups --- */

static void groups(void)
{
	siginfo_t info;
	pid_t a = sleeper(SIGCHLD), b = sleeper(SIGCHLD);

	setpgid(a, a);
	setpgid(b, a);
	R(wait4_(-a, NULL, WNOHANG));
	R(wait4_(0, NULL, WNOHANG));
	R(waitid_(P_PGID, 0, &info, WEXITED | WNOHANG));
	R(waitid_(P_PGID, a, &info, WEXITED | WNOHANG));
	R(waitid_(P_PGID, b, &info, WEXITED | WNOHANG));
	R(wait4_(-b, NULL, WNOHANG));
	kill(-a, SIGKILL);
	R(wait4_(-a, NULL, 0) > 0);
	R(waitid_(P_PGID, a, &info, WEXITED));
	R(wait4_(-a, NULL, 0));
	/* The group that is waited for is that of now. */
	a = sleeper(SIGCHLD);
	R(setpgid(a, a));
	kill(a, SIGKILL);
	waitid_(P_PID, a, &info, WEXITED | WNOWAIT);
	R(wait4_(0, NULL, WNOHANG));
	R(setpgid(a, getpgrp()));
	R(wait4_(-a, NULL, WNOHANG));
	R(wait4_(a, NULL, 0) == a);
}

/* --- SIGCHLD --- */

static volatile sig_atomic_t count, codes[8], statuses[8];

static void on_child(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if (count < 8) {
		codes[count] = info->si_code;
		statuses[count] = info->si_status;
	}
	count++;
}

static void told(const char *what)
{
	printf("%s: %d:", what, count);
	for (int i = 0; i < count && i < 8; i++)
		printf(" %d/%d", codes[i], statuses[i]);
	putchar('\n');
	count = 0;
}

static void one_life(int flags)
{
	struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | flags};
	siginfo_t info;
	pid_t pid;

	sigaction(SIGCHLD, &a, NULL);
	count = 0;
	pid = sleeper(SIGCHLD);
	kill(pid, SIGSTOP);
	waitid_(P_PID, pid, &info, WSTOPPED);
	kill(pid, SIGCONT);
	waitid_(P_PID, pid, &info, WCONTINUED);
	/* The child tells of it when it runs. */
	for (int i = 0; i < (flags & SA_NOCLDSTOP ? 20 : 1000) && count < 2; i++)
		usleep(5000);
	told("stop and go on");
	kill(pid, SIGUSR2);
	errno = 0;
	R(wait4_(pid, NULL, 0) == pid);
	told("end");
	pid = clone_child(SIGCHLD, 3);
	R(wait4_(pid, NULL, 0) == pid);
	told("exit");
	signal(SIGCHLD, SIG_DFL);
}

static void ignored(void)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	clone_child(SIGCHLD, 1);
	clone_child(SIGCHLD, 2);
	R(wait4_(-1, NULL, 0)); /* until the last one is gone */
	pid = sleeper(SIGCHLD);
	R(wait4_(pid, NULL, WNOHANG));
	kill(pid, SIGSTOP);
	R(wait4_(pid, NULL, WUNTRACED) == pid);
	kill(pid, SIGKILL);
	R(wait4_(pid, NULL, 0));
	signal(SIGCHLD, SIG_DFL);
	/* What is a zombie already stays one. */
	pid = clone_child(SIGCHLD, 4);
	siginfo_t info;
	waitid_(P_PID, pid, &info, WEXITED | WNOWAIT);
	signal(SIGCHLD, SIG_IGN);
	R(wait4_(pid, NULL, 0) == pid);
	signal(SIGCHLD, SIG_DFL);
}

/* --- threads --- */

static int go[2];

static void *ends_with_7(void *arg)
{
	char c;

	(void)!read(go[0], &c, 1);
	syscall(SYS_exit, 7);
	return arg;
}

static void *waits(void *arg)
{
	pid_t *pids = arg; /* the first is the other thread's child, the second to be made here */

	R(wait4_(pids[0], NULL, WNOHANG | __WNOTHREAD));
	R(wait4_(-1, NULL, WNOHANG | __WNOTHREAD));
	pids[1] = sleeper(SIGCHLD);
	R(wait4_(pids[1], NULL, WNOHANG | __WNOTHREAD));
	R(wait4_(pids[0], NULL, WNOHANG));
	return NULL;
}

static void threads(void)
{
	pid_t pids[2], pid;
	pthread_t t;
	int status;

	/* What the first thread said is the status, though another one was the last. */
	if (pipe(go))
		return;
	pid = fork();
	if (pid == 0) {
		pthread_create(&t, NULL, ends_with_7, NULL);
		syscall(SYS_exit, 5);
	}
	usleep(30000);
	R(wait4_(pid, NULL, WNOHANG)); /* not yet */
	R(write(go[1], "x", 1));
	R(wait4_(pid, &status, 0) == pid);
	R(status);
	/* And the other way round. */
	pid = fork();
	if (pid == 0) {
		pthread_create(&t, NULL, ends_with_7, NULL);
		(void)!write(go[1], "x", 1);
		usleep(30000);
		syscall(SYS_exit, 5);
	}
	R(wait4_(pid, &status, 0) == pid);
	R(status);
	pids[0] = sleeper(SIGCHLD);
	pthread_create(&t, NULL, waits, pids);
	pthread_join(t, NULL);
	/* The child of a thread that has ended belongs to another one. */
	R(wait4_(pids[1], NULL, WNOHANG | __WNOTHREAD));
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		R(wait4_(pids[i], NULL, 0) == pids[i]);
	}
}

/* --- orphans --- */

static volatile sig_atomic_t hups, conts;

static void on_hup(int signo)
{
	if (signo == SIGHUP)
		hups++;
	else
		conts++;
}

/* A group with a stopped member loses the last one who could continue it: SIGHUP and SIGCONT. */
static void orphaned_group(int stopped)
{
	int report[2];
	char text[32] = "";
	pid_t middle;

	if (pipe(report))
		return;
	middle = fork();
	if (middle == 0) {
		pid_t member;

		setsid();
		member = fork();
		if (member == 0) {
			signal(SIGHUP, on_hup);
			signal(SIGCONT, on_hup);
			setpgid(0, 0);
			(void)!write(report[1], "r", 1);
			if (stopped)
				raise(SIGSTOP);
			else
				usleep(100000);
			snprintf(text, sizeof(text), "hup %d cont %d", hups, conts);
			(void)!write(report[1], text, strlen(text) + 1);
			_exit(0);
		}
		char c;
		(void)!read(report[0], &c, 1);
		if (stopped)
			waitpid(member, NULL, WUNTRACED);
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	R(read(report[0], text, sizeof(text)) > 0);
	printf("orphaned, %s: %s\n", stopped ? "stopped" : "running", text);
	close(report[0]);
	close(report[1]);
}

/* Stop signals from a terminal are for nobody there: in an orphaned group they are dropped. */
static void stop_signals(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		raise(SIGTSTP);
		raise(SIGTTIN);
		raise(SIGTTOU);
		_exit(4);
	}
	R(waitid_(P_PID, pid, &info, WEXITED | WSTOPPED));
	show(&info, pid);
}

static void subreapers(void)
{
	siginfo_t info;
	int report[2];
	pid_t pid, found = 0;

	if (pipe(report))
		return;
	R(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = fork();
	if (pid == 0) {
		pid_t inner = fork();

		if (inner == 0) {
			pid_t me = getpid();

			usleep(50000);
			(void)!write(report[1], &me, sizeof(me));
			_exit(getppid() == 1 ? 1 : 9);
		}
		_exit(2);
	}
	R(waitid_(P_PID, pid, &info, WEXITED));
	show(&info, pid);
	R(read(report[0], &found, sizeof(found)));
	R(waitid_(P_ALL, 0, &info, WEXITED));
	show(&info, found);
	/* A child is no subreaper for it. */
	pid = fork();
	if (pid == 0) {
		int value = -1;

		prctl(PR_GET_CHILD_SUBREAPER, &value);
		_exit(value);
	}
	R(waitid_(P_PID, pid, &info, WEXITED));
	show(&info, pid);
	R(prctl(PR_SET_CHILD_SUBREAPER, 0));
	R(wait4_(-1, NULL, WNOHANG));
}

static void parents_death(void)
{
	int report[2], value = -1;
	char c = 0;
	pid_t pid;

	if (pipe(report))
		return;
	R(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGUSR2);
			prctl(PR_GET_PDEATHSIG, &value);
			c = (char)value;
			(void)!write(report[1], &c, 1);
			for (;;)
				pause();
		}
		(void)!read(report[0], &c, 1);
		_exit(c);
	}
	int status;
	R(wait4_(pid, &status, 0) == pid);
	R(status);
	R(wait4_(-1, &status, 0) > 0);
	R(status);
	/* It is not inherited. */
	prctl(PR_SET_PDEATHSIG, SIGUSR2);
	if (fork() == 0) {
		prctl(PR_GET_PDEATHSIG, &value);
		_exit(value);
	}
	R(wait4_(-1, &status, 0) > 0);
	R(status);
	prctl(PR_SET_PDEATHSIG, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	kinds();
	contents();
	groups();
	one_life(0);
	one_life(SA_NOCLDSTOP);
	one_life(SA_NOCLDWAIT);
	ignored();
	threads();
	orphaned_group(1);
	orphaned_group(0);
	stop_signals();
	subreapers();
	parents_death();
	return 0;
}
