/* SPDX-License-Identifier: MIT */
/* vfork(2), clone(CLONE_VM | CLONE_VFORK) with a stack of its own, posix_spawn(3): memory is shared until exec or exit. */
#include "abi.h"
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/wait.h>

extern char **environ;
static volatile int shared;
static volatile sig_atomic_t caught;
static char self[PATH_MAX];

static void handler(int signal)
{
	caught = signal;
}

static int wait_code(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int on_own_stack(void *arg)
{
	shared = *(int *)arg;
	return 11;
}

static int executes(void *arg)
{
	char *argv[] = {"vfork", "seven", NULL};

	(void)arg;
	shared = 5;
	execve(self, argv, environ);
	_exit(99);
}

static int kills_itself(void *arg)
{
	(void)arg;
	shared = 6;
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	return 0;
}

static void by_clone(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int value = 42, ptid = 0;
	pid_t pid;

	pid = clone(on_own_stack, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
	R(shared);
	R(wait_code(pid));
	pid = clone(executes, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD,
		    NULL, &ptid);
	R(shared);
	HOLDS(ptid == pid);
	R(wait_code(pid));
	pid = clone(kills_itself, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	R(shared);
	R(wait_code(pid));
	/* Without CLONE_VM the parent waits too, but for a copy. */
	shared = 1;
	pid = clone(on_own_stack, stack + sizeof(stack), CLONE_VFORK | SIGCHLD, &value);
	R(shared);
	R(wait_code(pid));
	/* A process that shares memory and goes its own way; the end clears a word. */
	shared = 1;
	ptid = -1;
	pid = clone(on_own_stack, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, &value,
		    NULL, NULL, &ptid);
	R(wait_code(pid));
	R(shared);
	R(ptid);
}

static void by_vfork(void)
{
	char *argv[] = {"vfork", "seven", NULL};
	int *order = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = vfork();

	if (pid == 0) {
		order[0] = 1;
		_exit(3);
	}
	R(order[0]);
	R(wait_code(pid));
	pid = vfork();
	if (pid == 0) {
		execve(self, argv, environ);
		_exit(98);
	}
	R(wait_code(pid));
	pid = vfork();
	if (pid == 0) {
		execve("/no/such/program", argv, environ);
		_exit(97);
	}
	R(wait_code(pid));
}

static void by_posix_spawn(void)
{
	char *seven[] = {"vfork", "seven", NULL}, *mask[] = {"vfork", "mask", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;

	R(posix_spawn(&pid, self, NULL, NULL, seven, environ));
	R(wait_code(pid));
	R(posix_spawn(&pid, "/no/such/program", NULL, NULL, seven, environ));
	R(waitpid(-1, NULL, WNOHANG));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0600);
	posix_spawnattr_init(&attr);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGUSR1);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	signal(SIGUSR1, SIG_IGN);
	R(posix_spawn(&pid, self, &actions, &attr, mask, environ));
	R(wait_code(pid));
	abi_show_file("out");
	signal(SIGUSR1, SIG_DFL);
	R(system(NULL) >= 0);
}

/* The parent of a vfork child gets its signals after the child is done; one that is killed goes at once. */
static void waiting_parent(void)
{
	int fds[2];
	pid_t pid, middle;
	char c;

	R(pipe(fds));
	middle = fork();
	if (middle == 0) {
		pid = vfork();
		if (pid == 0) {
			/* Its memory is its parent's: it can only ask the kernel to end it once that one has gone. */
			syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
			syscall(SYS_write, fds[1], "x", 1);
			for (;;)
				syscall(SYS_pause);
		}
		_exit(0);
	}
	R(read(fds[0], &c, 1));
	R(kill(middle, SIGTERM));
	usleep(20000);
	R(waitpid(middle, NULL, WNOHANG) == middle);
	R(kill(middle, SIGKILL));
	R(wait_code(middle));
	R(close(fds[0]));
	R(close(fds[1]));
}

static int tell_mask(void)
{
	struct sigaction a;
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	sigaction(SIGUSR1, NULL, &a);
	printf("mask %d %d, action %s, leader %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2),
	       a.sa_handler == SIG_DFL ? "default" : "other", getpgrp() == getpid());
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "seven") == 0 ? 7 : tell_mask();
	setvbuf(stdout, NULL, _IONBF, 0);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		strcpy(self, argv[0]);
	abi_scratch();
	signal(SIGUSR1, handler);
	by_vfork();
	by_clone();
	by_posix_spawn();
	waiting_parent();
	return 0;
}
