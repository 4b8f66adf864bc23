/* SPDX-License-Identifier: MIT */
/* Reading, writing and seeking in a regular file; sparse files; the vector calls; sizes. */
#include "abi.h"
#include <sys/uio.h>

static char buffer[3 * PAGE];

static void seeking(int fd)
{
	R(write(fd, "0123456789", 10));
	R(lseek(fd, 0, SEEK_CUR));
	R(lseek(fd, -3, SEEK_END));
	R(read(fd, buffer, 100));
	R(read(fd, buffer, 100));
	R(lseek(fd, -1, SEEK_SET));
	R(lseek(fd, -11, SEEK_END));
	R(lseek(fd, 0, SEEK_CUR));
	R(lseek(fd, -11, SEEK_CUR));
	R(lseek(fd, 1000, SEEK_SET));
	R(read(fd, buffer, 1));
	R(lseek(fd, 0, 99));
	R(lseek(fd, 0, -1));
	R(lseek(fd, LONG_MAX, SEEK_SET));
	R(lseek(fd, 1, SEEK_CUR));
	R(lseek(fd, LONG_MIN, SEEK_SET));
	R(lseek(99, 0, SEEK_SET));
	R(lseek(-1, 0, SEEK_SET));
}

static void holes(void)
{
	int fd = R(open("sparse", O_RDWR | O_CREAT, 0644));

	R(lseek(fd, 0, SEEK_DATA));
	R(lseek(fd, 0, SEEK_HOLE));
	R(pwrite(fd, "A", 1, 5 * PAGE + 100));
	R(lseek(fd, 0, SEEK_DATA));
	R(lseek(fd, 0, SEEK_HOLE));
	R(lseek(fd, 5 * PAGE + 50, SEEK_DATA));
	R(lseek(fd, 5 * PAGE, SEEK_HOLE));
	R(lseek(fd, 5 * PAGE + 101, SEEK_DATA));
	R(lseek(fd, 5 * PAGE + 101, SEEK_HOLE));
	R(lseek(fd, -1, SEEK_DATA));
	R(pread(fd, buffer, sizeof(buffer), 3 * PAGE + 7));
	HOLDS(buffer[2 * PAGE + 100 - 7] == 'A');
	R(buffer[0] | buffer[PAGE] | buffer[2 * PAGE]);
	R(ftruncate(fd, 20 * PAGE));
	R(lseek(fd, 6 * PAGE, SEEK_DATA));
	R(lseek(fd, 6 * PAGE, SEEK_HOLE));
	R(pread(fd, buffer, 100, 20 * PAGE - 10));
	R(pread(fd, buffer, 100, 20 * PAGE));
	close(fd);
}

static void sizes(void)
{
	struct stat st;
	int fd = R(open("sized", O_RDWR | O_CREAT, 0644));

	memset(buffer, 'z', sizeof(buffer));
	R(write(fd, buffer, sizeof(buffer)));
	R(ftruncate(fd, 100));
	R(ftruncate(fd, 200));
	R(pread(fd, buffer, 200, 0));
	R(buffer[99]);
	R(buffer[100] | buffer[199]);
	R(lseek(fd, 0, SEEK_CUR));
	R(write(fd, "end", 3));
	R(fstat(fd, &st));
	R(st.st_size);
	R(ftruncate(fd, -1));
	R(ftruncate(99, 0));
	R(truncate("sized", 3));
	R(truncate("none", 3));
	R(truncate("sized", -1));
	R(truncate(".", 0));
	R(fstat(fd, &st));
	R(st.st_size);
	close(fd);
	fd = R(open("sized", O_RDONLY));
	R(ftruncate(fd, 0));
	close(fd);
}

static void positioned(int fd)
{
	R(pwrite(fd, "abc", 3, 3));
	R(pread(fd, buffer, 10, 0));
	R(memcmp(buffer, "012abc6789", 10));
	R(pread(fd, buffer, 10, 8));
	R(pread(fd, buffer, 10, 10));
	R(pread(fd, buffer, 10, -1));
	R(pwrite(fd, buffer, 10, -1));
	R(pread(fd, buffer, 0, 0));
	R(pread(99, buffer, 1, 0));
	R(read(fd, buffer, 0));
	R(write(fd, buffer, 0));
	R(read(-1, buffer, 0));
	R(read(fd, buffer, (size_t)-1));
}

static void vectors(void)
{
	char a[4], b[6], c[8];
	struct iovec out[3] = {{(char *)"one", 3}, {(char *)"", 0}, {(char *)"three", 5}};
	struct iovec in[3] = {{a, 4}, {b, 3}, {c, 8}};
	struct iovec many[1025];
	int fd = R(open("vector", O_RDWR | O_CREAT, 0644));

	R(writev(fd, out, 3));
	R(lseek(fd, 0, SEEK_SET));
	R(readv(fd, in, 3));
	R(memcmp(a, "onet", 4));
	R(memcmp(b, "hre", 3));
	R(c[0]);
	R(writev(fd, out, 0));
	R(writev(fd, out, -1));
	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){(char *)"x", 1};
	R(writev(fd, many, 1024));
	R(writev(fd, many, 1025));
	in[0].iov_len = (size_t)-1;
	R(readv(fd, in, 1));
	in[0].iov_len = 4;
	R(preadv(fd, in, 2, 1));
	R(memcmp(a, "neth", 4));
	R(pwritev(fd, out, 3, 2));
	R(preadv(fd, in, 1, -1));
	R(lseek(fd, 0, SEEK_CUR));
	R(readv(99, in, 1));
	R(syscall(SYS_preadv2, fd, in, 2, -1l, -1l, 0));
	R(lseek(fd, 0, SEEK_CUR));
	close(fd);
}

static void unlinked(void)
{
	struct stat st;
	int fd = R(open("gone", O_RDWR | O_CREAT, 0644));

	R(unlink("gone"));
	R(access("gone", F_OK));
	R(write(fd, "still here", 10));
	R(pread(fd, buffer, 10, 0));
	R(memcmp(buffer, "still here", 10));
	R(fstat(fd, &st));
	R(st.st_nlink);
	R(st.st_size);
	close(fd);
}

static void devices(void)
{
	int fd = R(open("/dev/null", O_RDWR));

	R(write(fd, buffer, sizeof(buffer)));
	R(read(fd, buffer, 10));
	R(lseek(fd, 100, SEEK_SET));
	close(fd);
	fd = R(open("/dev/zero", O_RDWR));
	memset(buffer, 1, sizeof(buffer));
	R(read(fd, buffer, sizeof(buffer)));
	R(buffer[0] | buffer[sizeof(buffer) - 1]);
	R(write(fd, buffer, 10));
	close(fd);
	fd = R(open("/dev/full", O_RDWR));
	R(write(fd, buffer, 1));
	R(read(fd, buffer, 5));
	close(fd);
	fd = R(open("/dev/urandom", O_RDONLY));
	R(read(fd, buffer, 300));
	close(fd);
}

/* A pattern of large and odd-sized writes, read back in other sizes. */
static void large(void)
{
	enum { SIZE = 1 << 20 };
	unsigned char *p = malloc(SIZE), *q = malloc(SIZE);
	int fd = R(open("large", O_RDWR | O_CREAT, 0644));
	size_t done = 0;

	for (size_t i = 0; i < SIZE; i++)
		p[i] = (unsigned char)(i * 31 + (i >> 12));
	while (done < SIZE) {
		size_t n = 12347 < SIZE - done ? 12347 : SIZE - done;

		if (write(fd, p + done, n) != (ssize_t)n)
			break;
		done += n;
	}
	R(done);
	R(lseek(fd, 0, SEEK_SET));
	for (done = 0; done < SIZE;) {
		ssize_t n = read(fd, q + done, 7919);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	R(done);
	R(memcmp(p, q, SIZE));
	close(fd);
	free(p);
	free(q);
}

int main(void)
{
	int fd;

	abi_scratch();
	fd = R(open("file", O_RDWR | O_CREAT, 0644));
	seeking(fd);
	positioned(fd);
	close(fd);
	holes();
	sizes();
	vectors();
	unlinked();
	devices();
	large();
	return 0;
}
