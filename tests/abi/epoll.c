/* SPDX-License-Identifier: MIT */
/* epoll(7): arguments, level and edge, one shot, exclusive, nesting, close, fork, waits and masks. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = {.events = events, .data.u64 = data};

	return epoll_ctl(ep, op, fd, &e);
}

/* What a call with that limit in ms reports, in the order in which it does. */
static int show(int line, int ep, int max, int timeout)
{
	struct epoll_event e[16];
	int n;

	errno = 0;
	n = epoll_wait(ep, e, max, timeout);
	printf("%d: epoll_wait = %d %s:", line, n, n < 0 ? abi_error(errno) : "");
	for (int i = 0; i < n; i++)
		printf(" %x/%llx", e[i].events, (unsigned long long)e[i].data.u64);
	printf("\n");
	return n;
}
#define SHOW(ep, max, timeout) show(__LINE__, ep, max, timeout)

static void arguments(void)
{
	struct epoll_event e = {.events = EPOLLIN}, *hole = (void *)(abi_page_before_hole() + PAGE - 12);
	int ep = epoll_create1(0), p[2], file = open("file", O_RDWR), dir = open(".", O_RDONLY);
	int null = open("/dev/null", O_RDWR), path = open("file", O_PATH);
	int n;

	pipe(p);
	R(syscall(SYS_epoll_create, 0));
	R(syscall(SYS_epoll_create, -1));
	n = epoll_create(1);
	R(fcntl(n, F_GETFD));
	R(fcntl(n, F_GETFL));
	close(n);
	n = epoll_create1(EPOLL_CLOEXEC);
	R(fcntl(n, F_GETFD));
	close(n);
	R(epoll_create1(1));
	R(epoll_create1(O_NONBLOCK));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], (void *)8));
	R(epoll_ctl(99, EPOLL_CTL_ADD, p[0], (void *)8));
	R(epoll_ctl(99, EPOLL_CTL_ADD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, path, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, dir, &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, null, &e));
	R(epoll_ctl(ep, EPOLL_CTL_DEL, file, NULL));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
	R(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e));
	R(epoll_ctl(p[0], EPOLL_CTL_ADD, file, &e));
	R(epoll_ctl(file, EPOLL_CTL_ADD, p[0], &e));
	R(epoll_ctl(ep, 0, p[0], &e));
	R(epoll_ctl(ep, 4, p[0], &e));
	R(epoll_ctl(ep, 4, p[0], NULL));
	R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, dup2(p[0], 50), &e));
	R(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	R(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	R(syscall(SYS_epoll_wait, ep, &e, 0, 0));
	R(syscall(SYS_epoll_wait, ep, &e, -1, 0));
	R(syscall(SYS_epoll_wait, ep, &e, INT_MAX, 0));
	R(syscall(SYS_epoll_wait, ep, NULL, 1, 0));
	R(syscall(SYS_epoll_wait, ep, (void *)(1ul << 63), 1, 0));
	R(epoll_wait(p[0], &e, 1, 0));
	R(syscall(SYS_epoll_wait, p[0], &e, 0, 0));
	R(syscall(SYS_epoll_wait, p[0], (void *)(1ul << 63), 1, 0));
	R(syscall(SYS_epoll_wait, 99, &e, 0, 0));
	R(epoll_wait(path, &e, 1, 0));
	write(p[1], "x", 1);
	R(syscall(SYS_epoll_wait, ep, hole + 1, 1, 0));
	R(syscall(SYS_epoll_wait, ep, hole, 4, 0));
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
	R(syscall(SYS_epoll_wait, ep, hole, 4, 0));
	R(read(ep, &e, 1));
	R(write(ep, &e, 1));
	R(lseek(ep, 0, SEEK_SET));
	R(ioctl(ep, FIONREAD, &n));
	R(ioctl(ep, 0x5401, &n));
	R(ftruncate(ep, 0));
	R(fsync(ep));
	P(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ep, 0));
	close(50);
	close(ep);
	close(p[0]);
	close(p[1]);
	close(file);
	close(dir);
	close(null);
	close(path);
}

static void describe(void)
{
	int ep = epoll_create1(0), p[2];
	char text[400], name[64];
	struct stat st;
	FILE *f;
	ssize_t n;

	pipe(p);
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 0xabcdef);
	fstat(ep, &st);
	R(st.st_mode);
	R(st.st_nlink);
	R(st.st_size);
	sprintf(name, "/proc/self/fd/%d", ep);
	n = readlink(name, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	printf("%s\n", text);
	sprintf(name, "/proc/self/fdinfo/%d", ep);
	f = fopen(name, "r");
	while (f && fgets(text, sizeof(text), f)) {
		char *at = strstr(text, "ino:");
		if (at)
			strcpy(at, "\n");
		if (strncmp(text, "mnt", 3))
			printf("%s", text);
	}
	if (f)
		fclose(f);
	close(p[0]);
	close(p[1]);
	close(ep);
}

static void level_and_edge(void)
{
	char c[8];
	int ep = epoll_create1(0), p[2], q[2];

	pipe(p);
	pipe(q);
	SHOW(ep, 4, 0);
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
	ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN | EPOLLET, 2);
	ctl(ep, EPOLL_CTL_ADD, q[1], EPOLLOUT, 3);
	SHOW(ep, 4, 0);
	write(p[1], "ab", 2);
	write(q[1], "ab", 2);
	SHOW(ep, 4, 0);
	SHOW(ep, 4, 0);
	SHOW(ep, 1, 0);
	SHOW(ep, 1, 0);
	SHOW(ep, 1, 0);
	read(q[0], c, 1);
	SHOW(ep, 4, 0);
	write(q[1], "c", 1);
	SHOW(ep, 4, 0);
	ctl(ep, EPOLL_CTL_MOD, q[0], EPOLLIN | EPOLLET, 4);
	SHOW(ep, 4, 0);
	SHOW(ep, 4, 0);
	ctl(ep, EPOLL_CTL_MOD, q[0], EPOLLPRI, 4);
	write(q[1], "c", 1);
	SHOW(ep, 4, 0);
	read(p[0], c, 8);
	ctl(ep, EPOLL_CTL_DEL, q[1], 0, 0);
	SHOW(ep, 4, 0);
	close(p[1]);
	SHOW(ep, 4, 0);
	close(q[1]);
	SHOW(ep, 4, 0);
	close(p[0]);
	SHOW(ep, 4, 0);
	close(q[0]);
	SHOW(ep, 4, 0);
	close(ep);
}

static void one_shot(void)
{
	int ep = epoll_create1(0), p[2];

	pipe(p);
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 1);
	SHOW(ep, 4, 0);
	write(p[1], "a", 1);
	SHOW(ep, 4, 0);
	SHOW(ep, 4, 0);
	write(p[1], "b", 1);
	SHOW(ep, 4, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT | EPOLLET, 2);
	SHOW(ep, 4, 0);
	close(p[1]);
	SHOW(ep, 4, 0);
	ctl(ep, EPOLL_CTL_MOD, p[0], 0, 3);
	SHOW(ep, 4, 0);
	close(p[0]);
	close(ep);
}

static void exclusive(void)
{
	int ep = epoll_create1(0), other = epoll_create1(0), p[2];

	pipe(p);
	R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 1));
	R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLPRI | EPOLLEXCLUSIVE, 1));
	R(ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE, 1));
	R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET | EPOLLERR | EPOLLHUP | EPOLLWAKEUP,
	      1));
	R(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	R(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 1));
	R(ctl(other, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 2));
	R(ctl(other, EPOLL_CTL_ADD, p[1], EPOLLIN, 3));
	R(ctl(other, EPOLL_CTL_MOD, p[1], EPOLLIN | EPOLLEXCLUSIVE, 2));
	write(p[1], "x", 1);
	SHOW(ep, 4, 0);
	SHOW(ep, 4, 0);
	SHOW(other, 4, 0);
	R(ctl(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	close(p[0]);
	close(p[1]);
	close(ep);
	close(other);
}

static void nested(void)
{
	int ep[8], p[2], many[600];
	struct pollfd f;
	char c;

	pipe(p);
	for (int i = 0; i < 8; i++)
		ep[i] = epoll_create1(0);
	R(ctl(ep[0], EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
	R(ctl(ep[1], EPOLL_CTL_ADD, ep[0], EPOLLIN, 1));
	R(ctl(ep[2], EPOLL_CTL_ADD, ep[1], EPOLLIN | EPOLLET, 2));
	R(ctl(ep[0], EPOLL_CTL_ADD, ep[2], EPOLLIN, 0));
	R(ctl(ep[0], EPOLL_CTL_ADD, ep[1], EPOLLIN, 0));
	R(ctl(ep[1], EPOLL_CTL_ADD, ep[0], EPOLLIN, 0));
	R(ctl(ep[3], EPOLL_CTL_ADD, ep[2], EPOLLIN, 3));
	R(ctl(ep[4], EPOLL_CTL_ADD, ep[3], EPOLLIN, 4));
	R(ctl(ep[5], EPOLL_CTL_ADD, ep[4], EPOLLIN, 5));
	R(ctl(ep[6], EPOLL_CTL_ADD, ep[5], EPOLLIN, 6));
	R(ctl(ep[5], EPOLL_CTL_ADD, ep[7], EPOLLIN, 7));
	R(ctl(ep[7], EPOLL_CTL_ADD, ep[6], EPOLLIN, 7));
	R(ctl(ep[7], EPOLL_CTL_ADD, ep[5], EPOLLIN, 7));
	SHOW(ep[1], 4, 0);
	f = (struct pollfd){ep[2], POLLIN | POLLOUT, 0};
	R(poll(&f, 1, 0));
	write(p[1], "x", 1);
	R(poll(&f, 1, 0));
	R(f.revents);
	R(poll(&f, 1, 0));
	SHOW(ep[2], 4, 0);
	SHOW(ep[2], 4, 0);
	SHOW(ep[3], 4, 0);
	SHOW(ep[1], 4, 0);
	SHOW(ep[0], 4, 0);
	read(p[0], &c, 1);
	SHOW(ep[1], 4, 0);
	write(p[1], "x", 1);
	SHOW(ep[2], 4, 0);
	close(ep[1]);
	SHOW(ep[2], 4, 0);
	R(ctl(ep[0], EPOLL_CTL_ADD, ep[2], EPOLLIN, 0));
	R(ctl(ep[0], EPOLL_CTL_DEL, ep[2], EPOLLIN, 0));
	for (int i = 0; i < 8; i++)
		close(ep[i]);
	close(p[0]);
	close(p[1]);
	/* Paths of two epoll files from one pipe: 500 are allowed. */
	pipe(p);
	ep[0] = epoll_create1(0);
	ctl(ep[0], EPOLL_CTL_ADD, p[0], EPOLLIN, 0);
	for (int i = 0; i < 600; i++)
		many[i] = epoll_create1(0);
	for (int i = 0; i < 600; i++) {
		if (ctl(many[i], EPOLL_CTL_ADD, ep[0], EPOLLIN, 0)) {
			printf("%d paths, then %s\n", i, abi_error(errno));
			break;
		}
	}
	for (int i = 0; i < 600; i++)
		close(many[i]);
	for (int i = 0; i < 600; i++)
		many[i] = epoll_create1(0);
	for (int i = 0; i < 600; i++) {
		if (ctl(many[i], EPOLL_CTL_ADD, p[0], EPOLLIN, 0)) {
			printf("%d paths, then %s\n", i, abi_error(errno));
			break;
		}
	}
	close(p[0]);
	close(p[1]);
	for (int i = 0; i < 600; i++)
		close(many[i]);
	close(ep[0]);
}

/* What is watched is the description, under the number that it had. */
static void closing(void)
{
	int ep = epoll_create1(0), p[2], q[2], copy;

	pipe(p);
	pipe(q);
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
	copy = dup(p[0]);
	close(p[0]);
	write(p[1], "x", 1);
	SHOW(ep, 4, 0);
	R(ctl(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	R(ctl(ep, EPOLL_CTL_DEL, copy, 0, 0));
	dup2(q[0], p[0]);
	R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 2));
	SHOW(ep, 4, 0);
	dup2(copy, p[0]);
	R(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 3));
	SHOW(ep, 4, 0);
	SHOW(ep, 4, 0);
	close(copy);
	close(p[0]);
	SHOW(ep, 4, 0);
	R(ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 4));
	close(q[0]);
	R(ctl(ep, EPOLL_CTL_ADD, q[1], EPOLLOUT, 5));
	SHOW(ep, 4, 0);
	close(q[1]);
	close(p[1]);
	close(ep);
}

static void later(int fd, const char *text)
{
	if (fork() == 0) {
		usleep(20000);
		write(fd, text, strlen(text));
		_exit(0);
	}
}

static volatile int signals;

static void on_signal(int n)
{
	(void)n;
	signals++;
}

static void waits(void)
{
	int ep = epoll_create1(0), p[2];
	struct timespec t = {0, 20000000}, bad = {0, 1000000000}, minus = {-1, 0};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct itimerval soon = {.it_value = {0, 20000}};
	sigset_t none, usr;
	struct epoll_event e;
	double start;

	pipe(p);
	ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1);
	start = now();
	SHOW(ep, 4, 30);
	HOLDS(now() - start >= 0.03 && now() - start < 5);
	later(p[1], "a");
	SHOW(ep, 4, -1);
	later(p[1], "a");
	SHOW(ep, 4, 5000);
	wait(NULL);
	wait(NULL);
	R(syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 0));
	R(syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 0));
	R(syscall(SYS_epoll_pwait2, ep, &e, 1, &minus, NULL, 0));
	R(syscall(SYS_epoll_pwait2, ep, &e, 1, (void *)8, NULL, 0));
	R(syscall(SYS_epoll_pwait2, ep, &e, 0, &t, NULL, 0));
	R(syscall(SYS_epoll_pwait2, 99, &e, 0, &bad, &t, 7));
	R(syscall(SYS_epoll_pwait2, 99, &e, 0, &t, &t, 7));
	R(syscall(SYS_epoll_pwait, ep, &e, 1, 0, NULL, 0));
	R(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &t, 7));
	R(syscall(SYS_epoll_pwait, ep, &e, 1, 0, (void *)8, 8));
	R(syscall(SYS_epoll_pwait, 99, &e, 1, 0, (void *)8, 8));
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	raise(SIGUSR1);
	R(epoll_wait(ep, &e, 1, 10));
	R(signals);
	R(epoll_pwait(ep, &e, 1, -1, &none));
	R(signals);
	sigprocmask(SIG_BLOCK, NULL, &usr);
	R(sigismember(&usr, SIGUSR1));
	raise(SIGUSR1);
	write(p[1], "x", 1);
	R(epoll_pwait(ep, &e, 1, -1, &none));
	R(signals);
	R(epoll_pwait(ep, &e, 1, -1, &none));
	R(signals);
	(void)soon;
	close(p[0]);
	close(p[1]);
	close(ep);
}

/* The description is shared: what the child sets up counts for the parent. */
static void shared(void)
{
	int ep = epoll_create1(0), p[2], q[2];

	pipe(p);
	pipe(q);
	if (fork() == 0) {
		R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
		R(ctl(ep, EPOLL_CTL_ADD, q[0], EPOLLIN | EPOLLONESHOT, 2));
		write(p[1], "x", 1);
		write(q[1], "x", 1);
		SHOW(ep, 4, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SHOW(ep, 4, 0);
	R(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	close(ep);
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
}

/* An event that comes while two processes wait wakes one of them; both of those that watch by themselves. */
static void herd(int flags, int separate)
{
	int p[2], done[2], ep = epoll_create1(0), woken;
	struct epoll_event e;
	char buffer[16];

	pipe(p);
	pipe(done);
	if (!separate)
		ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | (uint32_t)flags, 1);
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			int own = separate ? epoll_create1(0) : ep;

			if (separate)
				ctl(own, EPOLL_CTL_ADD, p[0], EPOLLIN | (uint32_t)flags, 1);
			if (epoll_wait(own, &e, 1, 400) == 1)
				write(done[1], "w", 1);
			_exit(0);
		}
	}
	usleep(150000);
	write(p[1], "x", 1);
	while (wait(NULL) > 0)
		;
	fcntl(done[0], F_SETFL, O_NONBLOCK);
	woken = (int)read(done[0], buffer, sizeof(buffer));
	printf("flags %x separate %d: %d woken\n", flags, separate, woken);
	close(p[0]);
	close(p[1]);
	close(done[0]);
	close(done[1]);
	close(ep);
}

/* Nothing of what a program leaves behind stays: watchers of watched files, in every order. */
static void leave_behind(void)
{
	for (int i = 0; i < 8; i++) {
		int a = epoll_create1(0), b = epoll_create1(0), p[2];

		pipe(p);
		ctl(a, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
		ctl(b, EPOLL_CTL_ADD, a, EPOLLIN, 1);
		ctl(b, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
		ctl(a, EPOLL_CTL_ADD, p[1], EPOLLOUT, 1);
		close(i & 1 ? a : b);
		close(p[i & 2 ? 0 : 1]);
		if (i & 4)
			close(i & 1 ? b : a);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	abi_scratch();
	abi_write_file("file", "0123456789");
	arguments();
	describe();
	level_and_edge();
	one_shot();
	exclusive();
	nested();
	closing();
	waits();
	shared();
	herd(0, 0);
	herd(EPOLLET, 0);
	herd(0, 1);
	herd(EPOLLEXCLUSIVE, 1);
	leave_behind();
	return 0;
}
