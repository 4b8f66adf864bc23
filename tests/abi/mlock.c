/* SPDX-License-Identifier: MIT */
/* mlock, mlock2, munlock, mlockall, MAP_LOCKED: what becomes present, what is counted, errors, and the limit. */
#include "mem.h"
#include <sys/resource.h>

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)

static char *put(size_t page, size_t pages, int prot, int flags)
{
	return mmap(AT(page), pages * PAGE, prot, FIXANON | flags, -1, 0);
}

static void clear(void)
{
	munmap(arena, ARENA_PAGES * PAGE);
}

/* Kibibytes that /proc/self/status says are locked. */
static void locked(int line)
{
	char text[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	close(fd);
	at = strstr(text, "VmLck:");
	printf("%d: VmLck %d\n", line, at ? atoi(at + 6) : -1);
}
#define LOCKED() locked(__LINE__)

static int mlock2_(void *p, size_t length, unsigned flags)
{
	return (int)syscall(SYS_mlock2, p, length, flags);
}

static void basic(void)
{
	put(0, 8, RW, 0);
	CORE(arena, 8);
	R(mlock(AT(2), 3 * PAGE));
	CORE(arena, 8);
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	R(mlock(AT(3), PAGE));
	R(mlock(AT(5) + 100, 1));
	CORE(arena, 8);
	LOCKED();
	R(munlock(AT(3), PAGE));
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	CORE(arena, 8);
	R(munlock(arena, 8 * PAGE));
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	clear();
	LOCKED();
}

static void on_fault(void)
{
	put(0, 8, RW, 0);
	R(mlock2_(AT(1), 4 * PAGE, MLOCK_ONFAULT));
	CORE(arena, 8);
	LOCKED();
	PUT(AT(2), 1);
	CORE(arena, 8);
	R(mlock2_(AT(4), 2 * PAGE, 0));
	CORE(arena, 8);
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	R(mlock2_(arena, 8 * PAGE, MLOCK_ONFAULT));
	MAPS(arena, ARENA_PAGES);
	CORE(arena, 8);
	R(mlock2_(arena, PAGE, 2));
	R(mlock2_(arena, PAGE, -1u));
	R(mlock2_(arena, PAGE, 3));
	R(munlock(arena, 8 * PAGE));
	clear();
}

static void errors(void)
{
	put(0, 4, RW, 0);
	put(5, 2, RW, 0);
	put(7, 2, PROT_NONE, 0);
	R(mlock(arena, 0));
	R(mlock(AT(4), 0));
	R(mlock(AT(4), PAGE));
	R(mlock(arena, 7 * PAGE));
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	R(munlock(arena, 7 * PAGE));
	LOCKED();
	R(munlock(AT(4), PAGE));
	R(munlock(AT(4), 0));
	R(mlock(AT(5), 4 * PAGE));
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	R(munlock(AT(5), 4 * PAGE));
	R(mlock(arena, -1ul));
	R(mlock(arena, -PAGE));
	R(munlock(arena, -1ul));
	R(mlock((void *)0x7ffffffff000, PAGE));
	R(mlock((void *)-PAGE, PAGE));
	R(mlock((void *)-PAGE, 2 * PAGE));
	R(mlock(arena + 1, 4 * PAGE));
	R(mlock(arena + 1, 3 * PAGE));
	LOCKED();
	R(munlock(arena, 4 * PAGE));
	clear();
}

static void mapped_locked(void)
{
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	put(0, 4, RW, MAP_LOCKED);
	CORE(arena, 4);
	LOCKED();
	R(madvise(arena, PAGE, MADV_DONTNEED));
	R(madvise(arena, PAGE, MADV_DONTNEED_LOCKED));
	CORE(arena, 4);
	R(munmap(AT(1), PAGE));
	LOCKED();
	W(mremap(AT(2), 2 * PAGE, 6 * PAGE, 0));
	CORE(AT(2), 6);
	LOCKED();
	W(mremap(AT(2), 6 * PAGE, 3 * PAGE, 0));
	LOCKED();
	W(mremap(AT(2), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(20)));
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	CORE(AT(20), 3);
	clear();
	W(put(0, 4, PROT_NONE, MAP_LOCKED));
	LOCKED();
	CORE(arena, 4);
	R(mprotect(arena, 2 * PAGE, PROT_READ));
	CORE(arena, 4);
	R(mprotect(arena, 2 * PAGE, RW));
	CORE(arena, 4);
	clear();
	R(ftruncate(fd, 2 * PAGE));
	W(mmap(arena, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED | MAP_LOCKED, fd, 0));
	CORE(arena, 4);
	LOCKED();
	R(mlock(arena, 4 * PAGE));
	R(mlock(arena, 2 * PAGE));
	close(fd);
	clear();
	W(put(0, 4, RW, MAP_LOCKED | MAP_NONBLOCK | MAP_POPULATE));
	CORE(arena, 4);
	clear();
	LOCKED();
}

static void all(void)
{
	put(0, 4, RW, 0);
	put(8, 4, PROT_READ, 0);
	R(mlockall(0));
	R(mlockall(8));
	R(mlockall(MCL_ONFAULT));
	R(mlockall(MCL_CURRENT));
	CORE(arena, 4);
	CORE(AT(8), 4);
	put(16, 4, RW, 0);
	CORE(AT(16), 4);
	R(mlockall(MCL_FUTURE));
	put(20, 4, RW, 0);
	CORE(AT(16), 8);
	MAPS(arena, ARENA_PAGES);
	R(munlockall());
	put(28, 4, RW, 0);
	CORE(AT(28), 4);
	LOCKED();
	MAPS(arena, ARENA_PAGES);
	R(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
	put(36, 4, RW, 0);
	CORE(AT(36), 4);
	CORE(AT(28), 4);
	PUT(AT(37), 3);
	CORE(AT(36), 4);
	R(mlockall(MCL_CURRENT));
	CORE(AT(36), 4);
	R(munlockall());
	LOCKED();
	clear();
}

struct cap {
	uint32_t version;
	int pid;
	uint32_t sets[6];
};

/* Without the right to lock: RLIMIT_MEMLOCK counts. */
static void limit(void)
{
	struct cap cap = {.version = 0x20080522};
	struct rlimit limit = {4 * PAGE + 100, 64 * PAGE};

	R(syscall(SYS_capget, &cap, cap.sets));
	cap.sets[0] &= ~(1u << 14);
	R(setrlimit(RLIMIT_MEMLOCK, &limit));
	R(syscall(SYS_capset, &cap, cap.sets));
	put(0, 8, RW, 0);
	R(mlock(arena, 5 * PAGE));
	R(mlock(arena, 4 * PAGE));
	R(mlock(arena, 4 * PAGE));
	R(mlock(AT(3), 2 * PAGE));
	R(mlock(AT(4), PAGE));
	LOCKED();
	R(mlockall(MCL_CURRENT));
	W(put(16, 1, RW, MAP_LOCKED));
	R(munlock(arena, 2 * PAGE));
	W(put(16, 1, RW, MAP_LOCKED));
	W(mremap(AT(16), PAGE, 3 * PAGE, 0));
	W(mremap(AT(16), PAGE, 2 * PAGE, 0));
	LOCKED();
	R(munlock(arena, 64 * PAGE));
	R(munlock(arena, 8 * PAGE));
	R(mlockall(MCL_FUTURE));
	W(put(24, 3, RW, 0));
	W(put(32, 2, RW, 0));
	HOLDS(syscall(SYS_brk, syscall(SYS_brk, 0) + (16 << 10)) == syscall(SYS_brk, 0));
	R(munlockall());
	limit.rlim_cur = 0;
	R(setrlimit(RLIMIT_MEMLOCK, &limit));
	R(mlock(arena, PAGE));
	R(mlock(AT(40), PAGE));
	R(mlockall(MCL_FUTURE));
	W(put(36, 1, RW, MAP_LOCKED));
	R(munlock(arena, PAGE));
	R(munlockall());
	clear();
}

int main(void)
{
	mem_catch();
	mem_arena(ARENA_PAGES);
	basic();
	on_fault();
	errors();
	mapped_locked();
	all();
	limit();
	return 0;
}
