/* SPDX-License-Identifier: MIT */
/* Children for tests to watch. */
#pragma once

#include <unistd.h>

static inline pid_t child_sleeps(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static inline pid_t child_exits(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}
