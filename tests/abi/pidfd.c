/* SPDX-License-Identifier: MIT */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), CLONE_PIDFD, waitid(P_PIDFD), polling, /proc. */
#include "abi.h"
#include <dirent.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
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

static pid_t child_sleeps(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static pid_t child_exits(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static short events(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void opening(void)
{
	struct stat st, other;
	struct statfs fs;
	char text[64] = "";
	char buf[8], target[64] = "";
	int fd, again;

	R(pidfd_open(0, 0));
	R(pidfd_open(-1, 0));
	R(pidfd_open(999999999, 0));
	R(pidfd_open(getpid(), 1));
	R(pidfd_open(getpid(), O_CLOEXEC));
	R(pidfd_open(getpid(), NONBLOCK | THREAD | 2));
	fd = (int)pidfd_open(getpid(), 0);
	again = (int)pidfd_open(getpid(), NONBLOCK);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	R(fcntl(again, F_GETFL));
	R(fcntl(fd, F_SETFL, O_NONBLOCK));
	R(fcntl(fd, F_GETFL));
	R(fcntl(fd, F_SETFL, 0));
	R(fstat(fd, &st));
	R(fstat(again, &other));
	HOLDS(st.st_ino == other.st_ino && st.st_dev == other.st_dev);
	R(st.st_mode & 07777);
	R(st.st_size);
	R(fstatfs(fd, &fs));
	R(read(fd, buf, sizeof(buf)));
	R(write(fd, buf, sizeof(buf)));
	R(pread(fd, buf, sizeof(buf), 0));
	R(lseek(fd, 0, SEEK_SET));
	R(lseek(fd, 0, SEEK_CUR));
	P(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	R(ioctl(fd, 0x5401, buf));
	R(fsync(fd));
	R(events(fd));
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	R(readlink(text, target, sizeof(target) - 1));
	puts(target);
	R(close(again));
	R(close(fd));
}

/* The lines of fdinfo that do not depend on the machine. */
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

static void life(void)
{
	siginfo_t info;
	pid_t pid = child_sleeps();
	int fd = (int)pidfd_open(pid, 0), later, nb = (int)pidfd_open(pid, NONBLOCK);
	int status;

	R(events(fd));
	show_info(fd, pid);
	memset(&info, 0, sizeof(info));
	R(waitpidfd(fd, &info, WEXITED | WNOHANG));
	R(info.si_pid);
	R(waitpidfd(nb, &info, WEXITED));
	R(waitpidfd(nb, &info, WEXITED | WNOHANG));
	R(waitpidfd(nb, &info, WSTOPPED));
	R(pidfd_send(fd, 0, NULL, 0));
	R(pidfd_send(fd, SIGTERM, NULL, 0));
	R(waitpidfd(fd, &info, WEXITED | WNOWAIT));
	HOLDS(info.si_pid == pid);
	R(info.si_code == CLD_KILLED);
	R(info.si_status);
	R(events(fd));
	R((later = (int)pidfd_open(pid, 0)) >= 0); /* a zombie still has its number */
	R(events(later));
	show_info(later, pid);
	R(pidfd_send(fd, 0, NULL, 0));
	R(pidfd_send(fd, SIGTERM, NULL, 0));
	R(pidfd_getfd(fd, 1, 0));
	R(waitpidfd(nb, &info, WEXITED));
	HOLDS(info.si_pid == pid);
	R(events(fd));
	show_info(fd, pid);
	R(pidfd_send(fd, 0, NULL, 0));
	R(pidfd_send(fd, SIGTERM, NULL, 0));
	R(pidfd_getfd(fd, 1, 0));
	R(waitpidfd(fd, &info, WEXITED));
	R(waitpidfd(nb, &info, WEXITED));
	R(pidfd_open(pid, 0));
	R(close(fd) | close(later) | close(nb));
	/* Reaped by a call that knows nothing of descriptors. */
	pid = child_exits(3);
	fd = (int)pidfd_open(pid, 0);
	R(waitpid(pid, &status, 0) == pid);
	R(events(fd));
	R(waitpidfd(fd, &info, WEXITED));
	close(fd);
	/* Nobody waits for it at all. */
	signal(SIGCHLD, SIG_IGN);
	pid = child_sleeps();
	fd = (int)pidfd_open(pid, 0);
	R(pidfd_send(fd, SIGKILL, NULL, 0));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	R(poll(&p, 1, 10000));
	R(waitpidfd(fd, &info, WEXITED));
	R(events(fd));
	signal(SIGCHLD, SIG_DFL);
	close(fd);
}

static void waiting(void)
{
	siginfo_t info;
	pid_t pid = child_sleeps(), mine;
	int fd = (int)pidfd_open(pid, 0), self = (int)pidfd_open(getpid(), 0);

	R(waitpidfd(-1, &info, WEXITED));
	R(waitpidfd(99, &info, WEXITED));
	R(waitpidfd(0, &info, WEXITED));
	R(waitpidfd(self, &info, WEXITED));
	R(waitpidfd(fd, &info, 0));
	R(waitpidfd(fd, &info, WEXITED | 0x100));
	R(kill(pid, SIGSTOP));
	R(waitpidfd(fd, &info, WSTOPPED));
	R(info.si_status);
	R(events(fd));
	R(kill(pid, SIGCONT));
	R(waitpidfd(fd, &info, WCONTINUED));
	R(info.si_status);
	/* A process that is not the caller's child. */
	mine = fork();
	if (mine == 0) {
		R(waitpidfd(fd, &info, WEXITED));
		R(events(fd));
		R(pidfd_send(fd, SIGKILL, NULL, 0));
		struct pollfd p = {.fd = fd, .events = POLLIN};
		R(poll(&p, 1, 10000));
		R(p.revents & POLLIN);
		fflush(stdout);
		_exit(0);
	}
	R(waitpid(mine, NULL, 0) == mine);
	R(waitpidfd(fd, &info, WEXITED));
	R(info.si_status);
	R(close(fd) | close(self));
}

static void watched(void)
{
	pid_t pid = child_sleeps();
	int fd = (int)pidfd_open(pid, 0), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = 7}, got;

	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	R(epoll_wait(ep, &got, 1, 0));
	R(kill(pid, SIGKILL));
	R(epoll_wait(ep, &got, 1, 10000));
	R(got.events);
	R(got.data.u32);
	R(epoll_wait(ep, &got, 1, 0));
	R(waitpid(pid, NULL, 0) == pid);
	R(epoll_wait(ep, &got, 1, 0));
	R(got.events);
	R(close(ep) | close(fd));
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

static void sending(void)
{
	struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	int self = (int)pidfd_open(getpid(), 0), thread = (int)pidfd_open(getpid(), THREAD), proc;
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	pid_t pid;

	sigaction(SIGUSR1, &a, NULL);
	info.si_value.sival_int = 42;
	R(pidfd_send(self, SIGUSR1, NULL, 0));
	R(got_code == SI_USER);
	R(pidfd_send(thread, SIGUSR1, NULL, 0));
	R(got_code == SI_TKILL);
	R(pidfd_send(self, SIGUSR1, NULL, SIGNAL_THREAD));
	R(got_code == SI_TKILL);
	R(pidfd_send(self, SIGUSR1, NULL, SIGNAL_PROCESS));
	R(got_code == SI_USER);
	R(pidfd_send(thread, SIGUSR1, NULL, SIGNAL_PROCESS));
	R(got_code == SI_USER);
	R(pidfd_send(self, SIGUSR1, &info, 0));
	R(got_code == SI_QUEUE);
	R(got_value);
	R(pidfd_send(self, SIGUSR2, &info, 0));
	info.si_code = SI_USER;
	R(pidfd_send(self, SIGUSR1, &info, 0));
	info.si_code = SI_TKILL;
	R(pidfd_send(self, SIGUSR1, &info, 0));
	R(pidfd_send(self, SIGUSR1, (void *)8, 0));
	R(pidfd_send(self, -1, NULL, 0));
	R(pidfd_send(self, 65, NULL, 0));
	R(pidfd_send(self, 0, NULL, 8));
	R(pidfd_send(self, 0, NULL, 3));
	R(pidfd_send(self, 0, NULL, 6));
	R(pidfd_send(-1, 0, NULL, 0));
	R(pidfd_send(99, 0, NULL, 0));
	R(pidfd_send(0, 0, NULL, 0));
	R(pidfd_send(SELF_PROCESS, SIGUSR1, NULL, 0));
	R(got_code == SI_USER);
	R(pidfd_send(SELF_THREAD, SIGUSR1, NULL, 0));
	R(got_code == SI_TKILL);
	R(pidfd_send(SELF_THREAD, SIGUSR1, NULL, SIGNAL_PROCESS));
	R(got_code == SI_USER);
	R(pidfd_send(-10002, 0, NULL, 0));
	proc = open("/proc/self", O_RDONLY | O_DIRECTORY);
	R(pidfd_send(proc, SIGUSR1, NULL, 0));
	R(got_code == SI_USER);
	R(waitpidfd(proc, &info, WEXITED));
	R(pidfd_getfd(proc, 1, 0));
	close(proc);
	proc = open("/proc", O_RDONLY | O_DIRECTORY);
	R(pidfd_send(proc, SIGUSR1, NULL, 0));
	close(proc);
	proc = open("/proc/self/stat", O_RDONLY);
	R(pidfd_send(proc, SIGUSR1, NULL, 0));
	close(proc);
	pid = child_sleeps();
	proc = (int)pidfd_open(pid, 0);
	info = (siginfo_t){.si_signo = SIGUSR1, .si_code = SI_USER};
	R(pidfd_send(proc, SIGUSR1, &info, 0));
	info.si_code = SI_QUEUE;
	R(pidfd_send(proc, SIGUSR1, &info, 0));
	R(pidfd_send(proc, SIGUSR1, NULL, SIGNAL_GROUP));
	setpgid(pid, pid);
	R(pidfd_send(proc, SIGKILL, NULL, SIGNAL_GROUP));
	R(waitpid(pid, NULL, 0) == pid);
	R(pidfd_send(proc, 0, NULL, SIGNAL_GROUP));
	R(pidfd_send(proc, 0, NULL, SIGNAL_THREAD));
	close(proc);
	proc = (int)pidfd_open(1, 0);
	if (fork() == 0) {
		R(setresuid(1000, 1000, 1000));
		R(pidfd_send(proc, 0, NULL, 0));
		R(pidfd_getfd(proc, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(close(self) | close(thread) | close(proc));
}

/* --- descriptors of others --- */

static void taking(void)
{
	int pair[2], self = (int)pidfd_open(getpid(), 0), fd, theirs;
	char c = 0, name[32] = "/file";
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pid = fork();
	if (pid == 0) {
		close(0);
		fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
		theirs = dup2(fd, 77);
		close(fd);
		if (write(77, "abc", 3) != 3 || write(pair[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	R(read(pair[0], &c, 1));
	theirs = (int)pidfd_open(pid, 0);
	R(pidfd_getfd(theirs, 77, 1));
	R(pidfd_getfd(theirs, 78, 0));
	R(pidfd_getfd(theirs, -1, 0));
	R(pidfd_getfd(99, 1, 0));
	R(pidfd_getfd(1, 1, 0));
	R((fd = (int)pidfd_getfd(theirs, 77, 0)) >= 0);
	R(fcntl(fd, F_GETFD));
	R(lseek(fd, 0, SEEK_CUR));
	R(pread(fd, name, 3, 0));
	puts(name);
	close(fd);
	R((fd = (int)pidfd_getfd(self, 1, 0)) >= 0);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink("shared");
	R(close(self) | close(theirs) | close(pair[0]) | close(pair[1]));
}

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
	opening();
	life();
	waiting();
	watched();
	fflush(stdout);
	sending();
	taking();
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
