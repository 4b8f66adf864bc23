/* SPDX-License-Identifier: MIT */
/* Protection keys: only what holds with and without a CPU that has them. */
#include "mem.h"

#define ARENA_PAGES 8

static long pkey_mprotect_(void *p, size_t length, int prot, int key)
{
	return syscall(SYS_pkey_mprotect, p, length, (long)prot, (long)key);
}

int main(void)
{
	char *p;
	long key;

	mem_catch();
	p = mem_arena(ARENA_PAGES);
	mmap(p, 4 * PAGE, RW, FIXANON, -1, 0);
	R(pkey_mprotect_(p, PAGE, PROT_READ, -1));
	PUT(p, 1);
	LOOK(p);
	R(pkey_mprotect_(p, PAGE, RW, -1));
	PUT(p, 1);
	R(pkey_mprotect_(p, PAGE, RW, 15));
	R(pkey_mprotect_(p, PAGE, RW, 16));
	R(pkey_mprotect_(p, PAGE, RW, -2));
	R(pkey_mprotect_(p + 1, PAGE, RW, -1));
	R(pkey_mprotect_(p + 5 * PAGE, PAGE, RW, -1));
	R(pkey_mprotect_(p, 0, RW, -1));
	R(pkey_mprotect_(p, PAGE, 0x100, -1));
	R(pkey_mprotect_(p, -1ul, RW, -1));
	R(syscall(SYS_pkey_alloc, 1ul, 0ul));
	R(syscall(SYS_pkey_alloc, 0ul, 4ul));
	R(syscall(SYS_pkey_free, -1));
	R(syscall(SYS_pkey_free, 16));
	R(syscall(SYS_pkey_free, 14));
	key = syscall(SYS_pkey_alloc, 0ul, 0ul);
	HOLDS(key >= 1 || (key == -1 && (errno == ENOSPC || errno == EINVAL)));
	if (key >= 1)
		syscall(SYS_pkey_free, key);
	MAPS(p, ARENA_PAGES);
	return 0;
}
