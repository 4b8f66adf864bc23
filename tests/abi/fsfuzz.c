/* SPDX-License-Identifier: MIT */
/*
 * Random calls on a few names and descriptors: files, directories, links, renames. The same seed must print the same
 * here and there.
 *
 *     fsfuzz SEED STEPS
 */
#include "abi.h"
#include <dirent.h>

#define FILES 8u

static const char *const names[] = {"a", "b",	"c",   "d/a",	 "d/b", "d/e/a",  "d",	"d/e", "a/x",
				    "l", "d/l", "./a", "d/../b", "d/.", "nope/x", "b/", "d/"};
static const int open_flags[] = {O_RDONLY,
				 O_RDWR,
				 O_WRONLY,
				 O_RDWR | O_CREAT,
				 O_RDWR | O_CREAT | O_EXCL,
				 O_WRONLY | O_TRUNC,
				 O_RDWR | O_CREAT | O_APPEND,
				 O_DIRECTORY,
				 O_NOFOLLOW,
				 O_PATH,
				 O_RDWR | O_DIRECTORY,
				 O_CREAT | O_DIRECTORY};

static unsigned long state;
static int fds[FILES];

static unsigned draw(unsigned bound)
{
	state = state * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(state >> 33) % bound;
}

static const char *draw_name(void)
{
	return names[draw(sizeof(names) / sizeof(names[0]))];
}

static void report(unsigned n, const char *call, const char *x, const char *y, long result)
{
	printf("%u: %s %s %s: %ld %s\n", n, call, x, y, result, result == -1 ? abi_error(errno) : "");
}

static void reopen(unsigned n, const char *name, int *fd)
{
	unsigned how = draw(sizeof(open_flags) / sizeof(open_flags[0]));

	if (*fd >= 0)
		close(*fd);
	*fd = open(name, open_flags[how], 0644);
	printf("%u: open %s %#x: %s\n", n, name, (unsigned)open_flags[how],
	       *fd < 0 ? abi_error(errno) : "ok");
}

static void show_stat(unsigned n, const char *name)
{
	struct stat st;
	int result = draw(2) ? stat(name, &st) : lstat(name, &st);

	report(n, "stat", name, "", result);
	if (result == 0)
		printf("  mode %o links %ld size %ld\n", st.st_mode, (long)st.st_nlink,
		       S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
}

/* Names and kinds of a directory's entries, summed so that their order does not matter. */
static void show_directory(unsigned n, const char *name)
{
	DIR *d = opendir(name);
	unsigned count = 0, sum = 0;

	if (!d) {
		report(n, "opendir", name, "", -1);
		return;
	}
	for (struct dirent *e; (e = readdir(d)); count++)
		for (const char *p = e->d_name; *p; p++)
			sum += (unsigned)*p * (1u + e->d_type);
	closedir(d);
	printf("%u: directory %s: %u %u\n", n, name, count, sum);
}

static void with_descriptor(unsigned n, int *fd)
{
	char buffer[40] = "";

	switch (draw(4)) {
	case 0:
		report(n, "write", "", "", write(*fd, "hello world", 1 + draw(11)));
		return;
	case 1:
		report(n, "read", "", "", read(*fd, buffer, draw(sizeof(buffer))));
		printf("  %.12s\n", buffer);
		return;
	case 2: {
		long offset = (long)draw(30) - 5;
		report(n, "seek", "", "", lseek(*fd, offset, (int)draw(5)));
		return;
	}
	default:
		report(n, "ftruncate", "", "", ftruncate(*fd, draw(30)));
	}
}

static void step(unsigned n)
{
	const char *x = draw_name(), *y = draw_name();
	int *fd = &fds[draw(FILES)];
	char text[64] = "";
	unsigned how;

	errno = 0;
	switch (draw(14)) {
	case 0:
	case 1:
		reopen(n, x, fd);
		break;
	case 2:
		report(n, "mkdir", x, "", mkdir(x, 0755));
		break;
	case 3:
		report(n, "rmdir", x, "", rmdir(x));
		break;
	case 4:
		report(n, "unlink", x, "", unlink(x));
		break;
	case 5:
		report(n, "rename", x, y, rename(x, y));
		break;
	case 6:
		how = 1 + draw(3); /* RENAME_NOREPLACE, RENAME_EXCHANGE, both */
		report(n, "renameat2", x, y, syscall(SYS_renameat2, AT_FDCWD, x, AT_FDCWD, y, how));
		break;
	case 7:
		report(n, "link", x, y, linkat(AT_FDCWD, x, AT_FDCWD, y, draw(2) ? AT_SYMLINK_FOLLOW : 0));
		break;
	case 8:
		report(n, "symlink", x, y, symlink(x, y));
		break;
	case 9:
		report(n, "readlink", x, "", readlink(x, text, sizeof(text) - 1));
		printf("  %s\n", text);
		break;
	case 10:
		report(n, "truncate", x, "", truncate(x, draw(5000)));
		break;
	case 11:
		show_stat(n, x);
		break;
	case 12:
		show_directory(n, x);
		break;
	default:
		with_descriptor(n, fd);
	}
}

int main(int argc, char **argv)
{
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 100;

	abi_scratch();
	umask(022);
	state = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	for (unsigned i = 0; i < FILES; i++)
		fds[i] = -1;
	for (unsigned n = 0; n < steps; n++)
		step(n);
	return 0;
}
