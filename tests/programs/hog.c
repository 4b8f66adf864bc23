/* SPDX-License-Identifier: MIT */
/*
 * `hog MIB CHILDREN`: each child touches that much memory, keeps it for a while, and looks whether all of it is still
 * as it was. The parent tells how they ended. What was touched and given up (MADV_FREE) first may be taken away:
 * `hog -f MIB CHILDREN` does so with half of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static int child(size_t bytes, size_t given_up)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (p == MAP_FAILED)
		return 2;
	for (i = 0; i < given_up; i += PAGE)
		p[i] = 1;
	if (given_up)
		madvise(p, given_up, MADV_FREE);
	for (i = given_up; i < bytes; i += PAGE)
		p[i] = (char)(1 + i / PAGE % 100);
	usleep(300000);
	for (i = given_up; i < bytes; i += PAGE)
		if (p[i] != (char)(1 + i / PAGE % 100))
			return 3;
	return 7;
}

int main(int argc, char **argv)
{
	int lazy = argc == 4 && strcmp(argv[1], "-f") == 0, status;
	size_t bytes;

	if (argc != 3 && !lazy)
		return 1;
	bytes = strtoul(argv[argc - 2], NULL, 10) << 20;
	for (long n = strtol(argv[argc - 1], NULL, 10); n > 0; n--)
		if (fork() == 0)
			_exit(child(bytes, lazy ? bytes / 2 : 0));
	while (wait(&status) > 0)
		printf("signal %d exit %d\n", WTERMSIG(status), WEXITSTATUS(status));
	return 0;
}
