/* SPDX-License-Identifier: MIT */
/* xattr(7) on tmpfs: names, values, lists, who may, and what is refused in which order; the calls of Linux 6.13 with "at". */
#include "abi.h"
#include <linux/limits.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define SETAT	 463
#define GETAT	 464
#define LISTAT	 465
#define REMOVEAT 466

#define SET(path, name, value, flags) R(setxattr(path, name, value, strlen(value), flags))

static char big[XATTR_SIZE_MAX + 2];
static char *hole;

static void show(int line, const char *path)
{
	char list[4096], value[256];
	ssize_t n = llistxattr(path, list, sizeof(list)), len;

	printf("%d: %s: %zd\n", line, path, n);
	for (char *at = list; n > 0 && at < list + n; at += strlen(at) + 1) {
		len = lgetxattr(path, at, value, sizeof(value));
		printf("  %s = %zd %.*s\n", at, len, len > 0 ? (int)len : 0, value);
	}
}
#define SHOW(path) show(__LINE__, path)

static void values(void)
{
	char buf[16] = "";

	abi_write_file("f", "text");
	R(getxattr("f", "user.a", buf, 16));
	R(listxattr("f", buf, 16));
	SET("f", "user.a", "one", 0);
	SET("f", "user.b", "", 0);
	SET("f", "user.a", "two", XATTR_CREATE);
	SET("f", "user.c", "two", XATTR_REPLACE);
	SET("f", "user.a", "longer", XATTR_REPLACE);
	SET("f", "user.a", "x", XATTR_REPLACE | XATTR_CREATE);
	SET("f", "user.d", "x", XATTR_REPLACE | XATTR_CREATE);
	SET("f", "user.a", "x", 4);
	SET("f", "trusted.t", "t", 0);
	SET("f", "security.s", "s", 0);
	SHOW("f");
	R(getxattr("f", "user.a", NULL, 0));
	R(getxattr("f", "user.a", buf, 5));
	R(getxattr("f", "user.a", buf, 6));
	R(getxattr("f", "user.b", NULL, 0));
	R(getxattr("f", "user.b", hole, 1));
	R(getxattr("f", "user.a", hole, 10));
	R(listxattr("f", NULL, 0));
	R(listxattr("f", buf, 5));
	R(listxattr("f", hole, 100));
	R(removexattr("f", "user.b"));
	R(removexattr("f", "user.b"));
	R(removexattr("f", "trusted.t"));
	SHOW("f");
	R(setxattr("f", "user.big", big, XATTR_SIZE_MAX, 0));
	R(setxattr("f", "user.big", big, XATTR_SIZE_MAX + 1, 0));
	R(getxattr("f", "user.big", big, sizeof(big)));
	R(setxattr("f", "user.z", hole, 1, 0));
	R(setxattr("f", "user.z", NULL, 0, 0));
	R(link("f", "g"));
	R(rename("f", "h"));
	R(getxattr("g", "user.a", buf, 16));
	R(unlink("g"));
	R(rename("h", "f"));
}

static void names(void)
{
	static const char *const bad[] = {"",	       "user",	  "user.",    "trusted.",
					  "security.", "system.", "system.x", "nosuch.x",
					  "nosuch",    ".",	  "x.",	      "User.x"};
	char name[300], buf[8];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		printf("\"%s\"\n", bad[i]);
		R(setxattr("f", bad[i], "v", 1, 0));
		R(getxattr("f", bad[i], buf, 8));
		R(removexattr("f", bad[i]));
	}
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = 0;
	R(setxattr("f", name, "v", 1, 0));
	R(getxattr("f", name, buf, 8));
	name[255] = 0;
	R(setxattr("f", name, "v", 1, 0));
	R(getxattr("f", name, buf, 8));
	R(removexattr("f", name));
	R(setxattr("f", hole, "v", 1, 0));
	R(setxattr("f", NULL, "v", 1, 0));
	R(setxattr("f", name, "v", 1, 0x100));
	R(setxattr("none", "", "v", 1, 0));
	R(setxattr("none", "user.a", big, sizeof(big), 0));
	R(setxattr("none", "user.a", hole, 1, 0));
	R(setxattr("none", "user.a", "v", 1, 0));
	R(setxattr(NULL, "user.a", "v", 1, 0));
	R(setxattr("", "user.a", "v", 1, 0));
	R(getxattr("none", "user.a", NULL, 0));
	R(listxattr("none", NULL, 0));
	R(removexattr("none", "user.a"));
	R(removexattr("none", ""));
	R(fsetxattr(-1, "user.a", "v", 1, 0));
	R(fgetxattr(-1, "user.a", NULL, 0));
	R(flistxattr(-1, NULL, 0));
	R(fremovexattr(-1, "user.a"));
	R(setxattr("f", "security.capability", "v", 1, 0));
	R(setxattr("f", "security.capability", "\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0));
	R(getxattr("f", "security.capability", big, 100));
	R(removexattr("f", "security.capability"));
}

static void kinds(void)
{
	static const char *const paths[] = {"d", "fifo", "link", "null"};
	int fd, p[2];

	R(mkdir("d", 0755));
	R(mkfifo("fifo", 0644));
	R(symlink("f", "link"));
	R(mknod("null", S_IFCHR | 0666, 0x103));
	for (size_t i = 0; i < 4; i++) {
		printf("%s\n", paths[i]);
		R(lsetxattr(paths[i], "user.k", "v", 1, 0));
		R(lsetxattr(paths[i], "trusted.k", "v", 1, 0));
		R(lsetxattr(paths[i], "security.k", "v", 1, 0));
		R(lgetxattr(paths[i], "user.k", NULL, 0));
		R(lremovexattr(paths[i], "user.k"));
		SHOW(paths[i]);
	}
	R(getxattr("link", "user.a", NULL, 0));
	R(removexattr("link", "trusted.k"));
	fd = open("f", O_RDONLY);
	R(fsetxattr(fd, "user.fd", "v", 1, 0));
	R(fgetxattr(fd, "user.fd", NULL, 0));
	R(flistxattr(fd, NULL, 0) > 0);
	R(fremovexattr(fd, "user.fd"));
	R(close(fd));
	fd = open("f", O_PATH);
	R(fsetxattr(fd, "user.fd", "v", 1, 0));
	R(fgetxattr(fd, "user.fd", NULL, 0));
	R(flistxattr(fd, NULL, 0));
	R(close(fd));
	R(pipe(p));
	R(fsetxattr(p[0], "user.p", "v", 1, 0));
	R(fgetxattr(p[0], "user.p", NULL, 0));
	R(fremovexattr(p[0], "user.p"));
	R(fsetxattr(p[0], "trusted.p", "v", 1, 0));
	R(flistxattr(p[0], NULL, 0));
	fd = memfd_create("m", 0);
	R(fsetxattr(fd, "user.m", "v", 1, 0));
	R(fgetxattr(fd, "user.m", NULL, 0));
	R(setxattr("/proc/self/status", "user.p", "v", 1, 0));
	R(setxattr("/proc/self/status", "trusted.p", "v", 1, 0));
	R(getxattr("/proc/self/status", "trusted.p", NULL, 0));
	R(listxattr("/proc/self/status", NULL, 0));
}

static void rights(void)
{
	abi_write_file("ro", "x");
	R(chmod("ro", 0444));
	abi_write_file("mine", "x");
	R(chown("mine", 1000, 1000));
	R(chmod("mine", 0200));
	R(mkdir("sticky", 01777));
	R(chmod("sticky", 01777));
	R(setxattr("mine", "trusted.r", "v", 1, 0));
	R(setxattr("mine", "security.r", "v", 1, 0));
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			abort();
		R(setxattr("ro", "user.r", "v", 1, 0));
		R(getxattr("ro", "user.r", NULL, 0));
		R(setxattr("mine", "user.r", "v", 1, 0));
		R(getxattr("mine", "user.r", NULL, 0));
		R(setxattr("mine", "trusted.r", "v", 1, 0));
		R(getxattr("mine", "trusted.r", NULL, 0));
		R(removexattr("mine", "trusted.r"));
		R(setxattr("mine", "security.r", "v", 1, 0));
		R(getxattr("mine", "security.r", NULL, 0));
		R(removexattr("mine", "security.r"));
		R(setxattr("mine", "security.capability", "\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0));
		R(setxattr("mine", "nosuch.r", "v", 1, 0));
		R(getxattr("mine", "nosuch.r", NULL, 0));
		R(setxattr("sticky", "user.r", "v", 1, 0));
		R(listxattr("mine", NULL, 0));
		SHOW("mine");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SHOW("mine");
}

static void at(void)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
		uint64_t more;
	} a = {(uintptr_t) "value", 5, 0, 0};
	int dir = open(".", O_RDONLY | O_DIRECTORY), fd = open("f", O_RDONLY), path = open("f", O_PATH);
	char buf[64];

	R(syscall(SETAT, dir, "f", 0, "user.at", &a, 16));
	R(syscall(SETAT, dir, "f", 0, "user.at", &a, 15));
	R(syscall(SETAT, dir, "f", 0, "user.at", &a, 24));
	R(syscall(SETAT, dir, "f", 0, "user.at", &a, 5000));
	a.more = 1;
	R(syscall(SETAT, dir, "f", 0, "user.at", &a, 24));
	a.more = 0;
	R(syscall(SETAT, dir, "f", AT_SYMLINK_FOLLOW, "user.at", &a, 16));
	R(syscall(SETAT, dir, "link", AT_SYMLINK_NOFOLLOW, "user.at", &a, 16));
	R(syscall(SETAT, dir, "link", 0, "user.at2", &a, 16));
	R(syscall(SETAT, fd, "", AT_EMPTY_PATH, "user.at3", &a, 16));
	R(syscall(SETAT, fd, NULL, AT_EMPTY_PATH, "user.at4", &a, 16));
	R(syscall(SETAT, fd, NULL, 0, "user.at4", &a, 16));
	R(syscall(SETAT, fd, "", 0, "user.at4", &a, 16));
	R(syscall(SETAT, path, "", AT_EMPTY_PATH, "user.at4", &a, 16));
	R(syscall(SETAT, AT_FDCWD, "", AT_EMPTY_PATH, "user.cwd", &a, 16));
	R(syscall(SETAT, dir, "f", 0, "user.at", hole, 16));
	a.flags = XATTR_CREATE;
	R(syscall(SETAT, dir, "f", 0, "user.at", &a, 16));
	R(syscall(GETAT, dir, "f", 0, "user.at", &a, 16));
	a.flags = 0;
	a.value = (uintptr_t)buf;
	a.size = sizeof(buf);
	R(syscall(GETAT, dir, "f", 0, "user.at", &a, 16));
	a.size = 2;
	R(syscall(GETAT, fd, "", AT_EMPTY_PATH, "user.at3", &a, 16));
	a.size = 0;
	R(syscall(GETAT, fd, "", AT_EMPTY_PATH, "user.at3", &a, 16));
	R(syscall(GETAT, dir, "f", 0, "user.at", &a, 8));
	R(syscall(GETAT, dir, "f", 0x10000, "user.at", &a, 16));
	R(syscall(LISTAT, dir, "f", 0, buf, 3));
	R(syscall(LISTAT, fd, "", AT_EMPTY_PATH, NULL, 0) > 0);
	R(syscall(LISTAT, path, "", AT_EMPTY_PATH, NULL, 0));
	R(syscall(LISTAT, dir, "link", AT_SYMLINK_NOFOLLOW, NULL, 0));
	R(syscall(LISTAT, dir, "link", 1, NULL, 0));
	R(syscall(REMOVEAT, dir, "f", 0, "user.at"));
	R(syscall(REMOVEAT, fd, "", AT_EMPTY_PATH, "user.at3"));
	R(syscall(REMOVEAT, dir, "f", 2, "user.at"));
	SHOW("f");
	SHOW(".");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	abi_scratch();
	hole = abi_page_before_hole() + PAGE;
	values();
	R(removexattr("f", "user.big"));
	names();
	kinds();
	rights();
	at();
	return 0;
}
