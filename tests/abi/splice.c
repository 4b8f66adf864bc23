/* SPDX-License-Identifier: MIT */
/* splice(2), tee(2), vmsplice(2), sendfile(2) into pipes: what moves, what is refused, how much. */
#include "abi.h"
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char big[1 << 20];

static int unread(int fd)
{
	int n = -1;

	ioctl(fd, FIONREAD, &n);
	return n;
}

static void show(int fd, size_t max)
{
	char text[64] = "";
	ssize_t n = read(fd, text, max < 63 ? max : 63);

	printf("  %zd: %.20s\n", n, n > 0 ? text : "");
}

static void errors(void)
{
	int p[2], q[2], file = open("file", O_RDWR), append = open("file", O_RDWR | O_APPEND),
			dir = open(".", O_RDONLY);
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), e = eventfd(1, 0),
	    ep = epoll_create1(0);
	loff_t at = 0, minus = -1;

	pipe2(p, O_NONBLOCK);
	pipe2(q, O_NONBLOCK);
	R(splice(99, NULL, p[1], NULL, 0, 0));
	R(splice(99, NULL, p[1], NULL, 1, 16));
	R(splice(99, NULL, p[1], NULL, 1, 0));
	R(splice(file, NULL, 99, NULL, 1, 0));
	R(splice(p[0], NULL, p[1], NULL, 1, 0));
	R(splice(file, NULL, null, NULL, 1, 0));
	R(splice(p[1], NULL, q[1], NULL, 1, 0));
	R(splice(p[0], NULL, q[0], NULL, 1, 0));
	R(splice(p[0], &at, q[1], NULL, 1, 0));
	R(splice(p[0], NULL, q[1], &at, 1, 0));
	R(splice(p[0], NULL, q[1], NULL, 1, 0));
	R(splice(file, &minus, p[1], NULL, 1, 0));
	R(splice(file, (void *)8, p[1], NULL, 1, 0));
	R(splice(dir, NULL, p[1], NULL, 1, 0));
	R(splice(e, NULL, p[1], NULL, 8, 0));
	R(splice(ep, NULL, p[1], NULL, 8, 0));
	R(splice(zero, NULL, p[1], NULL, 100, 0));
	R(unread(p[0]));
	R(splice(p[0], NULL, append, NULL, 1, 0));
	R(splice(p[0], NULL, e, NULL, 8, 0));
	R(splice(p[0], NULL, null, NULL, 60, 0));
	R(splice(p[0], NULL, zero, NULL, 60, 0));
	R(unread(p[0]));
	R(splice(p[0], NULL, file, NULL, 1, 0));
	R(tee(99, p[1], 0, 0));
	R(tee(99, p[1], 1, 16));
	R(tee(99, p[1], 1, 0));
	R(tee(p[0], file, 1, 0));
	R(tee(file, p[1], 1, 0));
	R(tee(p[0], p[1], 1, 0));
	R(tee(p[0], q[1], 1, 0));
	R(tee(p[1], q[1], 1, 0));
	R(vmsplice(file, NULL, 0, 0));
	R(vmsplice(p[1], NULL, 0, 0));
	R(vmsplice(p[1], (void *)8, 1, 0));
	R(vmsplice(p[1], NULL, 0, 16));
	R(vmsplice(99, NULL, 0, 0));
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
	close(file);
	close(append);
	close(dir);
	close(null);
	close(zero);
	close(e);
	close(ep);
}

static void files(void)
{
	int p[2], file = open("file", O_RDWR), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	loff_t at = 3;

	pipe2(p, O_NONBLOCK);
	R(splice(file, NULL, p[1], NULL, 4, 0));
	R(lseek(file, 0, SEEK_CUR));
	R(splice(file, &at, p[1], NULL, 100, 0));
	R(at);
	R(lseek(file, 0, SEEK_CUR));
	R(splice(file, &at, p[1], NULL, 100, 0));
	R(unread(p[0]));
	R(splice(p[0], NULL, out, NULL, 5, 0));
	at = 20;
	R(splice(p[0], NULL, out, &at, 100, 0));
	R(at);
	abi_show_file("out");
	R(lseek(out, 0, SEEK_CUR));
	/* What is written to the file afterwards does not matter: the bytes were copied when they were all read. */
	ftruncate(file, 0);
	pwrite(file, big, sizeof(big), 0);
	lseek(file, 0, SEEK_SET);
	R(splice(file, NULL, p[1], NULL, sizeof(big), 0));
	R(splice(file, NULL, p[1], NULL, sizeof(big), 0));
	R(splice(p[0], NULL, out, NULL, sizeof(big), 0));
	at = 100;
	R(splice(file, &at, p[1], NULL, sizeof(big), 0));
	R(splice(p[0], NULL, out, NULL, 5000, 0));
	R(unread(p[0]));
	R(sendfile(p[1], file, NULL, 1));
	R(unread(p[0]));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	R(splice(file, NULL, p[1], NULL, 1, 0));
	R(vmsplice(p[1], &(struct iovec){big, 1}, 1, 0));
	signal(SIGPIPE, SIG_DFL);
	close(p[1]);
	pipe(p);
	write(p[1], "end", 3);
	close(p[1]);
	R(splice(p[0], NULL, out, NULL, 10, 0));
	R(splice(p[0], NULL, out, NULL, 10, 0));
	close(p[0]);
	close(file);
	close(out);
}

static void pipes(void)
{
	int p[2], q[2];

	pipe2(p, O_NONBLOCK);
	pipe2(q, O_NONBLOCK);
	write(p[1], "hello ", 6);
	write(p[1], "world", 5);
	R(tee(p[0], q[1], 100, 0));
	R(unread(p[0]));
	R(unread(q[0]));
	R(tee(p[0], q[1], 3, 0));
	write(q[1], "!", 1);
	write(p[1], "?", 1);
	show(q[0], 60);
	show(p[0], 2);
	R(splice(p[0], NULL, q[1], NULL, 4, 0));
	R(splice(p[0], NULL, q[1], NULL, 100, 0));
	R(splice(p[0], NULL, q[1], NULL, 100, 0));
	write(q[1], "+", 1);
	show(q[0], 60);
	fcntl(q[1], F_SETPIPE_SZ, 4096);
	write(p[1], big, 10000);
	R(splice(p[0], NULL, q[1], NULL, 10000, 0));
	R(splice(p[0], NULL, q[1], NULL, 10000, 0));
	R(tee(p[0], q[1], 10000, 0));
	R(unread(p[0]));
	close(p[1]);
	while (read(q[0], big, sizeof(big)) > 0)
		;
	R(splice(p[0], NULL, q[1], NULL, 100000, 0));
	while (read(p[0], big, sizeof(big)) > 0)
		;
	R(splice(p[0], NULL, q[1], NULL, 100000, 0));
	R(tee(p[0], q[1], 10000, 0));
	close(p[0]);
	close(q[0]);
	close(q[1]);
}

static void memory(void)
{
	static char page[3 * 4096] __attribute__((aligned(4096)));
	struct iovec v[3] = {{page, 10}, {page + 4090, 20}, {NULL, 0}};
	int p[2];

	memset(page, 'a', sizeof(page));
	pipe2(p, O_NONBLOCK);
	R(vmsplice(p[1], v, 3, 0));
	R(unread(p[0]));
	v[0].iov_len = v[1].iov_len = 5;
	R(vmsplice(p[0], v, 2, SPLICE_F_NONBLOCK));
	R(unread(p[0]));
	v[0] = (struct iovec){big, sizeof(big)};
	R(vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK) > 40000);
	R(vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK));
	while (read(p[0], big, sizeof(big)) > 0)
		;
	R(vmsplice(p[0], v, 1, SPLICE_F_NONBLOCK));
	v[0] = (struct iovec){(void *)8, 5};
	R(vmsplice(p[1], v, 1, 0));
	close(p[0]);
	close(p[1]);
}

static void waits(void)
{
	int p[2], q[2];

	pipe(p);
	pipe(q);
	if (fork() == 0) {
		usleep(20000);
		write(p[1], "later", 5);
		_exit(0);
	}
	R(splice(p[0], NULL, q[1], NULL, 100, 0));
	show(q[0], 60);
	wait(NULL);
	R(splice(p[0], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK));
	if (fork() == 0) {
		usleep(20000);
		write(p[1], "again", 5);
		_exit(0);
	}
	R(tee(p[0], q[1], 100, 0));
	show(q[0], 60);
	show(p[0], 60);
	wait(NULL);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	abi_scratch();
	abi_write_file("file", "0123456789");
	errors();
	files();
	pipes();
	memory();
	waits();
	return 0;
}
