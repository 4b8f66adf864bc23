/* SPDX-License-Identifier: MIT */
/*
 * The `moat` command: which of its subcommands is meant.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "usage.h"
#include "verdict.h"

/*
 * Give the descriptors 0, 1 and 2 that the caller has closed to /dev/null, so that no file of ours takes
 * their place and becomes a standard stream.
 */
static int fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? fd : close(fd);
}

static int print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) ? STATUS_MOAT_FAILED : 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (fill_standard_streams())
		return STATUS_MOAT_FAILED;
	if (strcmp(word, "run") == 0 || strcmp(word, "shell") == 0)
		return run_command(argc - 1, argv + 1);
	if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0)
		return print("moat " MOAT_VERSION "\n");
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print(usage_moat);
	fprintf(stderr, "moat: %s%sno such command (try 'moat --help')\n", word, *word ? ": " : "");
	return STATUS_MOAT_FAILED;
}
