/* SPDX-License-Identifier: MIT */
/* Memory that is writable and executable: asked for at once, one after the other, and by two mappings of one file. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES 4096ul

/* mov $42, %eax; ret */
static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};

static int run(void *p)
{
	int (*fn)(void);

	memcpy(&fn, &p, sizeof(fn));
	return fn();
}

static const char *how(int failed)
{
	return failed ? strerror(errno) : "done";
}

int main(void)
{
	int all = PROT_READ | PROT_WRITE | PROT_EXEC, rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC,
	    fd;
	void *p = mmap(NULL, BYTES, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

	printf("map both: %s\n", how(p == MAP_FAILED));
	p = mmap(NULL, BYTES, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("protect both: %s\n", how(mprotect(p, BYTES, all)));
	memcpy(p, code, sizeof(code));
	printf("switch: %s\n", how(mprotect(p, BYTES, rx)));
	printf("runs: %d\n", run(p));
	fd = memfd_create("code", 0);
	if (ftruncate(fd, BYTES))
		return 1;
	p = mmap(NULL, BYTES, rw, MAP_SHARED, fd, 0);
	q = mmap(NULL, BYTES, rx, MAP_SHARED, fd, 0);
	memcpy(p, code, sizeof(code));
	printf("two mappings run: %d\n", run(q));
	return 0;
}
