/* SPDX-License-Identifier: MIT */
/* madvise: the result of every advice on each kind of memory, and the effects that can be seen; process_madvise. */
#include "mem.h"
#include <sys/uio.h>

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)

static const int advices[] = {0,  1,  2,  3,  4,  5,  8,  9,  10, 11,  14,  15,	 16,  17, 18,
			      19, 20, 21, 22, 23, 24, 26, 27, 99, 101, 102, 103, 104, -1};
#define ADVICES (sizeof(advices) / sizeof(advices[0]))
static int file;

static void advise(const char *what, char *p, size_t pages)
{
	printf("advice on %s:", what);
	for (size_t i = 0; i < ADVICES; i++)
		printf(" %d:%s", advices[i],
		       madvise(p, pages * PAGE, advices[i]) == 0 ? "ok" : abi_error(errno));
	putchar('\n');
	munmap(arena, ARENA_PAGES * PAGE);
}

/* Every advice on every kind. Those that come later see what the earlier ones left. */
static void matrix(void)
{
	mmap(arena, 4 * PAGE, RW, FIXANON, -1, 0);
	advise("anonymous", arena, 4);
	mmap(arena, 4 * PAGE, PROT_READ, FIXANON, -1, 0);
	advise("anonymous read-only", arena, 4);
	mmap(arena, 4 * PAGE, PROT_NONE, FIXANON, -1, 0);
	advise("anonymous without rights", arena, 4);
	mmap(arena, 4 * PAGE, RW, FIXANON | MAP_LOCKED, -1, 0);
	advise("anonymous locked", arena, 4);
	mmap(arena, 4 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	advise("shared anonymous", arena, 4);
	mmap(arena, 4 * PAGE, RW, SHANON | MAP_FIXED | MAP_LOCKED, -1, 0);
	advise("shared locked", arena, 4);
	mmap(arena, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	advise("shared file", arena, 4);
	mmap(arena, 4 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
	advise("shared read-only file", arena, 4);
	mmap(arena, 4 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file, 0);
	advise("private file", arena, 4);
	mmap(arena, 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	advise("past the end of the file", AT(4), 4);
	advise("nothing", arena, 4);
	mmap(arena, PAGE, RW, FIXANON, -1, 0);
	mmap(AT(2), PAGE, RW, FIXANON, -1, 0);
	advise("a hole in the middle", arena, 3);
	mmap(arena, PAGE, RW, FIXANON, -1, 0);
	mmap(AT(1), PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	advise("anonymous and a file", arena, 2);
	advise("zero pages", arena, 0);
	mmap(arena, PAGE, RW, FIXANON, -1, 0);
	advise("an odd address", arena + 1, 1);
	advise("an odd address, zero pages", arena + 1, 0);
	advise("a length that wraps", arena, 1ul << 52);
	advise("a kernel address", (char *)-PAGE, 1);
	advise("past user memory", (char *)0x7ffffffff000, 1);
}

static void dontneed(void)
{
	char *p = mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, 8, 1);
	R(madvise(AT(2), PAGE + 1, MADV_DONTNEED));
	SHOW(p, 8);
	R(mlock(AT(5), PAGE));
	R(madvise(p, 8 * PAGE, MADV_DONTNEED));
	SHOW(p, 8);
	R(madvise(p, 8 * PAGE, MADV_DONTNEED_LOCKED));
	SHOW(p, 8);
	munmap(p, 8 * PAGE);
	mmap(p, 4 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file, 0);
	mem_fill(p, 4, 1);
	R(madvise(p, 2 * PAGE, MADV_DONTNEED));
	SHOW(p, 4);
	munmap(p, 4 * PAGE);
	mmap(p, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	mem_fill(p, 4, 1);
	R(madvise(p, 2 * PAGE, MADV_DONTNEED));
	SHOW(p, 4);
	munmap(p, 4 * PAGE);
	/* The mappings before a hole are still done. */
	mmap(p, 3 * PAGE, RW, FIXANON, -1, 0);
	mem_fill(p, 3, 1);
	R(munmap(AT(1), PAGE));
	R(madvise(p, 3 * PAGE, MADV_DONTNEED));
	SHOW(p, 3);
	munmap(p, 3 * PAGE);
}

/* What was written after MADV_FREE stays; the rest holds the old bytes or zero. */
static void lazy_free(void)
{
	char *p = mmap(arena, 4 * PAGE, RW, FIXANON, -1, 0);

	memset(p, 7, 4 * PAGE);
	R(madvise(p, 4 * PAGE, MADV_FREE));
	PUT(AT(1), 9);
	LOOK(AT(1));
	HOLDS(p[0] == 0 || p[0] == 7);
	HOLDS(p[PAGE + 1] == 0 || p[PAGE + 1] == 7);
	R(madvise(p, 4 * PAGE, MADV_DONTNEED));
	SHOW(p, 4);
	munmap(p, 4 * PAGE);
}

static void remove_pages(void)
{
	char *p = mmap(arena, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0), byte = 1;

	mem_fill(p, 4, 1);
	R(madvise(AT(1), 2 * PAGE, MADV_REMOVE));
	SHOW(p, 4);
	R(pread(file, &byte, 1, PAGE));
	R(byte);
	munmap(p, 4 * PAGE);
	mmap(p, 4 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	mem_fill(p, 4, 1);
	R(madvise(p, 2 * PAGE, MADV_REMOVE));
	SHOW(p, 4);
	R(mprotect(p, 4 * PAGE, PROT_READ));
	R(madvise(p, 4 * PAGE, MADV_REMOVE));
	SHOW(p, 4);
	munmap(p, 4 * PAGE);
}

static void over_fork(void)
{
	char *p = mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, 8, 1);
	R(madvise(AT(1), 2 * PAGE, MADV_DONTFORK));
	R(madvise(AT(5), 2 * PAGE, MADV_WIPEONFORK));
	MAPS(arena, ARENA_PAGES);
	IN_CHILD({
		SHOW(p, 8);
		MAPS(arena, ARENA_PAGES);
		IN_CHILD({
			PUT(p + 5 * PAGE, 5);
			IN_CHILD(SHOW(p, 8));
		});
	});
	R(madvise(p, 8 * PAGE, MADV_DOFORK));
	R(madvise(p, 8 * PAGE, MADV_KEEPONFORK));
	MAPS(arena, ARENA_PAGES);
	IN_CHILD(SHOW(p, 8));
	munmap(p, 8 * PAGE);
	mmap(p, 2 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	R(madvise(p, PAGE, MADV_DONTFORK));
	IN_CHILD(SHOW(p, 2));
	R(madvise(p, PAGE, MADV_WIPEONFORK));
	munmap(p, 2 * PAGE);
}

static void populate(void)
{
	char *p = mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);

	R(madvise(p, 2 * PAGE, MADV_POPULATE_READ));
	R(madvise(AT(4), 2 * PAGE, MADV_POPULATE_WRITE));
	CORE(p, 8);
	SHOW(p, 8);
	R(mprotect(p, PAGE, PROT_READ));
	R(mprotect(AT(1), PAGE, PROT_NONE));
	R(madvise(p, PAGE, MADV_POPULATE_WRITE));
	R(madvise(p, PAGE, MADV_POPULATE_READ));
	R(madvise(AT(1), PAGE, MADV_POPULATE_READ));
	R(madvise(p, 8 * PAGE, MADV_POPULATE_READ));
	R(munmap(AT(6), PAGE));
	R(madvise(AT(5), 3 * PAGE, MADV_POPULATE_READ));
	munmap(p, 8 * PAGE);
	mmap(p, 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file, 0);
	R(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
	R(madvise(p, 5 * PAGE, MADV_POPULATE_WRITE));
	R(madvise(p, 5 * PAGE, MADV_POPULATE_READ));
	R(madvise(p, 5 * PAGE, MADV_WILLNEED));
	munmap(p, 8 * PAGE);
}

static void guards(void)
{
	char *p = mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, 8, 1);
	R(madvise(AT(2), 2 * PAGE, MADV_GUARD_INSTALL));
	SHOW(p, 8);
	LOOK(AT(2) + 5);
	PUT(AT(3), 1);
	CORE(p, 8);
	MAPS(arena, ARENA_PAGES);
	R(madvise(p, 8 * PAGE, MADV_DONTNEED));
	SHOW(p, 8);
	R(madvise(AT(2), 2 * PAGE, MADV_POPULATE_READ));
	R(madvise(AT(2), PAGE, MADV_POPULATE_WRITE));
	R(mlock(AT(2), PAGE));
	R(munlock(AT(2), PAGE));
	R(pread(file, AT(2), 1, 0));
	R(mprotect(AT(2), PAGE, PROT_READ));
	R(mprotect(AT(2), PAGE, RW));
	LOOK(AT(2));
	IN_CHILD(SHOW(p, 8));
	W(mremap(AT(1), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(20)));
	SHOW(AT(20), 3);
	R(madvise(AT(20), 3 * PAGE, MADV_GUARD_REMOVE));
	SHOW(AT(20), 3);
	R(madvise(AT(20), PAGE, MADV_GUARD_INSTALL));
	mmap(AT(20), PAGE, RW, FIXANON, -1, 0);
	SHOW(AT(20), 3);
	munmap(arena, ARENA_PAGES * PAGE);
	mmap(p, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	R(madvise(p, PAGE, MADV_GUARD_INSTALL));
	SHOW(p, 4);
	R(madvise(p, PAGE, MADV_GUARD_REMOVE));
	HOLDS(mem_touch(p, -1) >= 0);
	munmap(p, 4 * PAGE);
}

/* Advice that only names a wish: it must not change a byte, and shows as split mappings. */
static void wishes(void)
{
	static const int wish[] = {MADV_RANDOM,	  MADV_SEQUENTIAL, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
				   MADV_DONTDUMP, MADV_COLD,	   MADV_PAGEOUT,  MADV_MERGEABLE};
	char *p = mmap(arena, 6 * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, 6, 1);
	for (size_t i = 0; i < sizeof(wish) / sizeof(wish[0]); i++) {
		printf("wish %d\n", wish[i]);
		R(madvise(AT(2), 2 * PAGE, wish[i]));
		SHOW(p, 6);
		MAPS(arena, ARENA_PAGES);
	}
	R(madvise(p, 6 * PAGE, MADV_NORMAL));
	R(madvise(p, 6 * PAGE, MADV_NOHUGEPAGE));
	R(madvise(p, 6 * PAGE, MADV_DODUMP));
	R(madvise(p, 6 * PAGE, MADV_UNMERGEABLE));
	MAPS(arena, ARENA_PAGES);
	R(madvise(p, 6 * PAGE, MADV_COLLAPSE));
	munmap(p, 6 * PAGE);
}

/* A whole aligned huge page: collapsing it keeps every byte. */
static void collapse(void)
{
	size_t size = 2ul << 20;
	char *p = mmap((char *)0x100000400000, size, RW, FIXANON, -1, 0);
	int wrong = 0;

	for (size_t i = 0; i < size; i += PAGE)
		memset(p + i, (int)(i / PAGE % 100), 10);
	HOLDS(madvise(p, size, MADV_COLLAPSE) == 0 || errno == EINVAL || errno == ENOMEM || errno == EAGAIN);
	for (size_t i = 0; i < size; i += PAGE)
		wrong += p[i] != (char)(i / PAGE % 100);
	R(wrong);
	R(madvise(p, size, MADV_HUGEPAGE));
	R(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	R(p[PAGE]);
	R(p[2 * PAGE]);
	R(munmap(p + 4 * PAGE, PAGE));
	R(p[5 * PAGE]);
	munmap(p, size);
}

static void of_process(void)
{
	struct iovec v[2] = {{arena, PAGE}, {arena + 2 * PAGE, 2 * PAGE}};
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	char *p = mmap(arena, 4 * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, 4, 1);
	HOLDS(self >= 0);
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_COLD, 0u));
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_WILLNEED, 0u));
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_PAGEOUT, 0u));
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_DONTNEED, 0u));
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_HUGEPAGE, 0u));
	R(syscall(SYS_process_madvise, self, v, 2ul, 104, 0u));
	SHOW(p, 4);
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_COLD, 1u));
	R(syscall(SYS_process_madvise, -1, v, 2ul, MADV_COLD, 0u));
	R(syscall(SYS_process_madvise, file, v, 2ul, MADV_COLD, 0u));
	R(syscall(SYS_process_madvise, self, NULL, 2ul, MADV_COLD, 0u));
	R(syscall(SYS_process_madvise, self, v, 0ul, MADV_COLD, 0u));
	R(syscall(SYS_process_madvise, self, v, 1025ul, MADV_COLD, 0u));
	R(munmap(AT(3), PAGE));
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_COLD, 0u));
	v[0].iov_base = AT(8);
	R(syscall(SYS_process_madvise, self, v, 2ul, MADV_COLD, 0u));
	close(self);
	munmap(arena, ARENA_PAGES * PAGE);
}

int main(void)
{
	abi_scratch();
	mem_catch();
	mem_arena(ARENA_PAGES);
	file = open("file", O_RDWR | O_CREAT, 0600);
	R(ftruncate(file, 4 * PAGE));
	matrix();
	dontneed();
	lazy_free();
	remove_pages();
	populate();
	guards();
	wishes();
	collapse();
	of_process();
	over_fork();
	return 0;
}
