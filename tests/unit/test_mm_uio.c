/* SPDX-License-Identifier: MIT */
/* Cursors over buffers: pieces, empty segments, and user memory that ends in the middle. */
#include <signal.h>
#include <moat/uio.h>
#include "mm_fixture.h"

static void test_kernel_buffer(void **state)
{
	char buf[10] = "..........", text[4];
	struct uio u;

	(void)state;
	uio_init_kernel(&u, buf, 8);
	assert_int_equal(uio_copy_out(&u, "abc", 3), 3);
	assert_int_equal(uio_zero_out(&u, 2), 2);
	assert_int_equal(u.left, 3);
	assert_int_equal(uio_copy_out(&u, "defgh", 5), 3);
	assert_int_equal(u.left, 0);
	assert_int_equal(uio_copy_out(&u, "x", 1), 0);
	assert_memory_equal(buf, "abc\0\0def..", 10);
	uio_init_kernel(&u, buf, 8);
	uio_skip(&u, 5);
	assert_int_equal(uio_fault_in(&u, 100), 3);
	assert_int_equal(uio_copy_in(&u, text, 4), 3);
	assert_memory_equal(text, "def", 3);
	uio_init_kernel(&u, buf, 0);
	assert_int_equal(uio_copy_in(&u, text, 4), 0);
}

static void test_segments(void **state)
{
	/* 3 bytes, none, 5 bytes in two pages, none, 2 bytes */
	const struct uio_seg segs[] = {{AT, 3}, {AT + 50, 0}, {AT + P - 2, 5}, {0, 0}, {AT + 100, 2}};
	char text[10];
	struct uio u;

	map_at(*state, AT, 2 * P, RW);
	uio_init_user_segs(&u, segs, 5);
	assert_int_equal(u.left, 10);
	assert_int_equal(uio_copy_out(&u, "01", 2), 2);
	assert_int_equal(uio_copy_out(&u, "2345", 4), 4);
	assert_int_equal(uio_copy_out(&u, "6789", 9), 4);
	assert_int_equal(u.left, 0);
	assert_int_equal(peek(AT + 2), '2');
	assert_int_equal(peek(AT + P - 2), '3');
	assert_int_equal(peek(AT + P + 2), '7');
	assert_int_equal(peek(AT + 101), '9');
	uio_init_user_segs(&u, segs, 5);
	assert_int_equal(uio_fault_in(&u, 10), 10);
	uio_skip(&u, 1);
	assert_int_equal(uio_copy_in(&u, text, 10), 9);
	assert_memory_equal(text, "123456789", 9);
	uio_init_user_segs(&u, segs, 5);
	uio_skip(&u, 100);
	assert_int_equal(u.left, 0);
	uio_init_user_segs(&u, segs + 3, 1);
	assert_int_equal(uio_copy_in(&u, text, 10), 0);
}

/*
 * A copy that crosses into unmapped memory, at every byte offset: the count is exact, the cursor behind it.
 */
static void test_every_offset_into_nothing(void **state)
{
	static u8 src[64], dst[64];
	struct uio u;

	map_at(*state, AT, P, RW);
	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (u8)(i + 1);
	for (size_t fit = 0; fit <= sizeof(src); fit++) {
		u64 addr = AT + P - fit;

		uio_init_user(&u, (void __user *)addr, 64);
		assert_int_equal(uio_copy_out(&u, src, 64), fit);
		assert_int_equal(u.left, 64 - fit);
		assert_int_equal(uio_copy_out(&u, src, 64), 0);
		for (size_t i = 0; i < fit; i++)
			assert_int_equal(peek(addr + i), src[i]);
		memset(dst, 0xee, sizeof(dst));
		uio_init_user(&u, (void __user *)addr, 64);
		assert_int_equal(uio_fault_in(&u, 64), fit);
		assert_int_equal(uio_copy_in(&u, dst, 64), fit);
		assert_memory_equal(dst, src, fit);
		uio_init_user(&u, (void __user *)addr, 64);
		assert_int_equal(uio_zero_out(&u, 64), fit);
		for (size_t i = 0; i < fit; i++)
			assert_int_equal(peek(addr + i), 0);
	}
}

static void test_second_segment_is_bad(void **state)
{
	const struct uio_seg segs[] = {{AT, 4}, {AT + 8 * P, 4}, {AT, 4}};
	char text[12];
	struct uio u;

	map_at(*state, AT, P, RW);
	uio_init_user_segs(&u, segs, 3);
	assert_int_equal(uio_fault_in(&u, 12), 4);
	assert_int_equal(uio_copy_in(&u, text, 12), 4);
	assert_int_equal(u.left, 8);
	assert_int_equal(uio_copy_out(&u, text, 1), 0);
}

/* Read-only memory may be written from, not read into. */
static void test_read_only_buffer(void **state)
{
	char text[4];
	struct uio u;

	map_at(*state, AT, P, VMA_READ);
	uio_init_user(&u, (void __user *)AT, 4);
	assert_int_equal(uio_copy_out(&u, text, 4), 0);
	assert_int_equal(uio_zero_out(&u, 4), 0);
	assert_int_equal(uio_copy_in(&u, text, 4), 4);
	assert_int_equal(text[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_kernel_buffer),
		ASPACE_TEST(test_segments),
		ASPACE_TEST(test_every_offset_into_nothing),
		ASPACE_TEST(test_second_segment_is_bad),
		ASPACE_TEST(test_read_only_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
