/* SPDX-License-Identifier: MIT */
/*
 * The cpio reader on any bytes: it ends, it goes forwards, and what it hands out lies inside the archive.
 *
 * The input is copied to a block of exactly its size, so that AddressSanitizer sees a read one byte beyond.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "fs/cpio.h"

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile u8 sink;

/* Reads every byte of [p, p + len), which must lie inside the archive. */
static void touch(const u8 *archive, size_t size, const void *p, size_t len)
{
	const u8 *bytes = p;

	REQUIRE(len <= size);
	REQUIRE(len == 0 || (bytes >= archive && bytes + len <= archive + size));
	for (size_t i = 0; i < len; i++)
		sink = bytes[i];
}

static void check_entry(const u8 *archive, size_t size, const struct cpio_entry *e)
{
	REQUIRE(e->name_len > 0);
	touch(archive, size, e->name, e->name_len + 1);
	REQUIRE(strlen(e->name) == e->name_len);
	touch(archive, size, e->data, e->data_len);
	REQUIRE(e->data_len == 0 || e->data > (const u8 *)e->name + e->name_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 *archive = malloc(size);
	struct cpio_reader reader;
	struct cpio_entry entry;
	size_t before = 0;
	int got;

	REQUIRE(archive || size == 0);
	if (size)
		memcpy(archive, data, size);
	cpio_reader_init(&reader, archive, size);
	while ((got = cpio_next(&reader, &entry)) == 1) {
		check_entry(archive, size, &entry);
		REQUIRE(reader.at > before && reader.at <= size);
		before = reader.at;
	}
	REQUIRE(got == 0 || got == -EINVAL);
	free(archive);
	return 0;
}
