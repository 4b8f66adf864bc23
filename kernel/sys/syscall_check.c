/* SPDX-License-Identifier: MIT */
/*
 * The debug kernel looks at every invariant of the caller's address space after each call that changes one: those of
 * syscalls_mem.def, and what copies or replaces it.
 */
#include <asm/unistd.h>
#include <moat/aspace.h>
#include <moat/task.h>
#include "syscall_table.h"

/* A large address space is looked at after each 64th call only: a check takes time for each VMA and page. */
#define SMALL_VMAS  200
#define SMALL_PAGES 1000
#define SELDOM	    64

#define SYSCALL0(nr, ...) [nr] = true,
#define SYSCALL1(nr, ...) [nr] = true,
#define SYSCALL2(nr, ...) [nr] = true,
#define SYSCALL3(nr, ...) [nr] = true,
#define SYSCALL4(nr, ...) [nr] = true,
#define SYSCALL5(nr, ...) [nr] = true,
#define SYSCALL6(nr, ...) [nr] = true,

static const bool changes_memory[SYSCALLS_MAX] = {
#include "syscalls_mem.def"
	[__NR_fork] = true,   [__NR_vfork] = true,  [__NR_clone] = true,
	[__NR_clone3] = true, [__NR_execve] = true, [__NR_execveat] = true,
};

void syscall_check_memory(u64 nr)
{
	struct aspace *as = current_process()->aspace;

	static u32 calls; /* [a] */
	bool small;

	if (nr >= SYSCALLS_MAX || !changes_memory[nr] || !as)
		return;
	small = as->vma_count <= SMALL_VMAS && pmap_resident_pages(&as->pmap) <= SMALL_PAGES;
	if (small || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % SELDOM == 0)
		aspace_check(as);
}
