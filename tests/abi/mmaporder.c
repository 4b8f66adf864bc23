/* SPDX-License-Identifier: MIT */
/* mmap(2) with several mistakes at once: which of them is told; and flags that only MAP_SHARED_VALIDATE looks at. */
#include "abi.h"
#include <stdbool.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MAP_DROPPABLE 8
#define MAP_ABOVE4G   0x80

static const struct {
	const char *name;
	int flags;
} extras[] = {
	{"plain", 0},
	{"fixed", MAP_FIXED},
	{"noreplace", MAP_FIXED_NOREPLACE},
	{"growsdown", MAP_GROWSDOWN},
	{"locked", MAP_LOCKED},
	{"stack", MAP_STACK},
	{"above4g", MAP_ABOVE4G},
	{"bit 9", 0x200},
	{"bit 24", 1 << 24},
	{"size 2M", 21 << 26},
	{"bad size", MAP_HUGETLB | 16 << 26},
};
static const struct {
	const char *name;
	int flags;
} types[] = {
	{"none", 0},
	{"shared", MAP_SHARED},
	{"private", MAP_PRIVATE},
	{"validate", MAP_SHARED_VALIDATE},
	{"4", 4},
	{"droppable", MAP_DROPPABLE},
};
static const struct {
	size_t length;
	off_t offset;
} places[] = {{PAGE, 0},    {0, 0}, {-1ul, 0}, {1ul << 47, 0}, {PAGE, 1}, {PAGE, 0x7ffffffffffff000},
	      {PAGE, -4096}};
static const char *const names[] = {"anonymous", "closed", "read-only", "write-only", "both", "path", "null"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One line: every place in turn. */
static void show(size_t type, size_t extra, size_t file, int fd)
{
	int flags = types[type].flags | extras[extra].flags | (file == 0 ? MAP_ANONYMOUS : 0);
	int at = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

	printf("%s %s %s:", types[type].name, extras[extra].name, names[file]);
	for (size_t i = 0; i < COUNT(places); i++) {
		void *hint = at ? (void *)0x200000000000 : NULL;
		void *p = mmap(hint, places[i].length, PROT_READ | PROT_WRITE, flags, fd, places[i].offset);

		printf(" %s", p == MAP_FAILED ? abi_error(errno) : "ok");
		if (p != MAP_FAILED)
			munmap(p, places[i].length);
	}
	printf("\n");
}

static void above(void)
{
	/* A hint below is still taken. */
	char *p = mmap((void *)0x50000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_ABOVE4G, -1, 0);

	HOLDS(p == (char *)0x50000000);
	p = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_ABOVE4G, -1, 0);
	HOLDS(p != MAP_FAILED && (uintptr_t)p >= 1ul << 32);
}

/* A stack of a thread gets no huge pages, and so does not join what may get them. */
static void stack(void)
{
	char *p = mmap((void *)0x200000000000, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_STACK, -1, 0);
	char line[256];
	FILE *f = fopen("/proc/self/smaps", "r");
	bool found = false;

	mmap(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "2000", 4) == 0) {
			printf("%.25s\n", line);
			found = true;
		} else if (found && strncmp(line, "VmFlags:", 8) == 0) {
			printf("%s", line);
			found = false;
		}
	}
	if (f)
		fclose(f);
	munmap(p, 3 * PAGE);
}

int main(void)
{
	int fds[COUNT(names)] = {-1, 99};

	abi_scratch();
	abi_write_file("file", "hello");
	fds[2] = open("file", O_RDONLY);
	fds[3] = open("file", O_WRONLY);
	fds[4] = open("file", O_RDWR);
	fds[5] = open("file", O_PATH);
	fds[6] = open("/dev/null", O_RDWR);
	for (size_t type = 0; type < COUNT(types); type++)
		for (size_t extra = 0; extra < COUNT(extras); extra++)
			show(type, extra, 0, -1);
	for (size_t type = 0; type < COUNT(types); type++)
		for (size_t extra = 0; extra < COUNT(extras); extra++)
			for (size_t file = 1; file < COUNT(names); file++)
				show(type, extra, file, fds[file]);
	above();
	stack();
	R(mincore((void *)0x100000, PAGE, (void *)-1));
	R(mincore((void *)0x100000, 0, (void *)-1));
	R(mincore((void *)0x100000, PAGE, NULL));
	return 0;
}
