/* SPDX-License-Identifier: MIT */
/*
 * What a program may do with the mappings that the kernel made for it, [vdso] and [vvar]; each try in a child. And how smaps,
 * pagemap and faults tell what lies in ordinary memory.
 */
#include "mem.h"
#include <sys/uio.h>

#define ADVICE_MAX 26
#define SLOTS	   8 /* pages of the arena */

static char *special;
static size_t special_bytes;

static void find_special(const char *name)
{
	char line[256];
	unsigned long start, end;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, name) && sscanf(line, "%lx-%lx", &start, &end) == 2) {
			special = (char *)start;
			special_bytes = end - start;
		}
	}
	if (f)
		fclose(f);
}

/* The lines of smaps from the one that starts at addr on which begin with one of the words. */
static void show_smaps(const void *addr, const char *words)
{
	char line[256], key[32], want[32];
	FILE *f = fopen("/proc/self/smaps", "r");
	int inside = 0;

	snprintf(want, sizeof(want), "%lx-", (unsigned long)addr);
	while (f && fgets(line, sizeof(line), f)) {
		if (strchr("0123456789abcdef", line[0]))
			inside = strncmp(line, want, strlen(want)) == 0;
		else if (inside && sscanf(line, "%31[^:]", key) == 1 && strstr(words, key))
			printf("  %s", line);
	}
	if (f)
		fclose(f);
}

static void advise(void)
{
	for (int advice = 0; advice < ADVICE_MAX; advice++) {
		int r = madvise(special, special_bytes, advice);

		printf("advice %d: %s\n", advice, r ? abi_error(errno) : "ok");
	}
	R(madvise(special, special_bytes, MADV_GUARD_INSTALL));
	R(madvise(special, special_bytes, MADV_GUARD_REMOVE));
}

static void look_from_outside(void)
{
	char bytes[8];
	struct iovec local = {bytes, sizeof(bytes)}, remote = {special, sizeof(bytes)};
	int fd = open("/proc/self/mem", O_RDWR);

	R(pread(fd, bytes, sizeof(bytes), (off_t)special));
	R(pwrite(fd, bytes, sizeof(bytes), (off_t)special));
	R(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	R(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
}

static void protect(void)
{
	R(mprotect(special, special_bytes, PROT_READ | PROT_WRITE));
	R(mprotect(special, special_bytes, PROT_READ | PROT_EXEC));
	R(mprotect(special, special_bytes, PROT_NONE));
	R(mprotect(special, special_bytes, PROT_READ));
}

static void move(void)
{
	void *to = mremap(special, special_bytes, special_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, arena);

	HOLDS(to == arena);
	P(mremap(to, special_bytes, special_bytes + PAGE, MREMAP_MAYMOVE));
	P(mremap(to, 0, PAGE, MREMAP_MAYMOVE));
	R(munmap(to, special_bytes));
}

static void in_child(void (*what)(void))
{
	int status;

	fflush(stdout);
	if (fork() == 0) {
		what();
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	R(status);
}

static void show_pagemap(const char *p, size_t pages)
{
	uint64_t entries[SLOTS];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	R(pread(fd, entries, pages * 8, (off_t)((uintptr_t)p / PAGE * 8)));
	for (size_t i = 0; i < pages; i++)
		printf(" %x", (unsigned)(entries[i] >> 56));
	printf("\n");
	close(fd);
}

/* Guards are no memory. */
static void guards(void)
{
	char *p = mmap(arena, SLOTS * PAGE, RW, FIXANON, -1, 0);

	p[0] = 1;
	R(madvise(p + 2 * PAGE, 2 * PAGE, MADV_GUARD_INSTALL));
	show_smaps(p, "Rss Pss Private_Clean Private_Dirty VmFlags");
	show_pagemap(p, SLOTS);
}

/* Who has a page with whom, during and after. */
static void shared_with_child(void)
{
	char *p = mmap(arena, SLOTS * PAGE, RW, FIXANON, -1, 0);
	int to_child[2], to_parent[2];
	char c;

	memset(p, 1, SLOTS * PAGE);
	if (pipe(to_child) || pipe(to_parent))
		return;
	if (fork() == 0) {
		p[0] = 2;
		write(to_parent[1], "x", 1);
		read(to_child[0], &c, 1);
		_exit(0);
	}
	read(to_parent[0], &c, 1);
	show_smaps(p, "Rss Pss Shared_Dirty Private_Dirty Private_Hugetlb");
	show_pagemap(p, SLOTS);
	write(to_child[1], "x", 1);
	wait(NULL);
	show_smaps(p, "Rss Pss Shared_Dirty Private_Dirty");
	show_pagemap(p, SLOTS);
}

/* To run code where none may be is told after what is wrong with the page. */
static void execute(void)
{
	char *p = mmap(arena, SLOTS * PAGE, RW, FIXANON, -1, 0);
	int fd = memfd_create("short", 0);

	mmap(p + 4 * PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	madvise(p + PAGE, PAGE, MADV_GUARD_INSTALL);
	for (volatile int i = 0; i < 6; i++) {
		int signal;

		mem_touching = 1;
		signal = sigsetjmp(mem_back, 1);
		if (signal == 0)
			((void (*)(void))(p + (size_t)i * PAGE))();
		printf("execute page %d: signal %d, code %d\n", i, signal, mem_code);
	}
}

/* VmPeak remembers. */
static void peak(void)
{
	char line[128];
	long now = 0, most = 0;
	FILE *f;

	munmap(mmap(NULL, 64 << 20, PROT_NONE, ANON, -1, 0), 64 << 20);
	f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "VmPeak: %ld", &most);
		sscanf(line, "VmSize: %ld", &now);
	}
	HOLDS(most >= now + (60 << 10));
}

int main(void)
{
	static const char *const names[] = {"[vdso]", "[vvar]"};

	mem_catch();
	mem_arena(SLOTS);
	for (int i = 0; i < 2; i++) {
		printf("%s\n", names[i]);
		find_special(names[i]);
		show_smaps(special, "VmFlags THPeligible");
		in_child(advise);
		in_child(look_from_outside);
		in_child(protect);
		in_child(move);
	}
	guards();
	shared_with_child();
	execute();
	peak();
	/* A range that may hold a huge page. */
	mmap((void *)0x100000200000, 4 << 20, RW, FIXANON, -1, 0);
	R(madvise((void *)0x100000200000, 4 << 20, MADV_HUGEPAGE));
	show_smaps((void *)0x100000200000, "THPeligible");
	return 0;
}
