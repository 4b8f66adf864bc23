/* SPDX-License-Identifier: MIT */
/* pidfds of threads and of new processes, across execve, PIDFD_GET_INFO, namespaces by pidfd. */
#include "pidfd.h"
#include <pthread.h>
#include <sys/ioctl.h>

/* --- threads --- */

static int in, out;
static volatile pid_t thread_id;

static void *thread_sleeps(void *arg)
{
	char c;

	(void)arg;
	thread_id = gettid();
	if (write(out, "x", 1) == 1)
		(void)!read(in, &c, 1);
	return NULL;
}

static void *just_ends(void *arg)
{
	char c;

	usleep(20000);
	(void)!read(in, &c, 1);
	return arg;
}

static void threads(void)
{
	int a[2], b[2], fd;
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	siginfo_t info;
	pthread_t t;
	char c;

	if (pipe(a) || pipe(b))
		return;
	in = a[0];
	out = b[1];
	sigaction(SIGUSR1, &act, NULL);
	pthread_create(&t, NULL, thread_sleeps, NULL);
	R(read(b[0], &c, 1));
	R(pidfd_open(thread_id, 0));
	R((fd = (int)pidfd_open(thread_id, THREAD)) >= 0);
	R(fcntl(fd, F_GETFL));
	show_info(fd, thread_id);
	R(events(fd));
	got_tid = 0;
	R(pidfd_send(fd, SIGUSR1, NULL, 0));
	while (!got_tid)
		usleep(1000);
	HOLDS(got_tid == thread_id);
	R(got_code == SI_TKILL);
	R(pidfd_send(fd, 0, NULL, SIGNAL_PROCESS));
	R(pidfd_send(fd, 0, NULL, SIGNAL_GROUP));
	R(waitpidfd(fd, &info, WEXITED));
	R(pidfd_getfd(fd, 999, 0));
	R(write(a[1], "y", 1));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	R(poll(&p, 1, 10000));
	R(p.revents & POLLIN);
	R(pthread_join(t, NULL));
	while (!(events(fd) & POLLHUP))
		usleep(1000);
	R(events(fd));
	show_info(fd, 0);
	R(pidfd_send(fd, SIGUSR1, NULL, 0));
	R(pidfd_send(fd, 0, NULL, SIGNAL_PROCESS));
	R(pidfd_getfd(fd, 1, 0));
	close(fd);
	/* A leader that ends first: the process lives on. */
	pid_t pid = fork();
	if (pid == 0) {
		pthread_create(&t, NULL, just_ends, NULL);
		syscall(SYS_exit, 5);
	}
	int process = (int)pidfd_open(pid, 0), leader = (int)pidfd_open(pid, THREAD);
	usleep(100000);
	R(events(process));
	R(events(leader));
	R(pidfd_send(leader, 0, NULL, 0));
	R(pidfd_send(process, 0, NULL, 0));
	R(write(a[1], "y", 1));
	p.fd = leader;
	R(poll(&p, 1, 10000));
	R(events(process));
	R(waitpidfd(leader, &info, WEXITED));
	R(info.si_status);
	R(events(leader));
	R(close(process) | close(leader) | close(a[0]) | close(a[1]) | close(b[0]) | close(b[1]));
}

/* --- clone --- */

static long clone_raw(unsigned long flags, int *parent, int *child)
{
	return syscall(SYS_clone, flags, 0, parent, child, 0);
}

static void cloning(void)
{
	struct clone_args args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	siginfo_t info;
	int fd = -7, tid = -7;
	long pid;

	pid = clone_raw(CLONE_PIDFD | SIGCHLD, &fd, NULL);
	if (pid == 0)
		_exit(8);
	R(pid > 0);
	HOLDS(fd > 2);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	show_info(fd, (pid_t)pid);
	R(waitpidfd(fd, &info, WEXITED));
	R(info.si_status);
	close(fd);
	fd = -7;
	R(clone_raw(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &fd, NULL));
	R(clone_raw(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, &fd, NULL));
	R(clone_raw(CLONE_PIDFD | SIGCHLD, (int *)8, NULL));
	R(clone_raw(CLONE_PIDFD | SIGCHLD, NULL, NULL));
	R(waitpid(-1, NULL, 0));
	R(fd);
	args.pidfd = (uintptr_t)&fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(9);
	R(pid > 0);
	R(waitpidfd(fd, &info, WEXITED));
	R(info.si_status);
	close(fd);
	args.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
	args.parent_tid = (uintptr_t)&fd;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	args.parent_tid = (uintptr_t)&tid;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(9);
	R(pid > 0);
	HOLDS(tid == pid);
	R(waitpidfd(fd, &info, WEXITED));
	close(fd);
	args.flags = CLONE_PIDFD | CLONE_DETACHED;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	args.flags = CLONE_PIDFD | CLONE_VFORK;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(9);
	R(pid > 0);
	R(waitpidfd(fd, &info, WEXITED));
	close(fd);
	/* No descriptor to be had. */
	struct {
		unsigned long cur, max;
	} limit = {0, 0}, old;
	syscall(SYS_prlimit64, 0, 7, NULL, &old);
	limit.max = old.max;
	syscall(SYS_prlimit64, 0, 7, &limit, NULL);
	args.flags = CLONE_PIDFD;
	R(syscall(SYS_clone3, &args, sizeof(args)));
	R(pidfd_open(getpid(), 0));
	syscall(SYS_prlimit64, 0, 7, &old, NULL);
	R(waitpid(-1, NULL, 0));
}

/* --- across execve, reuse of numbers --- */

static void exec_keeps(const char *self)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		char *argv[] = {(char *)"pidfd", (char *)"child", NULL};

		execv(self, argv);
		_exit(1);
	}
	fd = (int)pidfd_open(pid, 0);
	usleep(20000);
	R(events(fd));
	R(pidfd_send(fd, SIGTERM, NULL, 0));
	siginfo_t info;
	R(waitpidfd(fd, &info, WEXITED));
	R(info.si_status);
	close(fd);
}

static void many(void)
{
	int fds[200], wrong = 0;
	pid_t pids[200];

	for (int i = 0; i < 200; i++) {
		pids[i] = child_exits(i & 127);
		fds[i] = (int)pidfd_open(pids[i], 0);
	}
	for (int i = 199; i >= 0; i--) {
		siginfo_t info;

		wrong += waitpidfd(fds[i], &info, WEXITED) != 0 || info.si_pid != pids[i] ||
			 info.si_status != (i & 127);
	}
	for (int i = 0; i < 200; i++) {
		wrong += pidfd_send(fds[i], SIGKILL, NULL, 0) != -1 || errno != ESRCH;
		wrong += events(fds[i]) != (POLLIN | POLLHUP);
		close(fds[i]);
	}
	R(wrong);
}

/* --- PIDFD_GET_INFO --- */

static void facts(void)
{
	struct {
		uint64_t mask, cgroup;
		uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
		int32_t exit_code;
		uint64_t more;
	} info;
	pid_t pid = child_sleeps();
	int fd = (int)pidfd_open(pid, 0);

	memset(&info, 0, sizeof(info));
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), &info));
	R(info.mask & 3);
	HOLDS(info.pid == (uint32_t)pid && info.tgid == info.pid && info.ppid == (uint32_t)getpid());
	R(info.ruid | info.rgid | info.euid | info.egid | info.suid | info.sgid | info.fsuid | info.fsgid);
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 60), &info));
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), NULL));
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), 8));
	R(kill(pid, SIGTERM));
	R(waitpid(pid, NULL, 0) == pid);
	info.mask = 1;
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), &info));
	info.mask = 8;
	R(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), &info));
	R(info.mask & 8);
	R(info.exit_code);
	R(close(fd));
}

/* --- namespaces --- */

static void namespaces(void)
{
	int self = (int)pidfd_open(getpid(), 0), file = open("/dev/null", O_RDONLY);

	R(setns(-1, 0));
	R(setns(file, 0));
	R(setns(file, CLONE_NEWUTS));
	R(setns(self, 0));
	R(setns(self, CLONE_VM));
	R(setns(self, CLONE_NEWUTS | CLONE_VM));
	R(setns(self, CLONE_NEWUSER));
	if (fork() == 0) {
		R(setresuid(1000, 1000, 1000));
		R(setns(self, CLONE_NEWUTS));
		R(setns(self, CLONE_NEWNS));
		R(setns(self, CLONE_NEWPID));
		R(setns(self, CLONE_NEWUSER));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	pid_t pid = child_exits(1);
	int gone = (int)pidfd_open(pid, 0);
	waitpid(pid, NULL, 0);
	R(setns(gone, CLONE_NEWUTS));
	R(close(self) | close(file) | close(gone));
}

int main(int argc, char **argv __attribute__((unused)))
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1) {
		for (;;)
			pause();
	}
	threads();
	fflush(stdout);
	cloning();
	exec_keeps("/proc/self/exe");
	many();
	fflush(stdout);
	facts();
	namespaces();
	return 0;
}
