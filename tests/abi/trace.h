/* SPDX-License-Identifier: MIT */
/* What the tests of ptrace(2) share: a traced child, and a look at what it stops for. */
#ifndef TRACE_H
#define TRACE_H

#include "abi.h"
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

/* The call itself: what the libraries make of PEEK is not of interest, nor are their types. */
static inline long pt(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}
#define PT(request, pid, addr, data) R(pt(request, pid, (unsigned long)(addr), (unsigned long)(data)))

/* Waits for pid, says how it is, and returns the status; -1: there was nobody. */
static inline int seen_by(int line, pid_t pid, int options)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, options | __WALL);

	if (got <= 0) {
		printf("%d: wait = %d %s\n", line, (int)got, got ? abi_error(errno) : "nothing");
		return -1;
	}
	if (WIFSTOPPED(status))
		printf("%d: stopped by %d, event %d\n", line, WSTOPSIG(status), status >> 16);
	else if (WIFEXITED(status))
		printf("%d: exit %d\n", line, WEXITSTATUS(status));
	else if (WIFCONTINUED(status))
		printf("%d: continued\n", line);
	else
		printf("%d: signal %d\n", line, WTERMSIG(status));
	return status;
}
#define SEEN(pid) seen_by(__LINE__, pid, 0)

/* A child that runs fn once it is let go: traced, after its first SIGSTOP. */
static inline pid_t traced_child(void (*fn)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pt(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return pid;
}

/* A child that nobody traces, and which runs fn. */
static inline pid_t plain_child(void (*fn)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	return pid;
}

static inline void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
}

/* A letter of /proc/PID/stat. */
static inline char state_of(pid_t pid)
{
	char path[40], text[400], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return '-';
	text[n] = 0;
	at = strrchr(text, ')');
	return at ? at[2] : '?';
}

#endif
