/* SPDX-License-Identifier: MIT */
/* How much a read of a file of /proc that has many records gives: whole ones, about a page, whatever is asked for. */
#include "abi.h"
#include <fcntl.h>
#include <sys/mman.h>

#define MAPPINGS 200

static char buffer[1 << 18];

static void read_all(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY), whole = 1, full = 1, small = 1;
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd, buffer + got, size)) > 0) {
		got += (size_t)n;
		whole &= buffer[got - 1] == '\n';
		small &= n <= 4096;
		full &= (size_t)n == size;
	}
	close(fd);
	printf("%s by %zu: end %zd, whole records %d, at most a page %d, each as asked %d, in one %d\n", path,
	       size, n, whole, small, full, got < 2 * size);
}

/* The same bytes whichever way they are read. */
static void pieces(const char *path)
{
	static char other[sizeof(buffer)];
	int fd = open(path, O_RDONLY);
	size_t all = 0, got = 0;
	ssize_t n;

	while ((n = read(fd, buffer + all, 65536)) > 0)
		all += (size_t)n;
	close(fd);
	fd = open(path, O_RDONLY);
	while ((n = read(fd, other + got, got % 3 ? 700 : 5000)) > 0)
		got += (size_t)n;
	printf("%s: the same %d", path, all == got && memcmp(buffer, other, all) == 0);
	n = pread(fd, other, 100, (off_t)(all / 2));
	printf(", in the middle %d\n", n == 100 && memcmp(buffer + all / 2, other, 100) == 0);
	close(fd);
}

int main(void)
{
	char *p = mmap(NULL, MAPPINGS * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < MAPPINGS; i += 2)
		mprotect(p + i * 4096, 4096, PROT_NONE);
	read_all("/proc/self/maps", 4096);
	read_all("/proc/self/maps", 65536);
	read_all("/proc/self/maps", 8192);
	read_all("/proc/self/smaps", 4096);
	read_all("/proc/self/smaps", 65536);
	read_all("/proc/self/status", 4096);
	pieces("/proc/self/maps");
	return 0;
}
