/* SPDX-License-Identifier: MIT */
/* What the tests of pidfds share: names that older headers lack, and children to watch. */
#pragma once

#include "abi.h"
#include "children.h"
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define NONBLOCK       04000
#define THREAD	       0200
#define SELF_THREAD    (-10000)
#define SELF_PROCESS   (-10001)
#define SIGNAL_THREAD  1
#define SIGNAL_PROCESS 2
#define SIGNAL_GROUP   4

#define pidfd_open(pid, flags)		 syscall(SYS_pidfd_open, pid, flags)
#define pidfd_getfd(p, fd, flags)	 syscall(SYS_pidfd_getfd, p, fd, flags)
#define pidfd_send(fd, sig, info, flags) syscall(SYS_pidfd_send_signal, fd, sig, info, flags)
#define waitpidfd(fd, info, options)	 waitid((idtype_t)3, (id_t)(fd), info, options)

static short events(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void show_info(int fd, pid_t pid)
{
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		int value;

		if (sscanf(line, "Pid:\t%d", &value) == 1 || sscanf(line, "NSpid:\t%d", &value) == 1)
			printf("%.5s: %s\n", line,
			       value == pid  ? "right"
			       : value == -1 ? "-1"
			       : value == 0  ? "0"
					     : "other");
		else if (strncmp(line, "mnt_id", 6) && strncmp(line, "ino", 3))
			fputs(line, stdout);
	}
	if (f)
		fclose(f);
}

static volatile sig_atomic_t got_signal, got_code, got_value, got_tid;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	(void)context;
	got_signal = signo;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
	got_tid = gettid();
}
