/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/mem shows the memory that was there when it was opened. However often the process then executes another
 * program, nothing more is to be read: the new memory is not the old one, wherever the kernel keeps its books of it.
 *
 *     parent   opens mem   reads   reads   reads …
 *     child    0           1       2       3 …       executes itself, each time with a number more
 */
#include "abi.h"
#include <sys/wait.h>

#define ROUNDS 24
#define READY  3 /* descriptors of the child: it writes a byte, and waits for one */
#define GO     4

static int secret = 0x1234;

static int child(char *name, int round)
{
	char number[16], byte = 'r';

	if (write(READY, &byte, 1) != 1 || read(GO, &byte, 1) != 1 || round == ROUNDS)
		return 0;
	snprintf(number, sizeof(number), "%d", round + 1);
	execl("/proc/self/exe", name, number, (char *)NULL);
	return 1;
}

int main(int argc, char **argv)
{
	int ready[2], go[2], mem = -1, got;
	char path[64], byte;
	pid_t pid;

	if (argc > 1)
		return child(argv[0], atoi(argv[1]));
	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return 1;
	pid = fork();
	if (pid == 0) {
		int to = fcntl(ready[1], F_DUPFD_CLOEXEC, 20), from = fcntl(go[0], F_DUPFD_CLOEXEC, 20);

		dup2(to, READY);
		dup2(from, GO);
		execl("/proc/self/exe", argv[0], "0", (char *)NULL);
		_exit(1);
	}
	for (int round = 0; round <= ROUNDS; round++) {
		if (read(ready[0], &byte, 1) != 1)
			return 1;
		if (round == 0) {
			snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
			mem = open(path, O_RDWR);
		}
		got = 0;
		printf("round %d\n", round);
		R(pread(mem, &got, sizeof(got), (long)(uintptr_t)&secret));
		HOLDS(got == (round ? 0 : 0x1234));
		if (write(go[1], "g", 1) != 1)
			return 1;
	}
	waitpid(pid, NULL, 0);
	return 0;
}
