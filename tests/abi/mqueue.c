/* SPDX-License-Identifier: MIT */
/* POSIX message queues, by the system calls themselves: the C libraries' functions take the name's first slash away. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct attr {
	long flags, maxmsg, msgsize, curmsgs, reserved[4];
};

static char name[50], buf[10000];
static volatile sig_atomic_t caught, code, value;

static long mq_open(const char *n, int flags, int mode, const struct attr *a)
{
	return syscall(SYS_mq_open, n, flags, mode, a);
}

static long mq_unlink(const char *n)
{
	return syscall(SYS_mq_unlink, n);
}

static long send(int q, const char *text, unsigned prio, const struct timespec *until)
{
	return syscall(SYS_mq_timedsend, q, text, strlen(text), prio, until);
}

static long receive(int q, size_t size, const struct timespec *until)
{
	unsigned prio = 99;
	long n = syscall(SYS_mq_timedreceive, q, buf, size, &prio, until);

	if (n >= 0)
		printf("%u: %.*s\n", prio, (int)n, buf);
	return n;
}

static long notify(int q, int how, int signal, int val)
{
	struct sigevent e = {.sigev_notify = how, .sigev_signo = signal, .sigev_value.sival_int = val};

	return syscall(SYS_mq_notify, q, &e);
}

static void show(int q)
{
	struct attr a = {0};

	errno = 0;
	if (syscall(SYS_mq_getsetattr, q, NULL, &a))
		printf("attr: %s\n", abi_error(errno));
	else
		printf("attr: %lo, %ld of %ld, %ld bytes\n", a.flags, a.curmsgs, a.maxmsg, a.msgsize);
}

static void show_poll(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
	int n = poll(&p, 1, 0);

	printf("poll: %d, %#x\n", n, p.revents);
}

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal;
	code = info->si_code;
	value = info->si_value.sival_int;
}

int main(void)
{
	struct attr a = {0, 2, 10, 0, {0}}, bad = {0, 0, 10, 0, {0}};
	struct timespec past = {1, 0}, wrong = {0, -1}, soon;
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	struct rlimit limit = {200000, 200000};
	char other[300];
	int q, r, status, pid;

	snprintf(name, sizeof(name), "moat-%d", getpid());
	sigaction(SIGUSR1, &action, NULL);
	/* Names. */
	R(mq_open(name, O_RDWR, 0, NULL));
	R(mq_open("", O_RDWR | O_CREAT, 0600, NULL));
	R(mq_open("/a", O_RDWR | O_CREAT, 0600, NULL));
	R(mq_open("a/b", O_RDWR | O_CREAT, 0600, NULL));
	R(mq_open("..", O_RDWR | O_CREAT, 0600, NULL));
	R(mq_open((void *)8, O_RDWR | O_CREAT, 0600, NULL));
	memset(other, 'x', sizeof(other));
	other[256] = 0;
	R(mq_open(other, O_RDWR | O_CREAT, 0600, NULL));
	R(mq_unlink(other));
	R(mq_unlink("a/b"));
	R(mq_unlink(name));
	R(mq_open(name, O_RDWR | O_CREAT, 0600, (void *)8));
	R(mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
	bad = (struct attr){0, 65537, 10, 0, {0}};
	R(mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
	bad = (struct attr){0, 10, 16777217, 0, {0}};
	R(mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
	q = R(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
	R(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
	R(mq_open(name, 3, 0, NULL));
	R(fcntl(q, F_GETFD));
	r = R(mq_open(name, O_RDONLY | O_NONBLOCK | O_CREAT, 0600, &a));
	/* Messages, the most urgent first. */
	show(q);
	show(r);
	show(0);
	show_poll(q);
	R(receive(r, 10, NULL));
	R(receive(r, 9, NULL));
	R(receive(0, 10, NULL));
	R(send(q, "12345678901", 0, NULL));
	R(send(q, "1234567890", 1, NULL));
	R(send(r, "no", 1, NULL));
	R(send(q, "x", 32768, NULL));
	R(send(q, "", 7, NULL));
	show(q);
	show_poll(q);
	R(send(q, "x", 0, &past));
	R(send(q, "x", 0, &wrong));
	R(send(q, "x", 0, (void *)8));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 30000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_sec++;
		soon.tv_nsec -= 1000000000;
	}
	R(send(q, "x", 0, &soon));
	R(receive(r, 100, NULL));
	R(receive(r, 100, NULL));
	R(receive(q, 100, &past));
	R(send(q, "first", 3, NULL));
	R(send(q, "second", 3, NULL));
	R(receive(q, 10, NULL));
	R(receive(q, 10, NULL));
	a = (struct attr){O_NONBLOCK, 99, 99, 0, {0}};
	R(syscall(SYS_mq_getsetattr, q, &a, NULL));
	show(q);
	a.flags = O_APPEND;
	R(syscall(SYS_mq_getsetattr, q, &a, NULL));
	a.flags = 0;
	R(syscall(SYS_mq_getsetattr, q, &a, NULL));
	/* Told by a signal, once, when there was nothing. */
	R(notify(0, SIGEV_NONE, 0, 0));
	R(notify(q, 77, SIGUSR1, 0));
	R(notify(q, SIGEV_SIGNAL, 65, 0));
	R(notify(q, SIGEV_SIGNAL, SIGUSR1, 42));
	R(notify(q, SIGEV_NONE, 0, 0));
	R(send(q, "tell", 0, NULL));
	printf("%d %d %d\n", caught == SIGUSR1, code == SI_MESGQ, value);
	caught = 0;
	R(notify(q, SIGEV_SIGNAL, SIGUSR1, 43));
	R(send(q, "quiet", 0, NULL));
	R(caught);
	R(syscall(SYS_mq_notify, q, NULL));
	R(syscall(SYS_mq_notify, q, NULL));
	R(receive(q, 10, NULL));
	R(receive(q, 10, NULL));
	/* Another process at the other end. */
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 50; i++) {
			if (syscall(SYS_mq_timedsend, q, "abcdef", i % 7, 0, NULL))
				_exit(1);
		}
		_exit(0);
	}
	status = 0;
	for (int i = 0; i < 50; i++)
		status += syscall(SYS_mq_timedreceive, q, buf, 10, NULL, NULL) == i % 7;
	R(status);
	wait(&status);
	R(status);
	/* Rights. */
	fflush(stdout);
	if (fork() == 0) {
		if (setgid(1) || setuid(1))
			_exit(9);
		R(mq_open(name, O_RDONLY, 0, NULL));
		R(mq_unlink(name));
		bad = (struct attr){0, 11, 10, 0, {0}};
		snprintf(other, sizeof(other), "moat-other-%d", getpid());
		R(mq_open(other, O_RDWR | O_CREAT, 0600, &bad));
		bad = (struct attr){0, 10, 8193, 0, {0}};
		R(mq_open(other, O_RDWR | O_CREAT, 0600, &bad));
		setrlimit(RLIMIT_MSGQUEUE, &limit);
		bad = (struct attr){0, 10, 8192, 0, {0}};
		R(mq_open(other, O_RDWR | O_CREAT, 0600, &bad) >= 0);
		snprintf(other, sizeof(other), "moat-more-%d", getpid());
		R(mq_open(other, O_RDWR | O_CREAT, 0600, &bad) >= 0);
		R(mq_unlink(other));
		snprintf(other, sizeof(other), "moat-other-%d", getpid());
		R(mq_unlink(other));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(status);
	/* Without a name it lives on. */
	R(mq_unlink(name));
	R(mq_unlink(name));
	R(send(q, "still", 0, NULL));
	R(receive(r, 10, NULL));
	R(receive(r, 10, NULL));
	R(mq_open(name, O_RDWR, 0, NULL));
	R(close(q));
	R(close(r));
	return 0;
}
