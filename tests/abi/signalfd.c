/* SPDX-License-Identifier: MIT */
/* signalfd(2): arguments, what is read of each kind of signal, waiting, masks, readiness, fork and threads. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static sigset_t set_of(int a, int b)
{
	sigset_t s;

	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

static int ready(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, 0);
	return p.revents;
}

static void show(int fd)
{
	struct signalfd_siginfo s[4];
	ssize_t n;

	errno = 0;
	n = read(fd, s, sizeof(s));
	printf("read %zd %s\n", n < 0 ? n : n / (ssize_t)sizeof(s[0]), n < 0 ? abi_error(errno) : "");
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(s[0]); i++)
		printf("  signal %u code %d errno %d from %s %s status %d int %d addr %llx\n", s[i].ssi_signo,
		       s[i].ssi_code, s[i].ssi_errno,
		       (pid_t)s[i].ssi_pid == getpid() ? "self"
		       : s[i].ssi_pid		       ? "other"
						       : "nobody",
		       s[i].ssi_uid == getuid() ? "me" : "?", s[i].ssi_status, s[i].ssi_int,
		       (unsigned long long)s[i].ssi_addr);
}

static void arguments(void)
{
	sigset_t s = set_of(SIGUSR1, SIGKILL);
	char buffer[256];
	int fd;

	R(syscall(SYS_signalfd4, -1, &s, 7, 0));
	R(syscall(SYS_signalfd4, -1, &s, 128, 0));
	R(syscall(SYS_signalfd4, -1, (void *)8, 8, 0));
	R(syscall(SYS_signalfd4, -1, &s, 8, 1));
	R(syscall(SYS_signalfd4, 99, &s, 8, 1));
	R(syscall(SYS_signalfd4, 99, &s, 8, 0));
	R(syscall(SYS_signalfd4, 1, &s, 8, 0));
	R(syscall(SYS_signalfd4, -2, &s, 8, 0));
	fd = (int)syscall(SYS_signalfd, -1, &s, 8);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	R(syscall(SYS_signalfd4, fd, &s, 8, SFD_CLOEXEC) == fd);
	R(fcntl(fd, F_GETFD));
	close(fd);
	fd = signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	R(read(fd, buffer, 127));
	R(read(fd, buffer, 128));
	R(read(fd, (void *)8, 128));
	R(write(fd, buffer, 128));
	R(pread(fd, buffer, 128, 0));
	R(lseek(fd, 0, SEEK_SET));
	sprintf(buffer, "/proc/self/fdinfo/%d", fd);
	abi_show_file("/dev/null");
	FILE *f = fopen(buffer, "r");
	while (f && fgets(buffer, sizeof(buffer), f)) {
		if (!strstr(buffer, "ino:") && !strstr(buffer, "mnt_id"))
			printf("%s", buffer);
	}
	if (f)
		fclose(f);
	close(fd);
}

static void kinds(int fd)
{
	union sigval v = {.sival_int = 1234};

	raise(SIGUSR1);
	R(ready(fd));
	show(fd);
	R(ready(fd));
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, v);
	v.sival_int++;
	sigqueue(getpid(), SIGRTMIN, v);
	show(fd);
	show(fd);
	if (fork() == 0)
		_exit(7);
	usleep(30000);
	show(fd);
	wait(NULL);
	for (int i = 0; i < 6; i++)
		sigqueue(getpid(), SIGRTMIN, v);
	show(fd);
	show(fd);
	kill(getpid(), SIGUSR2); /* blocked, but not asked for */
	R(ready(fd));
	show(fd);
	R(syscall(SYS_signalfd4, fd, &(sigset_t){0}, 8, 0) == fd);
	raise(SIGUSR1);
	R(ready(fd));
}

static void on_signal(int n)
{
	(void)n;
}

static void waits(void)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR2);
	int fd = signalfd(-1, &s, 0), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	struct sigaction sa = {.sa_handler = on_signal};
	pid_t me = getpid();

	show(fd); /* both are pending since before */
	sigaction(SIGALRM, &sa, NULL);
	if (fork() == 0) {
		usleep(20000);
		kill(me, SIGUSR2);
		usleep(50000);
		kill(me, SIGALRM);
		usleep(50000);
		kill(me, SIGUSR1);
		usleep(50000); /* SIGCHLD would be an edge, too */
		_exit(0);
	}
	show(fd);
	show(fd);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	R(epoll_wait(ep, &e, 1, 5000));
	R(epoll_wait(ep, &e, 1, 0));
	show(fd);
	wait(NULL);
	/* Whose signals are read is decided when they are. */
	raise(SIGUSR1);
	if (fork() == 0) {
		R(ready(fd));
		raise(SIGUSR2);
		R(ready(fd));
		show(fd);
		exit(0);
	}
	wait(NULL);
	R(ready(fd));
	show(fd);
	close(fd);
	close(ep);
}

static void *thread(void *arg)
{
	int fd = *(int *)arg;

	R(ready(fd));
	pthread_kill(pthread_self(), SIGUSR1);
	R(ready(fd));
	show(fd);
	return NULL;
}

static void threads(void)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR2);
	int fd = signalfd(-1, &s, SFD_NONBLOCK);
	pthread_t t;

	pthread_kill(pthread_self(), SIGUSR1);
	R(ready(fd));
	pthread_create(&t, NULL, thread, &fd);
	pthread_join(t, NULL);
	show(fd);
	close(fd);
}

int main(void)
{
	sigset_t s = set_of(SIGUSR1, SIGRTMIN), block = set_of(SIGUSR1, SIGUSR2);
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaddset(&s, SIGCHLD);
	sigaddset(&block, SIGRTMIN);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, NULL);
	arguments();
	fd = signalfd(-1, &s, SFD_NONBLOCK);
	kinds(fd);
	close(fd);
	waits();
	threads();
	return 0;
}
