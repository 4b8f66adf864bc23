/* SPDX-License-Identifier: MIT */
/* wait4(2), waitid(2): who is waited for, what is told, SIGCHLD, orphans, groups, stops. */
#include "abi.h"
#include "children.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t chld, chld_code, chld_status, chld_pid, chld_signal;

static void on_child(int signal, siginfo_t *info, void *context)
{
	(void)context;
	chld++;
	chld_signal = signal;
	chld_code = info->si_code;
	chld_status = info->si_status;
	chld_pid = info->si_pid;
}

static void watch_children(int flags)
{
	struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | flags};

	chld = chld_code = chld_status = chld_pid = 0;
	sigaction(SIGCHLD, &a, NULL);
}

static void show(const char *what, const siginfo_t *i, pid_t pid)
{
	printf("%s: signo %d code %d status %d pid %s\n", what, i->si_signo, i->si_code, i->si_status,
	       i->si_pid == pid ? "right"
	       : i->si_pid	? "wrong"
				: "0");
}

static void statuses(void)
{
	const int ends[] = {SIGTERM, SIGKILL, SIGUSR1, 40};
	int status;
	pid_t pid;

	for (int code = 0; code < 1000; code += 250) {
		pid = child_exits(code);
		R(wait4(pid, &status, 0, NULL) == pid);
		R(status);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		pid = child_sleeps();
		R(kill(pid, ends[i]));
		R(waitpid(pid, &status, 0) == pid);
		R(status);
	}
	pid = fork();
	if (pid == 0)
		abort();
	R(waitpid(pid, &status, 0) == pid);
	R(status);
	pid = fork();
	if (pid == 0)
		*(volatile int *)0 = 0;
	R(waitpid(pid, &status, 0) == pid);
	R(status);
}

static void errors(void)
{
	siginfo_t info;
	int status;
	pid_t pid;

	R(wait4(-1, &status, 0, NULL));
	R(wait4(-1, &status, WNOHANG, NULL));
	R(wait4(getpid(), &status, 0, NULL));
	R(wait4(1, &status, 0, NULL));
	R(wait4(INT_MIN, &status, 0, NULL));
	R(wait4(0, &status, 0, NULL));
	R(wait4(-1, &status, 0x100, NULL));
	R(wait4(-1, &status, WEXITED, NULL));
	R(waitid(P_ALL, 0, &info, 0));
	R(waitid(P_ALL, 0, &info, WNOHANG));
	R(waitid(P_ALL, 0, &info, WEXITED | 0x100));
	R(waitid(P_ALL, 0, &info, WEXITED));
	R(waitid(P_PID, 0, &info, WEXITED));
	R(waitid(P_PID, -1, &info, WEXITED));
	R(waitid(P_PID, getpid(), &info, WEXITED));
	R(waitid(P_PGID, -1, &info, WEXITED));
	R(waitid(P_PGID, 0, &info, WEXITED));
	R(waitid((idtype_t)3 /* P_PIDFD */, -1, &info, WEXITED));
	R(waitid((idtype_t)3, 0, &info, WEXITED));
	R(waitid((idtype_t)17, 0, &info, WEXITED));
	pid = child_exits(1);
	R(syscall(SYS_wait4, pid, 8, 0, NULL));
	R(waitpid(pid, &status, 0)); /* it is gone all the same */
	pid = child_exits(1);
	R(syscall(SYS_waitid, P_PID, pid, 8, WEXITED, NULL));
	R(waitpid(pid, &status, 0));
	pid = child_exits(1);
	R(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL));
}

static void without_hanging(void)
{
	siginfo_t info;
	int status = 77;
	pid_t pid = child_sleeps();

	R(waitpid(pid, &status, WNOHANG));
	R(status);
	memset(&info, 1, sizeof(info));
	R(waitid(P_ALL, 0, &info, WNOHANG | WEXITED));
	show("nothing", &info, pid);
	R(kill(pid, SIGTERM));
	R(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	show("left", &info, pid);
	R(waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT));
	R(kill(pid, 0)); /* a zombie can be signalled */
	R(kill(pid, SIGTERM));
	R(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
	R(waitid(P_PID, pid, &info, WEXITED));
	show("taken", &info, pid);
	R(waitid(P_PID, pid, &info, WEXITED));
	R(kill(pid, 0));
}

static void order(void)
{
	pid_t a = child_exits(1), b = child_exits(2), c = child_exits(3);
	siginfo_t info;
	int status;

	waitid(P_PID, a, &info, WEXITED | WNOWAIT);
	waitid(P_PID, b, &info, WEXITED | WNOWAIT);
	waitid(P_PID, c, &info, WEXITED | WNOWAIT);
	R(waitpid(c, &status, 0) == c);
	R(wait(&status) == a);
	R(WEXITSTATUS(status));
	R(wait(&status) == b);
	R(WEXITSTATUS(status));
}

static void child_signal(void)
{
	int status;
	pid_t pid;

	watch_children(SA_RESTART);
	pid = child_exits(9);
	R(waitpid(pid, &status, 0) == pid);
	R(chld);
	R(chld_signal);
	R(chld_code == CLD_EXITED);
	R(chld_status);
	HOLDS(chld_pid == pid);
	pid = child_sleeps();
	R(kill(pid, SIGKILL));
	R(waitpid(pid, &status, 0) == pid);
	R(chld_code == CLD_KILLED);
	R(chld_status);
	/* A wait is ended by a handler without SA_RESTART for another child. */
	watch_children(0);
	signal(SIGUSR1, SIG_DFL);
	pid = child_sleeps();
	pid_t other = fork();
	if (other == 0) {
		usleep(50000);
		_exit(0);
	}
	R(waitpid(pid, &status, 0));
	R(waitpid(other, &status, 0) == other);
	R(kill(pid, SIGTERM));
	while (waitpid(pid, &status, 0) != pid)
		;
	R(status);
	signal(SIGCHLD, SIG_DFL);
}

static void nobody_waits(void)
{
	struct sigaction a = {.sa_handler = SIG_IGN};
	int status;
	pid_t pid;

	sigaction(SIGCHLD, &a, NULL);
	pid = child_exits(1);
	R(waitpid(pid, &status, 0));
	watch_children(SA_NOCLDWAIT | SA_RESTART);
	pid = child_exits(1);
	R(waitpid(pid, &status, 0));
	R(chld > 0);
	/* What ended before it was ignored is still there. */
	signal(SIGCHLD, SIG_DFL);
	pid = child_exits(5);
	usleep(20000);
	signal(SIGCHLD, SIG_IGN);
	R(waitpid(pid, &status, 0) == pid);
	R(status);
	signal(SIGCHLD, SIG_DFL);
}

static void stops(void)
{
	siginfo_t info;
	int status;
	pid_t pid;

	watch_children(SA_RESTART);
	pid = child_sleeps();
	R(kill(pid, SIGSTOP));
	R(waitpid(pid, &status, WUNTRACED) == pid);
	R(status);
	/* The signal may come a moment after the wait has ended. */
	while (!chld)
		usleep(100);
	R(chld_code == CLD_STOPPED);
	R(chld_status);
	R(waitpid(pid, &status, WUNTRACED | WNOHANG));
	R(kill(pid, SIGUSR1)); /* kept until it goes on */
	R(waitpid(pid, &status, WUNTRACED | WNOHANG));
	signal(SIGCHLD, SIG_DFL);
	R(kill(pid, SIGCONT));
	R(waitpid(pid, &status, 0) == pid);
	R(status);
	watch_children(SA_RESTART | SA_NOCLDSTOP);
	pid = child_sleeps();
	R(kill(pid, SIGSTOP));
	R(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	show("stopped", &info, pid);
	R(waitid(P_PID, pid, &info, WSTOPPED));
	R(kill(pid, SIGCONT));
	R(waitpid(pid, &status, WCONTINUED) == pid);
	R(status);
	R(chld);
	R(kill(pid, SIGSTOP));
	R(waitid(P_PID, pid, &info, WSTOPPED));
	R(kill(pid, SIGCONT));
	R(waitid(P_PID, pid, &info, WCONTINUED));
	show("continued", &info, pid);
	R(kill(pid, SIGSTOP));
	R(waitpid(pid, &status, WUNTRACED) == pid);
	R(kill(pid, SIGKILL));
	R(waitpid(pid, &status, 0) == pid);
	R(status);
	signal(SIGCHLD, SIG_DFL);
}

/* A grandchild's parent ends first. */
static void orphans(void)
{
	int status, seen[2];
	pid_t me = getpid();
	char c = 'x';
	pid_t pid;

	R(pipe(seen));
	for (int reaper = 0; reaper < 2; reaper++) {
		R(prctl(PR_SET_CHILD_SUBREAPER, reaper));
		pid = fork();
		if (pid == 0) {
			pid_t middle = getpid();

			if (fork() == 0) {
				while (getppid() == middle)
					usleep(1000);
				c = getppid() == me ? 'r' : '1';
				write(seen[1], &c, 1);
				_exit(6);
			}
			_exit(0);
		}
		R(waitpid(pid, &status, 0) == pid);
		R(read(seen[0], &c, 1));
		if (reaper)
			R(c);
		R(wait(&status) > 0);
		R(status);
	}
	R(prctl(PR_GET_CHILD_SUBREAPER, &status));
	R(status);
	R(prctl(PR_SET_CHILD_SUBREAPER, 0));
	close(seen[0]);
	close(seen[1]);
}

static void death_signal(void)
{
	int fds[2], status;
	char c = 0;
	pid_t pid;

	R(pipe(fds));
	R(prctl(PR_SET_PDEATHSIG, 65));
	R(prctl(PR_SET_PDEATHSIG, SIGTERM));
	R(prctl(PR_GET_PDEATHSIG, &status));
	R(status);
	R(prctl(PR_SET_PDEATHSIG, 0));
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			write(fds[1], "x", 1);
			for (;;)
				pause();
		}
		read(fds[0], &c, 1);
		_exit(0);
	}
	R(waitpid(pid, &status, 0) == pid);
	R(close(fds[1]));
	R(read(fds[0], &c, 1)); /* the end, once the grandchild is dead */
	R(close(fds[0]));
}

static void groups(void)
{
	int status, pair[2];
	pid_t a, b;
	char c;

	R(pipe(pair));
	R(setpgid(0, 0));
	R(getpgrp() == getpid());
	R(getpgid(0) == getpid());
	a = child_sleeps();
	R(setpgid(a, a));
	R(getpgid(a) == a);
	b = child_sleeps();
	R(setpgid(b, a));
	R(getpgid(b) == a);
	R(setpgid(a, 999999));
	R(setpgid(999999, 0));
	R(setpgid(a, -1));
	R(getpgid(999999));
	R(getsid(999999));
	R(getsid(0) == getsid(a));
	R(waitpid(-a, &status, WNOHANG));
	R(waitpid(0, &status, WNOHANG));
	R(kill(-a, SIGTERM));
	R(waitpid(-a, &status, 0) > 0);
	R(status);
	R(waitpid(-a, &status, 0) > 0);
	R(status);
	R(waitpid(-a, &status, 0));
	R(kill(-a, 0));
	R(kill(-999999, 0));
	R(kill(999999, 0));
	R(kill(a, 65));
	R(setsid());
	a = fork();
	if (a == 0) {
		int ok = setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid();

		ok &= setpgid(0, 0) == -1 && errno == EPERM;
		write(pair[1], "x", 1);
		_exit(ok && pause() ? 0 : 1);
	}
	R(read(pair[0], &c, 1));
	R(setpgid(a, getpid()));
	R(getsid(a) == a);
	R(kill(a, SIGKILL));
	R(waitpid(a, &status, 0) == a);
	R(status);
	close(pair[0]);
	close(pair[1]);
}

static void usage(void)
{
	struct rusage u, all;
	struct tms t;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *p = mmap(NULL, 300 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct timespec now, end;

		memset(p, 1, 300 * PAGE);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		while ((end.tv_sec - now.tv_sec) * 1000000000l + end.tv_nsec - now.tv_nsec < 60000000);
		_exit(0);
	}
	R(wait4(pid, &status, 0, &u) == pid);
	R(getrusage(RUSAGE_CHILDREN, &all));
	HOLDS(u.ru_utime.tv_sec + u.ru_stime.tv_sec > 0 || u.ru_utime.tv_usec + u.ru_stime.tv_usec > 20000);
	HOLDS(u.ru_maxrss >= 900);
	HOLDS(all.ru_utime.tv_sec * 1000000 + all.ru_utime.tv_usec + all.ru_stime.tv_sec * 1000000 +
		      all.ru_stime.tv_usec >=
	      20000);
	HOLDS(all.ru_maxrss >= u.ru_maxrss);
	HOLDS(all.ru_minflt >= u.ru_minflt);
	HOLDS(times(&t) != -1);
	HOLDS(t.tms_cutime + t.tms_cstime >= 2);
	R(wait4(-1, &status, 0, (struct rusage *)8));
}

int main(void)
{
	struct rlimit none = {0, 0};
	pid_t pid;

	setvbuf(stdout, NULL, _IONBF, 0);
	setrlimit(RLIMIT_CORE, &none);
	statuses();
	errors();
	without_hanging();
	order();
	child_signal();
	nobody_waits();
	stops();
	orphans();
	death_signal();
	/* Not as a session leader, whatever the runner made of us. */
	pid = fork();
	if (pid == 0) {
		groups();
		_exit(0);
	}
	R(wait(NULL) == pid);
	usage();
	return 0;
}
