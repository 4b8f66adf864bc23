/* SPDX-License-Identifier: MIT */
/* Which mappings merge: the lines of /proc/self/maps after maps, unmaps, protections, moves, touches and forks. */
#include "mem.h"

#define ARENA_PAGES 64
#define AT(page)    (arena + (page)*PAGE)

static int file;

static void map(size_t page, size_t pages, int prot, int flags)
{
	mmap(AT(page), pages * PAGE, prot, FIXANON | flags, -1, 0);
}

static void map_file(size_t page, size_t pages, int flags, size_t offset)
{
	mmap(AT(page), pages * PAGE, RW, flags | MAP_FIXED, file, (off_t)(offset * PAGE));
}

static void move(size_t from, size_t pages, size_t to)
{
	mremap(AT(from), pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(to));
}

/* Print what there is, under a title, and begin anew. */
static void show(const char *title)
{
	printf("%s\n", title);
	mem_maps(0, "", arena, ARENA_PAGES);
}

static void clear(const char *title)
{
	show(title);
	munmap(arena, ARENA_PAGES * PAGE);
}

static void neighbours(void)
{
	map(0, 2, RW, 0);
	map(2, 2, RW, 0);
	clear("two neighbours");
	map(0, 2, RW, 0);
	map(4, 2, RW, 0);
	map(2, 2, RW, 0);
	clear("one between two");
	map(0, 2, RW, 0);
	map(2, 2, PROT_READ, 0);
	map(4, 2, RW, 0);
	show("other rights between");
	mprotect(AT(2), 2 * PAGE, RW);
	clear("made alike");
	map(0, 2, RW, 0);
	map(2, 2, RW, MAP_NORESERVE);
	map(4, 2, RW, MAP_STACK);
	map(6, 2, RW, MAP_GROWSDOWN);
	map(8, 2, RW, MAP_LOCKED);
	clear("flags that matter and flags that do not");
	mmap(AT(0), 2 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	mmap(AT(2), 2 * PAGE, RW, SHANON | MAP_FIXED, -1, 0);
	clear("shared memory never merges with another");
	map(0, 2, PROT_NONE, 0);
	map(2, 2, RW, 0);
	mprotect(AT(0), 2 * PAGE, RW);
	clear("without rights at first");
	map(0, 2, PROT_READ, 0);
	map(2, 2, RW, 0);
	mprotect(AT(2), 2 * PAGE, PROT_READ);
	clear("writable at first: accounted");
	map(0, 4, RW, 0);
	mprotect(AT(1), PAGE, PROT_READ);
	mprotect(AT(0), 4 * PAGE, PROT_READ);
	clear("all read-only after a part was");
}

static void touched(void)
{
	map(0, 2, RW, 0);
	*AT(0) = 1;
	map(2, 2, RW, 0);
	clear("the lower one touched before");
	map(2, 2, RW, 0);
	*AT(2) = 1;
	map(0, 2, RW, 0);
	clear("the upper one touched before");
	map(0, 2, RW, 0);
	map(4, 2, RW, 0);
	*AT(0) = 1;
	*AT(4) = 1;
	map(2, 2, RW, 0);
	clear("both touched on their own");
	map(0, 2, RW, 0);
	map(4, 2, RW, 0);
	(void)*(volatile char *)AT(0);
	(void)*(volatile char *)AT(4);
	map(2, 2, RW, 0);
	clear("both only read");
	map(0, 6, RW, 0);
	mprotect(AT(2), 2 * PAGE, PROT_READ);
	*AT(0) = 1;
	*AT(4) = 1;
	mprotect(AT(2), 2 * PAGE, RW);
	clear("split, then touched on both sides");
	map(0, 6, RW, 0);
	*AT(0) = 1;
	munmap(AT(2), 2 * PAGE);
	*AT(4) = 1;
	map(2, 2, RW, 0);
	clear("touched, then a hole filled");
}

static void advised(void)
{
	static const int advice[] = {MADV_DONTFORK, MADV_WIPEONFORK, MADV_DONTDUMP,
				     MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_RANDOM};

	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		printf("advice %d\n", advice[i]);
		map(0, 6, RW, 0);
		madvise(AT(2), 2 * PAGE, advice[i]);
		show("a part");
		madvise(AT(0), 2 * PAGE, advice[i]);
		madvise(AT(4), 2 * PAGE, advice[i]);
		clear("all in three");
	}
	map(0, 6, RW, 0);
	mlock(AT(2), 2 * PAGE);
	show("locked in the middle");
	munlock(AT(2), 2 * PAGE);
	clear("unlocked");
}

static void moved(void)
{
	map(0, 4, RW, 0);
	move(2, 2, 10);
	map(12, 2, RW, 0);
	show("moved untouched, then a neighbour");
	move(10, 2, 2);
	clear("and back");
	map(0, 4, RW, 0);
	mem_fill(AT(0), 4, 1);
	move(2, 2, 10);
	map(12, 2, RW, 0);
	show("moved touched, then a neighbour");
	move(10, 2, 2);
	clear("and back");
	map(0, 4, RW, 0);
	mem_fill(AT(0), 4, 1);
	move(0, 4, 20);
	move(20, 2, 30);
	move(22, 2, 32);
	clear("moved in two parts to neighbours");
	map(0, 2, RW, 0);
	mremap(AT(0), 2 * PAGE, 4 * PAGE, 0);
	map(4, 2, RW, 0);
	clear("grown, then a neighbour");
	map(0, 2, RW, 0);
	map(4, 2, RW, 0);
	mremap(AT(0), 2 * PAGE, 4 * PAGE, 0);
	clear("grown up to a neighbour");
}

static void of_file(void)
{
	map_file(0, 2, MAP_SHARED, 0);
	map_file(2, 2, MAP_SHARED, 2);
	map_file(4, 2, MAP_SHARED, 6);
	clear("shared: offsets that follow and one that does not");
	map_file(0, 2, MAP_PRIVATE, 0);
	map_file(2, 2, MAP_PRIVATE, 2);
	map_file(4, 2, MAP_SHARED, 4);
	clear("private and shared");
	map_file(0, 2, MAP_PRIVATE, 0);
	*AT(0) = 1;
	map_file(2, 2, MAP_PRIVATE, 2);
	*AT(2) = 1;
	show("private, touched in between");
	move(2, 2, 20);
	move(20, 2, 2);
	clear("a part moved away and back");
	map_file(0, 4, MAP_SHARED, 0);
	munmap(AT(1), PAGE);
	map_file(1, 1, MAP_SHARED, 1);
	show("a hole filled with the same page");
	map_file(2, 1, MAP_SHARED, 3);
	clear("and with another");
}

static void forked(void)
{
	map(0, 6, RW, 0);
	*AT(0) = 1;
	mprotect(AT(2), 2 * PAGE, PROT_READ);
	IN_CHILD({
		show("child");
		mprotect(AT(2), 2 * PAGE, RW);
		show("child, made alike");
		map(6, 2, RW, 0);
		show("child, a neighbour");
		*AT(4) = 1;
		map(8, 2, RW, 0);
		show("child, another after a touch");
	});
	map(6, 2, RW, 0);
	show("parent, a neighbour");
	mprotect(AT(2), 2 * PAGE, RW);
	clear("parent, made alike");
	map(0, 4, RW, 0);
	IN_CHILD({
		map(4, 2, RW, 0);
		show("child, a neighbour of what nobody touched");
		*AT(0) = 1;
		map(6, 2, RW, 0);
		show("child, another after a touch");
	});
	clear("parent");
}

int main(void)
{
	mem_catch();
	mem_arena(ARENA_PAGES);
	file = (int)syscall(SYS_memfd_create, "mem", 0);
	ftruncate(file, 16 * PAGE);
	neighbours();
	touched();
	advised();
	moved();
	of_file();
	forked();
	return 0;
}
