/* SPDX-License-Identifier: MIT */
/* kcmp(2): which resources two processes or threads have in common. */
#include "abi.h"
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define kcmp(a, b, type, x, y) syscall(SYS_kcmp, a, b, type, x, y)

static pid_t child_sleeps(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void kinds(pid_t a, pid_t b)
{
	R(kcmp(a, b, KCMP_VM, 0, 0) != 0);
	R(kcmp(a, b, KCMP_FILES, 0, 0) != 0);
	R(kcmp(a, b, KCMP_FS, 0, 0) != 0);
	R(kcmp(a, b, KCMP_SIGHAND, 0, 0) != 0);
	R(kcmp(a, b, KCMP_SYSVSEM, 0, 0) != 0);
	R(kcmp(a, b, KCMP_FILE, 1, 1) != 0);
}

static void files(void)
{
	pid_t me = getpid();
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = dup(a);
	long ab = kcmp(me, me, KCMP_FILE, a, b), ba = kcmp(me, me, KCMP_FILE, b, a);

	R(kcmp(me, me, KCMP_FILE, a, a));
	R(kcmp(me, me, KCMP_FILE, a, c));
	HOLDS((ab == 1 && ba == 2) || (ab == 2 && ba == 1));
	R(kcmp(me, me, KCMP_FILE, a, 99));
	R(kcmp(me, me, KCMP_FILE, 99, a));
	R(kcmp(me, me, KCMP_FILE, 99, 99));
	R(kcmp(me, me, KCMP_FILE, -1, 99));
	close(a);
	close(b);
	close(c);
}

static void errors(void)
{
	pid_t me = getpid(), pid;

	R(kcmp(0, me, KCMP_VM, 0, 0));
	R(kcmp(me, 0, KCMP_VM, 0, 0));
	R(kcmp(me, -1, KCMP_VM, 0, 0));
	R(kcmp(me, 999999999, KCMP_VM, 0, 0));
	R(kcmp(me, me, -1, 0, 0));
	R(kcmp(me, me, 99, 0, 0));
	R(kcmp(me, 999999999, 99, 0, 0));
	R(kcmp(me, me, KCMP_VM, 0, 0));
	R(kcmp(me, me, KCMP_FILES, 7, 8));
	R(kcmp(me, me, KCMP_FS, 0, 0));
	R(kcmp(me, me, KCMP_SIGHAND, 0, 0));
	R(kcmp(me, me, KCMP_IO, 0, 0));
	R(kcmp(me, me, KCMP_SYSVSEM, 0, 0));
	pid = fork();
	if (pid == 0) {
		R(setresuid(1000, 1000, 1000));
		R(kcmp(getpid(), me, KCMP_VM, 0, 0));
		R(kcmp(me, getpid(), KCMP_FILE, 0, 0));
		R(kcmp(getpid(), getpid(), KCMP_VM, 0, 0));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	/* A zombie. */
	siginfo_t info;
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	R(kcmp(me, pid, KCMP_VM, 0, 0) > 0);
	R(kcmp(me, pid, KCMP_FILE, 1, 1));
	R(kcmp(me, pid, KCMP_FILES, 1, 1) > 0);
	waitpid(pid, NULL, 0);
}

static void watched(void)
{
	struct kcmp_epoll_slot slot = {0};
	struct epoll_event e = {.events = EPOLLIN};
	pid_t me = getpid();
	int pipes[2], ep = epoll_create1(0), again;

	if (pipe(pipes))
		return;
	again = dup(pipes[0]);
	R(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &e));
	slot.efd = (unsigned)ep;
	slot.tfd = (unsigned)pipes[0];
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[0], &slot));
	R(kcmp(me, me, KCMP_EPOLL_TFD, again, &slot));
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[1], &slot) > 0);
	R(kcmp(me, me, KCMP_EPOLL_TFD, 99, &slot));
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[0], 8));
	slot.tfd = (unsigned)pipes[1];
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[0], &slot));
	slot.tfd = (unsigned)pipes[0];
	slot.toff = 1;
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[0], &slot));
	slot.toff = 0;
	slot.efd = 99;
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[0], &slot));
	slot.efd = (unsigned)pipes[0];
	R(kcmp(me, me, KCMP_EPOLL_TFD, pipes[0], &slot));
}

static int ready[2], go[2];
static volatile pid_t thread_id;

static void *thread(void *arg)
{
	char c = 0;

	thread_id = gettid();
	(void)!write(ready[1], &c, 1);
	(void)!read(go[0], &c, 1);
	return arg;
}

int main(void)
{
	pid_t me = getpid(), pid;
	pthread_t t;
	char c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	errors();
	files();
	watched();
	pid = child_sleeps(0);
	kinds(me, pid);
	end(pid);
	pid = child_sleeps(CLONE_FILES | CLONE_FS);
	kinds(me, pid);
	end(pid);
	if (pipe(ready) || pipe(go))
		return 1;
	pthread_create(&t, NULL, thread, NULL);
	R(read(ready[0], &c, 1));
	kinds(me, thread_id);
	R(write(go[1], &c, 1));
	pthread_join(t, NULL);
	return 0;
}
