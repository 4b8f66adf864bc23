/* SPDX-License-Identifier: MIT */
/*
 * Calls that another process decides about: SECCOMP_FILTER_FLAG_NEW_LISTENER and the requests to a listener, seccomp_unotify(2).
 * The listener is handed from child to parent through a pipe's number and pidfd_getfd(2).
 */
#include "abi.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define KILLABLE_RECV (1u << 5)
#define WATCHED	      SYS_getppid

static struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WATCHED, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static struct sock_fprog prog = {4, code};
static int to_parent[2], go[2];
static volatile int handled;

static long install(unsigned flags)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void handler(int signo)
{
	(void)signo;
	handled++;
}

/* A child with a listener, which the parent gets; then fn in it. */
static pid_t start(unsigned flags, void (*fn)(void), int *listener)
{
	int fd = -1, pidfd;
	pid_t child;
	char c = 0;

	fflush(stdout);
	child = fork();
	if (!child) {
		fd = (int)install(SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
		write(to_parent[1], &fd, sizeof(fd));
		read(go[0], &c, 1);
		close(fd);
		fn();
		fflush(stdout);
		_exit(0);
	}
	read(to_parent[0], &fd, sizeof(fd));
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	*listener = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	write(go[1], &c, 1);
	return child;
}

static int events(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, 0);
	return p.revents;
}

static struct seccomp_notif next(int l)
{
	struct seccomp_notif n = {0};

	R(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n));
	return n;
}

static long reply(int l, unsigned long long id, long val, int error, unsigned flags)
{
	struct seccomp_notif_resp r = {id, val, error, flags};

	return ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void *asker(void *arg)
{
	*(long *)arg = syscall(WATCHED, 1, 2, 3, 4, 5, 6);
	return NULL;
}

/* In one process: the listener is the thread that goes on. */
static void answers(void)
{
	int l = (int)install(SECCOMP_FILTER_FLAG_NEW_LISTENER), file = open("/dev/null", O_RDONLY);
	struct seccomp_notif_addfd add = {.srcfd = (unsigned)file};
	struct seccomp_notif n;
	pthread_t t;
	long got;

	R(l >= 0);
	R(fcntl(l, F_GETFD));
	R(install(SECCOMP_FILTER_FLAG_NEW_LISTENER));
	R(events(l));
	for (int way = 0; way < 5; way++) {
		got = 99;
		pthread_create(&t, NULL, asker, &got);
		n = next(l);
		R(n.flags);
		R(n.data.nr == WATCHED && n.data.args[0] == 1 && n.data.args[5] == 6);
		R(n.pid != (unsigned)getpid());
		R(events(l));
		R(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
		R(reply(l, n.id + 1000, 0, 0, 0));
		R(reply(l, n.id, 0, 0, 2));
		R(reply(l, n.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
		add.id = n.id;
		add.flags = add.newfd = add.newfd_flags = 0;
		if (way == 0) {
			R(reply(l, n.id, 77, 0, 0));
		} else if (way == 1) {
			R(reply(l, n.id, 77, -EXDEV, 0));
		} else if (way == 2) {
			R(reply(l, n.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
		} else if (way == 3) {
			add.newfd = 50;
			R(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
			add.flags = SECCOMP_ADDFD_FLAG_SETFD;
			add.newfd_flags = O_CLOEXEC;
			R(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
			R(fcntl(50, F_GETFD));
			add.newfd_flags = O_RDWR;
			R(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
			add.srcfd = 999;
			add.newfd_flags = 0;
			R(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
			add.srcfd = (unsigned)file;
			R(reply(l, n.id, 3, 0, 0));
		} else {
			add.flags = SECCOMP_ADDFD_FLAG_SEND;
			R(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &add) > 0);
		}
		pthread_join(t, NULL);
		if (way == 2)
			R(got == syscall(SYS_getpgid, 0) || got > 0);
		else
			R(way == 4 ? fcntl((int)got, F_GETFD) : got);
		R(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
		R(reply(l, n.id, 0, 0, 0));
	}
	R(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, 8));
	R(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n));
	R(ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, 8));
	R(ioctl(l, 12345, 8));
	R(lseek(l, 0, SEEK_CUR));
	R(read(l, &n, sizeof(n)));
	/* Nobody is there any more. */
	pthread_create(&t, NULL, asker, &got);
	n = next(l);
	close(l);
	pthread_join(t, NULL);
	R(got);
	R(syscall(WATCHED));
}

static void ask(void)
{
	struct sigaction a = {.sa_handler = handler};

	sigaction(SIGUSR1, &a, NULL);
	a.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &a, NULL);
	R(syscall(WATCHED));
	R(handled);
	R(syscall(WATCHED));
	R(handled);
}

/* Signals while somebody else thinks. */
static void signals(unsigned flags)
{
	int l, status;
	pid_t child = start(flags, ask, &l);
	struct seccomp_notif n;

	R(l >= 0);
	n = next(l);
	kill(child, SIGUSR1);
	usleep(20000);
	R(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	if (flags)
		R(reply(l, n.id, 5, 0, 0));
	n = next(l);
	kill(child, SIGUSR2);
	usleep(20000);
	R(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	if (!flags)
		n = next(l);
	R(reply(l, n.id, 6, 0, 0));
	waitpid(child, &status, 0);
	R(status);
	R(events(l));
	memset(&n, 0, sizeof(n));
	R(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n));
	close(l);
}

static void killed(void)
{
	int l, status;
	pid_t child = start(KILLABLE_RECV, ask, &l);
	struct seccomp_notif n = next(l);

	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	R(status);
	R(reply(l, n.id, 6, 0, 0));
	close(l);
}

int main(void)
{
	pid_t child;

	alarm(30);
	R(install(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC));
	R(install(KILLABLE_RECV));
	pipe(to_parent);
	pipe(go);
	fflush(stdout);
	child = fork();
	if (!child) {
		answers();
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	signals(0);
	signals(KILLABLE_RECV);
	killed();
	return 0;
}
