/* SPDX-License-Identifier: MIT */
/*
 * Copies that run into an unmapped page, at each byte offset.
 *
 *        |<------ page ------>|<-- hole
 *                    [buffer, k bytes | rest]
 *
 * A transfer says how many bytes went; a structure is all or nothing for the caller; what lies before the
 * buffer is never touched.
 */
#include "abi.h"
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

enum { MOST = 200 };

static char *edge; /* end of the last mapped page */
static int file;
static char pattern[2 * MOST];

/* Print `result` of each offset; runs of results equal to the offset are shown as one word. */
struct summary {
	int exact;
	int shown;
};

static void note(struct summary *s, long offset, long result)
{
	if (result == offset) {
		s->exact++;
		return;
	}
	if (result == -1)
		printf(" [%ld: %s]", offset, abi_error(errno));
	else
		printf(" [%ld: %ld]", offset, result);
	s->shown++;
}

static void finish(struct summary *s)
{
	printf(" exact %d, other %d\n", s->exact, s->shown);
}

static void reading(const char *name, int fd, long length)
{
	struct summary s = {0, 0};
	int wrong = 0;

	printf("read %s %ld:", name, length);
	for (long k = 0; k <= MOST; k++) {
		long result;

		memset(edge - PAGE, 0x7e, PAGE);
		lseek(fd, 0, SEEK_SET);
		errno = 0;
		result = read(fd, edge - k, length);
		note(&s, k < length ? k : length, result);
		for (long i = 0; i < result; i++)
			wrong += edge[i - k] != (fd == file ? pattern[i] : 0);
		for (long i = -(long)PAGE; i < -k; i++)
			wrong += edge[i] != 0x7e;
	}
	finish(&s);
	R(wrong);
}

static void writing(long length)
{
	struct summary s = {0, 0};
	static char back[PAGE];
	int wrong = 0, fd = open("out", O_RDWR | O_CREAT, 0600);

	printf("write %ld:", length);
	for (long k = 0; k <= MOST; k++) {
		long result;

		memcpy(edge - k, pattern, (size_t)k);
		ftruncate(fd, 0);
		errno = 0;
		result = pwrite(fd, edge - k, length, 0);
		note(&s, k < length ? k : length, result);
		result = result < 0 ? 0 : result;
		wrong += pread(fd, back, sizeof(back), 0) != result;
		wrong += memcmp(back, pattern, (size_t)result) != 0;
	}
	finish(&s);
	R(wrong);
	close(fd);
}

static void vectors(void)
{
	struct summary s = {0, 0};
	char first[10], last[10];
	int fd = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);

	printf("readv:");
	for (long k = 0; k <= 50; k++) {
		struct iovec v[3] = {{first, 10}, {edge - k, 60}, {last, 10}};

		errno = 0;
		note(&s, k + 10, preadv(file, v, 3, 0));
	}
	finish(&s);
	s = (struct summary){0, 0};
	printf("writev:");
	for (long k = 0; k <= 50; k++) {
		struct iovec v[3] = {{first, 10}, {edge - k, 60}, {last, 10}};

		errno = 0;
		note(&s, k + 10, pwritev(fd, v, 3, 0));
	}
	finish(&s);
	s = (struct summary){0, 0};
	printf("vector itself:");
	for (long k = 0; k <= 40; k++) {
		struct iovec v[2] = {{first, 4}, {last, 4}};

		memcpy(edge - k, v, (size_t)(k < 32 ? k : 32));
		errno = 0;
		note(&s, k, syscall(SYS_preadv, file, edge - k, 2l, 0l, 0l));
	}
	finish(&s);
	close(fd);
}

/* Structures: the last offset that fails tells the size that the kernel moves. */
static void structures(void)
{
	static const struct {
		const char *name;
		long nr;
		long first;
	} calls[] = {
		{"uname", SYS_uname, -1},	  {"fstat", SYS_fstat, 0},
		{"sysinfo", SYS_sysinfo, -1},	  {"clock_gettime", SYS_clock_gettime, CLOCK_MONOTONIC},
		{"getrlimit", SYS_getrlimit, 7},  {"getrusage", SYS_getrusage, 0},
		{"getrandom", SYS_getrandom, -2},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long fails = -1, error = 0;

		for (long k = 0; k <= 500; k++) {
			long result;

			errno = 0;
			if (calls[i].first == -1)
				result = syscall(calls[i].nr, edge - k);
			else if (calls[i].first == -2)
				result = syscall(calls[i].nr, edge - k, 20l, 0l) == 20 ? 0 : -1;
			else
				result = syscall(calls[i].nr, calls[i].first ? calls[i].first : file,
						 edge - k);
			if (calls[i].nr == SYS_getrusage)
				result = syscall(calls[i].nr, 0l, edge - k);
			if (result == -1) {
				fails = k;
				error = errno;
			}
		}
		printf("%s: last failure with %ld bytes, %s\n", calls[i].name, fails,
		       error ? abi_error((int)error) : "none");
	}
}

/* getrandom fills what it can, as read does. */
static void random_bytes(void)
{
	struct summary s = {0, 0};

	printf("getrandom 300:");
	for (long k = 0; k <= MOST; k++) {
		errno = 0;
		note(&s, k, syscall(SYS_getrandom, edge - k, 300l, 0l));
	}
	finish(&s);
}

static void names(void)
{
	char here[PATH_MAX];
	long length = syscall(SYS_getcwd, here, sizeof(here));

	R(syscall(SYS_getcwd, edge - length, 4096l) == length);
	R(syscall(SYS_getcwd, edge - length + 1, 4096l));
	R(syscall(SYS_getcwd, edge - 1, 4096l));
	R(syscall(SYS_readlink, "link", edge - 4, 100l));
	R(syscall(SYS_readlink, "link", edge - 3, 100l));
	R(syscall(SYS_readlink, "link", edge - 3, 3l));
}

int main(void)
{
	int zero;

	abi_scratch();
	edge = abi_page_before_hole() + PAGE;
	for (int i = 0; i < (int)sizeof(pattern); i++)
		pattern[i] = (char)(i * 7 + 1);
	file = open("file", O_RDWR | O_CREAT, 0600);
	R(write(file, pattern, sizeof(pattern)));
	R(symlink("file", "link"));
	zero = open("/dev/zero", O_RDONLY);
	reading("file", file, MOST);
	reading("file", file, 2 * MOST);
	reading("file", file, 64);
	reading("zero", zero, 300);
	writing(MOST);
	writing(64);
	writing(3);
	writing(6000);
	vectors();
	structures();
	random_bytes();
	names();
	return 0;
}
