/* SPDX-License-Identifier: MIT */
/* Copies on write: over forks, of children's children, of files, of the zero page, in both directions. */
#include "mem.h"

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)

static int to_child[2], to_parent[2];

static void wait_for(int *pipe)
{
	char byte;

	read(pipe[0], &byte, 1);
}

static void tell(int *pipe)
{
	write(pipe[1], "", 1);
}

/* Both write after the fork; the parent first, then the child. */
static void both_directions(void)
{
	char *p = mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);
	pid_t child;

	pipe(to_child);
	pipe(to_parent);
	mem_fill(p, 6, 1);
	LOOK(AT(6));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		wait_for(to_child);
		SHOW(p, 8);
		PUT(AT(1), 101);
		PUT(AT(6), 106);
		SHOW(p, 8);
		fflush(stdout);
		tell(to_parent);
		wait_for(to_child);
		SHOW(p, 8);
		fflush(stdout);
		_exit(7);
	}
	PUT(AT(0), 50);
	PUT(AT(7), 57);
	fflush(stdout);
	tell(to_child);
	wait_for(to_parent);
	SHOW(p, 8);
	R(madvise(AT(2), PAGE, MADV_DONTNEED));
	R(munmap(AT(3), PAGE));
	R(mprotect(AT(4), PAGE, PROT_NONE));
	fflush(stdout);
	tell(to_child);
	waitpid(child, NULL, 0);
	SHOW(p, 8);
	munmap(arena, ARENA_PAGES * PAGE);
}

static void generations(void)
{
	char *p = mmap(arena, 4 * PAGE, RW, FIXANON, -1, 0);

	mem_fill(p, 4, 1);
	IN_CHILD({
		PUT(p, 11);
		IN_CHILD({
			PUT(p + PAGE, 12);
			IN_CHILD({
				PUT(p, 21);
				PUT(p + 2 * PAGE, 23);
				SHOW(p, 4);
			});
			SHOW(p, 4);
		});
		SHOW(p, 4);
		PUT(p + 3 * PAGE, 14);
		SHOW(p, 4);
	});
	SHOW(p, 4);
	PUT(p, 31);
	IN_CHILD(SHOW(p, 4));
	munmap(p, 4 * PAGE);
}

static void of_file(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char *p, *s, byte;

	ftruncate(fd, 4 * PAGE);
	s = mmap(AT(8), 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	p = mmap(arena, 4 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
	mem_fill(s, 4, 1);
	LOOK(p);
	PUT(p + PAGE, 12);
	IN_CHILD({
		SHOW(p, 4);
		PUT(p, 21);
		PUT(p + PAGE, 22);
		PUT(s + 2 * PAGE, 23);
		SHOW(p, 4);
	});
	SHOW(p, 4);
	SHOW(s, 4);
	PUT(s, 31);
	PUT(s + PAGE, 32);
	SHOW(p, 4);
	R(pwrite(fd, "!", 1, 3 * PAGE));
	SHOW(p, 4);
	R(madvise(p, 4 * PAGE, MADV_DONTNEED));
	SHOW(p, 4);
	R(pread(fd, &byte, 1, PAGE));
	R(byte);
	R(mprotect(p, 4 * PAGE, PROT_READ));
	PUT(p, 1);
	R(mprotect(p, 4 * PAGE, RW));
	PUT(p, 41);
	LOOK(s);
	close(fd);
	munmap(arena, ARENA_PAGES * PAGE);
}

/* A call of the kernel that writes must copy too. */
static void by_the_kernel(void)
{
	char *p = mmap(arena, 4 * PAGE, RW, FIXANON, -1, 0);
	int fd = open("text", O_RDWR | O_CREAT, 0600);

	R(write(fd, "hello", 5));
	mem_fill(p, 3, 1);
	LOOK(p + 3 * PAGE);
	IN_CHILD({
		R(pread(fd, p, 2, 0));
		R(pread(fd, p + 2 * PAGE - 2, 5, 0));
		R(pread(fd, p + 3 * PAGE, 5, 0));
		SHOW(p, 4);
	});
	SHOW(p, 4);
	close(fd);
	munmap(p, 4 * PAGE);
}

/* Pages that were read before they were written are zero, whoever else wrote. */
static void zero_page(void)
{
	char *p = mmap(arena, 16 * PAGE, RW, FIXANON, -1, 0);
	int wrong = 0;

	SHOW(p, 16);
	PUT(p + 3, 1);
	PUT(AT(5), 2);
	SHOW(p, 16);
	LOOK(AT(4) + 3);
	R(mprotect(p, 16 * PAGE, PROT_READ));
	PUT(AT(6), 1);
	R(mprotect(p, 16 * PAGE, RW));
	PUT(AT(6), 3);
	SHOW(p, 16);
	for (size_t i = 7 * PAGE; i < 16 * PAGE; i++)
		wrong += p[i] != 0;
	R(wrong);
	munmap(p, 16 * PAGE);
}

/* The last owner keeps what it has; many rounds of fork and write. */
static void rounds(void)
{
	char *p = mmap(arena, 8 * PAGE, RW, FIXANON, -1, 0);

	for (int round = 0; round < 6; round++) {
		mem_fill(p + round * PAGE, 2, 10 * round);
		IN_CHILD({
			PUT(p + round * PAGE, 99);
			SHOW(p, 8);
		});
	}
	SHOW(p, 8);
	/* A range that was moved after the fork. */
	fflush(stdout);
	IN_CHILD({
		W(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(20)));
		PUT(AT(20), 88);
		SHOW(AT(20), 4);
		SHOW(p, 8);
	});
	SHOW(p, 8);
	munmap(p, 8 * PAGE);
}

/* A store in the child to data, heap and stack stays in the child. */
static void everywhere(void)
{
	static volatile int data = 1;
	volatile int stack = 2;
	volatile int *heap = malloc(sizeof(*heap));

	*heap = 3;
	IN_CHILD({
		data = 11;
		stack = 12;
		*heap = 13;
		printf("child %d %d %d\n", data, stack, *heap);
	});
	printf("parent %d %d %d\n", data, stack, *heap);
}

int main(void)
{
	abi_scratch();
	mem_catch();
	mem_arena(ARENA_PAGES);
	zero_page();
	both_directions();
	generations();
	of_file();
	by_the_kernel();
	rounds();
	everywhere();
	return 0;
}
