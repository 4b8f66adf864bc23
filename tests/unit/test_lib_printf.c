/* SPDX-License-Identifier: MIT */
/*
 * Formatting against the host's own snprintf: every combination of flags, widths, precisions and lengths that
 * the kernel uses, on the values where they matter, into buffers that are large, exact, short and absent.
 */
#include "unit.h"
#include <limits.h>
#include <moat/printf.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static const char *const flag_sets[] = {"",   "-",  "0",  "+",	" ",   "#", "-0",
					"0+", "0#", "-#", "0 ", "-+#", "+ "};
static const char *const widths[] = {"", "1", "5", "20", "40"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".7", ".25"};

/* Formats one argument both ways and compares text and result for several sizes of buffer. */
#define CHECK_BOTH(fmt, ...)                                                                      \
	do {                                                                                      \
		char want_[128], have_[128];                                                      \
		int len_ = snprintf(want_, sizeof(want_), fmt, __VA_ARGS__);                      \
		for (int size_ = -1; size_ <= 2; size_++) {                                       \
			size_t room_ = size_ == 2 ? sizeof(have_) : (size_t)MAX(len_ + size_, 0); \
			memset(have_, 'Z', sizeof(have_));                                        \
			assert_int_equal(ksnprintf(have_, room_, fmt, __VA_ARGS__), len_);        \
			if (room_ > 0) {                                                          \
				snprintf(want_, room_, fmt, __VA_ARGS__);                         \
				assert_string_equal(have_, want_);                                \
			}                                                                         \
			if (room_ < sizeof(have_))                                                \
				assert_int_equal(have_[room_], 'Z');                              \
		}                                                                                 \
	} while (0)

/* Calls fn with each format "%<flags><width><precision><length><conversion>". */
static void for_each_format(const char *length, const char *conversions, void (*fn)(const char *fmt))
{
	char fmt[32];

	for (size_t f = 0; f < ARRAY_SIZE(flag_sets); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
				for (const char *c = conversions; *c; c++) {
					snprintf(fmt, sizeof(fmt), "%%%s%s%s%s%c", flag_sets[f], widths[w],
						 precisions[p], length, *c);
					fn(fmt);
				}
}

static void check_int(const char *fmt)
{
	static const int values[] = {0,	  1,   -1,    7,      8,     -128,    127,    128,
				     255, 256, 32768, -32769, 65535, INT_MAX, INT_MIN};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		CHECK_BOTH(fmt, values[i]);
}

static void check_long(const char *fmt)
{
	static const long values[] = {0, 1, -1, 42, INT_MAX, (long)INT_MAX + 1, INT_MIN, LONG_MAX, LONG_MIN};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		CHECK_BOTH(fmt, values[i]);
}

static void check_string(const char *fmt)
{
	CHECK_BOTH(fmt, "");
	CHECK_BOTH(fmt, "a");
	CHECK_BOTH(fmt, "twelve bytes");
}

static void test_integers(void **state)
{
	(void)state;
	for_each_format("", "diuoxX", check_int);
	for_each_format("h", "diuoxX", check_int);
	for_each_format("hh", "diuoxX", check_int);
	for_each_format("l", "diuoxX", check_long);
	for_each_format("ll", "diuoxX", check_long);
	for_each_format("z", "diuoxX", check_long);
	for_each_format("j", "diuoxX", check_long);
	for_each_format("t", "diuoxX", check_long);
}

static void test_strings(void **state)
{
	(void)state;
	static const char *const formats[] = {"%s",  "%5s",    "%-5s",	   "%.3s", "%.0s",
					      "%.s", "%20.4s", "%-20.40s", "[%s]"};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		check_string(formats[i]);
	CHECK_BOTH("%c", 'x');
	CHECK_BOTH("%5c|", 'x');
	CHECK_BOTH("%-5c|", 'x');
}

/* A precision bounds what is read: no terminator is needed. */
static void test_string_without_terminator(void **state)
{
	(void)state;
	char *text = malloc(4);
	char out[16];

	memcpy(text, "abcd", 4);
	assert_int_equal(ksnprintf(out, sizeof(out), "%.4s", text), 4);
	assert_string_equal(out, "abcd");
	free(text);
}

static void test_star(void **state)
{
	(void)state;
	CHECK_BOTH("%*d", 6, 42);
	CHECK_BOTH("%*d|", -6, 42);
	CHECK_BOTH("%.*d", 6, 42);
	CHECK_BOTH("%.*d", -6, 42);
	CHECK_BOTH("%0*x", 16, 0xbeef);
	CHECK_BOTH("%*.*s|", 8, 3, "abcdef");
}

static void test_pointer(void **state)
{
	(void)state;
	char out[64];
	void *p = (void *)0xffffffff80001234;

	CHECK_BOTH("%p", p);
	CHECK_BOTH("%24p", p);
	CHECK_BOTH("%-24p|", p);
	ksnprintf(out, sizeof(out), "%p", NULL);
	assert_string_equal(out, "0x0");
}

static void test_mixed(void **state)
{
	(void)state;
	CHECK_BOTH("%s: pid %d at %#lx, %5.1u%% of %zu\n", "init", 1, 0x401000ul, 9u, (size_t)77);
	CHECK_BOTH("100%%%s", "!");
}

/* What the kernel does not know is shown, and an unfinished conversion ends the text. */
static void test_foreign(void **state)
{
	(void)state;
	char out[64];
	const char *volatile unknown = "a%kb"; /* volatile: the compiler knows better than to allow these */
	const char *volatile unfinished = "a%";
	const char *volatile nothing = NULL;

	assert_int_equal(ksnprintf(out, sizeof(out), unknown), 4);
	assert_string_equal(out, "a%kb");
	assert_int_equal(ksnprintf(out, sizeof(out), unfinished), 2);
	assert_string_equal(out, "a%");
	ksnprintf(out, sizeof(out), "%s", nothing);
	assert_string_equal(out, "(null)");
	assert_int_equal(ksnprintf(NULL, 0, "%d", 12345), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_string_without_terminator),
		cmocka_unit_test(test_star),
		cmocka_unit_test(test_pointer),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests_name("lib_printf", tests, NULL, NULL);
}
