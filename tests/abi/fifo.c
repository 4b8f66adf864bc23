/* SPDX-License-Identifier: MIT */
/* FIFOs (fifo(7)): making, opening, waiting for the other side, readiness, unlinking; mknod(2); packets (pipe(2), O_DIRECT). */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static int ready(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	poll(&p, 1, 0);
	return p.revents;
}

static void making(void)
{
	struct stat st;
	char buffer[8];
	int fd;

	R(mkfifo("f", 0640));
	R(mkfifo("f", 0640));
	R(stat("f", &st));
	R(S_ISFIFO(st.st_mode));
	R(st.st_mode & 07777);
	R(st.st_size);
	R(st.st_nlink);
	R(mknod("regular", S_IFREG | 0600, 0));
	R(stat("regular", &st));
	R(S_ISREG(st.st_mode));
	R(mknod("plain", 0600, 0));
	R(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	R(mknod("dir", S_IFDIR | 0600, 0));
	R(mknod("odd", S_IFLNK | 0600, 0));
	R(mkfifo("none/f", 0600));
	fd = open("null", O_RDWR);
	R(read(fd, buffer, 8));
	close(fd);
	R(open("f", O_RDONLY | O_DIRECTORY));
	R(open("f", O_CREAT | O_EXCL | O_RDWR, 0600));
	R(truncate("f", 0));
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	R(fcntl(fd, F_GETFL));
	R(lseek(fd, 0, SEEK_SET));
	R(ready(fd));
	R(write(fd, "abc", 3));
	R(ready(fd));
	R(fstat(fd, &st));
	R(st.st_size);
	R(read(fd, buffer, 8));
	R(fcntl(fd, F_GETPIPE_SZ));
	R(fcntl(fd, F_SETPIPE_SZ, 1));
	close(fd);
	fd = open("f", O_PATH);
	R(read(fd, buffer, 1));
	close(fd);
	R(open("f", O_ACCMODE));
}

static void unblocked(void)
{
	char buffer[8];
	int r, r2, w;

	R(open("f", O_WRONLY | O_NONBLOCK));
	r = open("f", O_RDONLY | O_NONBLOCK);
	R(ready(r));
	R(read(r, buffer, 8));
	w = open("f", O_WRONLY);
	R(ready(r));
	R(ready(w));
	R(read(r, buffer, 8));
	R(write(w, "hello", 5));
	R(ready(r));
	r2 = open("f", O_RDONLY);
	R(read(r2, buffer, 2));
	close(w);
	R(ready(r));
	R(ready(r2));
	R(read(r, buffer, 8));
	R(read(r, buffer, 8));
	R(ready(r));
	close(r2);
	r2 = open("f", O_RDONLY | O_NONBLOCK);
	R(ready(r));
	R(ready(r2));
	w = open("f", O_WRONLY | O_NONBLOCK);
	R(ready(r2));
	close(r);
	close(r2);
	R(ready(w));
	signal(SIGPIPE, SIG_IGN);
	R(write(w, "x", 1));
	signal(SIGPIPE, SIG_DFL);
	close(w);
	w = open("f", O_RDWR);
	R(write(w, "lost", 4));
	close(w);
	r = open("f", O_RDONLY | O_NONBLOCK);
	R(read(r, buffer, 8));
	close(r);
}

static void on_signal(int n)
{
	(void)n;
}

static void waiting(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	char buffer[8];
	int fd;

	if (fork() == 0) {
		usleep(20000);
		fd = open("f", O_WRONLY);
		usleep(20000);
		write(fd, "one", 3);
		close(fd);
		fd = open("f", O_RDONLY);
		usleep(100000); /* the parent tells of its side first */
		R(read(fd, buffer, 8));
		R(read(fd, buffer, 8));
		fflush(stdout);
		_exit(0);
	}
	fd = open("f", O_RDONLY);
	R(read(fd, buffer, 8));
	R(read(fd, buffer, 8));
	close(fd);
	fd = open("f", O_WRONLY);
	R(write(fd, "two", 3));
	close(fd);
	wait(NULL);
	/* One who has come and gone counts too. */
	if (fork() == 0) {
		fd = open("f", O_WRONLY);
		write(fd, "quick", 5);
		_exit(0);
	}
	fd = open("f", O_RDONLY);
	usleep(20000);
	R(read(fd, buffer, 8));
	close(fd);
	wait(NULL);
	sigaction(SIGALRM, &sa, NULL);
	if (fork() == 0) {
		usleep(20000);
		kill(getppid(), SIGALRM);
		_exit(0);
	}
	R(open("f", O_RDONLY));
	wait(NULL);
	R(open("f", O_WRONLY | O_NONBLOCK)); /* nobody reads: the open that was broken off left nothing */
}

static void unlinking(void)
{
	int fd = open("f", O_RDWR), other;
	struct stat st;
	char buffer[8], name[64];

	R(unlink("f"));
	R(write(fd, "x", 1));
	R(read(fd, buffer, 8));
	R(fstat(fd, &st));
	R(st.st_nlink);
	sprintf(name, "/proc/self/fd/%d", fd);
	other = open(name, O_WRONLY);
	R(write(other, "y", 1));
	R(read(fd, buffer, 8));
	close(other);
	close(fd);
	R(open("f", O_RDONLY | O_NONBLOCK));
}

/* The ends of a pipe(2), opened again by name. */
static void reopened(void)
{
	char name[64], buffer[8];
	int p[2], r, w;

	pipe(p);
	sprintf(name, "/proc/self/fd/%d", p[0]);
	w = open(name, O_WRONLY);
	close(p[1]);
	R(write(w, "z", 1));
	r = open(name, O_RDONLY);
	R(read(r, buffer, 8));
	R(fcntl(r, F_GETFL));
	close(w);
	R(read(r, buffer, 8));
	R(ready(r));
	w = open(name, O_WRONLY | O_NONBLOCK);
	R(ready(r));
	close(r);
	close(p[0]);
	R(ready(w));
	close(w);
}

static void packets(void)
{
	static char big[3 * 4096 + 5];
	int p[2], unread;
	char c[16];

	R(pipe2(p, O_DIRECT | O_NONBLOCK));
	R(fcntl(p[0], F_GETFL));
	R(fcntl(p[1], F_GETFL));
	R(write(p[1], "first", 5));
	R(write(p[1], "second", 6));
	R(ioctl(p[0], FIONREAD, &unread));
	R(unread);
	R(read(p[0], c, 3)); /* the rest of the packet is gone */
	R(read(p[0], c, 16));
	R(read(p[0], c, 16));
	R(write(p[1], big, sizeof(big)));
	R(read(p[0], big, sizeof(big)));
	R(read(p[0], big, sizeof(big)));
	R(read(p[0], big, sizeof(big)));
	R(read(p[0], big, sizeof(big)));
	R(read(p[0], big, sizeof(big)));
	for (int i = 0; i < 16; i++)
		write(p[1], "p", 1);
	R(write(p[1], "p", 1));
	R(ready(p[1]));
	R(fcntl(p[1], F_SETPIPE_SZ, 4096 * 8));
	R(read(p[0], c, 16));
	R(fcntl(p[1], F_SETFL, O_NONBLOCK));
	R(write(p[1], "stream", 6));
	R(write(p[1], "more", 4));
	while ((unread = (int)read(p[0], c, 16)) > 0)
		printf(" %d", unread);
	printf("\n");
	R(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
	R(fcntl(p[1], F_GETFL));
	close(p[0]);
	close(p[1]);
}

/* Slots, not bytes, are what a pipe has a number of. */
static void slots(void)
{
	static char page[4096];
	int p[2];
	long n = 0;

	pipe2(p, O_NONBLOCK);
	while (write(p[1], page, 3000) == 3000)
		n++;
	R(n);
	R(write(p[1], page, 1));
	R(write(p[1], page, 2000));
	R(read(p[0], page, 3000));
	R(write(p[1], page, 2000));
	R(read(p[0], page, 1));
	R(ready(p[1]));
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	abi_scratch();
	making();
	unblocked();
	waiting();
	unlinking();
	reopened();
	packets();
	slots();
	return 0;
}
