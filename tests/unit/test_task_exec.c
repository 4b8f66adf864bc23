/* SPDX-License-Identifier: MIT */
/* The pure parts of exec besides ELF and stack: the first line of a script, and where things go in an address
 * space. */
#include "unit.h"
#include <errno.h>
#include <moat/aspace.h>
#include <task/exec_layout.h>
#include <task/exec_script.h>

/* Each seen on Linux 6.18 with a file of exactly these bytes. */
static const struct script_case {
	const char *bytes;
	size_t len; /* 0: strlen */
	int err;
	const char *interpreter, *argument;
} script_cases[] = {
	{"#!/bin/sh\n", 0, 0, "/bin/sh", NULL},
	{"#!/bin/sh", 0, 0, "/bin/sh", NULL},
	{"#! \t/bin/sh \t\n", 0, 0, "/bin/sh", NULL},
	{"#!/bin/sh -e\n", 0, 0, "/bin/sh", "-e"},
	{"#!/bin/sh  -e -x \t\nrest", 0, 0, "/bin/sh", "-e -x"},
	{"#!/bin/sh\r\n", 0, 0, "/bin/sh\r", NULL},
	{"#!/bin/sh\0 x y\n", 15, 0, "/bin/sh", NULL},
	{"#!/bin/sh a\0b\n", 14, 0, "/bin/sh", "a"},
	{"#!\0/bin/sh\n", 11, 0, "", NULL},
	{"#!", 0, 0, "", NULL},
	{"#!   ", 0, 0, "", NULL},
	{"#!\n", 0, -ENOEXEC, NULL, NULL},
	{"#!  \t \n", 0, -ENOEXEC, NULL, NULL},
};

static void test_script_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(script_cases); i++) {
		const struct script_case *c = &script_cases[i];
		struct script_line line;

		assert_int_equal(script_parse(c->bytes, c->len ? c->len : strlen(c->bytes), &line), c->err);
		if (c->err)
			continue;
		assert_string_equal(line.interpreter, c->interpreter);
		assert_int_equal(!line.argument, !c->argument);
		if (c->argument)
			assert_string_equal(line.argument, c->argument);
	}
}

static void test_script_mark(void **state)
{
	(void)state;
	assert_true(script_is_one("#!", 2));
	assert_false(script_is_one("#!", 1));
	assert_false(script_is_one("", 0));
	assert_false(script_is_one(" #!", 3));
}

/* A path of `path` bytes after "#!", then `after`; only the first 256 bytes are handed over, as the loader
 * does. */
static int parse_long(size_t path, const char *after, struct script_line *line)
{
	char text[1024] = "#!";

	memset(text + 2, 'p', path);
	strcpy(text + 2 + path, after);
	return script_parse(text, MIN(strlen(text), (size_t)SCRIPT_LINE_BYTES), line);
}

/* The path must end, by a blank or the end of the line, within 256 bytes; the argument is cut off at 255. */
static void test_script_long_lines(void **state)
{
	struct script_line line;

	(void)state;
	assert_int_equal(parse_long(253, "\n", &line), 0);
	assert_int_equal(strlen(line.interpreter), 253);
	assert_int_equal(parse_long(254, "\n", &line), -ENOEXEC);
	assert_int_equal(parse_long(253, "", &line), 0);
	assert_int_equal(parse_long(254, "", &line), -ENOEXEC);
	assert_int_equal(parse_long(252, " x", &line), 0);
	assert_null(line.argument);
	assert_int_equal(parse_long(251, " xyz", &line), 0);
	assert_string_equal(line.argument, "x");
	assert_int_equal(parse_long(10, " with a rather long argument", &line), 0);
	assert_string_equal(line.argument, "with a rather long argument");
}

/* Any 256 bytes: nothing is read or written outside, and the strings lie inside. */
static void test_script_random(void **state)
{
	static const char alphabet[] = " \t\n\0/ab#";
	u64 seed = 7;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t len = 2 + unit_random_below(&seed, 40);
		char *text = malloc(len);
		struct script_line line;

		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[unit_random_below(&seed, sizeof(alphabet) - 1)];
		memcpy(text, "#!", 2);
		if (!script_parse(text, len, &line)) {
			assert_true(line.interpreter + strlen(line.interpreter) <
				    line.text + sizeof(line.text));
			assert_null(strpbrk(line.interpreter, " \t\n"));
			if (line.argument)
				assert_null(strchr(line.argument, '\n'));
		}
		free(text);
	}
}

#define VDSO_BYTES 0x2000

/* The addresses that every Linux program sees under `setarch -R`. */
static void test_fixed_layout(void **state)
{
	struct exec_layout l;

	(void)state;
	exec_layout_choose(NULL, MIB(8), VDSO_BYTES, &l);
	assert_int_equal(l.pie_base, 0x555555554000);
	assert_int_equal(l.stack_top, 0x7ffffffff000);
	assert_int_equal(l.mmap_top, 0x7ffff7fff000);
	assert_int_equal(l.sp_drop, 0);
	assert_int_equal(l.brk_gap, 0);
	assert_int_equal(l.vdso_hint, 0);
	exec_layout_choose(NULL, GIB(1), VDSO_BYTES, &l);
	assert_int_equal(l.mmap_top, USER_TOP - GIB(1) - STACK_GAP);
	exec_layout_choose(NULL, UINT64_MAX, VDSO_BYTES, &l);
	assert_int_equal(l.mmap_top, ALIGN_UP(USER_TOP - USER_TOP / 6 * 5, PAGE_SIZE));
}

/* Whatever the random numbers are, the parts keep their order and their distances. */
static void test_random_layout(void **state)
{
	static const u64 limits[] = {0, KIB(64), MIB(8), GIB(4), UINT64_MAX};
	u64 seed = 3;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		u64 limit = limits[i % ARRAY_SIZE(limits)];
		struct layout_random r = {unit_random(&seed), unit_random(&seed), unit_random(&seed),
					  unit_random(&seed), unit_random(&seed), unit_random(&seed)};
		struct exec_layout l;

		if (i % 3 == 0)
			r.stack &= ~(STACK_RANDOM_PAGES - 8); /* close to the top: no room for the vDSO */
		exec_layout_choose(&r, limit, VDSO_BYTES, &l);
		assert_true(IS_ALIGNED(l.pie_base | l.stack_top | l.mmap_top | l.vdso_hint, PAGE_SIZE));
		assert_true(l.pie_base >= PIE_BASE &&
			    l.pie_base < PIE_BASE + (MMAP_RANDOM_PAGES << PAGE_SHIFT));
		assert_true(l.stack_top <= USER_TOP && l.stack_top > USER_TOP - GIB(16));
		assert_true(l.mmap_top <= l.stack_top - MIN(limit, USER_TOP / 6 * 5 - GIB(17)));
		assert_true(l.mmap_top > USER_MIN && l.mmap_top <= USER_TOP - MIB(128));
		assert_true(l.sp_drop < SP_RANDOM_BYTES && IS_ALIGNED(l.sp_drop, 16));
		assert_true(l.brk_gap < GIB(1) && IS_ALIGNED(l.brk_gap, PAGE_SIZE));
		if (l.vdso_hint) {
			assert_true(l.vdso_hint >= l.stack_top && l.vdso_hint + VDSO_BYTES <= USER_TOP);
			assert_true(l.vdso_hint + VDSO_BYTES <= l.stack_top + MIB(2) + VDSO_BYTES);
		} else {
			assert_true(l.stack_top + VDSO_BYTES > USER_TOP);
		}
	}
}

/* Every bit that should move does: the union of the differences between layouts (S4). */
static void test_layout_entropy(void **state)
{
	u64 seed = 11, pie = 0, mmap = 0, stack = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct layout_random r = {unit_random(&seed), unit_random(&seed), unit_random(&seed),
					  unit_random(&seed), unit_random(&seed), unit_random(&seed)};
		struct exec_layout l;

		exec_layout_choose(&r, MIB(8), VDSO_BYTES, &l);
		pie |= l.pie_base - PIE_BASE;
		stack |= USER_TOP - l.stack_top;
		mmap |= (USER_TOP - MIB(8) - GIB(16) - STACK_GAP) - l.mmap_top;
	}
	assert_int_equal(pie, (MMAP_RANDOM_PAGES - 1) << PAGE_SHIFT);
	assert_int_equal(mmap, (MMAP_RANDOM_PAGES - 1) << PAGE_SHIFT);
	assert_int_equal(stack, (STACK_RANDOM_PAGES - 1) << PAGE_SHIFT);
}

static void test_bias(void **state)
{
	u64 bias;

	(void)state;
	assert_int_equal(exec_layout_bias((struct range){0, 0x3000}, PAGE_SIZE, PIE_BASE, &bias), 0);
	assert_int_equal(bias, PIE_BASE);
	assert_int_equal(exec_layout_bias((struct range){0, 0x3000}, MIB(2), PIE_BASE, &bias), 0);
	assert_int_equal(bias, ALIGN_DOWN(PIE_BASE, MIB(2)));
	/* Linked at an address of its own, above and below where it goes. */
	assert_int_equal(exec_layout_bias((struct range){0x10000, 0x13000}, PAGE_SIZE, PIE_BASE, &bias), 0);
	assert_int_equal(bias + 0x10000, PIE_BASE);
	assert_int_equal(
		exec_layout_bias((struct range){USER_TOP - 0x3000, USER_TOP}, PAGE_SIZE, PIE_BASE, &bias), 0);
	assert_int_equal(bias + USER_TOP - 0x3000, PIE_BASE);
	/* Too large, or aligned away. */
	assert_int_equal(exec_layout_bias((struct range){0, USER_TOP - PIE_BASE}, PAGE_SIZE, PIE_BASE, &bias),
			 0);
	assert_int_equal(
		exec_layout_bias((struct range){0, USER_TOP - PIE_BASE + 1}, PAGE_SIZE, PIE_BASE, &bias),
		-ENOMEM);
	assert_int_equal(exec_layout_bias((struct range){0, 0x3000}, 1ull << 47, PIE_BASE, &bias), -ENOMEM);
	assert_int_equal(exec_layout_bias((struct range){0, 0x3000}, 1ull << 63, PIE_BASE, &bias), -ENOMEM);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_lines),	  cmocka_unit_test(test_script_mark),
		cmocka_unit_test(test_script_long_lines), cmocka_unit_test(test_script_random),
		cmocka_unit_test(test_fixed_layout),	  cmocka_unit_test(test_random_layout),
		cmocka_unit_test(test_layout_entropy),	  cmocka_unit_test(test_bias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
