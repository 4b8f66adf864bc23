/* SPDX-License-Identifier: MIT */
/* mseal: a sealed mapping cannot be unmapped, moved, resized, protected or emptied. */
#include "mem.h"

#define ARENA_PAGES 32
#define AT(page)    (arena + (page)*PAGE)

static long seal(void *p, size_t length, unsigned long flags)
{
	return syscall(462, p, length, flags);
}

int main(void)
{
	int fd = (int)syscall(SYS_memfd_create, "mem", 0);

	mem_catch();
	mem_arena(ARENA_PAGES);
	ftruncate(fd, 2 * PAGE);
	mmap(AT(0), 8 * PAGE, RW, FIXANON, -1, 0);
	mem_fill(AT(0), 8, 1);
	R(seal(AT(2), 2 * PAGE, 1));
	R(seal(AT(2) + 1, 2 * PAGE, 0));
	R(seal(AT(2), -1ul, 0));
	R(seal(AT(2), -PAGE, 0));
	R(seal(AT(2), 0, 0));
	R(seal(AT(20), PAGE, 0));
	R(seal(AT(6), 3 * PAGE, 0));
	MAPS(arena, ARENA_PAGES);
	R(seal(AT(2), PAGE + 1, 0));
	R(seal(AT(3), PAGE, 0));
	MAPS(arena, ARENA_PAGES);
	R(munmap(AT(2), PAGE));
	R(munmap(AT(0), 8 * PAGE));
	SHOW(arena, 9);
	R(mprotect(AT(0), 8 * PAGE, PROT_READ));
	R(mprotect(AT(3), PAGE, RW));
	W(mmap(AT(3), PAGE, RW, FIXANON, -1, 0));
	W(mmap(AT(0), 4 * PAGE, RW, FIXANON, -1, 0));
	W(mremap(AT(2), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(20)));
	W(mremap(AT(2), 2 * PAGE, PAGE, 0));
	W(mremap(AT(2), 2 * PAGE, 2 * PAGE, 0));
	W(mremap(AT(5), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(2)));
	W(mremap(AT(2), 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
	R(madvise(AT(2), PAGE, MADV_DONTNEED));
	SHOW(arena, 9);
	R(madvise(AT(0), 8 * PAGE, MADV_FREE));
	R(madvise(AT(2), PAGE, MADV_WIPEONFORK));
	R(madvise(AT(2), PAGE, MADV_KEEPONFORK));
	R(madvise(AT(2), PAGE, MADV_DONTFORK));
	R(madvise(AT(2), PAGE, MADV_DOFORK));
	R(madvise(AT(2), PAGE, MADV_WILLNEED));
	R(mlock(AT(2), PAGE));
	R(munlock(AT(2), PAGE));
	PUT(AT(2), 40);
	IN_CHILD({
		R(munmap(AT(2), PAGE));
		PUT(AT(3), 41);
	});
	/* Without rights to write, emptying is refused for anonymous memory; of a shared file it loses nothing. */
	mmap(AT(12), PAGE, PROT_READ, FIXANON, -1, 0);
	mmap(AT(14), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(AT(16), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	R(seal(AT(12), PAGE, 0));
	R(seal(AT(14), PAGE, 0));
	R(seal(AT(16), PAGE, 0));
	R(madvise(AT(12), PAGE, MADV_DONTNEED));
	R(madvise(AT(14), PAGE, MADV_DONTNEED));
	R(madvise(AT(16), PAGE, MADV_DONTNEED));
	R(munmap(AT(14), PAGE));
	MAPS(arena, ARENA_PAGES);
	return 0;
}
