/* SPDX-License-Identifier: MIT */
/* Reading cpio archives: good ones, ones that end anywhere, and ones that lie. */
#include <errno.h>
#include "cpio_make.h"
#include "fs/cpio.h"

static struct cpio_make m;

/* Offset in a header of field number i. */
#define FIELD(i) (6 + 8 * (i))
enum { FILESIZE = 6, NAMESIZE = 11 };

static void start(void)
{
	memset(&m, 0, sizeof(m));
}

/* Reads all of an exact copy, so that one byte too far is a fault. Entries read, or -errno. */
static int count_entries(const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct cpio_reader r;
	struct cpio_entry e;
	int got, n = 0;
	u8 sum = 0;

	memcpy(copy, bytes, len);
	cpio_reader_init(&r, copy, len);
	while ((got = cpio_next(&r, &e)) > 0) {
		assert_int_equal(strlen(e.name), e.name_len);
		for (size_t i = 0; i < e.data_len; i++)
			sum ^= e.data[i];
		n++;
	}
	free(copy);
	(void)sum;
	return got < 0 ? got : n;
}

static void test_entries(void **state)
{
	struct cpio_reader r;
	struct cpio_entry e;

	(void)state;
	start();
	cpio_add(&m, &(struct cpio_file){.name = "dir", .mode = 040755, .ino = 7, .nlink = 2});
	cpio_add(&m, &(struct cpio_file){.name = "dir/file",
					 .mode = 0100644,
					 .ino = 8,
					 .data = "hello",
					 .uid = 1,
					 .gid = 2,
					 .mtime = 0xffffffff});
	cpio_add(&m, &(struct cpio_file){.name = "null", .mode = 020666, .rdev_major = 1, .rdev_minor = 3});
	cpio_end(&m);
	cpio_reader_init(&r, m.bytes, m.len);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_string_equal(e.name, "dir");
	assert_int_equal(e.mode, 040755);
	assert_int_equal(e.ino, 7);
	assert_int_equal(e.nlink, 2);
	assert_int_equal(e.data_len, 0);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_int_equal(e.name_len, 8);
	assert_int_equal(e.data_len, 5);
	assert_memory_equal(e.data, "hello", 5);
	assert_int_equal(e.uid, 1);
	assert_int_equal(e.gid, 2);
	assert_int_equal(e.mtime, 0xffffffff);
	assert_int_equal(e.dev_major, 8);
	assert_int_equal(e.dev_minor, 1);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_int_equal(e.rdev_major, 1);
	assert_int_equal(e.rdev_minor, 3);
	assert_int_equal(cpio_next(&r, &e), 0);
	assert_int_equal(cpio_next(&r, &e), 0);
}

static void test_truncated_at_every_length(void **state)
{
	size_t whole_first;
	int last = 0;

	(void)state;
	start();
	cpio_add(&m, &(struct cpio_file){.name = "one", .mode = 0100644, .data = "data of one"});
	whole_first = m.len;
	cpio_add(&m, &(struct cpio_file){.name = "two", .mode = 0100644, .data = "x"});
	cpio_end(&m);
	for (size_t len = 0; len <= m.len; len++) {
		int n = count_entries(m.bytes, len);

		assert_true(n == -EINVAL || (n >= last && n <= 2));
		if (n >= 0)
			last = n;
		/* The end of an archive is a whole entry's end, its padding cut off or not. */
		if (len > 0 && len < whole_first - 1)
			assert_int_equal(n, -EINVAL);
	}
	assert_int_equal(last, 2);
}

static void test_joined_archives(void **state)
{
	(void)state;
	start();
	cpio_add(&m, &(struct cpio_file){.name = "one", .mode = 0100644});
	cpio_end(&m);
	m.len = (m.len + 511) / 512 * 512;
	cpio_add(&m, &(struct cpio_file){.name = "two", .mode = 0100644});
	cpio_end(&m);
	m.len += 512;
	assert_int_equal(count_entries(m.bytes, m.len), 2);
	assert_int_equal(count_entries(m.bytes, 0), 0);
}

/* Sets eight digits of the first header. */
static int with_field(int field, const char *digits)
{
	start();
	cpio_add(&m, &(struct cpio_file){.name = "one", .mode = 0100644, .data = "data"});
	cpio_end(&m);
	memcpy(m.bytes + FIELD(field), digits, 8);
	return count_entries(m.bytes, m.len);
}

static void test_hostile_numbers(void **state)
{
	static const char *const not_numbers[] = {"0000000g",
						  "        ",
						  "-0000001",
						  "0x000001",
						  "+0000001",
						  "0000000\0",
						  "\xff\xff\xff\xff\xff\xff\xff\xff"};

	(void)state;
	for (int field = 0; field < 13; field++) {
		for (size_t i = 0; i < ARRAY_SIZE(not_numbers); i++)
			assert_int_equal(with_field(field, not_numbers[i]), -EINVAL);
	}
	assert_int_equal(with_field(FILESIZE, "FFFFFFFF"), -EINVAL);
	assert_int_equal(with_field(FILESIZE, "7fffffff"), -EINVAL);
	assert_int_equal(with_field(FILESIZE, "80000000"), -EINVAL);
	assert_int_equal(with_field(FILESIZE, "fffffffc"), -EINVAL);
	assert_int_equal(with_field(NAMESIZE, "FFFFFFFF"), -EINVAL);
	assert_int_equal(with_field(NAMESIZE, "00000000"), -EINVAL);
	assert_int_equal(with_field(NAMESIZE, "00000001"), -EINVAL);
	/* A name without its terminator, and one with it too early. */
	assert_int_equal(with_field(NAMESIZE, "00000003"), -EINVAL);
	assert_int_equal(with_field(NAMESIZE, "00000005"), -EINVAL);
	assert_int_equal(with_field(NAMESIZE, "00000004"), 1);
	/* Lower-case digits are digits too. */
	assert_int_equal(with_field(0, "deadbeef"), 1);
}

static void test_bad_magic(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		start();
		cpio_add(&m, &(struct cpio_file){.name = "one", .mode = 0100644});
		m.bytes[i] ^= 1;
		assert_int_equal(count_entries(m.bytes, m.len), -EINVAL);
	}
	start();
	memcpy(m.bytes, "070702", 6);
	assert_int_equal(count_entries(m.bytes, 200), -EINVAL);
}

/* Random damage to a good archive: whatever is read lies inside it (the address sanitizer watches). */
static void test_random_damage(void **state)
{
	static struct cpio_make good;
	u64 random = 1;

	(void)state;
	start();
	for (int i = 0; i < 4; i++)
		cpio_add(&m, &(struct cpio_file){.name = "some/name", .mode = 0100644, .data = "some data"});
	cpio_end(&m);
	good = m;
	for (int round = 0; round < 20000; round++) {
		m = good;
		for (u64 n = unit_random_below(&random, 4) + 1; n > 0; n--)
			m.bytes[unit_random_below(&random, m.len)] =
				"0f7 \0F8"[unit_random_below(&random, 7)];
		(void)count_entries(m.bytes, unit_random_below(&random, m.len + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),		cmocka_unit_test(test_truncated_at_every_length),
		cmocka_unit_test(test_joined_archives), cmocka_unit_test(test_hostile_numbers),
		cmocka_unit_test(test_bad_magic),	cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
