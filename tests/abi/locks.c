/* SPDX-License-Identifier: MIT */
/* Locks on files: record locks of the process and of open file descriptions, flock(2). */
#include "abi.h"
#include <sys/file.h>

static void show(const char *what, const struct flock *l)
{
	printf("%s: type %d whence %d start %ld len %ld\n", what, l->l_type, l->l_whence, (long)l->l_start,
	       (long)l->l_len);
}

static struct flock lock(short type, short whence, long start, long len)
{
	return (struct flock){.l_type = type, .l_whence = whence, .l_start = start, .l_len = len};
}

#define LOCK(fd, cmd, ...)                          \
	({                                          \
		struct flock l = lock(__VA_ARGS__); \
		printf(#__VA_ARGS__ " ");           \
		R(fcntl(fd, cmd, &l));              \
		show(#cmd, &l);                     \
	})

static void descriptions(int a, int b)
{
	LOCK(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 10, 10);
	LOCK(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 15, 1);
	LOCK(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 19, 1);
	LOCK(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 20, 1);
	LOCK(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 10);
	LOCK(b, F_OFD_GETLK, F_RDLCK, SEEK_SET, 0, 0);
	LOCK(a, F_OFD_GETLK, F_UNLCK, SEEK_SET, 0, 0);
	LOCK(b, F_OFD_GETLK, F_UNLCK, SEEK_SET, 10, 9);
	LOCK(a, F_GETLK, F_UNLCK, SEEK_SET, 0, 0);
	LOCK(a, F_OFD_GETLK, F_RDLCK, SEEK_SET, 0, 0);
	LOCK(a, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 5);
	/* In the middle: what was one lock becomes three. */
	LOCK(a, F_OFD_SETLK, F_RDLCK, SEEK_SET, 12, 3);
	LOCK(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 13, 1);
	LOCK(b, F_OFD_GETLK, F_RDLCK, SEEK_SET, 12, 2);
	LOCK(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 15, 100);
	LOCK(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 12, 3);
	LOCK(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 12, 3);
	LOCK(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 11, 3);
	LOCK(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0);
	LOCK(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 0);
	LOCK(a, F_OFD_GETLK, F_RDLCK, SEEK_SET, 5, 0);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, 5, 0);
	LOCK(b, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0);
	LOCK(a, F_OFD_GETLK, F_RDLCK, SEEK_SET, 5, 0);
}

static void process(int a, int b)
{
	int c;

	LOCK(a, F_SETLK, F_WRLCK, SEEK_SET, 0, 10);
	LOCK(b, F_SETLK, F_WRLCK, SEEK_SET, 5, 10);
	LOCK(b, F_GETLK, F_WRLCK, SEEK_SET, 0, 0);
	LOCK(b, F_OFD_GETLK, F_RDLCK, SEEK_SET, 0, 0);
	LOCK(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 0);
	c = open("file", O_RDONLY);
	close(c); /* any close gives up the process's locks */
	LOCK(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0);
}

static void errors(int a)
{
	int reader = open("file", O_RDONLY), writer = open("file", O_WRONLY);

	LOCK(reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 0);
	LOCK(reader, F_SETLK, F_RDLCK, SEEK_SET, 0, 0);
	LOCK(writer, F_SETLK, F_RDLCK, SEEK_SET, 0, 0);
	LOCK(a, F_SETLK, 9, SEEK_SET, 0, 0);
	LOCK(a, F_SETLK, F_RDLCK, 9, 0, 0);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, -1, 0);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, 5, -5);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, 5, -6);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_END, 0, 1);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_CUR, -3, 1);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, LONG_MAX, 1);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, LONG_MAX, 2);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, LONG_MAX - 1, 1);
	LOCK(a, F_SETLK, F_RDLCK, SEEK_SET, LONG_MAX - 1, 2);
	LOCK(a, F_GETLK, F_UNLCK, SEEK_SET, 0, 0);
	R(fcntl(a, F_SETLK, (void *)8));
	R(fcntl(99, F_SETLK, NULL));
	close(reader);
	close(writer);
}

static void whole(int a, int b)
{
	int c;

	R(flock(a, LOCK_SH));
	R(flock(b, LOCK_SH));
	R(flock(a, LOCK_EX | LOCK_NB));
	R(flock(b, LOCK_EX | LOCK_NB)); /* a's attempt to change lost a's lock */
	R(flock(a, LOCK_SH | LOCK_NB));
	R(flock(b, LOCK_UN));
	R(flock(a, LOCK_EX | LOCK_NB));
	c = dup(a);
	R(flock(c, LOCK_EX | LOCK_NB));
	R(close(c));
	R(flock(b, LOCK_SH | LOCK_NB));
	R(flock(a, LOCK_UN));
	R(flock(b, LOCK_EX | LOCK_NB));
	R(flock(a, 0));
	R(flock(a, LOCK_NB));
	R(flock(99, LOCK_SH));
}

int main(void)
{
	int a, b;

	abi_scratch();
	abi_write_file("file", "0123456789");
	a = open("file", O_RDWR);
	b = open("file", O_RDWR);
	descriptions(a, b);
	process(a, b);
	errors(a);
	close(a);
	close(b);
	a = open("file", O_RDONLY);
	b = open("file", O_WRONLY);
	whole(a, b);
	return 0;
}
