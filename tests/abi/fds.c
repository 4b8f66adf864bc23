/* SPDX-License-Identifier: MIT */
/* The table of open files: numbers, duplication, flags, limits. */
#include "abi.h"
#include <sys/ioctl.h>
#include <sys/resource.h>

static void duplicates(void)
{
	char c;
	int fd = R(open("file", O_RDWR)), copy;

	copy = R(dup(fd));
	R(read(fd, &c, 1));
	R(lseek(copy, 0, SEEK_CUR));
	R(close(fd));
	R(read(copy, &c, 1));
	R(c);
	R(dup(99));
	R(dup(-1));
	R(dup2(copy, 20));
	R(dup2(copy, copy));
	R(dup2(99, 98));
	R(dup2(99, 99));
	R(dup2(copy, -1));
	R(dup2(copy, 1 << 30));
	R(dup3(copy, 20, O_CLOEXEC));
	R(fcntl(20, F_GETFD));
	R(dup3(copy, copy, 0));
	R(syscall(SYS_dup3, copy, 21, O_RDWR));
	R(dup2(20, 22));
	R(fcntl(22, F_GETFD));
	R(fcntl(copy, F_DUPFD, 50));
	R(fcntl(copy, F_DUPFD_CLOEXEC, 50));
	R(fcntl(51, F_GETFD));
	R(fcntl(copy, F_DUPFD, -1));
	R(fcntl(copy, F_DUPFD, 1 << 30));
	R(close(20) | close(22) | close(50) | close(51) | close(copy));
}

static void descriptor_flags(void)
{
	int fd = R(open("file", O_RDWR | O_CLOEXEC));

	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_SETFD, 0));
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_SETFD, FD_CLOEXEC));
	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	R(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	R(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	R(fcntl(fd, F_SETFL, O_WRONLY));
	R(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	R(fcntl(fd, 9999, 0));
	R(fcntl(99, F_GETFD));
	R(fcntl(99, F_GETFL));
	close(fd);
	fd = R(open("file", O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0644));
	R(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	close(fd);
}

static void wrong_direction(void)
{
	char c = 0;
	int fd = R(open("file", O_WRONLY));

	R(read(fd, &c, 1));
	R(pread(fd, &c, 1, 0));
	R(read(fd, &c, 0));
	close(fd);
	fd = R(open("file", O_RDONLY));
	R(write(fd, &c, 1));
	R(pwrite(fd, &c, 1, 0));
	R(ioctl(fd, TIOCGWINSZ, &c));
	R(ioctl(99, TIOCGWINSZ, &c));
	R(isatty(fd));
	R(fsync(fd));
	R(fdatasync(fd));
	R(fsync(99));
	close(fd);
	R(close(-1));
	R(close(99));
	R(close(INT_MAX));
}

/* The lowest free number is always the one that is given. */
static void lowest_number(void)
{
	int fds[10];

	for (int i = 0; i < 10; i++)
		fds[i] = open("file", O_RDONLY);
	R(fds[0]);
	R(fds[9]);
	R(close(fds[3]) | close(fds[7]));
	R(open("file", O_RDONLY));
	R(open("file", O_RDONLY));
	R(open("file", O_RDONLY));
	for (int i = 3; i < 14; i++)
		close(i);
	R(open("file", O_RDONLY));
	close(3);
}

static void limit(void)
{
	struct rlimit r = {20, 20}, old;
	int count = 0;

	R(getrlimit(RLIMIT_NOFILE, &old));
	HOLDS(old.rlim_cur >= 64);
	r.rlim_max = old.rlim_max;
	R(setrlimit(RLIMIT_NOFILE, &r));
	while (open("file", O_RDONLY) >= 0)
		count++;
	R(count);
	R(open("file", O_RDONLY));
	R(open("none", O_RDONLY));
	R(dup(0));
	R(dup2(0, 20));
	R(dup2(0, 19));
	R(fcntl(0, F_DUPFD, 20));
	R(fcntl(0, F_DUPFD, 5));
	R(close(10));
	R(open("file", O_RDONLY));
	R(setrlimit(RLIMIT_NOFILE, &old));
	R(open("file", O_RDONLY));
	R(syscall(SYS_close_range, 3u, ~0u, 0));
	R(open("file", O_RDONLY));
	R(syscall(SYS_close_range, 5u, 4u, 0));
	R(syscall(SYS_close_range, 3u, 3u, 0x100));
}

int main(void)
{
	/* What a shell or make left open is not part of the test. */
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	abi_scratch();
	abi_write_file("file", "0123456789");
	duplicates();
	descriptor_flags();
	wrong_direction();
	lowest_number();
	limit();
	return 0;
}
