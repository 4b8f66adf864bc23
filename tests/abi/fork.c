/* SPDX-License-Identifier: MIT */
/* fork(2) and clone(2): what a child gets, what is its own, where the numbers are written, what is refused. */
#include "abi.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int global = 1;

static int wait_code(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* clone(2) with the stack of the caller, as fork makes it. */
static long raw_clone(unsigned long flags, void *ptid, void *ctid, unsigned long tls)
{
	return syscall(SYS_clone, flags, NULL, ptid, ctid, tls);
}

static void memory(void)
{
	char *heap = malloc(100000);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int local = 2;
	pid_t pid;

	memset(heap, 'a', 100000);
	strcpy(private, "parent");
	pid = fork();
	if (pid == 0) {
		int right = global == 1 && local == 2 && heap[99999] == 'a' && !strcmp(private, "parent");

		global = 10;
		local = 20;
		memset(heap, 'b', 100000);
		strcpy(private, "child");
		strcpy(shared, "child");
		_exit(right && getppid() > 1 ? 7 : 8);
	}
	R(wait_code(pid));
	R(global);
	R(local);
	R(heap[0]);
	R(heap[99999]);
	printf("private %s, shared %s\n", private, shared);
	free(heap);
}

static void descriptors(void)
{
	int fd = R(open("file", O_RDWR | O_CREAT, 0600));
	char c = 0;
	pid_t pid;

	R(write(fd, "abcdef", 6));
	R(lseek(fd, 0, SEEK_SET));
	pid = fork();
	if (pid == 0) {
		int ok = read(fd, &c, 1) == 1 && c == 'a' && close(fd) == 0 &&
			 open("other", O_CREAT, 0600) == fd;

		chdir("/");
		umask(0);
		_exit(ok ? 0 : 1);
	}
	R(wait_code(pid));
	R(read(fd, &c, 1)); /* the offset is shared */
	R(c);
	R(umask(022));
	R(access("file", F_OK));
	R(close(fd));
}

static volatile sig_atomic_t caught;

static void handler(int signal)
{
	caught = signal;
}

static void signals(void)
{
	sigset_t set, old;
	pid_t pid;

	signal(SIGUSR1, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2); /* pending here, not in the child */
	pid = fork();
	if (pid == 0) {
		int ok;

		sigpending(&set);
		ok = !sigismember(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, NULL, &old);
		ok &= sigismember(&old, SIGUSR2);
		raise(SIGUSR1);
		ok &= caught == SIGUSR1;
		_exit(ok ? 0 : 1);
	}
	R(wait_code(pid));
	R(caught);
	R(sigpending(&set));
	R(sigismember(&set, SIGUSR2));
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR2, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
}

static void limits(void)
{
	struct rlimit l = {77, 88}, seen;
	pid_t pid;

	R(setrlimit(RLIMIT_NOFILE, &l));
	pid = fork();
	if (pid == 0) {
		getrlimit(RLIMIT_NOFILE, &seen);
		_exit(seen.rlim_cur == 77 && seen.rlim_max == 88 ? 0 : 1);
	}
	R(wait_code(pid));
	pid = fork();
	if (pid == 0) {
		/* Limits of another process, by number. */
		_exit(prlimit(getppid(), RLIMIT_NOFILE, NULL, &seen) == 0 && seen.rlim_cur == 77 ? 0 : 1);
	}
	R(wait_code(pid));
}

static void numbers(void)
{
	static int ptid, ctid;
	pid_t pid;

	ptid = ctid = -1;
	pid = raw_clone(CLONE_PARENT_SETTID | SIGCHLD, &ptid, &ctid, 0);
	if (pid == 0)
		_exit(ptid == -1 || ptid == getpid() ? 0 : 1);
	HOLDS(ptid == pid);
	R(wait_code(pid));
	ptid = ctid = -1;
	pid = raw_clone(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, &ptid, &ctid, 0);
	if (pid == 0)
		_exit(ctid == syscall(SYS_getpid) ? 0 : 1);
	R(wait_code(pid));
	R(ctid); /* the child's memory, not ours */
	R(ptid);
}

static void exit_signal(void)
{
	int status;
	pid_t pid;

	signal(SIGUSR1, handler);
	caught = 0;
	pid = raw_clone(SIGUSR1, NULL, NULL, 0);
	if (pid == 0)
		_exit(3);
	R(waitpid(pid, &status, 0));
	R(waitpid(pid, &status, __WCLONE) == pid);
	R(status);
	R(caught == SIGUSR1);
	caught = 0;
	pid = raw_clone(0, NULL, NULL, 0);
	if (pid == 0)
		_exit(4);
	R(waitpid(-1, &status, WNOHANG));
	R(waitpid(-1, &status, __WALL) == pid);
	R(status);
	R(caught);
	signal(SIGUSR1, SIG_DFL);
}

static void clone_three(void)
{
	struct {
		struct clone_args args;
		uint64_t more[2];
	} a = {.args = {.exit_signal = SIGCHLD}};
	static int ptid;
	pid_t pid;

	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0)
		_exit(5);
	R(wait_code(pid));
	a.args.flags = CLONE_PARENT_SETTID | 0x100000000ull /* CLONE_CLEAR_SIGHAND */;
	a.args.parent_tid = (uintptr_t)&ptid;
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	pid = syscall(SYS_clone3, &a, sizeof(a.args));
	if (pid == 0) {
		raise(SIGUSR2);
		raise(SIGUSR1);
		_exit(6);
	}
	HOLDS(ptid == pid);
	R(wait_code(pid));
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	R(syscall(SYS_clone3, &a, 63ul));
	R(syscall(SYS_clone3, &a, PAGE + 1));
	R(syscall(SYS_clone3, NULL, sizeof(a.args)));
	a.more[1] = 1;
	R(syscall(SYS_clone3, &a, sizeof(a)));
	a.args.flags = SIGCHLD;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
	a.args.flags = 1ull << 40;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
	a.args.flags = 0;
	a.args.exit_signal = 65;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
	a.args.exit_signal = SIGCHLD;
	a.args.stack_size = PAGE;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
	a.args.stack_size = 0;
	a.args.stack = (uintptr_t)&a;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
	a.args.stack = 0;
	a.args.set_tid_size = 1;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
	a.args.set_tid_size = 0;
	a.args.flags = CLONE_PARENT;
	R(syscall(SYS_clone3, &a, sizeof(a.args)));
}

static void refused(void)
{
	R(raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, 0));
	R(raw_clone(CLONE_THREAD | SIGCHLD, NULL, NULL, 0));
	R(raw_clone(CLONE_THREAD | CLONE_VM | SIGCHLD, NULL, NULL, 0));
	R(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL, NULL, 0));
	R(raw_clone(CLONE_NEWUSER | CLONE_FS | SIGCHLD, NULL, NULL, 0));
	R(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, NULL, 0));
	R(raw_clone(CLONE_SETTLS | SIGCHLD, NULL, NULL, 1ul << 63));
}

/* A number of one's own choosing. */
static void chosen_numbers(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t free_number = fork(), tids[2];

	if (free_number == 0)
		_exit(0);
	R(wait_code(free_number));
	tids[0] = free_number;
	tids[1] = 1;
	args.set_tid = (uintptr_t)tids;
	args.set_tid_size = 1;
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(getpid() == free_number ? 33 : 44);
	HOLDS(pid == free_number);
	R(syscall(SYS_clone3, &args, sizeof(args))); /* a zombie has it, or somebody who lives */
	R(wait_code(pid));
	tids[0] = 1;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	tids[0] = getpid();
	R(syscall(SYS_clone3, &args, sizeof(args)));
	tids[0] = 0;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	tids[0] = -1;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	tids[0] = 1 << 30;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	tids[0] = free_number;
	args.set_tid_size = 2;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	args.set_tid_size = 100;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	args.set_tid_size = 1;
	args.set_tid = 8;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	args.set_tid = (uintptr_t)tids;
	if (fork() == 0) {
		R(setresuid(1000, 1000, 1000));
		R(syscall(SYS_clone3, &args, sizeof(args)));
		_exit(0);
	}
	wait(NULL);
}

static void shared_by_clone(void)
{
	int fd, mask;
	pid_t pid;

	pid = raw_clone(CLONE_FILES | CLONE_FS | SIGCHLD, NULL, NULL, 0);
	if (pid == 0) {
		fd = open("file", O_RDONLY);
		umask(0123);
		_exit(fd);
	}
	fd = wait_code(pid);
	R(fcntl(fd, F_GETFD));
	R(close(fd));
	mask = umask(022);
	R(mask);
}

static void many(void)
{
	pid_t pids[50];
	int sum = 0;

	for (int i = 0; i < 50; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(i);
	}
	for (int i = 49; i >= 0; i--)
		sum += wait_code(pids[i]) == i;
	R(sum);
	R(wait(NULL));
}

/* A child of a child of a child, each with pages of its own. */
static void generations(void)
{
	int depth = 0, status;
	char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	memset(p, 1, 64 * PAGE);
	while (depth < 5 && (pid = fork()) == 0)
		depth++, memset(p + (depth - 1) * PAGE, 100 + depth, PAGE);
	if (depth == 5) {
		int ok = 1;

		for (int i = 0; i < 64; i++)
			ok &= p[i * PAGE] == (i < 5 ? 101 + i : 1);
		_exit(ok ? 40 : 50);
	}
	waitpid(pid, &status, 0);
	if (depth)
		_exit(WEXITSTATUS(status) + 1);
	R(WEXITSTATUS(status));
	R(p[0]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	abi_scratch();
	memory();
	descriptors();
	signals();
	limits();
	numbers();
	exit_signal();
	clone_three();
	refused();
	fflush(stdout);
	chosen_numbers();
	fflush(stdout);
	shared_by_clone();
	many();
	generations();
	return 0;
}
