/* SPDX-License-Identifier: MIT */
/* MAP_DROPPABLE: private memory that may be emptied at any time; and what mmap makes of types and page sizes. */
#include "abi.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE	      4096ul
#define RW	      (PROT_READ | PROT_WRITE)
#define MAP_DROPPABLE 0x08
#define HUGE(log2)    (MAP_HUGETLB | (log2) << 26)

static char *p;

static void try(int flags, int fd, const char *what)
{
	void *at = mmap(NULL, PAGE, RW, flags, fd, 0);

	if (at != MAP_FAILED)
		munmap(at, PAGE);
	printf("%s: %s\n", what, at == MAP_FAILED ? strerror(errno) : "ok");
}

static void types(void)
{
	int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	try(MAP_ANONYMOUS | MAP_DROPPABLE | MAP_LOCKED, -1, "droppable, locked");
	try(MAP_ANONYMOUS | MAP_DROPPABLE | MAP_GROWSDOWN, -1, "droppable stack");
	try(MAP_ANONYMOUS | MAP_DROPPABLE | MAP_HUGETLB, -1, "droppable, huge");
	try(MAP_DROPPABLE, file, "droppable file");
	try(MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, "validate, anonymous");
	try(MAP_ANONYMOUS | 4, -1, "type 4");
	try(MAP_ANONYMOUS | 9, -1, "type 9");
	try(MAP_ANONYMOUS | MAP_PRIVATE | HUGE(13), -1, "pages of 8 KiB");
	try(MAP_PRIVATE | MAP_HUGETLB, file, "a file in huge pages");
}

static void show_flags(void)
{
	char line[256];
	unsigned long start = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (fgets(line, sizeof(line), f)) {
		unsigned long a, b;
		if (sscanf(line, "%lx-%lx ", &a, &b) == 2)
			start = a;
		if (start == (unsigned long)p && strncmp(line, "VmFlags", 7) == 0)
			printf("%s", line);
	}
	fclose(f);
}

/* Linux drops what nobody else looks at just now: it may take another try. */
static void page_out(void)
{
	char *all = mmap(NULL, 16 * PAGE, RW, MAP_ANONYMOUS | MAP_DROPPABLE, -1, 0);
	int tries = 0, kept = 1;

	while (kept && tries++ < 100) {
		kept = 0;
		memset(all, 'A', 16 * PAGE);
		madvise(all, 16 * PAGE, MADV_PAGEOUT);
		for (unsigned i = 0; i < 16; i++)
			kept += all[i * PAGE] == 'A';
		if (kept)
			usleep(10000);
	}
	printf("paged out: %d kept\n", kept);
	munmap(all, 16 * PAGE);
}

int main(void)
{
	page_out();
	abi_scratch();
	types();
	/* No neighbour that it could look like. */
	p = mmap(NULL, 6 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = mmap(p + PAGE, 4 * PAGE, RW, MAP_ANONYMOUS | MAP_DROPPABLE | MAP_FIXED, -1, 0);
	p[0] = 1;
	show_flags();
	R(madvise(p, PAGE, MADV_KEEPONFORK));
	R(madvise(p, PAGE, MADV_DODUMP));
	R(madvise(p, PAGE, MADV_WIPEONFORK));
	R(mlock(p, 4 * PAGE));
	show_flags();
	fflush(stdout);
	if (fork() == 0) {
		R(p[0]);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(mprotect(p, 4 * PAGE, PROT_READ));
	show_flags();
	return 0;
}
