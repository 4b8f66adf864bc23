/* SPDX-License-Identifier: MIT */
/* Shared memory and files in memory: coherence between maps, calls and processes; the end of the file; holes. */
#include "mem.h"

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)
#define PUNCH	    (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int file;

static char *map(size_t page, size_t pages, int flags, size_t offset)
{
	return mmap(AT(page), pages * PAGE, RW, flags | MAP_FIXED, file, (off_t)(offset * PAGE));
}

static void clear(size_t pages)
{
	munmap(arena, ARENA_PAGES * PAGE);
	ftruncate(file, 0);
	ftruncate(file, (off_t)(pages * PAGE));
}

static int file_byte(off_t at)
{
	unsigned char byte = 0;

	return pread(file, &byte, 1, at) == 1 ? byte : -1;
}

static void coherence(void)
{
	char *a, *b, *c;

	clear(4);
	a = map(0, 4, MAP_SHARED, 0);
	b = map(8, 4, MAP_SHARED, 0);
	c = map(16, 4, MAP_PRIVATE, 0);
	PUT(a, 1);
	LOOK(b);
	LOOK(c);
	PUT(b + 5, 2);
	LOOK(a + 5);
	LOOK(c + 5);
	PUT(c, 3);
	LOOK(a);
	PUT(a + 5, 4);
	LOOK(c + 5);
	R(file_byte(5));
	R(pwrite(file, "xyz", 3, PAGE - 1));
	LOOK(a + PAGE);
	LOOK(b + PAGE - 1);
	LOOK(c + PAGE - 1);
	LOOK(c + PAGE);
	/* A map may be the buffer of a call on the same file. */
	R(pwrite(file, a, PAGE, PAGE));
	LOOK(b + PAGE + 5);
	R(pread(file, a + 2 * PAGE, PAGE, PAGE));
	LOOK(b + 2 * PAGE + 5);
	R(file_byte(2 * PAGE + 5));
}

static void end_of_file(void)
{
	char *a, *c;

	clear(2);
	R(ftruncate(file, PAGE + 100));
	a = map(0, 4, MAP_SHARED, 0);
	c = map(8, 4, MAP_PRIVATE, 0);
	PUT(a + PAGE + 99, 9);
	PUT(a + PAGE + 100, 8);
	LOOK(a + 2 * PAGE + 7);
	PUT(a + 3 * PAGE, 1);
	LOOK(c + 2 * PAGE);
	PUT(c + 2 * PAGE + 3, 1);
	R(pread(file, a + 2 * PAGE, 10, 0));
	R(pwrite(file, a + 2 * PAGE, 10, 0));
	/* Longer again: the rest of the old last page reads as zero in the file. */
	R(ftruncate(file, 3 * PAGE));
	R(file_byte(PAGE + 99));
	HOLDS(file_byte(PAGE + 100) == 0 || file_byte(PAGE + 100) == 8);
	LOOK(a + 2 * PAGE + 7);
	PUT(c + 2 * PAGE, 6);
	PUT(c + PAGE, 5);
	LOOK(a + 3 * PAGE);
	/* Shorter: the pages go away from both maps, also those that were copied. */
	R(ftruncate(file, PAGE));
	SHOW(a, 4);
	SHOW(c, 4);
	R(ftruncate(file, 4 * PAGE));
	SHOW(a, 4);
	SHOW(c, 4);
	R(mprotect(a, PAGE, PROT_NONE));
	LOOK(a);
	R(ftruncate(file, 0));
	LOOK(a);
	LOOK(a + PAGE);
	R(ftruncate(file, 1));
	LOOK(a + PAGE);
	LOOK(c);
	PUT(c + 100, 4);
	R(ftruncate(file, 0));
	LOOK(c);
}

static void holes(void)
{
	char *a, *b, *c;

	clear(6);
	a = map(0, 6, MAP_SHARED, 0);
	b = map(8, 6, MAP_SHARED, 0);
	c = map(16, 6, MAP_PRIVATE, 0);
	mem_fill(a, 6, 1);
	mem_fill(c, 2, 101);
	LOOK(c + 2 * PAGE);
	R(fallocate(file, PUNCH, PAGE, 2 * PAGE));
	SHOW(a, 6);
	SHOW(b, 6);
	SHOW(c, 6);
	R(fallocate(file, PUNCH, 3 * PAGE + 100, PAGE));
	SHOW(a, 6);
	R(madvise(b + 4 * PAGE, PAGE, MADV_REMOVE));
	SHOW(a, 6);
	SHOW(c, 6);
	R(file_byte(4 * PAGE));
	R(lseek(file, 0, SEEK_HOLE));
	R(lseek(file, PAGE, SEEK_DATA));
	R(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, PAGE));
	R(fallocate(file, PUNCH, 0, 0));
	R(fallocate(file, PUNCH, -1, PAGE));
	R(fallocate(file, PUNCH, 100 * PAGE, PAGE));
	PUT(a + PAGE, 44);
	SHOW(b, 6);
	SHOW(c, 6);
}

static void processes(void)
{
	char *a, *s, *c;

	clear(4);
	a = map(0, 4, MAP_SHARED, 0);
	c = map(16, 4, MAP_PRIVATE, 0);
	s = mmap(AT(8), 4 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	mem_fill(a, 2, 1);
	mem_fill(s, 2, 11);
	LOOK(c);
	IN_CHILD({
		SHOW(a, 4);
		SHOW(s, 4);
		PUT(a + 3 * PAGE, 3);
		PUT(s + PAGE, 33);
		PUT(s + 2 * PAGE, 34);
		PUT(a, 35);
		SHOW(c, 4);
		R(ftruncate(file, 3 * PAGE));
		IN_CHILD({
			PUT(s + 3 * PAGE, 36);
			R(munmap(s, 4 * PAGE));
		});
	});
	SHOW(a, 4);
	SHOW(s, 4);
	SHOW(c, 4);
	R(file_byte(0));
	R(madvise(s, 2 * PAGE, MADV_REMOVE));
	IN_CHILD({
		SHOW(s, 4);
		R(madvise(s + 2 * PAGE, 2 * PAGE, MADV_REMOVE));
	});
	SHOW(s, 4);
}

/* A file that has no name any more lives as long as a map of it. */
static void unlinked(void)
{
	int fd = open("gone", O_RDWR | O_CREAT, 0600);
	char *p = mmap(arena, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);

	R(ftruncate(fd, PAGE));
	PUT(p, 7);
	R(unlink("gone"));
	R(close(fd));
	LOOK(p);
	MAPS(arena, ARENA_PAGES);
	IN_CHILD(PUT(p, 8));
	LOOK(p);
	R(munmap(p, PAGE));
}

int main(void)
{
	abi_scratch();
	mem_catch();
	mem_arena(ARENA_PAGES);
	file = open("file", O_RDWR | O_CREAT, 0600);
	coherence();
	end_of_file();
	holes();
	unlinked();
	processes();
	return 0;
}
