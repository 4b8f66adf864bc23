/* SPDX-License-Identifier: MIT */
/*
 * The cpio reader on any bytes: it ends, it goes forwards, and what it hands out lies inside the archive.
 *
 * The input is copied to a block of exactly its size, so that AddressSanitizer sees a read one byte beyond.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cpio_make.h"
#include "fs/cpio.h"
#include "seeds.h"

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

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

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *folder = seed_folder(*argc, *argv);
	static struct cpio_make m;

	if (!folder)
		return 0;
	cpio_add(&m, &(struct cpio_file){.name = "bin", .mode = 0040755});
	cpio_add(&m, &(struct cpio_file){
			     .name = "bin/init", .mode = 0100755, .data = "text", .nlink = 2, .ino = 5});
	cpio_add(&m, &(struct cpio_file){.name = "sh", .mode = 0120777, .data = "bin/init"});
	cpio_add(&m, &(struct cpio_file){.name = "bin/twin", .mode = 0100755, .nlink = 2, .ino = 5});
	cpio_add(&m, &(struct cpio_file){.name = "null", .mode = 0020666, .rdev_major = 1, .rdev_minor = 3});
	seed_write(folder, "without-end", m.bytes, m.len);
	cpio_end(&m);
	seed_write(folder, "tree", m.bytes, m.len);
	m.bytes[5] = '2';
	seed_write(folder, "with-sums", m.bytes, m.len);
	return 0;
}
