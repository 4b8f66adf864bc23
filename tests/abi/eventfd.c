/* SPDX-License-Identifier: MIT */
/* eventfd(2): arguments, counting, semaphores, waits, readiness. */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

static int ready(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};

	poll(&p, 1, 0);
	return p.revents;
}

static void put(int fd, uint64_t value)
{
	ssize_t n;

	errno = 0;
	n = write(fd, &value, 8);
	printf("write %llx = %zd %s\n", (unsigned long long)value, n, errno ? abi_error(errno) : "");
}

static void get(int fd)
{
	uint64_t value = 77;
	ssize_t n;

	errno = 0;
	n = read(fd, &value, 8);
	printf("read = %zd %s: %llx\n", n, errno ? abi_error(errno) : "", (unsigned long long)value);
}

static void arguments(void)
{
	char buffer[32] = {1};
	struct iovec v[2] = {{buffer, 4}, {buffer + 4, 4}};
	int fd;

	R(syscall(SYS_eventfd2, 0, 4));
	R(syscall(SYS_eventfd2, 0, O_APPEND));
	fd = (int)syscall(SYS_eventfd, 5);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	get(fd);
	close(fd);
	fd = eventfd(0xffffffffu, EFD_CLOEXEC | EFD_NONBLOCK);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	get(fd);
	get(fd);
	R(read(fd, buffer, 7));
	R(write(fd, buffer, 7));
	R(read(fd, (void *)8, 8));
	R(write(fd, (void *)8, 8));
	R(write(fd, buffer, 20));
	R(read(fd, buffer, 20));
	R(writev(fd, v, 2));
	R(writev(fd, v, 1));
	R(readv(fd, v, 1));
	R(readv(fd, v, 2));
	R(pread(fd, buffer, 8, 0));
	R(pwrite(fd, buffer, 8, 0));
	R(lseek(fd, 5, SEEK_SET));
	R(ioctl(fd, FIONREAD, buffer));
	R(ftruncate(fd, 0));
	R(fsync(fd));
	put(fd, 9);
	R(read(fd, (void *)8, 8));
	get(fd);
	close(fd);
}

static void counting(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), one = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);

	R(ready(fd));
	put(fd, 3);
	put(fd, 4);
	R(ready(fd));
	get(fd);
	get(fd);
	put(fd, -1ull);
	put(fd, -2ull);
	R(ready(fd));
	put(fd, 1);
	put(fd, 0);
	get(fd);
	put(fd, 0);
	R(ready(fd));
	put(fd, -3ull);
	R(ready(fd));
	put(fd, 2);
	put(fd, 1);
	R(ready(fd));
	R(ready(one));
	get(one);
	get(one);
	get(one);
	put(one, 2);
	get(one);
	R(ready(one));
	close(fd);
	close(one);
}

static void on_signal(int n)
{
	(void)n;
}

static void waits(void)
{
	int fd = eventfd(0, 0), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	struct sigaction sa = {.sa_handler = on_signal};
	uint64_t value = 6;

	if (fork() == 0) {
		usleep(20000);
		write(fd, &value, 8);
		value = -2ull;
		write(fd, &value, 8);
		value = 5;
		write(fd, &value, 8);
		_exit(0);
	}
	get(fd);
	usleep(20000);
	get(fd);
	get(fd);
	wait(NULL);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	R(epoll_wait(ep, &e, 1, 0));
	R(e.events);
	R(epoll_wait(ep, &e, 1, 0));
	put(fd, 1);
	R(epoll_wait(ep, &e, 1, 0));
	R(e.events);
	put(fd, 1);
	R(epoll_wait(ep, &e, 1, 0));
	R(epoll_wait(ep, &e, 1, 0));
	get(fd);
	R(epoll_wait(ep, &e, 1, 0));
	R(e.events);
	sigaction(SIGALRM, &sa, NULL);
	if (fork() == 0) {
		usleep(20000);
		kill(getppid(), SIGALRM);
		_exit(0);
	}
	get(fd);
	wait(NULL);
	close(fd);
	close(ep);
}

static void describe(void)
{
	int fd = eventfd(0x1234, EFD_SEMAPHORE);
	char name[64], line[200];
	FILE *f;

	sprintf(name, "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "ino:") && !strstr(line, "mnt_id") && !strstr(line, "-id"))
			printf("%s", line);
	}
	if (f)
		fclose(f);
	sprintf(name, "/proc/self/fd/%d", fd);
	line[readlink(name, line, sizeof(line) - 1)] = 0;
	printf("%s\n", line);
	close(fd);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments();
	counting();
	waits();
	describe();
	return 0;
}
