/* SPDX-License-Identifier: MIT */
/* What tests of terminals share. Whoever needs a session of its own is a child whose output comes through the parent's. */
#ifndef TTY_H
#define TTY_H

#include "abi.h"
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

static volatile sig_atomic_t seen[65] __attribute__((unused));

static inline void note(int signo)
{
	seen[signo]++;
}

static inline void watch(int signo)
{
	struct sigaction a = {.sa_handler = note};

	sigaction(signo, &a, NULL);
}

/* Runs fn in a child, and waits for it. */
static inline void child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("ended by signal %d\n", WTERMSIG(status));
	else if (status)
		printf("status %d\n", WEXITSTATUS(status));
}

static inline void settle(void)
{
	usleep(30000);
}

static inline short ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	poll(&p, 1, 0);
	return p.revents;
}

static inline int open_master(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	unlockpt(m);
	return m;
}

#endif
