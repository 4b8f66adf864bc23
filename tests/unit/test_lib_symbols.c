/* SPDX-License-Identifier: MIT */
/* The lookup in a symbol table of three functions. */
#include "unit.h"
#include <moat/symbols.h>

const u32 symbol_count = 3;
const u32 symbol_offsets[] = {0x10, 0x30, 0x31};
const char symbol_names[] = "first\0second\0third\0";

static void assert_symbol(u32 offset, const char *name, u32 distance)
{
	u32 have;

	assert_string_equal(symbol_name(offset, &have), name);
	assert_int_equal(have, distance);
}

static void test_lookup(void **state)
{
	(void)state;
	assert_symbol(0x00, "?", 0x00);
	assert_symbol(0x0f, "?", 0x0f);
	assert_symbol(0x10, "first", 0);
	assert_symbol(0x2f, "first", 0x1f);
	assert_symbol(0x30, "second", 0);
	assert_symbol(0x31, "third", 0);
	assert_symbol(0xffffffff, "third", 0xffffffce);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests_name("lib_symbols", tests, NULL, NULL);
}
