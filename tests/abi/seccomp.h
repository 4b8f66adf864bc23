/* SPDX-License-Identifier: MIT */
/* What the tests of seccomp share: filters written as lists of instructions, and parts that run in a child. */
#pragma once

#include "abi.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define ALLOW	    SECCOMP_RET_ALLOW
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define GIVE(what)  BPF_STMT(BPF_RET | BPF_K, (what))
#define UNLESS(v)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), 0, 1)
#define FILTER(...)                                                               \
	({                                                                        \
		struct sock_filter code_[] = {__VA_ARGS__};                       \
		struct sock_fprog prog_ = {.len = COUNT(code_), .filter = code_}; \
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog_);     \
	})
/* One call gets a verdict, all others are allowed. */
#define REFUSE(nr_, what) FILTER(LOAD(nr), UNLESS(nr_), GIVE(what), GIVE(ALLOW))

static unsigned flags;

static void in_child(int line, const char *name, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("%d: %s: ", line, name);
	if (WIFEXITED(status))
		printf("exit %d\n", WEXITSTATUS(status));
	else
		printf("signal %d\n", WTERMSIG(status));
}
#define CHILD(fn) in_child(__LINE__, #fn, fn)
