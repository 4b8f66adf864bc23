/* SPDX-License-Identifier: MIT */
/* openat2(2): where a walk may not go, and what open(2) lets pass. */
#include "abi.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int dir;

static int how_open(int at, const char *path, unsigned long flags, unsigned long mode, unsigned long resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};

	return (int)syscall(SYS_openat2, at, path, &how, sizeof(how));
}

/* Opens, says what came of it, and which of the files it is. */
static void try(const char *path, unsigned long flags, unsigned long resolve)
{
	int fd = how_open(dir, path, flags, 0, resolve);
	char text[16] = "";
	struct stat st;

	if (fd < 0) {
		printf("%s, %#lx: %s\n", path, resolve, strerror(errno));
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '?';
	printf("%s, %#lx: %s %s\n", path, resolve,
	       S_ISDIR(st.st_mode)   ? "directory"
	       : S_ISLNK(st.st_mode) ? "link"
				     : "file",
	       text);
	close(fd);
}

static void put(const char *path, const char *text)
{
	int fd = openat(dir, path, O_CREAT | O_WRONLY, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("put: %s\n", strerror(errno));
	close(fd);
}

static void prepare(void)
{
	char path[] = "/tmp/openat2XXXXXX";

	if (!mkdtemp(path))
		printf("mkdtemp: %s\n", strerror(errno));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	mkdirat(dir, "a", 0700);
	mkdirat(dir, "a/b", 0700);
	put("file", "top");
	put("a/file", "in a");
	put("a/b/file", "in b");
	symlinkat("file", dir, "near");
	symlinkat("../file", dir, "a/up");
	symlinkat("../../..", dir, "a/far");
	symlinkat("/file", dir, "a/absolute");
	symlinkat("/proc/self/root", dir, "magic");
	symlinkat("loop", dir, "loop");
	dir = openat(dir, "a", O_RDONLY | O_DIRECTORY);
}

static void walks(void)
{
	static const char *const paths[] = {"file",	 "b/file",
					    "b/../file", "../file",
					    "up",	 "../near",
					    "/",	 "..",
					    "absolute",	 "/b/file",
					    "far",	 "b/../../near",
					    "nothing",	 "../magic/proc",
					    "../loop",	 "/proc/self/root",
					    "b/..",	 "."};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		/* Outside of a tree of one's own, files have names by accident. */
		if (paths[i][0] != '/')
			try(paths[i], O_RDONLY, 0);
		try(paths[i], O_RDONLY, RESOLVE_BENEATH);
		try(paths[i], O_RDONLY, RESOLVE_IN_ROOT);
		try(paths[i], O_RDONLY, RESOLVE_NO_SYMLINKS);
		try(paths[i], O_RDONLY, RESOLVE_NO_MAGICLINKS);
	}
	try("up", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	try("up", O_RDONLY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	try("up", O_RDONLY | O_NOFOLLOW, 0);
	try("/proc/self", O_RDONLY, RESOLVE_NO_XDEV);
	try("/dev/null", O_RDONLY, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	try("file", O_RDONLY, RESOLVE_NO_XDEV);
	try("../file", O_RDONLY, RESOLVE_NO_XDEV);
	try("file", O_RDONLY, RESOLVE_CACHED);
	try("file", O_RDWR | O_TRUNC, RESOLVE_CACHED);
}

static void creating(void)
{
	int fd = how_open(dir, "/new", O_CREAT | O_EXCL | O_RDWR, 0640, RESOLVE_IN_ROOT);
	struct stat st;

	printf("created %d, there %d", fd >= 0, fstatat(dir, "new", &st, 0) == 0);
	printf(", mode %o\n", st.st_mode & 07777);
	close(fd);
	fd = how_open(dir, "../outside", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH);
	printf("outside: %s\n", fd < 0 ? strerror(errno) : "created");
	fd = how_open(-1, "/tmp", O_RDONLY, 0, 0);
	printf("absolute with a bad descriptor: %d\n", fd >= 0);
	close(fd);
	fd = how_open(-1, "/tmp", O_RDONLY, 0, RESOLVE_IN_ROOT);
	printf("the same in a root: %s\n", fd < 0 ? strerror(errno) : "opened");
	fd = how_open(dir, "file", O_RDONLY | O_CLOEXEC, 0, 0);
	printf("cloexec %d\n", fcntl(fd, F_GETFD));
	close(fd);
}

static void wrong(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "opened");
	if (result >= 0)
		close((int)result);
}

static void errors(void)
{
	struct {
		struct open_how how;
		unsigned long more;
	} large = {{.flags = O_RDONLY}, 0};

	wrong("an unknown flag", how_open(dir, "file", 1ul << 40, 0, 0));
	wrong("an unknown bit", how_open(dir, "file", 1ul << 31, 0, 0));
	wrong("unknown resolve", how_open(dir, "file", O_RDONLY, 0, 0x40));
	wrong("unknown resolve, high", how_open(dir, "file", O_RDONLY, 0, 1ul << 40));
	wrong("both scopes", how_open(dir, "file", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
	wrong("a mode for nothing", how_open(dir, "file", O_RDONLY, 0600, 0));
	wrong("a mode too large", how_open(dir, "file", O_CREAT | O_RDWR, 0200000, 0));
	wrong("O_PATH and more", how_open(dir, "file", O_PATH | O_RDWR, 0, 0));
	wrong("O_PATH and O_CLOEXEC", how_open(dir, "file", O_PATH | O_CLOEXEC, 0, 0));
	wrong("too small", syscall(SYS_openat2, dir, "file", &large, 23ul));
	wrong("larger", syscall(SYS_openat2, dir, "file", &large, sizeof(large)));
	large.more = 1;
	wrong("larger and not known", syscall(SYS_openat2, dir, "file", &large, sizeof(large)));
	wrong("far too large", syscall(SYS_openat2, dir, "file", &large, 5000ul));
	wrong("no structure", syscall(SYS_openat2, dir, "file", NULL, 24ul));
	wrong("no path", syscall(SYS_openat2, dir, NULL, &large, 24ul));
	wrong("an empty path", how_open(dir, "", O_RDONLY, 0, 0));
	wrong("a temporary file", how_open(dir, ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH));
	wrong("O_DIRECTORY and O_CREAT", how_open(dir, "x", O_DIRECTORY | O_CREAT | O_RDWR, 0600, 0));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	prepare();
	walks();
	creating();
	errors();
	return 0;
}
