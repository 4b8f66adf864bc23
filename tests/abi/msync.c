/* SPDX-License-Identifier: MIT */
/* msync: flags, holes, locked and odd ranges, and that what was written through a map is in the file. */
#include "mem.h"

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)

int main(void)
{
	char byte = 0;
	int fd;

	abi_scratch();
	mem_catch();
	mem_arena(ARENA_PAGES);
	fd = open("f", O_RDWR | O_CREAT, 0600);
	R(ftruncate(fd, 4 * PAGE));
	mmap(arena, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(AT(6), 2 * PAGE, RW, FIXANON, -1, 0);
	PUT(AT(1), 'x');
	R(msync(arena, 4 * PAGE, MS_SYNC));
	R(pread(fd, &byte, 1, PAGE));
	R(byte);
	R(msync(arena, 4 * PAGE, MS_ASYNC));
	R(msync(arena, 4 * PAGE, MS_INVALIDATE));
	R(msync(arena, 4 * PAGE, 0));
	R(msync(arena, 4 * PAGE, MS_SYNC | MS_ASYNC));
	R(msync(arena, 4 * PAGE, MS_SYNC | MS_INVALIDATE));
	R(msync(arena, 4 * PAGE, MS_ASYNC | MS_INVALIDATE));
	R(msync(arena, 4 * PAGE, 8));
	R(msync(arena, 4 * PAGE, -1));
	R(msync(arena + 1, PAGE, MS_SYNC));
	R(msync(arena + 1, 0, MS_SYNC));
	R(msync(arena, 0, MS_SYNC));
	R(msync(AT(20), 0, MS_SYNC));
	R(msync(AT(20), PAGE, MS_SYNC));
	R(msync(AT(20), PAGE, MS_ASYNC));
	R(msync(arena, 5 * PAGE, MS_SYNC));
	R(msync(arena, 8 * PAGE, MS_SYNC));
	R(msync(arena, 8 * PAGE, MS_ASYNC));
	R(msync(AT(6), 2 * PAGE, MS_SYNC));
	R(msync(AT(6), PAGE + 1, MS_SYNC));
	R(msync(AT(6), 2 * PAGE + 1, MS_SYNC));
	R(msync(arena, -1ul, MS_SYNC));
	R(msync(arena, -PAGE, MS_SYNC));
	R(msync((void *)-PAGE, PAGE, MS_SYNC));
	R(msync((void *)0x7ffffffff000, PAGE, MS_SYNC));
	R(mlock(AT(2), PAGE));
	R(msync(arena, 4 * PAGE, MS_INVALIDATE));
	R(msync(arena, 4 * PAGE, MS_SYNC | MS_INVALIDATE));
	R(msync(arena, 2 * PAGE, MS_SYNC | MS_INVALIDATE));
	R(msync(arena, 5 * PAGE, MS_INVALIDATE));
	R(munlock(AT(2), PAGE));
	R(mprotect(arena, 4 * PAGE, PROT_NONE));
	R(msync(arena, 4 * PAGE, MS_SYNC));
	R(ftruncate(fd, PAGE));
	R(msync(arena, 4 * PAGE, MS_SYNC));
	return 0;
}
