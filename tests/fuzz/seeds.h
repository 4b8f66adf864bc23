/* SPDX-License-Identifier: MIT */
/* What a libFuzzer target starts from: inputs that it makes itself, put into its corpus, the first folder of its arguments. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The corpus folder, or NULL: none was given, or an input to be tried again. */
static inline const char *seed_folder(int argc, char **argv)
{
	struct stat st;

	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			return stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? argv[i] : NULL;
	return NULL;
}

static inline void seed_write(const char *folder, const char *name, const void *bytes, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seed-%s", folder, name);
	f = fopen(path, "w");
	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f))
		abort();
}

#endif
