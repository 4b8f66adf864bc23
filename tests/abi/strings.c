/* SPDX-License-Identifier: MIT */
/*
 * Paths that end where memory ends.
 *
 *    ...| a b c \0 |   hole      the last byte of the page is the terminator: fine
 *    ...| a b c d  |   hole      runs off: EFAULT
 *    PATH_MAX bytes and more without a terminator: ENAMETOOLONG, if they are all there
 */
#include "abi.h"

static char *edge; /* end of the last mapped page */

static char *at_edge(const char *text, size_t length)
{
	memcpy(edge - length, text, length);
	return edge - length;
}

static void short_paths(void)
{
	R(open(at_edge("/dev/null", 10), O_RDONLY));
	R(open(at_edge("/dev/null", 9), O_RDONLY));
	R(open(at_edge("", 1), O_RDONLY));
	R(open(edge, O_RDONLY));
	R(access(at_edge("none", 5), F_OK));
	R(access(at_edge("none", 4), F_OK));
	R(mkdir(at_edge("dir", 4), 0755));
	R(mkdir(at_edge("dir2", 4), 0755));
	R(rename(at_edge("dir", 4), "dir3"));
	R(rename("dir3", at_edge("dir4", 5)));
	R(rename("dir4", at_edge("dir5", 4)));
	R(symlink(at_edge("target", 7), "link"));
	R(symlink(at_edge("target", 6), "link2"));
	R(chdir(at_edge("dir4", 5)));
	R(chdir(at_edge("..", 3)));
	R(chdir(at_edge("..", 2)));
	R(unlink(at_edge("link", 5)));
	R(unlink(at_edge("link", 4)));
}

/* Every length and so every alignment of the string, with and without its terminator. */
static void every_length(void)
{
	char name[256];
	int found = 0, missing = 0, other = 0;

	for (size_t n = 1; n <= 200; n++) {
		memset(name, 'a' + (int)(n % 26), n);
		name[n] = 0;
		close(open(name, O_CREAT | O_WRONLY, 0600));
		found += access(at_edge(name, n + 1), F_OK) == 0;
		missing += access(at_edge(name, n), F_OK) == -1 && errno == EFAULT;
		name[n - 1] = '\xff';
		other += access(at_edge(name, n + 1), F_OK) == -1 && errno == ENOENT;
	}
	R(found);
	R(missing);
	R(other);
}

static void long_paths(void)
{
	char *start = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(start + 3 * PAGE, PAGE);
	edge = start + 3 * PAGE;
	for (size_t i = 0; i < 3 * PAGE; i++)
		start[i] = i % 2 ? '/' : '.';
	R(access(start, F_OK));
	R(access(edge - PATH_MAX, F_OK));
	R(access(edge - PATH_MAX - 1, F_OK));
	R(access(edge - PATH_MAX + 1, F_OK));
	R(access(edge - PATH_MAX + 2, F_OK));
	edge[-1] = 0;
	R(access(edge - PATH_MAX, F_OK));
	R(access(edge - PATH_MAX - 2, F_OK));
	R(access(edge - PATH_MAX + 2, F_OK));
	R(symlink(edge - PATH_MAX, "long"));
	R(symlink(edge - PATH_MAX - 1, "longer"));
}

int main(void)
{
	abi_scratch();
	edge = abi_page_before_hole() + PAGE;
	short_paths();
	every_length();
	long_paths();
	return 0;
}
