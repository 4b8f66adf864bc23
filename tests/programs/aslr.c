/* SPDX-License-Identifier: MIT */
/*
 * How many bits of the addresses that a program gets change from one execution to the next, over 200 of them: at least as
 * many as Linux on x86-64 changes with its usual settings, and none when it is told not to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS 200
enum { MMAP, STACK, BREAK, VDSO, PLACES };
static const char *const names[PLACES] = {"mmap", "stack", "brk", "vdso"};
static const int least[PLACES] = {28, 22, 13, 22};

static int child(void)
{
	unsigned long at[PLACES] = {
		(unsigned long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		(unsigned long)&at,
		(unsigned long)sbrk(0),
		getauxval(AT_SYSINFO_EHDR),
	};

	return write(1, at, sizeof(at)) != sizeof(at);
}

static void one(unsigned long *at, unsigned long persona)
{
	int p[2];

	if (pipe(p))
		_exit(2);
	if (fork() == 0) {
		personality(persona);
		dup2(p[1], 1);
		execl("/proc/self/exe", "aslr", "child", (char *)NULL);
		_exit(3);
	}
	close(p[1]);
	if (read(p[0], at, PLACES * sizeof(*at)) != PLACES * sizeof(*at))
		_exit(4);
	close(p[0]);
	wait(NULL);
}

static void changes(const char *what, unsigned long persona, int runs, int wanted)
{
	unsigned long first[PLACES], at[PLACES], changed[PLACES] = {0};

	one(first, persona);
	for (int i = 1; i < runs; i++) {
		one(at, persona);
		for (int k = 0; k < PLACES; k++)
			changed[k] |= at[k] ^ first[k];
	}
	for (int k = 0; k < PLACES; k++) {
		int bits = __builtin_popcountl(changed[k]);
		printf("%s %s: %s\n", what, names[k],
		       (wanted ? bits >= least[k] : bits == 0) ? "as it should be" : "no");
	}
}

int main(int argc, char **argv)
{
	int fd;

	(void)argv;
	if (argc > 1)
		return child();
	changes("random", 0, RUNS, 1);
	changes("personality", ADDR_NO_RANDOMIZE, 5, 0);
	fd = open("/proc/sys/kernel/randomize_va_space", O_WRONLY);
	if (fd >= 0 && write(fd, "0\n", 2) == 2)
		changes("setting", 0, 5, 0);
	return 0;
}
