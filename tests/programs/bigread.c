/* SPDX-License-Identifier: MIT */
/*
 * Large reads of a file in a folder, into buffers of all kinds, while its contents are changed in all ways that there are and
 * other threads map, unmap, protect and fork. Says what is wrong; nothing on Linux, and nothing in Moat, whether the folder may
 * be written to there or not. The folder must exist and be empty, or hold files that an earlier run made and did not change.
 *
 *     bigread DIR
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define P    4096ul
#define SIZE (2ul << 20)
#define MAX  (SIZE + 16 * P)

static int fd;
static char *ref; /* what the file should hold */
static size_t ref_size;
static unsigned checks, wrong;
static volatile int stop;

static void expect(int ok, const char *what)
{
	checks++;
	if (ok)
		return;
	wrong++;
	fprintf(stderr, "%s: wrong (%s)\n", what, strerror(errno));
}

/* Opens a file and makes it, unless it is there. */
static void fresh(const char *name)
{
	if (fd > 0)
		close(fd);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		exit(3);
	ref_size = SIZE;
	for (size_t i = 0; i < SIZE; i += 8)
		memcpy(ref + i, &(uint64_t){i * 0x9e3779b97f4a7c15ull}, 8);
	if (lseek(fd, 0, SEEK_END) == 0 && pwrite(fd, ref, SIZE, 0) != (ssize_t)SIZE)
		exit(2);
}

static char *space(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Reads n bytes at `at`: as many as there are, and the right ones, nothing before or behind them changed. */
static void right(char *buf, size_t n, size_t at, const char *what)
{
	size_t want = at >= ref_size ? 0 : n < ref_size - at ? n : ref_size - at;
	char before = buf[-1], behind = buf[n];

	expect(pread(fd, buf, n, (off_t)at) == (ssize_t)want, what);
	expect(!memcmp(buf, ref + at, want) && buf[-1] == before && buf[n] == behind, what);
}

static void places(void)
{
	static const size_t n[] = {1 << 17, 300000, 1 << 20, SIZE + 5};
	static const size_t at[] = {0, 1, 4095, 65536, 1234567, SIZE - 200000, SIZE - 1, SIZE, SIZE + 9};
	char *buf = space(MAX);

	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 9; k++)
			right(buf + 16 + 1001 * k, n[i], at[k], "a large read");
	munmap(buf, MAX);
}

static void pieces(void)
{
	char *a = space(MAX), *b = malloc(SIZE);
	struct iovec v[4] = {{a + 5, 300000}, {b, 100}, {b + 100, 200000}, {a + 400000, 17}};
	size_t at = 4097;

	expect(preadv(fd, v, 4, (off_t)at) == 500117, "readv");
	for (int i = 0; i < 4; at += v[i++].iov_len)
		expect(!memcmp(v[i].iov_base, ref + at, v[i].iov_len), "readv");
	lseek(fd, 100, SEEK_SET);
	for (at = 100; at < SIZE; at += 262144)
		expect(read(fd, b, 262144) >= 200000 - 100 - 4096 || at > SIZE - 262144, "read on");
	expect(lseek(fd, 0, SEEK_CUR) == SIZE, "offset at the end");
	munmap(a, MAX);
	free(b);
}

static void change(size_t at, const char *text)
{
	memcpy(ref + at, text, strlen(text));
	expect(pwrite(fd, text, strlen(text), (off_t)at) == (ssize_t)strlen(text), "write");
}

static void changes(const char *name)
{
	char *buf = space(MAX) + P, *map;
	int more;

	fresh(name);
	change(1000000, "written");
	right(buf, SIZE, 0, "after a write");
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(map + 1900001, "mapped", 6);
	memcpy(ref + 1900001, "mapped", 6);
	right(buf + 1, SIZE, 0, "after a store");
	more = open(name, O_RDWR | O_APPEND);
	expect(write(more, "appended", 8) == 8, "append");
	memcpy(ref + SIZE, "appended", 8);
	ref_size += 8;
	right(buf + 2, SIZE + 20, 0, "after an append");
	expect(!ftruncate(more, 1300000) && !ftruncate(more, SIZE), "truncate");
	ref_size = SIZE;
	memset(ref + 1300000, 0, SIZE - 1300000);
	right(buf + 3, SIZE, 0, "after truncation");
	expect(!msync(map, SIZE, MS_SYNC) && !fsync(fd), "sync");
	right(buf + 4, SIZE, 0, "after a sync");
	expect(!memcmp(map, ref, SIZE), "the mapping");
	munmap(map, SIZE);
	close(more);
}

/* Buffers that are not ordinary memory. */
static void buffers(const char *name)
{
	const size_t n = 1 << 20;
	char *anon = space(MAX),
	     *shared = mmap(NULL, MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *map;

	fresh(name);
	right(shared + 7, n, 12345, "shared memory");
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	right(map + 8192, n, 1, "a private mapping of it");
	expect(!memcmp(map, ref, 8192) && !memcmp(map + 8192 + n, ref + 8192 + n, SIZE - n - 8192),
	       "round it");
	munmap(map, SIZE);
	madvise(anon, SIZE, MADV_HUGEPAGE);
	right(anon + P + 3, SIZE, 0, "huge pages");
	madvise(anon, MAX, MADV_FREE);
	right(anon + P, SIZE, 0, "free memory");
	madvise(anon, MAX, MADV_DONTNEED);
	right(anon + P + 1, n, 99, "no memory yet");
	mprotect(anon + 8 * P, 64 * P, PROT_READ);
	expect(pread(fd, anon + P, n, 0) == 7 * P, "as far as it is writable");
	expect(pread(fd, anon + 9 * P, n, 0) < 0 && errno == EFAULT, "not writable");
	mprotect(anon + 8 * P, 64 * P, PROT_READ | PROT_WRITE);
	munmap(anon + 128 * P, 32 * P);
	expect(pread(fd, anon + P + 100, n, 0) == 127 * P - 100, "as far as it is mapped");
	expect(!memcmp(anon + P + 100, ref, 127 * P - 100), "as far as it is mapped");
	expect(pread(fd, anon, n, SIZE + 1) == 0, "at the end");
	munmap(anon, MAX);
	munmap(shared, MAX);
}

/* Into memory that a child has too, written to before or not: each sees its own. */
static void families(void)
{
	const size_t n = 1 << 20;
	char *buf = space(MAX);
	int go[2], status, byte;
	pid_t child;

	memset(buf, 'x', 300 * P);
	if (pipe(go))
		exit(4);
	child = fork();
	if (!child) {
		close(go[1]);
		byte = (int)read(go[0], &status, 1);
		for (size_t i = 0; i < MAX; i += 61)
			if (buf[i] != (i < 300 * P ? 'x' : 0))
				_exit(1);
		right(buf + 3, n, 77777, "a child's read");
		_exit(byte);
	}
	close(go[0]);
	right(buf + 5, n, 4321, "a parent's read");
	right(buf + 270 * P, n, 4321, "a parent's read");
	close(go[1]);
	waitpid(child, &status, 0);
	expect(status == 0, "the child's memory");
	munmap(buf, MAX);
}

static char *area;

static void *disturb(void *arg)
{
	const long how = (long)arg;

	for (unsigned i = 0; !stop; i++) {
		size_t at = (i * 37 % 200 + 20) * P;

		if (how == 0) { /* a snapshot does not change */
			char *at_area = area;
			pid_t child = fork();

			if (!child) {
				static char copy[64 * P];

				memcpy(copy, at_area + 64 * P, sizeof(copy));
				for (volatile int k = 0; k < 5000; k++)
					;
				_exit(memcmp(copy, at_area + 64 * P, sizeof(copy)) != 0);
			}
			int status = 1;

			waitpid(child, &status, 0);
			expect(status == 0, "a snapshot");
		} else if (how == 1) {
			mprotect(area + at, P, PROT_READ);
			mprotect(area + at, P, PROT_READ | PROT_WRITE);
		} else if (how == 2) {
			munmap(area + at, 3 * P);
			mmap(area + at, 3 * P, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		} else {
			madvise(area + at, 5 * P, i & 1 ? MADV_DONTNEED : MADV_FREE);
		}
	}
	return NULL;
}

static void races(void)
{
	const size_t n = 256 * P;

	area = space(MAX);
	for (long how = 0; how < 4; how++) {
		pthread_t other;

		stop = 0;
		if (pthread_create(&other, NULL, disturb, (void *)how))
			exit(5);
		for (int i = 0; i < 12; i++) {
			ssize_t got = pread(fd, area + 16, n, (off_t)(i * 1000));

			expect(how ? got >= 0 || errno == EFAULT : got == (ssize_t)n, "a disturbed read");
			/* Pages that went away meanwhile hold anything; those that nobody touches what was read. */
			got = how && got > (ssize_t)(16 * P) ? (ssize_t)(16 * P) : got;
			expect(got <= 0 || !memcmp(area + 16, ref + i * 1000, (size_t)got),
			       "a disturbed read");
		}
		stop = 1;
		pthread_join(other, NULL);
		right(area + 16, n, 3, "after it all");
	}
	munmap(area, MAX);
}

static void *reader(void *arg)
{
	char *buf = space(MAX);
	int ok = 1;

	for (int i = 0; i < 2; i++)
		ok &= pread(fd, buf + 9, SIZE, 0) == (ssize_t)SIZE && !memcmp(buf + 9, ref, SIZE);
	munmap(buf, MAX);
	return ok ? arg : NULL;
}

static void readers(void)
{
	pthread_t t[3];
	void *said;

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, reader, t);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &said);
		expect(said == t, "readers");
	}
}

static void copies(const char *name)
{
	int out;
	off_t at = 0;
	char *buf = malloc(SIZE);

	unlink(name);
	out = open(name, O_RDWR | O_CREAT, 0600);
	expect(sendfile(out, fd, &at, SIZE) == (ssize_t)SIZE, "sendfile");
	expect(pread(out, buf, SIZE, 0) == (ssize_t)SIZE && !memcmp(buf, ref, SIZE), "sendfile");
	at = 0;
	expect(copy_file_range(fd, &at, out, NULL, SIZE / 2, 0) == (ssize_t)SIZE / 2, "copy_file_range");
	close(out);
	unlink(name);
	free(buf);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		return 1;
	ref = calloc(1, MAX);
	fresh("one");
	places();
	pieces();
	families();
	races();
	readers();
	changes("two");
	places();
	buffers("three");
	copies("four");
	return wrong || checks < 200;
}
