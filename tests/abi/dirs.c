/* SPDX-License-Identifier: MIT */
/* Reading folders, the current directory, and the calls that start at a folder's descriptor. */
#include "abi.h"
#include <dirent.h>

/* What getdents64 writes, as the manual page defines it. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every name with its type, sorted: the order in the folder is nobody's promise. */
static void list(const char *path, size_t size)
{
	static char buffer[65536], *lines[2048];
	int fd = open(path, O_RDONLY | O_DIRECTORY), count = 0, misaligned = 0;
	long n;

	while ((n = syscall(SYS_getdents64, fd, buffer, size)) > 0) {
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(buffer + at);
			char line[300];

			misaligned += e->reclen % 8 != 0 || e->ino == 0;
			snprintf(line, sizeof(line), "%s type %d", e->name, e->type);
			lines[count++] = strdup(line);
			at += e->reclen;
		}
	}
	printf("%s: %d entries, last result %ld, misaligned %d\n", path, count, n, misaligned);
	qsort(lines, count, sizeof(lines[0]), compare);
	for (int i = 0; i < count; i++) {
		if (count < 20 || i % 50 == 0)
			printf("  %s\n", lines[i]);
		free(lines[i]);
	}
	close(fd);
}

static void listing(void)
{
	char buffer[64], name[32];
	int fd;

	R(mkdir("d", 0755));
	list("d", 1024);
	abi_write_file("d/file", "x");
	R(mkdir("d/sub", 0755));
	R(symlink("file", "d/link"));
	R(mkfifo("d/fifo", 0644));
	list("d", 1024);
	list("d", 32);
	fd = R(open("d", O_RDONLY));
	R(syscall(SYS_getdents64, fd, buffer, 8));
	R(syscall(SYS_getdents64, fd, buffer, 0));
	R(syscall(SYS_getdents64, fd, (void *)1, 1024));
	R(syscall(SYS_getdents64, 99, buffer, 64));
	close(fd);
	fd = R(open("d/file", O_RDONLY));
	R(syscall(SYS_getdents64, fd, buffer, 64));
	close(fd);
	R(mkdir("many", 0755));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many/entry-%03d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	list("many", 1024);
	list("many", 65536);
}

/* Reading again after rewinding, and removing everything while reading. */
static void removing_while_reading(void)
{
	struct dirent *e;
	int seen = 0;
	DIR *d = opendir("many");

	while (readdir(d))
		seen++;
	R(seen);
	rewinddir(d);
	seen = 0;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) == 0)
			seen++;
	}
	R(seen);
	closedir(d);
	R(rmdir("many"));
}

static void current_directory(void)
{
	char top[PATH_MAX], here[PATH_MAX], small[4];
	int fd;

	P(getcwd(top, sizeof(top)));
	R(top[0]);
	R(mkdir("c", 0755));
	R(chdir("c"));
	P(getcwd(here, sizeof(here)));
	HOLDS(strncmp(here, top, strlen(top)) == 0 && strcmp(here + strlen(top), "/c") == 0);
	R(syscall(SYS_getcwd, here, sizeof(here)) == (long)strlen(here) + 1);
	R(syscall(SYS_getcwd, small, sizeof(small)));
	R(syscall(SYS_getcwd, small, 0));
	R(syscall(SYS_getcwd, (void *)8, 4096));
	R(chdir("none"));
	R(chdir("../d/file"));
	R(chdir(""));
	R(chdir("./.././c"));
	fd = R(open("../d", O_RDONLY));
	R(fchdir(fd));
	R(access("sub", F_OK));
	R(fchdir(99));
	close(fd);
	fd = R(open("file", O_RDONLY));
	R(fchdir(fd));
	close(fd);
	R(chdir("sub"));
	R(rmdir("../sub"));
	P(getcwd(here, sizeof(here)));
	R(open("x", O_CREAT | O_WRONLY, 0644));
	R(mkdir("x", 0755));
	R(access(".", F_OK));
	R(access("..", F_OK));
	R(chdir("/"));
	P(getcwd(here, sizeof(here)));
	R(strcmp(here, "/"));
	R(chdir(".."));
	P(getcwd(here, sizeof(here)));
	R(strcmp(here, "/"));
	R(chdir(top));
}

static void relative_calls(void)
{
	struct stat st;
	char buffer[64];
	int d = R(open("d", O_RDONLY | O_DIRECTORY)), p = R(open("d", O_PATH)), f, g;

	f = R(openat(d, "file", O_RDONLY));
	R(openat(f, "file", O_RDONLY));
	R(openat(99, "file", O_RDONLY));
	R(openat(d, "none", O_RDONLY));
	g = R(openat(p, "made", O_CREAT | O_RDWR, 0644));
	close(g);
	g = R(openat(99, "/dev/null", O_RDONLY));
	close(g);
	R(mkdirat(d, "m", 0755));
	R(mkdirat(f, "m", 0755));
	R(fstatat(d, "m", &st, 0));
	R(S_ISDIR(st.st_mode) != 0);
	R(fstatat(d, "", &st, 0));
	R(fstatat(d, "", &st, AT_EMPTY_PATH));
	R(fstatat(f, "", &st, AT_EMPTY_PATH));
	R(st.st_size);
	R(fstatat(d, "link", &st, AT_SYMLINK_NOFOLLOW));
	R(S_ISLNK(st.st_mode) != 0);
	R(fstatat(d, "link", &st, 0x10000000));
	R(readlinkat(d, "link", buffer, sizeof(buffer)));
	R(symlinkat("m", d, "ml"));
	R(linkat(d, "file", d, "hard", 0));
	R(linkat(f, "", d, "hard2", 0));
	R(renameat(d, "hard", AT_FDCWD, "hard"));
	R(faccessat(d, "hard", F_OK, 0));
	R(faccessat(AT_FDCWD, "hard", F_OK, 0));
	R(unlinkat(d, "m", 0));
	R(unlinkat(d, "m", AT_REMOVEDIR));
	R(unlinkat(d, "ml", 0));
	R(fchmodat(d, "made", 0600, 0));
	R(fstatat(d, "made", &st, 0));
	R(st.st_mode & 0777);
	close(f);
	close(p);
	close(d);
}

int main(void)
{
	abi_scratch();
	umask(022);
	listing();
	removing_while_reading();
	current_directory();
	relative_calls();
	return 0;
}
