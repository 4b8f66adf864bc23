/* SPDX-License-Identifier: MIT */
/* mincore: which pages are present, of anonymous, shared and file memory; errors. */
#include "mem.h"

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)

static unsigned char vector[64];

static void anonymous(void)
{
	mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);
	CORE(arena, 8);
	PUT(AT(1), 1);
	LOOK(AT(2));
	CORE(arena, 8);
	R(mprotect(AT(1), PAGE, PROT_NONE));
	CORE(arena, 8);
	R(madvise(AT(2), PAGE, MADV_DONTNEED));
	CORE(arena, 8);
	R(munmap(AT(4), PAGE));
	CORE(arena, 4);
	CORE(arena, 5);
	CORE(AT(4), 1);
	CORE(AT(5), 3);
	mmap(AT(16), 4 * PAGE, RW, FIXANON | MAP_POPULATE, -1, 0);
	CORE(AT(16), 4);
	mmap(AT(16), 4 * PAGE, PROT_READ, FIXANON | MAP_POPULATE, -1, 0);
	CORE(AT(16), 4);
	mmap(AT(16), 4 * PAGE, PROT_NONE, FIXANON | MAP_POPULATE, -1, 0);
	CORE(AT(16), 4);
	munmap(arena, ARENA_PAGES * PAGE);
}

static void shared(void)
{
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	mmap(arena, 4 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	CORE(arena, 4);
	PUT(AT(1), 1);
	LOOK(AT(2));
	CORE(arena, 4);
	R(madvise(arena, 4 * PAGE, MADV_DONTNEED));
	CORE(arena, 4);
	R(ftruncate(fd, 6 * PAGE));
	mmap(AT(8), 8 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(AT(16), 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	CORE(AT(8), 8);
	R(pwrite(fd, "abc", 3, 2 * PAGE));
	CORE(AT(8), 8);
	CORE(AT(16), 8);
	PUT(AT(16), 1);
	CORE(AT(8), 8);
	CORE(AT(16), 8);
	R(ftruncate(fd, 2 * PAGE));
	CORE(AT(8), 8);
	CORE(AT(16), 8);
	R(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	CORE(AT(8), 8);
	CORE(AT(16), 8);
	close(fd);
	munmap(arena, ARENA_PAGES * PAGE);
}

static void errors(void)
{
	mmap(arena, 4 * PAGE, RW, FIXANON, -1, 0);
	memset(vector, 0xee, sizeof(vector));
	R(syscall(SYS_mincore, arena + 1, PAGE, vector));
	R(syscall(SYS_mincore, arena, 0ul, vector));
	R(syscall(SYS_mincore, arena + 1, 0ul, vector));
	R(syscall(SYS_mincore, AT(8), 0ul, vector));
	R(syscall(SYS_mincore, AT(8), PAGE, vector));
	R(syscall(SYS_mincore, arena, PAGE, NULL));
	R(syscall(SYS_mincore, arena, PAGE, AT(9)));
	R(syscall(SYS_mincore, arena, 0ul, NULL));
	R(syscall(SYS_mincore, arena, -1ul, vector));
	R(syscall(SYS_mincore, 0x7ffffffff000, PAGE, vector));
	R(syscall(SYS_mincore, 0xffff800000000000, PAGE, vector));
	R(syscall(SYS_mincore, -PAGE, 2 * PAGE, vector));
	R(vector[0]);
	R(syscall(SYS_mincore, arena, 6 * PAGE, vector));
	R(vector[3]);
	R(vector[4]);
	R(syscall(SYS_mincore, arena, 1ul, vector));
	R(vector[0]);
	R(syscall(SYS_mincore, arena, PAGE + 1, vector));
	R(vector[1]);
	R(vector[2]);
	munmap(arena, ARENA_PAGES * PAGE);
}

int main(void)
{
	mem_catch();
	mem_arena(ARENA_PAGES);
	anonymous();
	shared();
	errors();
	return 0;
}
