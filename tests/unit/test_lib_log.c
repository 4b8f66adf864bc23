/* SPDX-License-Identifier: MIT */
/* The log, its sink, and the rate limit. */
#include "unit.h"
#include <moat/log.h>

static char shown[64 * 1024];
static size_t shown_len;

static void sink_write(const char *text, size_t len)
{
	assert_true(shown_len + len < sizeof(shown));
	memcpy(shown + shown_len, text, len);
	shown_len += len;
	shown[shown_len] = '\0';
}

static const struct log_sink live_sink = {.write = sink_write, .live = true};
static const struct log_sink quiet_sink = {.write = sink_write, .live = false};

static int setup(void **state)
{
	(void)state;
	log_set_sink(NULL);
	shown_len = 0;
	shown[0] = '\0';
	return 0;
}

static void test_lines(void **state)
{
	(void)state;
	log_set_sink(&live_sink);
	log_printf("one %d", 1);
	log_printf("two\n");
	log_printf("%s", "");
	assert_string_equal(shown, "one 1\ntwo\n\n");
}

static void test_quiet_sink(void **state)
{
	(void)state;
	log_printf("nobody listens");
	log_set_sink(&quiet_sink);
	log_printf("ordinary");
	assert_string_equal(shown, "");
	log_force("forced %#x", 0x10);
	log_force_bytes("raw", 3);
	assert_string_equal(shown, "forced 0x10\nraw");
}

/* Every length round the limit: whole up to it, cut with a mark beyond, always one line. */
static void test_long_lines(void **state)
{
	(void)state;
	char text[400];

	log_set_sink(&live_sink);
	for (size_t len = 310; len < 330; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		shown_len = 0;
		log_printf("%s", text);
		assert_true(shown_len <= 320);
		assert_int_equal(shown[shown_len - 1], '\n');
		if (len <= 318)
			assert_int_equal(shown_len, len + 1);
		else
			assert_string_equal(shown + shown_len - 4, "...\n");
	}
}

/*
 *     time      0        1 s       2 s
 *     window    [ a a a ][   a a a ]
 *     events    1 2 3 4 5    6
 */
static void test_ratelimit(void **state)
{
	(void)state;
	struct ratelimit r = {0};
	const u64 second = 1000000000;

	for (int i = 0; i < 3; i++)
		assert_true(ratelimit_allow(&r, 5, 3));
	assert_false(ratelimit_allow(&r, 5, 3));
	assert_false(ratelimit_allow(&r, second - 1, 3));
	assert_int_equal(r.dropped, 2);
	assert_true(ratelimit_allow(&r, second, 3));
	assert_true(ratelimit_allow(&r, second + 5, 3));
	assert_true(ratelimit_allow(&r, 2 * second - 1, 3));
	assert_false(ratelimit_allow(&r, 2 * second - 1, 3));
	assert_true(ratelimit_allow(&r, 2 * second, 3));
	assert_int_equal(r.dropped, 3);
	assert_false(ratelimit_allow(&r, 9 * second, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lines, setup),
		cmocka_unit_test_setup(test_quiet_sink, setup),
		cmocka_unit_test_setup(test_long_lines, setup),
		cmocka_unit_test_setup(test_ratelimit, setup),
	};

	return cmocka_run_group_tests_name("lib_log", tests, NULL, NULL);
}
