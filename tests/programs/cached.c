/* SPDX-License-Identifier: MIT */
/*
 * Memory that is full of files which could be read again is no reason to refuse any: reads the files that it is given, until
 * they fill the machine, and then asks for half of it in each way that programs have. Says what was refused.
 *
 *     cached MIB FILE...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static char block[1 << 16];
static size_t want;

static void read_all(char **files)
{
	for (; *files; files++) {
		int fd = open(*files, O_RDONLY);

		if (fd < 0)
			exit(2);
		while (read(fd, block, sizeof(block)) > 0)
			;
		close(fd);
	}
}

static char *space(void)
{
	return mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int populate(void)
{
	return madvise(space(), want, MADV_POPULATE_WRITE);
}

static int lock(void)
{
	return mlock(space(), want);
}

static int write_file(void)
{
	int fd = memfd_create("file", 0);

	for (size_t done = 0; done < want; done += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return -1;
	return 0;
}

static int allocate_file(void)
{
	return posix_fallocate(memfd_create("file", 0), 0, (off_t)want) ? -1 : 0;
}

static int fill_pipes(void)
{
	for (size_t done = 0; done < want / 2; done += sizeof(block)) {
		int ends[2];

		if (pipe2(ends, O_NONBLOCK) != 0 || write(ends[1], block, sizeof(block)) != sizeof(block))
			return -1;
	}
	return 0;
}

static const struct {
	const char *name;
	int (*take)(void);
} ways[] = {
	{"populate", populate},	      {"mlock", lock},	     {"write", write_file},
	{"fallocate", allocate_file}, {"pipes", fill_pipes},
};

int main(int argc, char **argv)
{
	int refused = 0;

	if (argc < 3)
		return 2;
	want = strtoul(argv[1], NULL, 10) << 20;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid_t pid;
		int status;

		read_all(argv + 2);
		pid = fork();
		if (pid == 0) {
			if (ways[i].take() == 0)
				_exit(0);
			printf("%s: %s\n", ways[i].name, strerror(errno));
			fflush(stdout);
			_exit(1);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			refused++;
	}
	return refused;
}
