/* SPDX-License-Identifier: MIT */
/*
 * What a program does with names and small files, in the directory that it starts in, which both machines keep in memory:
 *
 *     readdir a name          getdents64(2) over ENTRIES files, for each name
 *     create+unlink           an empty file comes and goes
 *     small file written      open, 1 KiB, close, on a file that exists and is cut
 *     small file read         open, fstat, 1 KiB, the end, close: how a library reads a whole file
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

#define DIR	"bench.dir"
#define NAME	"bench.small"
#define ENTRIES 64
#define BYTES	1024

static char buffer[16384];

static int fill_directory(void)
{
	char name[32];

	if (mkdir(DIR, 0700) && errno != EEXIST)
		return errno;
	for (int i = 0; i < ENTRIES; i++) {
		int fd;

		snprintf(name, sizeof(name), DIR "/name-%d", i);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

static void remove_directory(void)
{
	char name[32];

	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), DIR "/name-%d", i);
		unlink(name);
	}
	rmdir(DIR);
}

static int run_readdir(struct sample *s, unsigned int count)
{
	int err = fill_directory();
	long fd, n = 0;

	fd = open(DIR, O_RDONLY | O_DIRECTORY);
	if (err || fd < 0)
		return err ? err : errno;
	start(s);
	for (unsigned int i = 0; i < count && n >= 0; i += ENTRIES) {
		call3(SYS_lseek, fd, 0, SEEK_SET);
		do {
			n = call3(SYS_getdents64, fd, (long)buffer, sizeof(buffer));
		} while (n > 0);
	}
	stop(s);
	close((int)fd);
	remove_directory();
	return (int)-n;
}

static int run_create_unlink(struct sample *s, unsigned int count)
{
	long err = 0;

	start(s);
	for (unsigned int i = 0; i < count; i++) {
		err |= call3(SYS_close, call3(SYS_open, (long)NAME, O_RDWR | O_CREAT | O_EXCL, 0600), 0, 0);
		err |= call3(SYS_unlink, (long)NAME, 0, 0);
	}
	stop(s);
	return err ? EIO : 0;
}

static int run_write_small(struct sample *s, unsigned int count)
{
	int failed = 0;

	start(s);
	for (unsigned int i = 0; i < count; i++) {
		long fd = call3(SYS_open, (long)NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		failed |= call3(SYS_write, fd, (long)buffer, BYTES) != BYTES;
		call3(SYS_close, fd, 0, 0);
	}
	stop(s);
	unlink(NAME);
	return failed ? EIO : 0;
}

static int run_read_small(struct sample *s, unsigned int count)
{
	int failed = 0, made = open(NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat st;

	if (made < 0 || write(made, buffer, BYTES) != BYTES)
		return errno;
	close(made);
	start(s);
	for (unsigned int i = 0; i < count; i++) {
		long fd = call3(SYS_open, (long)NAME, O_RDONLY, 0);

		call3(SYS_fstat, fd, (long)&st, 0);
		failed |= call3(SYS_read, fd, (long)buffer, sizeof(buffer)) != BYTES;
		failed |= call3(SYS_read, fd, (long)buffer, sizeof(buffer)) != 0;
		call3(SYS_close, fd, 0, 0);
	}
	stop(s);
	unlink(NAME);
	return failed ? EIO : 0;
}

static const struct row rows[] = {
	{"readdir a name", 100 * ENTRIES, run_readdir, 0},
	{"create+unlink", 1000, run_create_unlink, 0},
	{"small file written", 1000, run_write_small, 0},
	{"small file read", 1000, run_read_small, 0},
};

const struct rows names_rows = {rows, sizeof(rows) / sizeof(rows[0])};
