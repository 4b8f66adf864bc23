/* SPDX-License-Identifier: MIT */
/* RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK against mmap, brk, mremap, mprotect and the stack. */
#include "mem.h"
#include <sys/resource.h>

#define ARENA_PAGES 400
#define AT(page)    (arena + (page)*PAGE)

static struct rlimit unlimited;

/* A number of /proc/self/status in KiB. */
static unsigned long status(const char *name)
{
	static char text[4096];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *at;

	text[n < 0 ? 0 : n] = 0;
	close(fd);
	at = strstr(text, name);
	return at ? strtoul(at + strlen(name), NULL, 10) << 10 : 0;
}

static void set(int what, unsigned long bytes)
{
	struct rlimit limit = {bytes, unlimited.rlim_max};

	setrlimit(what, &limit);
}

static void unset(int what)
{
	setrlimit(what, &unlimited);
	munmap(arena, ARENA_PAGES * PAGE);
}

static long grow(long bytes)
{
	long now = syscall(SYS_brk, 0);

	return syscall(SYS_brk, now + bytes) == now + bytes ? 0 : -1;
}

static char *map(size_t page, size_t pages, int prot, int flags)
{
	return mmap(AT(page), pages * PAGE, prot, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* All mappings count, whatever they are. */
static void address_space(void)
{
	getrlimit(RLIMIT_AS, &unlimited);
	set(RLIMIT_AS, status("VmSize:") + 10 * PAGE);
	W(map(0, 11, RW, MAP_PRIVATE));
	W(map(0, 4, PROT_NONE, MAP_PRIVATE));
	W(map(4, 4, PROT_READ, MAP_SHARED));
	W(map(8, 3, RW, MAP_PRIVATE));
	W(map(8, 2, RW, MAP_PRIVATE | MAP_NORESERVE));
	W(map(20, 1, PROT_NONE, MAP_PRIVATE));
	/* In place of others, for which there is room already. */
	W(map(0, 8, RW, MAP_PRIVATE));
	W(map(0, 8, RW, MAP_PRIVATE));
	W(map(8, 8, RW, MAP_PRIVATE));
	R(grow(PAGE));
	W(mremap(AT(0), 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE));
	W(mremap(AT(0), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(30)));
	W(mremap(AT(30), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, AT(40)));
	R(mprotect(AT(2), 2 * PAGE, PROT_READ));
	R(munmap(AT(2), PAGE));
	R(grow(PAGE));
	R(grow(-(long)PAGE));
	W(map(2, 1, RW, MAP_PRIVATE));
	MAPS(arena, ARENA_PAGES);
	unset(RLIMIT_AS);
}

/* Only private writable memory counts, and what becomes so by mprotect. */
static void data(void)
{
	getrlimit(RLIMIT_DATA, &unlimited);
	set(RLIMIT_DATA, status("VmData:") + 10 * PAGE);
	W(map(0, 11, RW, MAP_PRIVATE));
	W(map(0, 100, PROT_READ, MAP_PRIVATE));
	W(map(100, 100, RW, MAP_SHARED));
	W(map(200, 8, RW, MAP_PRIVATE));
	W(map(208, 3, RW, MAP_PRIVATE | MAP_NORESERVE));
	R(mprotect(AT(0), 3 * PAGE, RW));
	R(mprotect(AT(0), 2 * PAGE, RW));
	R(mprotect(AT(2), PAGE, RW));
	R(mprotect(AT(0), 2 * PAGE, PROT_READ));
	R(mprotect(AT(2), 2 * PAGE, RW));
	R(mprotect(AT(100), 100 * PAGE, PROT_READ));
	R(mprotect(AT(100), 100 * PAGE, RW));
	R(grow(PAGE));
	W(mremap(AT(200), 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE));
	W(mremap(AT(0), PAGE, 50 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(250)));
	R(munmap(AT(200), 4 * PAGE));
	R(grow(PAGE));
	R(grow(-(long)PAGE));
	W(mremap(AT(204), 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
	W(map(300, 1, RW, MAP_PRIVATE));
	W(map(300, 1, RW, MAP_PRIVATE | MAP_GROWSDOWN));
	unset(RLIMIT_DATA);
}

static void odd(void)
{
	struct rlimit limit, old;

	R(getrlimit(RLIMIT_AS, &old));
	limit = (struct rlimit){100, 50};
	R(setrlimit(RLIMIT_AS, &limit));
	R(setrlimit(99, &old));
	R(getrlimit(99, &old));
	R(syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, NULL));
	R(syscall(SYS_prlimit64, 0, RLIMIT_AS, AT(1), NULL));
	R(syscall(SYS_prlimit64, 0x3ffffff, RLIMIT_AS, NULL, &old));
	/* Less than what there is: nothing is taken away, nothing is given. */
	limit = (struct rlimit){PAGE, old.rlim_max};
	R(setrlimit(RLIMIT_AS, &limit));
	W(map(0, 1, RW, MAP_PRIVATE));
	IN_CHILD({
		W(map(0, 1, RW, MAP_PRIVATE));
		getrlimit(RLIMIT_AS, &limit);
		R(limit.rlim_cur);
	});
	R(setrlimit(RLIMIT_AS, &old));
	W(map(0, 1, RW, MAP_PRIVATE));
}

/* A length that no machine has: refused by the accounting unless no memory is reserved for it. */
static void overcommit(void)
{
	size_t huge = 1ul << 45;
	char *p;

	W(mmap(NULL, huge, RW, ANON, -1, 0));
	W(p = mmap(NULL, huge, PROT_READ, ANON, -1, 0));
	R(mprotect(p, huge, RW));
	R(munmap(p, huge));
	W(mmap(NULL, huge, RW, SHANON, -1, 0));
	W(p = mmap(NULL, huge, RW, ANON | MAP_NORESERVE, -1, 0));
	R(munmap(p, huge));
	W(mmap(NULL, 1ul << 47, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));
}

int main(void)
{
	mem_catch();
	mem_arena(ARENA_PAGES);
	address_space();
	data();
	overcommit();
	odd();
	return 0;
}
