/* SPDX-License-Identifier: MIT */
/*
 * Long calls about memory, beside a process that does nothing but count. While a call takes its time (in one
 * CPU's machine) the other must get on. What is printed does not depend on how fast either is; the longest time that the
 * counter did not run goes to standard error.
 */
#include "mem.h"
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#define LONG_NS 150000000l /* of CPU time: by then somebody else must have had a turn */
#define WIDE	(1ul << 45)

struct shared {
	volatile unsigned long count, longest_ns;
};

static struct shared *shared;

static long now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000l + t.tv_nsec;
}

static void count(void)
{
	for (long last = now_ns(CLOCK_MONOTONIC);;) {
		long now = now_ns(CLOCK_MONOTONIC);

		if ((unsigned long)(now - last) > shared->longest_ns)
			shared->longest_ns = (unsigned long)(now - last);
		last = now;
		shared->count++;
	}
}

static unsigned long count_before;
static long used_before;

static void begin_long(void)
{
	count_before = shared->count;
	shared->longest_ns = 0;
	used_before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void end_long(const char *what, long result)
{
	long used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used_before;

	printf("%s: %ld %s, the other ran: %s\n", what, result, result == -1 ? abi_error(errno) : "",
	       used < LONG_NS || shared->count > count_before ? "yes" : "no");
	fprintf(stderr, "%-24s %6ld ms, longest pause of the other %4lu ms\n", what, used / 1000000,
		shared->longest_ns / 1000000);
}

#define LONG(what, call)                     \
	do {                                 \
		long long_result;            \
		begin_long();                \
		long_result = (long)(call);  \
		end_long(what, long_result); \
	} while (0)

static long copy_self(char *p, size_t length)
{
	struct iovec local[256], remote[256];

	for (unsigned i = 0; i < 256; i++) {
		local[i] = (struct iovec){p, length};
		remote[i] = (struct iovec){p + length, length};
	}
	return process_vm_readv(getpid(), local, 256, remote, 256, 0);
}

/* One page in each of `count` places, `distance` apart. */
static void scatter(char *p, size_t distance, unsigned places)
{
	for (unsigned i = 0; i < places; i++)
		p[i * distance] = 1;
}

static long read_all(const char *name)
{
	static char text[1 << 16];
	int fd = open(name, O_RDONLY);
	long n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		;
	close(fd);
	return n;
}

static long forget(const char *what)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);
	long n = write(fd, what, 1);

	close(fd);
	return n;
}

static long fork_once(void)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	return status;
}

static void sparse(void)
{
	char *p = mmap(NULL, WIDE, RW, ANON | MAP_NORESERVE, -1, 0);
	static unsigned char vector[1 << 16];

	scatter(p, WIDE / 512, 512);
	LONG("mprotect, sparse", mprotect(p, WIDE, PROT_READ));
	LONG("mprotect back", mprotect(p, WIDE, RW));
	LONG("MADV_FREE, sparse", madvise(p, WIDE, MADV_FREE));
	LONG("MADV_COLD, sparse", madvise(p, WIDE, MADV_COLD));
	LONG("fork, sparse", fork_once());
	LONG("smaps", read_all("/proc/self/smaps"));
	LONG("clear_refs", forget("1"));
	LONG("mincore", mincore(p, sizeof(vector) * PAGE, vector));
	LONG("MADV_DONTNEED, sparse", madvise(p, WIDE, MADV_DONTNEED));
	scatter(p, WIDE / 512, 512);
	LONG("munmap, sparse", munmap(p, WIDE));
}

static void dense(void)
{
	const size_t size = 96ul << 20;
	char *p = mmap(NULL, size, RW, ANON, -1, 0), *q;

	LONG("MADV_POPULATE_WRITE", madvise(p, size, MADV_POPULATE_WRITE));
	LONG("mprotect", mprotect(p, size, PROT_READ));
	LONG("mprotect back", mprotect(p, size, RW));
	LONG("fork", fork_once());
	LONG("munmap", munmap(p, size));
	LONG("MAP_POPULATE", (p = mmap(NULL, size, RW, ANON | MAP_POPULATE, -1, 0)) != MAP_FAILED);
	LONG("process_vm_readv", copy_self(p, 1 << 20));
	LONG("mremap", (q = mremap(p, size, size * 2, MREMAP_MAYMOVE)) != MAP_FAILED);
	LONG("MADV_DONTNEED", madvise(q, size, MADV_DONTNEED));
	munmap(q, size * 2);
}

static void guards(void)
{
	const size_t size = 1ul << 30;
	char *p = mmap(NULL, size, RW, ANON | MAP_NORESERVE, -1, 0);

	LONG("MADV_GUARD_INSTALL", madvise(p, size, MADV_GUARD_INSTALL));
	LONG("MADV_GUARD_REMOVE", madvise(p, size, MADV_GUARD_REMOVE));
	LONG("munmap", munmap(p, size));
}

/* A file of 64 MiB, read and written in single calls. */
static void files(void)
{
	const size_t size = 64ul << 20;
	char *p = mmap(NULL, size, RW, ANON | MAP_NORESERVE, -1, 0);
	int fd = (int)syscall(SYS_memfd_create, "f", 0), zero = open("/dev/zero", O_RDONLY);

	LONG("fallocate", fallocate(fd, 0, 0, (off_t)size));
	LONG("write", write(fd, p, size));
	munmap(p, size);
	p = mmap(NULL, size, RW, MAP_SHARED, fd, 0);
	LONG("/dev/zero", read(zero, p, size));
	LONG("ftruncate", ftruncate(fd, 0));
	munmap(p, size);
	close(fd);
	close(zero);
}

int main(void)
{
	pid_t child;

	shared = mmap(NULL, PAGE, RW, SHANON, -1, 0);
	child = fork();
	if (child == 0)
		count();
	while (!shared->count)
		usleep(1000);
	sparse();
	dense();
	guards();
	files();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
