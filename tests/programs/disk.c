/* SPDX-License-Identifier: MIT */
/*
 * Work for a disk (tests/programs/disk.sh).
 *
 *     disk random DIR SEED STEPS   random changes below DIR; the same SEED makes the same tree everywhere
 *     disk crash DIR               until somebody kills it: writes files, and says on standard output which are safe
 *     disk check FILE NUMBER       is FILE what `crash` has written under that number?
 *     disk links DIR               as many names of one file as there may be, directories too
 *     disk calls DIR               what ext2 refuses, and files that have no names
 *     disk walk DIR                reads all there is, whatever comes of it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NAMES	  40
#define BYTES_MAX 300000
#define FAR	  20000000 /* where sparse files go on */

static uint64_t state;

static unsigned pick(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static void die(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

/* ---- random ---- */

static char *name(char *out)
{
	unsigned n = pick(NAMES), dir = pick(4);

	if (dir)
		sprintf(out, "dir%u/%s%u", dir,
			pick(2) ? "n" : "a-rather-long-name-that-takes-room-in-its-directory-", n);
	else
		sprintf(out, "n%u", n);
	return out;
}

static void fill(char *buf, size_t n)
{
	unsigned start = pick(256);

	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(start + i * 7 + (i >> 8));
}

static void change_file(const char *path)
{
	static char buf[BYTES_MAX];
	int fd = open(path, O_RDWR | O_CREAT | (pick(3) ? 0 : O_APPEND), 0600 + pick(64));
	size_t n = pick(4) ? pick(5000) : pick(BYTES_MAX);
	off_t at = pick(20) ? pick(100000) : FAR + pick(1000000);
	unsigned how = pick(10);
	struct stat st;

	if (fd < 0)
		return;
	fill(buf, n);
	if (how < 5) {
		if (pwrite(fd, buf, n, at) != (ssize_t)n)
			die("pwrite", path);
	} else if (how < 7) {
		if (ftruncate(fd, pick(2) ? at : pick(20000)))
			die("ftruncate", path);
	} else if (how < 9 && fstat(fd, &st) == 0 && st.st_size > 0) {
		size_t len = (size_t)(st.st_size < 200000 ? st.st_size : 200000), to = pick((unsigned)len);
		char *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (map == MAP_FAILED)
			die("mmap", path);
		memcpy(map + to, buf, n < len - to ? n : len - to);
		if (pick(3) == 0 && msync(map, len, MS_SYNC))
			die("msync", path);
		munmap(map, len);
	} else if (fsync(fd)) {
		die("fsync", path);
	}
	close(fd);
}

static void step(void)
{
	char a[PATH_MAX], b[PATH_MAX], text[300];
	unsigned long_link = pick(290) + 1;

	name(a);
	name(b);
	switch (pick(16)) {
	case 0:
		unlink(a);
		break;
	case 1:
		rename(a, b);
		break;
	case 2:
		link(a, b);
		break;
	case 3:
		memset(text, 'x', sizeof(text));
		text[long_link] = '\0';
		symlink(text, a);
		break;
	case 4:
		mkdir(a, 0700 + pick(64));
		break;
	case 5:
		rmdir(a);
		break;
	case 6:
		chmod(a, 0600 + pick(64));
		break;
	case 7:
		if (pick(8) == 0)
			sync();
		break;
	case 8:
		mknod(a, S_IFSOCK | 0644, 0);
		break;
	default:
		change_file(a);
		break;
	}
}

static int do_random(const char *dir, const char *seed, const char *steps)
{
	umask(0);
	if (chdir(dir))
		die("chdir", dir);
	mkdir("dir1", 0755);
	mkdir("dir2", 0755);
	mkdir("dir3", 0755);
	state = strtoull(seed, NULL, 10);
	for (int i = atoi(steps); i > 0; i--)
		step();
	return 0;
}

/* ---- crash ---- */

static size_t content(unsigned number, char *buf)
{
	size_t n = 1 + (number * 7919u) % 150000;

	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(number * 31 + i * 13 + (i >> 9));
	return n;
}

static void write_file(const char *path, unsigned number)
{
	static char buf[BYTES_MAX];
	size_t n = content(number, buf);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, buf, n) != (ssize_t)n || fsync(fd) || close(fd))
		die("write", path);
}

static void unsafe_work(unsigned i)
{
	char a[64], b[64];
	static char noise[60000];
	int fd;

	sprintf(a, "noise%u", pick(20));
	sprintf(b, "noise%u", pick(20));
	memset(noise, (int)i, sizeof(noise));
	fd = open(a, O_WRONLY | O_CREAT, 0600);
	if (fd >= 0 && write(fd, noise, pick(sizeof(noise))) >= 0)
		close(fd);
	if (pick(2))
		unlink(b);
	else
		rename(a, b);
}

static void do_crash(const char *dir)
{
	char path[64];

	if (chdir(dir))
		die("chdir", dir);
	state = 1;
	for (unsigned i = 1;; i++) {
		unsafe_work(i);
		sprintf(path, "safe%u", i % 50);
		write_file("new", i);
		if (rename("new", i % 2 ? "current" : path))
			die("rename", path);
		if (i % 2 == 0) {
			int fd = open(".", O_RDONLY);

			if (fd < 0 || fsync(fd) || close(fd))
				die("fsync", ".");
			printf("%s %u\n", path, i);
			fflush(stdout);
		}
	}
}

static int do_check(const char *path, const char *number)
{
	static char want[BYTES_MAX], got[BYTES_MAX];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got));
	unsigned first = (unsigned)strtoul(number, NULL, 10), last = first ? first : 100000;

	/* 0: any of them. */
	for (unsigned i = first ? first : 1; i <= last; i += first ? 1 : 2) {
		if ((1 + (i * 7919u) % 150000) == (size_t)n && content(i, want) &&
		    memcmp(want, got, (size_t)n) == 0)
			return 0;
	}
	return 1;
}

/* ---- the rest ---- */

static int do_links(const char *dir)
{
	char path[64];
	unsigned links = 1, dirs = 0;

	if (chdir(dir) || mkdir("links", 0755) || mkdir("dirs", 0755))
		die("mkdir", dir);
	close(open("links/0", O_CREAT | O_WRONLY, 0644));
	for (errno = 0; errno == 0; links++) {
		sprintf(path, "links/%u", links);
		if (link("links/0", path))
			break;
	}
	printf("%u links, then %s\n", links, strerror(errno));
	for (errno = 0; errno == 0; dirs++) {
		sprintf(path, "dirs/%u", dirs);
		if (mkdir(path, 0755))
			break;
	}
	printf("%u directories, then %s\n", dirs, strerror(errno));
	return 0;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static char buf[65536];
	int fd = type == FTW_F && S_ISREG(st->st_mode) ? open(path, O_RDWR) : -1;

	(void)ftw;
	for (int i = 0; fd >= 0 && i < 64 && read(fd, buf, sizeof(buf)) > 0; i++)
		;
	if (fd >= 0) {
		(void)!pwrite(fd, "change", 6, st->st_size / 2);
		if (st->st_ino % 3 == 0)
			(void)!ftruncate(fd, st->st_size / 3);
		close(fd);
	}
	if (st->st_ino % 5 == 0)
		unlink(path);
	return 0;
}

static int do_walk(const char *dir)
{
	char path[PATH_MAX];

	nftw(dir, visit, 16, FTW_PHYS);
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/made%d", dir, i);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "%s/made%d/file", dir, i);
		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	nftw(dir, visit, 16, FTW_PHYS);
	sync();
	return 0;
}

/* What Linux's ext2 can do, and what it refuses. Prints nothing when all is so. */
static int do_calls(const char *dir)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
				    FALLOC_FL_ZERO_RANGE};
	char name[64];
	int fd, lost;

	if (chdir(dir))
		return 1;
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	lost = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	if (fd < 0 || lost < 0 || write(fd, "unnamed", 7) != 7 || write(lost, "lost", 4) != 4 || fsync(fd) ||
	    fsync(lost))
		fprintf(stderr, "unnamed files: %s\n", strerror(errno));
	for (unsigned i = 0; i < 4; i++)
		if (fallocate(fd, modes[i], 0, 4096) != -1 || errno != EOPNOTSUPP)
			fprintf(stderr, "fallocate %d: %s\n", modes[i], strerror(errno));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", lost);
	if (linkat(AT_FDCWD, name, AT_FDCWD, "lost", AT_SYMLINK_FOLLOW) != -1 || errno != ENOENT)
		fprintf(stderr, "lost: %s\n", strerror(errno));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) || close(fd) ||
	    link("named", "twin"))
		fprintf(stderr, "named: %s\n", strerror(errno));
	if (syscall(SYS_renameat2, AT_FDCWD, "named", AT_FDCWD, "twin", RENAME_NOREPLACE) != -1 ||
	    errno != EEXIST)
		fprintf(stderr, "RENAME_NOREPLACE: %s\n", strerror(errno));
	if (syscall(SYS_renameat2, AT_FDCWD, "named", AT_FDCWD, "other", RENAME_EXCHANGE) != -1 ||
	    errno != ENOENT)
		fprintf(stderr, "RENAME_EXCHANGE: %s\n", strerror(errno));
	close(open("other", O_CREAT | O_WRONLY, 0600));
	for (int flag = RENAME_EXCHANGE; flag <= RENAME_WHITEOUT; flag <<= 1)
		if (syscall(SYS_renameat2, AT_FDCWD, "named", AT_FDCWD, "other", flag) != -1 ||
		    errno != EINVAL)
			fprintf(stderr, "renameat2 %d: %s\n", flag, strerror(errno));
	if (setxattr("named", "user.a", "v", 1, 0) != -1 || errno != EOPNOTSUPP)
		fprintf(stderr, "setxattr: %s\n", strerror(errno));
	close(open(".", O_TMPFILE | O_RDWR, 0600)); /* gone at once */
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "calls") == 0)
		return do_calls(argv[2]);
	if (argc == 5 && strcmp(argv[1], "random") == 0)
		return do_random(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "crash") == 0)
		do_crash(argv[2]);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return do_check(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "links") == 0)
		return do_links(argv[2]);
	if (argc == 3 && strcmp(argv[1], "walk") == 0)
		return do_walk(argv[2]);
	return 2;
}
