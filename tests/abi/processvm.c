/* SPDX-License-Identifier: MIT */
/* process_vm_readv and process_vm_writev: own and a child's memory, partial results, errors. */
#include "mem.h"
#include <sys/uio.h>

#define ARENA_PAGES 32
#define AT(page)    (arena + (page)*PAGE)

static char buffer[3 * PAGE];

static long get(pid_t pid, const void *remote, size_t length)
{
	struct iovec l = {buffer, length}, r = {(void *)(uintptr_t)remote, length};

	return syscall(SYS_process_vm_readv, pid, &l, 1ul, &r, 1ul, 0ul);
}

static long set(pid_t pid, void *remote, size_t length)
{
	struct iovec l = {buffer, length}, r = {remote, length};

	return syscall(SYS_process_vm_writev, pid, &l, 1ul, &r, 1ul, 0ul);
}

static void ranges(pid_t pid)
{
	R(get(pid, AT(0), PAGE));
	R(buffer[0]);
	R(get(pid, AT(1) - 4, 8));
	R(buffer[4]);
	R(get(pid, AT(2) - 10, 100));
	R(get(pid, AT(2), 1));
	R(get(pid, AT(3), 100));
	R(get(pid, AT(4), 100));
	R(get(pid, AT(0), 3 * PAGE));
	R(get(pid, (void *)-PAGE, 100));
	R(get(pid, (void *)0x7ffffffff000, 100));
	R(get(pid, NULL, 1));
	R(get(pid, AT(0), 0));
	memset(buffer, 77, sizeof(buffer));
	R(set(pid, AT(0) + 5, 10));
	R(set(pid, AT(2) - 10, 100));
	R(set(pid, AT(3), 10));
	R(set(pid, AT(4), 10));
	R(set(pid, AT(5), 10));
	R(set(pid, AT(6), 10));
}

static void vectors(pid_t pid)
{
	struct iovec l[3] = {{buffer, 3}, {buffer + 100, 5}, {buffer + 200, 4}};
	struct iovec r[3] = {{AT(0), 6}, {AT(1), 6}, {AT(2), 6}};

	memset(buffer, 0, sizeof(buffer));
	R(syscall(SYS_process_vm_readv, pid, l, 3ul, r, 2ul, 0ul));
	R(buffer[0]);
	R(buffer[103]);
	R(syscall(SYS_process_vm_readv, pid, l, 3ul, r, 3ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 3ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 3ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 0ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 0ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 1025ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 1025ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 1ul, 1ul));
	R(syscall(SYS_process_vm_writev, pid, l, 1ul, r, 1ul, -1ul));
	R(syscall(SYS_process_vm_readv, pid, NULL, 1ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, NULL, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, pid, AT(9), 1ul, r, 1ul, 0ul));
	l[0].iov_base = AT(9);
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_writev, pid, l, 1ul, r, 1ul, 0ul));
	l[0].iov_base = buffer;
	l[0].iov_len = -1ul;
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 1ul, 0ul));
	l[0].iov_len = 4;
	r[0].iov_len = -1ul;
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 1ul, 0ul));
	r[0].iov_len = 6;
	r[1].iov_base = AT(2);
	l[0].iov_len = 100;
	R(syscall(SYS_process_vm_readv, pid, l, 1ul, r, 3ul, 0ul));
	R(syscall(SYS_process_vm_readv, 0x3ffffff, l, 1ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, 0, l, 1ul, r, 1ul, 0ul));
	R(syscall(SYS_process_vm_readv, -1, l, 1ul, r, 1ul, 0ul));
}

/*
 *   0      1      2       3      4      5       6
 *   | rw   | rw   | hole  | r    | none | rw, not touched
 */
static void lay_out(int value)
{
	mmap(AT(0), 2 * PAGE, RW, FIXANON, -1, 0);
	mem_fill(AT(0), 2, value);
	mmap(AT(3), PAGE, PROT_READ, FIXANON, -1, 0);
	mmap(AT(4), PAGE, PROT_NONE, FIXANON, -1, 0);
	mmap(AT(5), PAGE, RW, FIXANON, -1, 0);
}

int main(void)
{
	int ready[2], go[2];
	char byte;
	pid_t child;

	mem_catch();
	mem_arena(ARENA_PAGES);
	lay_out(1);
	ranges(getpid());
	SHOW(arena, 6);
	vectors(getpid());
	pipe(ready);
	pipe(go);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		lay_out(50);
		write(ready[1], "", 1);
		read(go[0], &byte, 1);
		SHOW(arena, 6);
		LOOK(AT(0) + 5);
		LOOK(AT(2) - 1);
		fflush(stdout);
		_exit(0);
	}
	read(ready[0], &byte, 1);
	ranges(child);
	vectors(child);
	fflush(stdout);
	write(go[1], "", 1);
	waitpid(child, NULL, 0);
	R(get(child, AT(0), 1));
	SHOW(arena, 6);
	return 0;
}
