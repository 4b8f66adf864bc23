/* SPDX-License-Identifier: MIT */
/* Numbers, hexadecimal bytes and command-line words. */
#include "unit.h"
#include <errno.h>
#include <moat/hash.h>
#include <moat/parse.h>

static void test_u64(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int err;
		u64 value;
	} cases[] = {
		{"0", 0, 0},
		{"7", 0, 7},
		{"007", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"0x0", 0, 0},
		{"0XfF", 0, 255},
		{"0xffffffffffffffff", 0, UINT64_MAX},
		{"0x10000000000000000", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"x1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"12a", -EINVAL, 0},
		{"0xg", -EINVAL, 0},
		{"99999999999999999999999z", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 value = 12345;
		assert_int_equal(parse_u64(cases[i].text, &value), cases[i].err);
		assert_int_equal(value, cases[i].err ? 12345 : cases[i].value);
	}
}

static void test_hex_bytes(void **state)
{
	(void)state;
	u8 out[4] = {9, 9, 9, 9};

	assert_int_equal(parse_hex_bytes("00fFA5", out, 3), 0);
	assert_memory_equal(out, ((u8[]){0x00, 0xff, 0xa5, 9}), 4);
	assert_int_equal(parse_hex_bytes("", out, 0), 0);
	assert_int_equal(parse_hex_bytes("11223", out, 3), -EINVAL);
	assert_int_equal(parse_hex_bytes("1122334", out, 3), -EINVAL);
	assert_int_equal(parse_hex_bytes("11223g", out, 3), -EINVAL);
	assert_memory_equal(out, ((u8[]){0x00, 0xff, 0xa5, 9}), 4);
}

static void test_cmdline(void **state)
{
	(void)state;
	const char *line = "  nokaslr exit=0x501 log=1 exit=9 empty= logo=2  tail";
	char out[8];

	assert_true(cmdline_get(line, "exit", out, sizeof(out)));
	assert_string_equal(out, "0x501");
	assert_true(cmdline_get(line, "nokaslr", out, sizeof(out)));
	assert_string_equal(out, "");
	assert_true(cmdline_get(line, "empty", out, sizeof(out)));
	assert_string_equal(out, "");
	assert_true(cmdline_get(line, "tail", out, sizeof(out)));
	assert_true(cmdline_get(line, "log", out, sizeof(out)));
	assert_string_equal(out, "1");
	assert_false(cmdline_get(line, "lo", out, sizeof(out)));
	assert_false(cmdline_get(line, "logos", out, sizeof(out)));
	assert_false(cmdline_get(line, "kaslr", out, sizeof(out)));
	assert_false(cmdline_get("", "log", out, sizeof(out)));
	assert_false(cmdline_get("   ", "log", out, sizeof(out)));
}

static void test_cmdline_size(void **state)
{
	(void)state;
	char out[6];

	memset(out, 'Z', sizeof(out));
	assert_true(cmdline_get("a=12345", "a", out, 6));
	assert_string_equal(out, "12345");
	memset(out, 'Z', sizeof(out));
	assert_false(cmdline_get("a=12345", "a", out, 5));
	assert_int_equal(out[0], 'Z');
	assert_false(cmdline_get("a", "a", out, 0));
}

static void test_cmdline_repeats(void **state)
{
	(void)state;
	const char *pos = "dev=1 x dev=2 dev=3";
	char out[8], all[16] = "";

	while (cmdline_next(&pos, "dev", out, sizeof(out)))
		strcat(all, out);
	assert_string_equal(all, "123");
}

/* The published values of FNV-1a. */
static void test_hash(void **state)
{
	(void)state;
	assert_true(hash_bytes(0, "", 0) == 0xcbf29ce484222325u);
	assert_true(hash_bytes(0, "a", 1) == 0xaf63dc4c8601ec8cu);
	assert_true(hash_bytes(0, "foobar", 6) == 0x85944171f73967e8u);
	assert_true(hash_bytes(1, "foobar", 6) != hash_bytes(0, "foobar", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_hex_bytes),
		cmocka_unit_test(test_cmdline),
		cmocka_unit_test(test_cmdline_size),
		cmocka_unit_test(test_cmdline_repeats),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests_name("lib_parse", tests, NULL, NULL);
}
