/* SPDX-License-Identifier: MIT */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), CLONE_PIDFD, waitid(P_PIDFD), polling, /proc. */
#include "pidfd.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>

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

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	opening();
	life();
	waiting();
	watched();
	fflush(stdout);
	sending();
	taking();
	return 0;
}
