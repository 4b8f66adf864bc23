/* SPDX-License-Identifier: MIT */
/* mremap: in place, moving, to a fixed place, leaving the old pages, duplicating; its errors; ranges of several VMAs. */
#include "mem.h"
#include <sys/resource.h>

#define ARENA_PAGES 64

/* The system call itself: libraries look at some arguments. */
static char *remap(char *old, size_t old_pages, size_t new_pages, int flags, char *to)
{
	return (char *)syscall(SYS_mremap, old, old_pages * PAGE, new_pages * PAGE, flags, to);
}

static char *put(size_t page, size_t pages, int value)
{
	char *p = mmap(arena + page * PAGE, pages * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, pages, value);
	return p;
}

static void clear(void)
{
	munmap(arena, ARENA_PAGES * PAGE);
}

static void in_place(void)
{
	char *p = put(0, 4, 1);

	W(remap(p, 4, 4, 0, NULL));
	W(remap(p, 4, 2, 0, NULL));
	SHOW(p, 5);
	W(remap(p, 2, 5, 0, NULL));
	SHOW(p, 6);
	MAPS(arena, ARENA_PAGES);
	put(6, 1, 60);
	W(remap(p, 5, 6, 0, NULL));
	W(remap(p, 5, 7, 0, NULL));
	SHOW(p, 8);
	MAPS(arena, ARENA_PAGES);
	/* Growing from the middle of a mapping, and from its last pages. */
	W(remap(p, 2, 3, 0, NULL));
	W(remap(p + 5 * PAGE, 2, 3, 0, NULL));
	W(remap(p + 2 * PAGE, 1, 1, MREMAP_MAYMOVE, NULL));
	W(remap(p + 2 * PAGE, 3, 1, 0, NULL));
	SHOW(p, 9);
	MAPS(arena, ARENA_PAGES);
	clear();
}

static void lengths(void)
{
	char *p = put(0, 4, 1);

	W((char *)syscall(SYS_mremap, p, 1ul, PAGE + 1, 0, NULL));
	W((char *)syscall(SYS_mremap, p, 4 * PAGE - 5, 4 * PAGE - 1, 0, NULL));
	W((char *)syscall(SYS_mremap, p, 4 * PAGE, 3 * PAGE + 1, 0, NULL));
	W((char *)syscall(SYS_mremap, p, 4 * PAGE, 3 * PAGE, 0, NULL));
	SHOW(p, 4);
	clear();
}

static void errors(void)
{
	char *p = put(0, 4, 1);

	W(remap(p + 1, 1, 1, 0, NULL));
	W(remap(p, 1, 0, 0, NULL));
	W(remap(p, 1, 0, MREMAP_MAYMOVE, NULL));
	W(remap(p, 1, 1, 8, NULL));
	W(remap(p, 1, 1, -1, NULL));
	W(remap(p, 1, 1, MREMAP_FIXED, p + 8 * PAGE));
	W(remap(p, 1, 1, MREMAP_DONTUNMAP, NULL));
	W(remap(p, 1, 2, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, NULL));
	W(remap(p, 2, 1, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, NULL));
	W(remap(p, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PAGE + 1));
	W(remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p));
	W(remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	W(remap(p + PAGE, 3, 3, MREMAP_MAYMOVE | MREMAP_FIXED, p));
	W(remap(p, 1, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	W(remap(p + 2 * PAGE, 1, 3, MREMAP_MAYMOVE | MREMAP_FIXED, p));
	W(remap(p, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)0x7ffffffff000));
	W(remap(p, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)-PAGE));
	W(remap(p, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, NULL));
	W(remap(p, 1, 1ul << 35, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PAGE));
	W(remap(p, 4, 1ul << 36, MREMAP_MAYMOVE, NULL));
	W(remap(p, 4, 1ul << 36, 0, NULL));
	W((char *)syscall(SYS_mremap, p, PAGE, -1ul, MREMAP_MAYMOVE, NULL));
	W((char *)syscall(SYS_mremap, p, -1ul, PAGE, 0, NULL));
	W((char *)syscall(SYS_mremap, p, -PAGE, PAGE, 0, NULL));
	W(remap(p + 8 * PAGE, 1, 1, 0, NULL));
	W(remap(p + 8 * PAGE, 1, 2, MREMAP_MAYMOVE, NULL));
	W(remap(p + 8 * PAGE, 2, 1, 0, NULL));
	W(remap(p + 8 * PAGE, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PAGE));
	W(remap(p, 5, 6, MREMAP_MAYMOVE, NULL));
	W(remap(p, 5, 5, 0, NULL));
	W(remap(p, 0, 1, 0, NULL));
	W(remap(p, 0, 1, MREMAP_MAYMOVE, NULL));
	W(remap((char *)0x7ffffffff000, 1, 1, 0, NULL));
	SHOW(p, 5);
	MAPS(arena, ARENA_PAGES);
	clear();
}

static void fixed(void)
{
	char *p = put(0, 4, 1);

	put(16, 6, 100);
	W(remap(p + PAGE, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, p + 17 * PAGE));
	SHOW(p, 4);
	SHOW(p + 16 * PAGE, 6);
	MAPS(arena, ARENA_PAGES);
	/* Growing and shrinking on the way. */
	W(remap(p + 19 * PAGE, 2, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p + 30 * PAGE));
	SHOW(p + 16 * PAGE, 6);
	SHOW(p + 30 * PAGE, 5);
	W(remap(p + 30 * PAGE, 4, 1, MREMAP_MAYMOVE | MREMAP_FIXED, p + 40 * PAGE));
	SHOW(p + 30 * PAGE, 5);
	SHOW(p + 40 * PAGE, 2);
	MAPS(arena, ARENA_PAGES);
	/* A page that was never touched, a page without rights. */
	mmap(p + 44 * PAGE, 2 * PAGE, PROT_NONE, FIXANON, -1, 0);
	W(remap(p + 44 * PAGE, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, p + 50 * PAGE));
	R(mprotect(p + 50 * PAGE, 2 * PAGE, RW));
	SHOW(p + 50 * PAGE, 3);
	MAPS(arena, ARENA_PAGES);
	clear();
}

static void moving(void)
{
	char *p = put(0, 4, 1), *q;

	put(4, 1, 50);
	W(q = remap(p, 4, 9, MREMAP_MAYMOVE, NULL));
	HOLDS(q != p && q != MAP_FAILED);
	SHOW(q, 9);
	SHOW(p, 5);
	W(remap(q, 9, 9, MREMAP_MAYMOVE | MREMAP_FIXED, p + 10 * PAGE));
	SHOW(p + 10 * PAGE, 10);
	/* Nothing in the way: it stays. */
	W(remap(p + 10 * PAGE, 9, 12, MREMAP_MAYMOVE, NULL));
	SHOW(p + 10 * PAGE, 13);
	MAPS(arena, ARENA_PAGES);
	clear();
}

static void dont_unmap(void)
{
	char *p = put(0, 4, 1), *s;
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	W(remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p + 8 * PAGE));
	SHOW(p, 4);
	SHOW(p + 8 * PAGE, 4);
	PUT(p, 9);
	SHOW(p + 8 * PAGE, 4);
	MAPS(arena, ARENA_PAGES);
	W(remap(p + 9 * PAGE, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p + 20 * PAGE));
	SHOW(p + 8 * PAGE, 4);
	SHOW(p + 20 * PAGE, 2);
	MAPS(arena, ARENA_PAGES);
	R(ftruncate(fd, 4 * PAGE));
	s = mmap(p + 30 * PAGE, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mem_fill(s, 4, 70);
	W(remap(s, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p + 36 * PAGE));
	SHOW(s, 4);
	PUT(s + PAGE, 5);
	SHOW(p + 36 * PAGE, 4);
	/* The kernel chooses the place. */
	W(s = remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	SHOW(s, 4);
	R(munmap(s, 4 * PAGE));
	MAPS(arena, ARENA_PAGES);
	close(fd);
	clear();
}

static void duplicate(void)
{
	char *s = mmap(arena, 4 * PAGE, RW, SHANON | MAP_FIXED, -1, 0), *q;

	mem_fill(s, 4, 30);
	W(q = remap(s, 0, 4, MREMAP_MAYMOVE, NULL));
	SHOW(q, 4);
	PUT(q + PAGE, 77);
	SHOW(s, 4);
	R(munmap(q, 4 * PAGE));
	W(remap(s + PAGE, 0, 4, MREMAP_MAYMOVE | MREMAP_FIXED, arena + 8 * PAGE));
	SHOW(arena + 8 * PAGE, 4);
	W(remap(s, 0, 2, 0, NULL));
	W(remap(s, 0, 2, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, arena + 16 * PAGE));
	MAPS(arena, ARENA_PAGES);
	clear();
}

/* Shared memory keeps its offsets; growing past its end gives pages that bring SIGBUS. */
static void shared(void)
{
	char *s;
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	R(ftruncate(fd, 4 * PAGE));
	s = mmap(arena, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mem_fill(s, 4, 10);
	W(remap(s, 4, 6, 0, NULL));
	SHOW(s, 7);
	W(remap(s + PAGE, 2, 4, MREMAP_MAYMOVE | MREMAP_FIXED, arena + 16 * PAGE));
	SHOW(s, 7);
	SHOW(arena + 16 * PAGE, 4);
	R(ftruncate(fd, 6 * PAGE));
	SHOW(arena + 16 * PAGE, 5);
	MAPS(arena, ARENA_PAGES);
	clear();
	s = mmap(arena, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, PAGE);
	PUT(s, 99);
	W(remap(s, 2, 4, 0, NULL));
	SHOW(s, 5);
	W(remap(s, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, arena + 8 * PAGE));
	SHOW(arena + 8 * PAGE, 5);
	MAPS(arena, ARENA_PAGES);
	W((char *)mmap(arena, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, (off_t)((1ul << 51) - PAGE)));
	W(remap(arena, 1, 1ul << 51, MREMAP_MAYMOVE, NULL));
	close(fd);
	clear();
}

/* Several mappings at once: moving without a change of size is allowed, growing is not, shrinking is. */
static void several(void)
{
	char *p = put(0, 8, 1);

	R(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	W(remap(p, 8, 8, 0, NULL));
	W(remap(p, 8, 9, MREMAP_MAYMOVE, NULL));
	W(remap(p, 8, 6, 0, NULL));
	SHOW(p, 8);
	W(remap(p, 6, 6, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PAGE));
	SHOW(p, 6);
	SHOW(p + 20 * PAGE, 6);
	MAPS(arena, ARENA_PAGES);
	W(remap(p + 20 * PAGE, 6, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p + 30 * PAGE));
	W(remap(p + 20 * PAGE, 6, 6, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p + 40 * PAGE));
	SHOW(p + 20 * PAGE, 6);
	SHOW(p + 40 * PAGE, 6);
	MAPS(arena, ARENA_PAGES);
	/* With a hole between them, at the start, and at the end. */
	clear();
	put(1, 2, 1);
	put(4, 2, 11);
	W(remap(p + PAGE, 5, 5, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PAGE));
	SHOW(p, 7);
	SHOW(p + 20 * PAGE, 6);
	MAPS(arena, ARENA_PAGES);
	put(1, 2, 1);
	put(4, 2, 11);
	W(remap(p, 6, 6, MREMAP_MAYMOVE | MREMAP_FIXED, p + 20 * PAGE));
	W(remap(p + PAGE, 6, 6, MREMAP_MAYMOVE | MREMAP_FIXED, p + 40 * PAGE));
	W(remap(p + PAGE, 5, 5, MREMAP_MAYMOVE, NULL));
	W(remap(p + PAGE, 5, 5, 0, NULL));
	W(remap(p + PAGE, 5, 3, 0, NULL));
	MAPS(arena, ARENA_PAGES);
	clear();
}

static void limits(void)
{
	struct rlimit none = {4ul << 20, 4ul << 20}, old;
	char *p = put(0, 4, 1);

	getrlimit(RLIMIT_AS, &old);
	none.rlim_max = old.rlim_max;
	R(setrlimit(RLIMIT_AS, &none));
	W(remap(p, 4, 2000, MREMAP_MAYMOVE, NULL));
	W(remap(p, 4, 2000, 0, NULL));
	W(remap(p, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PAGE));
	R(setrlimit(RLIMIT_AS, &old));
	SHOW(p + 8 * PAGE, 4);
	clear();
}

int main(void)
{
	mem_catch();
	mem_arena(ARENA_PAGES);
	in_place();
	lengths();
	errors();
	fixed();
	moving();
	dont_unmap();
	duplicate();
	shared();
	several();
	limits();
	return 0;
}
