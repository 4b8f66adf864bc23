/* SPDX-License-Identifier: MIT */
/* Names and files all round: slashes, links, sticky and set-ID directories, O_PATH, O_TMPFILE, directories that are gone. */
#include "abi.h"
#include <dirent.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define NOREPLACE 1
#define EXCHANGE  2
#define WHITEOUT  4

static long renames(const char *a, const char *b, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static long mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (long)(st.st_mode & 0177777);
}

static int done(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : -1;
}

static void slashes(void)
{
	static const char *const names[] = {"f/",    "d/",   "lf/", "ld/",  "none/", "dangling/",
					    "loop/", "f/.",  "d/.", "d/..", ".",     "..",
					    "/",     "ld/.", "",    "d//"};

	abi_write_file("f", "x");
	R(mkdir("d", 0755));
	R(symlink("f", "lf"));
	R(symlink("d", "ld"));
	R(symlink("nowhere", "dangling"));
	R(symlink("loop", "loop"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *n = names[i];

		printf("\"%s\"\n", n);
		R(done(open(n, O_RDONLY)));
		R(done(open(n, O_RDONLY | O_NOFOLLOW)));
		R(done(open(n, O_RDWR | O_CREAT, 0600)));
		R(done(open(n, O_RDWR | O_CREAT | O_EXCL, 0600)));
		R(done(open(n, O_PATH | O_NOFOLLOW)));
		R(done(open(n, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)));
		R(done(open(n, O_RDWR | O_TMPFILE, 0600)));
		R(mkdir(n, 0755));
		R(mknod(n, S_IFREG | 0600, 0));
		R(symlink("x", n));
		R(link("f", n));
		if (strcmp(n, "/") != 0) { /* another mount, or not */
			R(link(n, "new"));
			R(rename("f", n));
			R(rename(n, "new"));
			R(renames("f", n, NOREPLACE));
			R(renames("f", n, EXCHANGE));
		}
		R(unlink(n));
		R(truncate(n, 1));
		R(readlink(n, (char[9]){0}, 8));
		R(chdir(n) ? -1 : chdir("/") | 0);
		if (chdir(getenv("BASE")))
			abort();
		R(access(n, F_OK));
		R(mode_of(n) > 0);
		R(rmdir(n));
		/* What the calls above did is undone. */
		R(rmdir("new"));
		R(unlink("new"));
		R(rmdir("none"));
		R(unlink("dangling"));
		R(unlink("nowhere"));
		R(symlink("nowhere", "dangling"));
		R(mkdir("d", 0755));
		abi_write_file("f", "x");
	}
}

static void depths(void)
{
	char *path = malloc(PATH_MAX + 100), name[NAME_MAX + 2];
	int fd;

	memset(path, '/', PATH_MAX + 99);
	for (int len = PATH_MAX - 2; len <= PATH_MAX + 1; len++) {
		path[len] = 0;
		path[len - 1] = 'f';
		R(access(path, F_OK));
		path[len] = path[len - 1] = '/';
	}
	memcpy(path, "./", 2);
	for (int len = 2; len < PATH_MAX + 10; len += 2)
		memcpy(path + len, "./", 2);
	path[PATH_MAX - 2] = 'f';
	path[PATH_MAX - 1] = 0;
	R(access(path, F_OK));
	R(done(open(path, O_RDONLY)));
	path[PATH_MAX - 1] = 'f';
	path[PATH_MAX] = 0;
	R(access(path, F_OK));
	R(symlink(path, "toolong"));
	path[PATH_MAX - 1] = 0;
	R(symlink(path, "justfits"));
	R(access("justfits", F_OK));
	R(access("justfits/x", F_OK));
	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = 0;
	R(mkdir(name, 0755));
	R(rename("f", name));
	R(access(name, F_OK));
	name[NAME_MAX] = 0;
	R(rename("f", name));
	R(rename(name, "f"));
	for (int i = 0; i <= 41; i++) {
		char from[8], to[8];

		sprintf(from, "c%d", i);
		sprintf(to, "c%d", i - 1);
		if (symlink(i ? to : "f", from))
			abort();
	}
	R(access("c39", F_OK));
	R(access("c40", F_OK));
	R(mode_of("c41"));
	R(done(open("c40", O_PATH | O_NOFOLLOW)));
	R(done(open("c40", O_CREAT | O_RDWR, 0600)));
	fd = open("c40", O_PATH | O_NOFOLLOW);
	R(readlinkat(fd, "", name, sizeof(name)));
	R(fchmodat(fd, "", 0600, 0));
	close(fd);
	free(path);
}

static void modes(void)
{
	R(mkdir("sg", 0755));
	R(chown("sg", -1, 50));
	R(chmod("sg", 02777));
	R(mkdir("sticky", 0755));
	R(chmod("sticky", 01777));
	abi_write_file("sticky/root", "x");
	umask(0027);
	R(done(open("sg/f", O_CREAT | O_RDWR, 02777)));
	R(mode_of("sg/f"));
	R(mkdir("sg/d", 01777));
	R(mode_of("sg/d"));
	R(mkfifo("sg/p", 06666));
	R(mode_of("sg/p"));
	R(mknod("sg/n", S_IFREG | 07777, 0));
	R(mode_of("sg/n"));
	umask(022);
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			abort();
		R(unlink("sticky/root"));
		R(rename("sticky/root", "sticky/x"));
		R(done(open("sticky/root", O_RDWR | O_CREAT, 0600)));
		R(done(open("sticky/own", O_RDWR | O_CREAT, 0600)));
		R(rename("sticky/own", "sticky/root"));
		R(renames("sticky/own", "sticky/root", EXCHANGE));
		R(done(open("sg/u", O_CREAT | O_RDWR, 02775)));
		R(mode_of("sg/u"));
		R(chmod("sg/u", 02755));
		R(mode_of("sg/u"));
		R(chown("sg/u", -1, 1000));
		R(chown("sg/u", 1000, -1));
		R(chown("sg/u", 1001, -1));
		R(chown("sg/u", -1, 50));
		R(utimensat(AT_FDCWD, "sticky/root", NULL, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	R(chmod("sg/f", 06755));
	R(chown("sg/f", 0, 0));
	R(mode_of("sg/f"));
	R(chmod("sg/f", 06745));
	R(chown("sg/f", -1, -1));
	R(mode_of("sg/f"));
	R(chmod("sg/d", 06755));
	R(chown("sg/d", 1, 1));
	R(mode_of("sg/d"));
	R(chown("ld", 2, 2));
	R(lchown("ld", 3, 3));
	R(mode_of("ld"));
	R(fchmodat(AT_FDCWD, "ld", 0700, 0));
	R(syscall(452, AT_FDCWD, "ld", 0700, AT_SYMLINK_NOFOLLOW));
	R(syscall(452, AT_FDCWD, "d", 0700, AT_SYMLINK_NOFOLLOW));
	R(syscall(452, AT_FDCWD, "", 0700, AT_EMPTY_PATH));
	R(syscall(452, AT_FDCWD, "d", 0700, 1));
	R(syscall(452, -1, "", 0700, AT_EMPTY_PATH));
}

static void only_path(void)
{
	int p = open("f", O_PATH), d = open("d", O_PATH | O_DIRECTORY), l = open("ld", O_PATH | O_NOFOLLOW),
	    copy;
	struct timespec ts[2] = {{1, 2}, {3, 4}};
	struct flock lock = {.l_type = F_RDLCK};
	struct statfs fs;
	struct stat st;
	char buf[16];

	R(fcntl(p, F_GETFL));
	R(fcntl(p, F_SETFL, O_APPEND));
	R(fcntl(p, F_GETFD));
	R(fcntl(p, F_SETFD, FD_CLOEXEC));
	R(fcntl(p, F_SETLK, &lock));
	R(fcntl(p, F_GETOWN));
	R(fcntl(p, F_GETPIPE_SZ));
	copy = fcntl(p, F_DUPFD, 100);
	R(copy);
	R(close(copy));
	R(read(p, buf, 1));
	R(write(p, buf, 1));
	R(pread(p, buf, 1, 0));
	R(lseek(p, 0, SEEK_SET));
	R(ioctl(p, FIONREAD, buf));
	R(fsync(p));
	R(ftruncate(p, 0));
	R(fallocate(p, 0, 0, 1));
	R(fchmod(p, 0600));
	R(fchown(p, 0, 0));
	R(futimens(p, ts));
	R(fstat(p, &st));
	R(fstatfs(p, &fs));
	R(fchdir(p));
	R(fchdir(d) ? -1 : fchdir(open(getenv("BASE"), O_RDONLY)));
	R(flock(p, LOCK_SH));
	R(posix_fadvise(p, 0, 0, POSIX_FADV_NORMAL));
	R(readahead(p, 0, 10));
	R(sync_file_range(p, 0, 0, 0));
	R(syncfs(p));
	R(syscall(SYS_getdents64, d, buf, 16));
	R(dup(p) > 0);
	R(sendfile(1, p, NULL, 1));
	R(fgetxattr(p, "user.a", buf, 1));
	P(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, p, 0));
	R(openat(p, "x", O_RDONLY));
	R(done(openat(d, ".", O_RDONLY)));
	R(done(openat(d, "..", O_RDONLY)));
	R(mkdirat(d, "m", 0700));
	R(unlinkat(d, "m", AT_REMOVEDIR));
	R(unlinkat(d, "m", 0));
	R(unlinkat(d, "m", 4));
	R(fstatat(p, "", &st, AT_EMPTY_PATH));
	R(fchownat(p, "", 0, 0, AT_EMPTY_PATH));
	R(fchownat(l, "", 5, 5, AT_EMPTY_PATH));
	R(utimensat(p, "", ts, AT_EMPTY_PATH));
	R(utimensat(p, NULL, ts, 0));
	R(faccessat(p, "", R_OK, AT_EMPTY_PATH));
	R(readlinkat(l, "", buf, 16));
	R(readlinkat(p, "", buf, 16));
	R(readlinkat(l, "x", buf, 16));
	R(linkat(p, "", AT_FDCWD, "fromfd", AT_EMPTY_PATH));
	R(unlink("fromfd"));
	R(done(open("/proc/self/fd/9999", O_RDONLY)));
	sprintf(buf, "/dev/fd/%d", p);
	R(done(open(buf, O_RDWR)));
	R(done(open(buf, O_RDWR | O_NOFOLLOW)));
	R(done(open(buf, O_PATH | O_NOFOLLOW)));
	sprintf(buf, "/dev/fd/%d", l);
	R(done(open(buf, O_RDONLY)));
	R(close(p) | close(d) | close(l));
}

static void unnamed(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0640), excl = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
	char path[64];
	struct stat st;

	R(fstat(fd, &st) ? -1 : (long)st.st_nlink);
	R(write(fd, "text", 4));
	R(done(open(".", O_TMPFILE | O_RDONLY, 0600)));
	R(done(open("f", O_TMPFILE | O_RDWR, 0600)));
	R(done(open("none", O_TMPFILE | O_RDWR, 0600)));
	R(done(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600)));
	R(done(open("/proc", O_TMPFILE | O_RDWR, 0600)));
	sprintf(path, "/proc/self/fd/%d", excl);
	R(linkat(AT_FDCWD, path, AT_FDCWD, "e", AT_SYMLINK_FOLLOW));
	R(linkat(excl, "", AT_FDCWD, "e", AT_EMPTY_PATH));
	sprintf(path, "/proc/self/fd/%d", fd);
	R(linkat(AT_FDCWD, path, AT_FDCWD, "t", 0));
	R(linkat(AT_FDCWD, path, AT_FDCWD, "f", AT_SYMLINK_FOLLOW));
	R(linkat(AT_FDCWD, path, AT_FDCWD, "t", AT_SYMLINK_FOLLOW));
	abi_show_file("t");
	R(linkat(fd, "", AT_FDCWD, "t2", AT_EMPTY_PATH));
	R(unlink("t") | unlink("t2"));
	R(linkat(fd, "", AT_FDCWD, "t3", AT_EMPTY_PATH));
	R(linkat(AT_FDCWD, path, AT_FDCWD, "t3", AT_SYMLINK_FOLLOW));
	R(linkat(AT_FDCWD, "f", AT_FDCWD, "t4", 0x100));
	R(linkat(-1, "", AT_FDCWD, "t4", AT_EMPTY_PATH));
	R(linkat(AT_FDCWD, "", AT_FDCWD, "t4", AT_EMPTY_PATH));
	R(linkat(AT_FDCWD, "d", AT_FDCWD, "t4", 0));
	R(linkat(AT_FDCWD, "lf", AT_FDCWD, "t5", 0));
	R(mode_of("t5"));
	R(linkat(AT_FDCWD, "lf", AT_FDCWD, "t6", AT_SYMLINK_FOLLOW));
	R(mode_of("t6"));
	R(unlink("t5") | unlink("t6"));
	R(close(fd) | close(excl));
}

static void gone(void)
{
	char buf[PATH_MAX];
	int fd;

	R(mkdir("g", 0755));
	R(mkdir("g/h", 0755));
	R(chdir("g/h"));
	R(rmdir("../h"));
	P(getcwd(buf, sizeof(buf)));
	R(mkdir("x", 0755));
	R(done(open("x", O_CREAT | O_RDWR, 0600)));
	R(done(open(".", O_RDONLY)));
	R(done(open(".", O_TMPFILE | O_RDWR, 0600)));
	R(done(open("..", O_RDONLY)));
	R(symlink("a", "b"));
	R(access(".", F_OK));
	R(access("x", F_OK));
	R(rmdir("."));
	R(rmdir("../h"));
	R(rename("../../f", "f"));
	R(mode_of("."));
	R(chmod(".", 0700));
	fd = open(".", O_RDONLY);
	R(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	R(fsync(fd));
	R(close(fd));
	R(chdir("."));
	R(chdir(".."));
	R(chdir(".."));
	R(rmdir("g"));
}

static void flags(void)
{
	struct timespec ts[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

	abi_write_file("a", "a");
	abi_write_file("b", "b");
	R(renames("a", "b", NOREPLACE));
	R(renames("a", "b", EXCHANGE));
	abi_show_file("a");
	R(renames("a", "b", NOREPLACE | EXCHANGE));
	R(renames("a", "b", EXCHANGE | WHITEOUT));
	R(renames("a", "b", 8));
	R(renames("a", "d", EXCHANGE));
	R(renames("a", "d", EXCHANGE));
	R(renames("a", "d/in", EXCHANGE));
	R(renames("d", "d/in", EXCHANGE));
	R(renames("a", "c", WHITEOUT | NOREPLACE));
	R(mode_of("a"));
	R(renames("c", "b", WHITEOUT));
	R(mode_of("c"));
	R(unlink("a") | unlink("c"));
	R(utimensat(AT_FDCWD, "none", ts, 0));
	R(utimensat(AT_FDCWD, "none", ts, 0x1000000));
	R(utimensat(-1, "none", ts, 0));
	ts[0].tv_nsec = UTIME_NOW;
	R(utimensat(AT_FDCWD, "b", ts, 0));
	R(utimensat(AT_FDCWD, "none", ts, 0));
	ts[1].tv_nsec = 1000000000;
	R(utimensat(AT_FDCWD, "b", ts, 0));
	ts[1].tv_nsec = -1;
	R(utimensat(AT_FDCWD, "b", ts, 0));
	R(utimensat(AT_FDCWD, NULL, NULL, 0));
	R(utimensat(0, NULL, NULL, AT_SYMLINK_NOFOLLOW));
	R(utimensat(-1, NULL, NULL, 0));
}

static void moving(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0644),
	    out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2], dir;
	int append = open("out", O_WRONLY | O_APPEND), proc = open("/proc/self/stat", O_RDONLY);
	loff_t at = 0, to = 0;

	R(write(in, "0123456789", 10));
	R(copy_file_range(in, &at, out, &to, 5, 0));
	R(copy_file_range(in, &at, out, &to, 50, 0));
	R(copy_file_range(in, &at, out, &to, 50, 0));
	R(copy_file_range(in, &at, out, &to, 5, 1));
	at = 0;
	to = 2;
	R(copy_file_range(in, &at, in, &to, 5, 0));
	to = 5;
	at = 0;
	R(copy_file_range(in, &at, in, &to, 5, 0));
	R(copy_file_range(in, NULL, append, NULL, 5, 0));
	at = -1;
	R(copy_file_range(in, &at, out, NULL, 5, 0));
	at = INT64_MAX;
	R(copy_file_range(in, &at, out, NULL, 5, 0));
	dir = open(".", O_RDONLY);
	R(copy_file_range(dir, NULL, out, NULL, 5, 0));
	R(copy_file_range(in, NULL, dir, NULL, 5, 0));
	R(pipe(p));
	at = 0;
	R(copy_file_range(in, &at, p[1], NULL, 5, 0));
	R(copy_file_range(out, NULL, append, NULL, 0, 0));
	R(sendfile(append, in, &at, 5));
	R(sendfile(out, dir, NULL, 5));
	R(sendfile(p[1], in, &at, 5));
	R(splice(p[0], NULL, append, NULL, 5, 0));
	R(splice(p[0], &at, out, NULL, 5, 0));
	R(splice(in, NULL, out, NULL, 5, 0));
	R(posix_fadvise(in, 0, 0, 77));
	R(posix_fadvise(in, 0, -1, POSIX_FADV_DONTNEED));
	R(posix_fadvise(p[0], 0, 0, POSIX_FADV_DONTNEED));
	R(posix_fadvise(dir, 0, 0, POSIX_FADV_WILLNEED));
	R(readahead(in, 0, 100));
	R(readahead(append, 0, 100));
	R(readahead(dir, 0, 100));
	R(readahead(p[0], 0, 100));
	R(sync_file_range(in, 0, 0, 7));
	R(sync_file_range(in, 0, 0, 8));
	R(sync_file_range(in, -1, 0, 0));
	R(sync_file_range(in, 1, -2, 0));
	R(sync_file_range(dir, 0, 0, 2));
	R(sync_file_range(p[0], 0, 0, 2));
	R(fsync(dir) | fdatasync(dir));
	R(fsync(p[0]));
	R(fsync(proc));
	R(flock(in, LOCK_EX));
	R(flock(out, LOCK_EX | LOCK_SH));
	R(flock(out, 0));
	R(flock(out, LOCK_NB));
	R(flock(dir, LOCK_EX | LOCK_NB));
	R(flock(p[0], LOCK_EX | LOCK_NB));
	R(close(in) | close(out) | close(append) | close(dir) | close(proc));
}

static void facts(void)
{
	struct statvfs v;
	struct statx x;
	int fd = open("f", O_RDONLY);

	R(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME | 0x1000, &x));
	HOLDS((x.stx_mask & (STATX_BASIC_STATS | STATX_BTIME | 0x1000)) ==
	      (STATX_BASIC_STATS | STATX_BTIME | 0x1000));
	HOLDS(x.stx_mnt_id != 0 && x.stx_mnt_id < 1u << 31);
	R(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x4000, &x) ? -1 : (long)(x.stx_mask & 0x5000));
	HOLDS(x.stx_mnt_id >= 1u << 31);
	R(syscall(SYS_statx, AT_FDCWD, "f", 0, 0, &x));
	R(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	R(syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, STATX_SIZE, &x));
	R(syscall(SYS_statx, fd, NULL, 0, STATX_SIZE, &x));
	R(syscall(SYS_statx, fd, "", 0, STATX_SIZE, &x));
	R(syscall(SYS_statx, AT_FDCWD, "f", 1, STATX_SIZE, &x));
	R(syscall(SYS_statx, AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	R(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &x));
	HOLDS(x.stx_attributes_mask & 0x2000); /* STATX_ATTR_MOUNT_ROOT */
	R(syscall(SYS_statx, AT_FDCWD, "/", 0, 0, &x) ? -1 : (long)(x.stx_attributes & 0x2000));
	R(statvfs("f", &v) ? -1 : (long)v.f_namemax);
	R(syscall(SYS_fstatfs, -1, NULL));
	R(syscall(SYS_statfs, "f", NULL));
	R(close(fd));
}

int main(void)
{
	char base[PATH_MAX];

	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	abi_scratch();
	if (!getcwd(base, sizeof(base)) || setenv("BASE", base, 1))
		return 1;
	slashes();
	depths();
	modes();
	only_path();
	unnamed();
	gone();
	flags();
	moving();
	facts();
	return 0;
}
