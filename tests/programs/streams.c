/* SPDX-License-Identifier: MIT */
/* `streams both N`: N bytes 'o' to standard output and N bytes 'e' to standard error, in turns of odd sizes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t put(int fd, const char *text, size_t n)
{
	ssize_t done = write(fd, text, n);

	if (done < 0)
		_exit(3);
	return (size_t)done;
}

int main(int argc, char **argv)
{
	static char o[10007], e[9973];
	size_t total, out = 0, err = 0;

	if (argc != 3 || strcmp(argv[1], "both") != 0)
		return 2;
	total = strtoul(argv[2], NULL, 10);
	memset(o, 'o', sizeof(o));
	memset(e, 'e', sizeof(e));
	while (out < total || err < total) {
		if (out < total)
			out += put(1, o, sizeof(o) < total - out ? sizeof(o) : total - out);
		if (err < total)
			err += put(2, e, sizeof(e) < total - err ? sizeof(e) : total - err);
	}
	return 0;
}
