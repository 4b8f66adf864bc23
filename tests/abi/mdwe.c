/* SPDX-License-Identifier: MIT */
/* prctl(2), PR_SET_MDWE: memory that was not executable from the start does not become so. */
#include "mem.h"
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#define SET(bits) prctl(PR_SET_MDWE, (unsigned long)(bits), 0ul, 0ul, 0ul)
#define GET()	  prctl(PR_GET_MDWE, 0ul, 0ul, 0ul, 0ul)
#define RWX	  (PROT_READ | PROT_WRITE | PROT_EXEC)

static void in_child(void (*what)(void))
{
	fflush(stdout);
	if (fork() == 0) {
		what();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void look(void)
{
	R(GET());
}

static void use(void)
{
	char *before = mmap(arena, PAGE, RWX, FIXANON, -1, 0);
	char *code = mmap(arena + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_EXEC, FIXANON, -1, 0);
	int fd = memfd_create("code", 0);

	ftruncate(fd, PAGE);
	R(SET(1));
	R(SET(1));
	R(SET(0));
	R(SET(3));
	R(GET());
	P(mmap(NULL, PAGE, RWX, ANON, -1, 0));
	P(mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0));
	P(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
	P(mmap(NULL, -1ul, RWX, ANON, -1, 0));
	P(mmap(arena + 1, PAGE, RWX, FIXANON, -1, 0));
	R(mprotect(before, PAGE, RWX));
	R(mprotect(before, PAGE, PROT_READ | PROT_EXEC));
	R(mprotect(before, PAGE, RW));
	R(mprotect(before, PAGE, PROT_EXEC));
	R(mprotect(code, PAGE, PROT_EXEC));
	R(mprotect(code, 2 * PAGE, RWX));
	R(mprotect(code, PAGE, PROT_READ));
	R(mprotect(code, 2 * PAGE, PROT_READ | PROT_EXEC));
	in_child(look);
}

static void not_inherited(void)
{
	R(SET(3));
	R(GET());
	R(SET(1));
	P(mmap(NULL, PAGE, RWX, ANON, -1, 0));
	in_child(look);
}

int main(void)
{
	mem_arena(8);
	R(GET());
	R(SET(2));
	R(SET(4));
	R(SET(0));
	R(prctl(PR_SET_MDWE, 1ul, 1ul, 0ul, 0ul));
	R(prctl(PR_GET_MDWE, 1ul, 0ul, 0ul, 0ul));
	in_child(use);
	in_child(not_inherited);
	R(GET());
	return 0;
}
