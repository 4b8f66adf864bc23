/* SPDX-License-Identifier: MIT */
/* timerfd_create(2): arguments, one shot and periodic timers, absolute ones, readiness, what is left. */
#include "abi.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000l

static int ready(int fd, int timeout)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, timeout);
	return p.revents;
}

static long long get(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, 8) == 8 ? (long long)value : -1;
}

static int set(int fd, int flags, long ms, long interval_ms)
{
	struct itimerspec s = {{interval_ms / 1000, interval_ms % 1000 * MS}, {ms / 1000, ms % 1000 * MS}};

	return timerfd_settime(fd, flags, &s, NULL);
}

static long left_ms(int fd)
{
	struct itimerspec s;

	timerfd_gettime(fd, &s);
	return s.it_value.tv_sec * 1000 + (s.it_value.tv_nsec + MS - 1) / MS;
}

static void arguments(void)
{
	static const int clocks[] = {CLOCK_REALTIME,
				     CLOCK_MONOTONIC,
				     CLOCK_BOOTTIME,
				     CLOCK_PROCESS_CPUTIME_ID,
				     CLOCK_MONOTONIC_RAW,
				     CLOCK_REALTIME_COARSE,
				     CLOCK_TAI,
				     99,
				     -1};
	struct itimerspec s = {{0, 0}, {1000, 5}}, bad = {{0, 0}, {0, 1000 * MS}}, minus = {{0, 0}, {-1, 0}};
	struct itimerspec bad_interval = {{0, 1000 * MS}, {0, 0}}, old;
	char buffer[16];
	int fd;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		fd = timerfd_create(clocks[i], 0);
		printf("clock %d: %s\n", clocks[i], fd < 0 ? abi_error(errno) : "ok");
		close(fd);
	}
	R(timerfd_create(CLOCK_MONOTONIC, 1));
	R(timerfd_create(CLOCK_MONOTONIC, O_APPEND));
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	R(timerfd_settime(99, 0, &s, NULL));
	R(timerfd_settime(99, 0, &bad, NULL));
	R(timerfd_settime(1, 0, &s, NULL));
	R(timerfd_settime(fd, 0, &bad, NULL));
	R(timerfd_settime(fd, 0, &minus, NULL));
	R(timerfd_settime(fd, 0, &bad_interval, NULL));
	R(timerfd_settime(fd, 4, &s, NULL));
	R(timerfd_settime(fd, 0, (void *)8, NULL));
	R(timerfd_settime(fd, 0, &s, (void *)8));
	R(timerfd_settime(fd, 0, &s, &old));
	R(old.it_value.tv_sec);
	R(timerfd_gettime(fd, (void *)8));
	R(timerfd_gettime(1, &old));
	R(timerfd_gettime(99, &old));
	R(timerfd_gettime(fd, &old));
	R(old.it_value.tv_sec);
	R(old.it_interval.tv_sec);
	R(read(fd, buffer, 8));
	R(read(fd, buffer, 7));
	R(read(fd, (void *)8, 8));
	R(write(fd, buffer, 8));
	R(pread(fd, buffer, 8, 0));
	R(lseek(fd, 0, SEEK_END));
	R(ioctl(fd, FIONREAD, buffer));
	R(ready(fd, 0));
	R(set(fd, TFD_TIMER_CANCEL_ON_SET, 0, 0));
	R(set(fd, TFD_TIMER_CANCEL_ON_SET | TFD_TIMER_ABSTIME, 0, 0));
	close(fd);
}

static void one_shot(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	R(left_ms(fd));
	R(set(fd, 0, 30, 0));
	HOLDS(left_ms(fd) > 0 && left_ms(fd) <= 30);
	R(ready(fd, 0));
	R(ready(fd, 5000));
	R(left_ms(fd));
	R(get(fd));
	R(ready(fd, 0));
	R(set(fd, 0, 10, 0));
	R(get(fd));
	R(set(fd, 0, 10, 0));
	R(ready(fd, 1000));
	R(set(fd, 0, 100000, 0));
	R(ready(fd, 0));
	R(set(fd, 0, 0, 500));
	R(left_ms(fd));
	R(ready(fd, 20));
	R(set(fd, TFD_TIMER_ABSTIME, 1, 0));
	R(get(fd));
	close(fd);
}

static void periodic(void)
{
	struct itimerspec s;
	long long n;
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);

	R(set(fd, 0, 20, 20));
	R(ready(fd, 5000));
	usleep(110000);
	n = get(fd);
	HOLDS(n >= 6 && n < 200);
	R(get(fd));
	timerfd_gettime(fd, &s);
	R(s.it_interval.tv_nsec);
	HOLDS(s.it_value.tv_nsec > 0 && s.it_value.tv_nsec <= 20 * MS);
	R(ready(fd, 5000));
	usleep(50000);
	timerfd_gettime(fd, &s); /* moves it on */
	HOLDS(s.it_value.tv_nsec > 0 && s.it_value.tv_nsec <= 20 * MS);
	n = get(fd);
	HOLDS(n >= 3 && n < 200);
	R(set(fd, 0, 0, 0));
	usleep(30000);
	R(get(fd));
	close(fd);
}

static void absolute(void)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct itimerspec s = {{0, 0}, {0, 0}}, old;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	s.it_value = (struct timespec){t.tv_sec + 100, 0};
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, &old));
	HOLDS(left_ms(fd) > 90000 && left_ms(fd) <= 100000);
	R(ready(fd, 0));
	s.it_value = t;
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, &old));
	HOLDS(old.it_value.tv_sec > 90 && old.it_value.tv_sec <= 100);
	R(ready(fd, 1000));
	R(get(fd));
	s.it_interval.tv_sec = 1000;
	s.it_value.tv_sec -= 2500;
	R(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
	R(ready(fd, 1000));
	R(get(fd));
	HOLDS(left_ms(fd) > 400000 && left_ms(fd) <= 500000);
	R(set(fd, 0, 50, 0));
	HOLDS(left_ms(fd) > 0 && left_ms(fd) <= 50);
	close(fd);
}

static void watched(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	R(epoll_wait(ep, &e, 1, 0));
	set(fd, 0, 10, 10);
	R(epoll_wait(ep, &e, 1, 1000));
	R(epoll_wait(ep, &e, 1, 50)); /* fires once until it is read */
	HOLDS(get(fd) >= 3);
	R(epoll_wait(ep, &e, 1, 1000));
	close(fd);
	R(epoll_wait(ep, &e, 1, 0));
	close(ep);
}

static void shared(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	set(fd, 0, 30, 0);
	if (fork() == 0) {
		R(get(fd));
		set(fd, 0, 20, 0);
		_exit(0);
	}
	wait(NULL);
	R(get(fd));
	close(fd);
}

static void describe(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec s = {{7, 8}, {0, 0}};
	char name[64], line[200];
	FILE *f;

	timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL);
	sprintf(name, "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "ino:") && !strstr(line, "mnt_id"))
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
	one_shot();
	periodic();
	absolute();
	watched();
	shared();
	describe();
	return 0;
}
