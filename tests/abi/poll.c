/* SPDX-License-Identifier: MIT */
/* poll, ppoll, select, pselect6 on files that are always ready, on nothing, and with time limits. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void polling(void)
{
	int fd = open("file", O_RDWR), path = open("file", O_PATH), null = open("/dev/null", O_RDWR);
	struct pollfd p[4] = {
		{fd, POLLIN | POLLOUT, 99}, {-1, POLLIN, 99}, {77, POLLIN, 99}, {path, POLLIN, 99}};
	double t;

	R(poll(p, 4, 1000));
	for (int i = 0; i < 4; i++)
		R(p[i].revents);
	p[0].events = POLLOUT;
	R(poll(p, 1, -1));
	R(p[0].revents);
	p[0].events = 0;
	t = now();
	R(poll(p, 1, 30));
	HOLDS(now() - t >= 0.03 && now() - t < 5);
	R(p[0].revents);
	R(poll(NULL, 0, 0));
	t = now();
	R(poll(NULL, 0, 20));
	HOLDS(now() - t >= 0.02);
	R(poll(p, 2000000, 0));
	R(poll((void *)8, 1, 0));
	p[0] = (struct pollfd){null, POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM, 0};
	R(poll(p, 1, -1));
	R(p[0].revents);
	close(fd);
	close(path);
	close(null);
}

static void timed(void)
{
	struct pollfd p = {-1, POLLIN, 0};
	struct timespec t = {0, 20000000}, bad = {0, 1000000000}, minus = {-1, 0};

	R(syscall(SYS_ppoll, &p, 1, &t, NULL, 0));
	R(t.tv_sec + t.tv_nsec);
	R(syscall(SYS_ppoll, &p, 1, &bad, NULL, 0));
	R(syscall(SYS_ppoll, &p, 1, &minus, NULL, 0));
	R(syscall(SYS_ppoll, &p, 1, (void *)8, NULL, 0));
	t = (struct timespec){0, 0};
	R(syscall(SYS_ppoll, &p, 1, &t, (void *)&t, 7));
	R(syscall(SYS_ppoll, &p, 1, &t, (void *)8, 8));
	R(syscall(SYS_ppoll, &p, 1, &t, (void *)&t, 8));
}

static void selecting(void)
{
	int fd = open("file", O_RDWR);
	struct timeval tv = {0, 20000}, zero = {0, 0}, minus = {-1, 0};
	struct timespec ts = {0, 10000000};
	fd_set r, w, e;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(fd, &r);
	FD_SET(fd, &w);
	FD_SET(fd, &e);
	FD_SET(60, &r);
	R(select(fd + 1, &r, &w, &e, NULL));
	R(FD_ISSET(fd, &r) + 2 * FD_ISSET(fd, &w) + 4 * FD_ISSET(fd, &e) + 8 * FD_ISSET(60, &r));
	FD_ZERO(&e);
	FD_SET(fd, &e);
	R(select(fd + 1, NULL, NULL, &e, &tv));
	R(FD_ISSET(fd, &e));
	R(tv.tv_sec + tv.tv_usec);
	R(select(0, NULL, NULL, NULL, &zero));
	R(select(-1, NULL, NULL, NULL, &zero));
	R(select(0, NULL, NULL, NULL, &minus));
	FD_SET(50, &r);
	R(select(51, &r, NULL, NULL, &zero));
	R(syscall(SYS_select, 10, (void *)8, NULL, NULL, &zero));
	R(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, NULL));
	R(ts.tv_sec + ts.tv_nsec);
	close(fd);
}

static volatile int alarms;

static void on_signal(int n)
{
	(void)n;
	alarms++;
}

/* A blocked, pending signal comes through when the wait opens the mask, and only then. */
static void masks(void)
{
	sigset_t block, none;
	struct sigaction sa = {.sa_handler = on_signal};
	struct timespec t = {5, 0};

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	R(alarms);
	R(poll(NULL, 0, 10));
	R(alarms);
	R(ppoll(NULL, 0, &t, &none));
	R(alarms);
	sigprocmask(SIG_BLOCK, NULL, &block);
	R(sigismember(&block, SIGUSR1));
	raise(SIGUSR1);
	R(pselect(0, NULL, NULL, NULL, NULL, &none));
	R(alarms);
	sigprocmask(SIG_BLOCK, NULL, &block);
	R(sigismember(&block, SIGUSR1));
}

/* A child that acts 20 ms from now. */
static pid_t later(void (*act)(int), int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep(20000);
		act(fd);
		_exit(0);
	}
	return pid;
}

static void write_byte(int fd)
{
	write(fd, "x", 1);
}

static void drain(int fd)
{
	static char all[65536];

	read(fd, all, sizeof(all));
}

/* Waits that somebody else ends: without a limit, with one, and by the end of the other side. */
static void waiting(void)
{
	static char full[65536];
	int p[2][2];
	struct pollfd f[3];
	struct timeval tv = {5, 0};
	fd_set set;

	pipe(p[0]);
	pipe(p[1]);
	f[0] = (struct pollfd){p[0][0], POLLIN, 0};
	f[1] = (struct pollfd){p[1][0], POLLIN | POLLPRI, 0};
	f[2] = (struct pollfd){p[1][0], 0, 0};
	later(write_byte, p[1][1]);
	R(poll(f, 3, -1));
	R(f[0].revents);
	R(f[1].revents);
	R(f[2].revents);
	later(write_byte, p[0][1]);
	R(poll(f, 1, 5000));
	R(f[0].revents);
	drain(p[0][0]);
	drain(p[1][0]);
	FD_ZERO(&set);
	FD_SET(p[0][0], &set);
	FD_SET(p[1][0], &set);
	later(write_byte, p[1][1]);
	R(select(64, &set, NULL, NULL, NULL));
	R(FD_ISSET(p[0][0], &set) + 2 * FD_ISSET(p[1][0], &set));
	write(p[0][1], full, sizeof(full));
	FD_ZERO(&set);
	FD_SET(p[0][1], &set);
	later(drain, p[0][0]);
	R(select(64, NULL, &set, NULL, &tv));
	R(FD_ISSET(p[0][1], &set));
	f[2].fd = p[0][0];
	later(write_byte, p[0][1]);
	close(p[0][1]);
	R(poll(f + 2, 1, -1));
	R(f[2].revents);
	R(poll(f, 2, -1));
	R(f[0].revents);
	R(f[1].revents);
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < 4; i++)
		close(p[i / 2][i % 2]);
}

int main(void)
{
	abi_scratch();
	abi_write_file("file", "0123456789");
	polling();
	timed();
	selecting();
	waiting();
	masks();
	return 0;
}
