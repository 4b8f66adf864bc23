/* SPDX-License-Identifier: MIT */
/*
 * The kernel's memory and string functions under other names, against the host's: every length round the
 * sizes where they change their way, every alignment, every overlap, with canaries on both sides.
 */
#include <moat/kasan.h> /* without MOAT_HOSTED it would want the checker */
#include "unit.h"

#undef MOAT_HOSTED
#define memcpy	 kernel_memcpy
#define memmove	 kernel_memmove
#define memset	 kernel_memset
#define memcmp	 kernel_memcmp
#define memchr	 kernel_memchr
#define strlen	 kernel_strlen
#define strnlen	 kernel_strnlen
#define strcmp	 kernel_strcmp
#define strncmp	 kernel_strncmp
#define strchr	 kernel_strchr
#define strrchr	 kernel_strrchr
#define strstr	 kernel_strstr
#define str_copy kernel_str_copy
#include "../../kernel/lib/string.c"
#undef NO_LIBRARY_CALLS
#define word64 memops_word64
#include "../../kernel/arch/x86_64/memops.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#undef str_copy
#define MOAT_HOSTED

#define ROOM 1024

static u8 want[ROOM], have[ROOM], source[ROOM];

static int setup(void **state)
{
	u64 seed = 7;

	(void)state;
	for (size_t i = 0; i < ROOM; i++)
		source[i] = (u8)unit_random(&seed);
	return 0;
}

/* All lengths to 80, then those round the threshold and beyond it. */
static size_t next_length(size_t len)
{
	return len < 80 || (len >= 240 && len < 290) ? len + 1 : len + 23;
}

static void test_memcpy(void **state)
{
	(void)state;
	for (size_t len = 0; len < 600; len = next_length(len)) {
		for (size_t at = 0; at < 9; at++) {
			for (size_t from = 0; from < 9; from += 4) {
				memset(want, 0xee, ROOM);
				memset(have, 0xee, ROOM);
				memcpy(want + 16 + at, source + from, len);
				assert_ptr_equal(kernel_memcpy(have + 16 + at, source + from, len),
						 have + 16 + at);
				assert_memory_equal(have, want, ROOM);
			}
		}
	}
}

static void test_memmove(void **state)
{
	(void)state;
	static const int shifts[] = {0,	 1,  -1,  2,  -3,  7,  -7,  8,	 -8,  9,
				     -9, 16, -16, 33, -33, 64, -64, 300, -300};

	for (size_t len = 0; len < 400; len = next_length(len)) {
		for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
			memcpy(want, source, ROOM);
			memcpy(have, source, ROOM);
			memmove(want + 310 + shifts[i], want + 310, len);
			kernel_memmove(have + 310 + shifts[i], have + 310, len);
			assert_memory_equal(have, want, ROOM);
		}
	}
}

static void test_memset(void **state)
{
	(void)state;
	for (size_t len = 0; len < 600; len = next_length(len)) {
		for (size_t at = 0; at < 9; at++) {
			memset(want, 0xee, ROOM);
			memset(have, 0xee, ROOM);
			memset(want + 8 + at, 0x1a5, len);
			assert_ptr_equal(kernel_memset(have + 8 + at, 0x1a5, len), have + 8 + at);
			assert_memory_equal(have, want, ROOM);
		}
	}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void test_memcmp(void **state)
{
	(void)state;
	for (size_t len = 0; len < 40; len++) {
		memcpy(have, source, ROOM);
		assert_int_equal(kernel_memcmp(have, source, len), 0);
		for (size_t at = 0; at < len; at++) {
			have[at] ^= 0x80;
			have[at + 1] ^= 0xff;
			assert_int_equal(sign(kernel_memcmp(have, source, len)),
					 sign(memcmp(have, source, len)));
			have[at] ^= 0x80;
			have[at + 1] ^= 0xff;
		}
	}
}

static void test_search(void **state)
{
	(void)state;
	static const char *const texts[] = {"",	      "a",   "/",	 "/usr/bin/env",
					    "a/b/c/", "aab", "\xff\xfe", "xaabaab"};
	static const char *const needles[] = {"", "a", "ab", "/b", "env", "nothing", "\xfe", "aab"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = texts[i];
		assert_int_equal(kernel_strlen(text), strlen(text));
		for (int c = 0; c < 256; c++) {
			assert_ptr_equal(kernel_strchr(text, c), strchr(text, c));
			assert_ptr_equal(kernel_strrchr(text, c), strrchr(text, c));
			assert_ptr_equal(kernel_memchr(text, c, strlen(text)), memchr(text, c, strlen(text)));
		}
		for (size_t n = 0; n < 16; n++)
			assert_int_equal(kernel_strnlen(text, n), strnlen(text, n));
		for (size_t j = 0; j < ARRAY_SIZE(needles); j++)
			assert_ptr_equal(kernel_strstr(text, needles[j]), strstr(text, needles[j]));
		for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
			assert_int_equal(sign(kernel_strcmp(text, texts[j])), sign(strcmp(text, texts[j])));
			for (size_t n = 0; n < 8; n++)
				assert_int_equal(sign(kernel_strncmp(text, texts[j], n)),
						 sign(strncmp(text, texts[j], n)));
		}
	}
}

/* strnlen and strncmp stop at their bound: the sanitizer sees a byte too many. */
static void test_bounds(void **state)
{
	(void)state;
	char *a = malloc(4), *b = malloc(4);

	memcpy(a, "abcd", 4);
	memcpy(b, "abcd", 4);
	assert_int_equal(kernel_strnlen(a, 4), 4);
	assert_int_equal(kernel_strncmp(a, b, 4), 0);
	assert_int_equal(kernel_memcmp(a, b, 4), 0);
	free(a);
	free(b);
}

static void test_str_copy(void **state)
{
	(void)state;
	char out[8];

	for (size_t size = 0; size <= sizeof(out); size++) {
		memset(out, 'Z', sizeof(out));
		assert_int_equal(kernel_str_copy(out, "hello", size), 5);
		if (size > 0) {
			assert_int_equal(strlen(out), MIN(size - 1, (size_t)5));
			assert_memory_equal(out, "hello", strlen(out));
		}
		for (size_t i = MAX(size, 0u); i < sizeof(out); i++)
			assert_int_equal(out[i], 'Z');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_memcpy, setup),
		cmocka_unit_test_setup(test_memmove, setup),
		cmocka_unit_test(test_memset),
		cmocka_unit_test_setup(test_memcmp, setup),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_str_copy),
	};

	return cmocka_run_group_tests_name("lib_string", tests, NULL, NULL);
}
