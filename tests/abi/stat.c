/* SPDX-License-Identifier: MIT */
/* What stat and its relatives say of each kind of file, and the calls that change it. */
#include "abi.h"
#include <linux/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

static void show(const char *path)
{
	struct stat st;

	errno = 0;
	if (lstat(path, &st) != 0) {
		printf("%s: %s\n", path, abi_error(errno));
		return;
	}
	printf("%s: mode %o links %ld size %ld blksize %ld blocks %ld\n", path, st.st_mode, (long)st.st_nlink,
	       S_ISDIR(st.st_mode) ? -1 : (long)st.st_size, (long)st.st_blksize,
	       S_ISREG(st.st_mode) ? (long)st.st_blocks : 0);
}

static void kinds(void)
{
	static char page[3 * PAGE];
	struct stat st, st2;
	int fd;

	abi_write_file("empty", "");
	abi_write_file("small", "12345");
	fd = open("big", O_CREAT | O_WRONLY, 0600);
	R(write(fd, page, sizeof(page)));
	close(fd);
	R(mkdir("dir", 0750));
	R(symlink("small", "link"));
	R(mkfifo("fifo", 0644));
	show("empty");
	show("small");
	show("big");
	show("dir");
	show("link");
	show("fifo");
	show("none");
	R(stat("/dev/null", &st));
	printf("null: mode %o rdev %u:%u\n", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev));
	R(stat("/dev/zero", &st));
	printf("zero: mode %o rdev %u:%u\n", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev));
	R(stat("link", &st));
	R(stat("small", &st2));
	HOLDS(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	R(stat("dir/.", &st));
	R(stat("dir", &st2));
	HOLDS(st.st_ino == st2.st_ino);
	R(stat("big", &st2));
	HOLDS(st.st_ino != st2.st_ino && st.st_dev == st2.st_dev);
	HOLDS(st.st_uid == geteuid() && st.st_gid == getegid());
	R(stat("link/", &st));
	R(lstat("link/", &st));
	R(stat("small/x", &st));
	R(stat("", &st));
	R(fstat(99, &st));
	R(syscall(SYS_stat, "small", (void *)8));
	R(syscall(SYS_stat, (void *)8, &st));
	R(syscall(SYS_fstat, 0, (void *)8));
}

static void extended(void)
{
	struct statx x;

	memset(&x, 0xff, sizeof(x));
	R(syscall(SYS_statx, AT_FDCWD, "small", 0, STATX_BASIC_STATS, &x));
	R((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	R(x.stx_mode);
	R(x.stx_nlink);
	R(x.stx_size);
	R(x.stx_blocks);
	R(x.stx_blksize);
	R(x.stx_rdev_major | x.stx_rdev_minor);
	HOLDS(x.stx_uid == geteuid() && x.stx_mtime.tv_nsec < 1000000000);
	R(syscall(SYS_statx, AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
	R(S_ISLNK(x.stx_mode) != 0);
	R(syscall(SYS_statx, AT_FDCWD, "none", 0, STATX_BASIC_STATS, &x));
	R(syscall(SYS_statx, AT_FDCWD, "small", 0x20000000, STATX_BASIC_STATS, &x));
	R(syscall(SYS_statx, AT_FDCWD, "small", 0, 0x80000000u, &x));
	R(syscall(SYS_statx, AT_FDCWD, "small", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &x));
	R(syscall(SYS_statx, AT_FDCWD, "small", 0, STATX_BASIC_STATS, (void *)8));
	R(syscall(SYS_statx, AT_FDCWD, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x));
	R(S_ISDIR(x.stx_mode) != 0);
}

static void modes(void)
{
	int fd;

	R(umask(027));
	R(umask(0777));
	R(umask(01777027));
	R(umask(027));
	close(open("masked", O_CREAT | O_WRONLY, 0666));
	show("masked");
	R(mkdir("maskdir", 0777));
	show("maskdir");
	R(chmod("masked", 0));
	show("masked");
	R(chmod("masked", 07777));
	show("masked");
	R(chmod("masked", 0170644));
	show("masked");
	R(chmod("none", 0644));
	R(chmod("link", 0604));
	show("small");
	show("link");
	fd = open("small", O_RDONLY);
	R(fchmod(fd, 0640));
	close(fd);
	show("small");
	R(fchmod(99, 0));
	R(chmod("dir", 01777));
	show("dir");
}

static void permission(void)
{
	R(access("small", F_OK));
	R(access("small", R_OK | W_OK));
	R(access("none", F_OK));
	R(access("small", 8));
	R(access("small/x", F_OK));
	R(chmod("small", 0600));
	R(access("small", X_OK));
	R(chmod("small", 0700));
	R(access("small", X_OK));
	R(access("dir", X_OK));
	R(faccessat(AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW));
	R(syscall(439, AT_FDCWD, "small", R_OK, AT_EACCESS));
	R(syscall(439, AT_FDCWD, "small", R_OK, 0x40000000));
}

static void show_times(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		printf("%s: atime %ld.%09ld mtime %ld.%09ld\n", path, (long)st.st_atim.tv_sec,
		       st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void times_of_files(void)
{
	struct timespec t[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
	struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
	struct stat before, after;
	int fd;

	R(utimensat(AT_FDCWD, "small", t, 0));
	show_times("small");
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_sec = 5;
	R(utimensat(AT_FDCWD, "link", t, 0));
	show_times("small");
	R(utimensat(AT_FDCWD, "link", t, AT_SYMLINK_NOFOLLOW));
	R(utimensat(AT_FDCWD, "small", bad, 0));
	R(utimensat(AT_FDCWD, "none", t, 0));
	R(utimensat(AT_FDCWD, "small", t, 0x40000000));
	t[0].tv_nsec = UTIME_NOW;
	R(utimensat(AT_FDCWD, "small", t, 0));
	R(stat("small", &after));
	HOLDS(after.st_atim.tv_sec > 1500000000 && after.st_mtim.tv_sec == 5);
	fd = R(open("small", O_RDWR));
	R(futimens(fd, NULL));
	R(fstat(fd, &before));
	HOLDS(before.st_mtim.tv_sec > 1500000000);
	t[0] = t[1] = (struct timespec){7, 7};
	R(futimens(fd, t));
	show_times("small");
	R(write(fd, "x", 1));
	R(fstat(fd, &after));
	HOLDS(after.st_mtim.tv_sec > 1500000000 && after.st_ctim.tv_sec > 1500000000);
	close(fd);
	R(futimens(99, t));
	t[0] = (struct timespec){-1, 0};
	R(utimensat(AT_FDCWD, "small", t, 0));
	show_times("small");
	t[1] = (struct timespec){7, 0};
	R(utimensat(AT_FDCWD, "dir", t, 0));
	close(open("dir/new", O_CREAT | O_WRONLY, 0600));
	R(stat("dir", &after));
	HOLDS(after.st_mtim.tv_sec > 1500000000);
}

int main(void)
{
	abi_scratch();
	umask(022);
	kinds();
	extended();
	modes();
	permission();
	times_of_files();
	return 0;
}
