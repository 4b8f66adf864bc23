/* SPDX-License-Identifier: MIT */
/* remap_file_pages, which Linux emulates with mappings. */
#include "mem.h"

#define ARENA_PAGES 16
#define AT(page)    (arena + (page)*PAGE)

static long remap(void *p, size_t length, int prot, size_t offset, int flags)
{
	return syscall(SYS_remap_file_pages, p, length, (long)prot, offset, (long)flags);
}

int main(void)
{
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	mem_catch();
	mem_arena(ARENA_PAGES);
	ftruncate(fd, 8 * PAGE);
	mmap(AT(0), 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mem_fill(AT(0), 8, 1);
	R(remap(AT(0), PAGE, 0, 5, 0));
	R(remap(AT(3), 2 * PAGE, 0, 0, MAP_NONBLOCK));
	SHOW(arena, 8);
	PUT(AT(3), 77);
	R(remap(AT(0), PAGE, 0, 0, 0));
	SHOW(arena, 8);
	MAPS(arena, ARENA_PAGES);
	R(remap(AT(0), PAGE, PROT_READ, 0, 0));
	R(remap(AT(0), 0, 0, 0, 0));
	R(remap(AT(0), 100, 0, 0, 0));
	R(remap(AT(0) + 5, PAGE, 0, 2, 0));
	R(remap(AT(0), PAGE, 0, -1ul, 0));
	R(remap(AT(0), 9 * PAGE, 0, 0, 0));
	R(remap(AT(10), PAGE, 0, 0, 0));
	R(mprotect(AT(7), PAGE, PROT_READ));
	R(remap(AT(6), 2 * PAGE, 0, 0, 0));
	R(remap(AT(7), PAGE, 0, 0, 0));
	LOOK(AT(7));
	PUT(AT(7), 1);
	mmap(AT(10), PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	mmap(AT(11), PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	R(remap(AT(10), PAGE, 0, 1, 0));
	R(remap(AT(11), PAGE, 0, 1, 0));
	MAPS(arena, ARENA_PAGES);
	return 0;
}
