/* SPDX-License-Identifier: MIT */
/* The kernel heap: sizes, alignment, no overlap, frames given back, failures. */
#include <signal.h>
#include <moat/fail.h>
#include "mm_fixture.h"

static void test_every_size(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes <= 3 * P; bytes++) {
		u8 *p = kmalloc(bytes);

		assert_non_null(p);
		assert_true(IS_ALIGNED((uintptr_t)p, 16));
		if (bytes >= 16 && (bytes & (bytes - 1)) == 0)
			assert_true(IS_ALIGNED((uintptr_t)p, MIN(bytes, P)));
		memset(p, 0xff, bytes);
		kfree(p);
	}
	kfree(NULL);
}

static void test_zeroed(void **state)
{
	(void)state;
	for (size_t bytes = 1; bytes < 10000; bytes += 37) {
		u8 *p = kmalloc(bytes);

		memset(p, 0xff, bytes);
		kfree(p);
		p = kzalloc(bytes);
		for (size_t i = 0; i < bytes; i++)
			assert_int_equal(p[i], 0);
		kfree(p);
	}
}

static void test_array_overflow(void **state)
{
	u32 *p = kcalloc(10, sizeof(*p));

	(void)state;
	assert_non_null(p);
	assert_int_equal(p[9], 0);
	kfree(p);
	assert_null(kcalloc(SIZE_MAX / 2, 3));
	assert_null(kmalloc(MIB(2) + 1));
	assert_null(kmalloc(SIZE_MAX));
}

static void test_frames_come_back(void **state)
{
	static void *p[2000];

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		p[i] = kmalloc(64);
	assert_int_equal(heap_bytes(), ALIGN_UP(2000 * 64, P));
	assert_int_equal(frames_used() * P, heap_bytes());
	for (unsigned i = 0; i < 2000; i++)
		kfree(p[i]);
	assert_int_equal(heap_bytes(), 0);
	p[0] = kmalloc(5 * P);
	assert_int_equal(heap_bytes(), 8 * P);
	kfree(p[0]);
}

/* So many cells of a class fit into one frame; one that is freed is the next to be handed out. */
static void test_classes_fill_their_frame(void **state)
{
	static const size_t classes[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048};
	static void *p[256];

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(classes); c++) {
		size_t n = P / classes[c];

		for (size_t i = 0; i < n; i++)
			p[i] = kmalloc(classes[c]);
		assert_int_equal(heap_bytes(), P);
		for (size_t i = 0; i < n; i++) {
			void *old = p[i];

			kfree(p[i]);
			p[i] = kmalloc(classes[c]);
			assert_ptr_equal(p[i], old);
		}
		assert_int_equal(heap_bytes(), P);
		for (size_t i = 0; i < n; i++)
			kfree(p[i]);
		assert_int_equal(heap_bytes(), 0);
	}
}

/* Cells of all sizes at once, freed in any order; each holds its own stamp until it is freed. */
static void test_random_cells_do_not_overlap(void **state)
{
	enum { HELD = 500 };
	static struct {
		u8 *p;
		size_t bytes;
		u8 stamp;
	} held[HELD];
	u64 rng = 7;

	(void)state;
	memset(held, 0, sizeof(held));
	for (unsigned round = 0; round < 100000; round++) {
		unsigned i = (unsigned)unit_random_below(&rng, HELD);

		if (held[i].p) {
			for (size_t b = 0; b < held[i].bytes; b++)
				if (held[i].p[b] != held[i].stamp)
					fail_msg("cell of %zu bytes was overwritten", held[i].bytes);
			kfree(held[i].p);
			held[i].p = NULL;
			continue;
		}
		held[i].bytes = unit_random_below(&rng, 1ull << unit_random_below(&rng, 13));
		held[i].stamp = (u8)round;
		held[i].p = kmalloc(held[i].bytes);
		assert_non_null(held[i].p);
		memset(held[i].p, held[i].stamp, held[i].bytes);
	}
	for (unsigned i = 0; i < HELD; i++)
		kfree(held[i].p);
}

static void test_strdup(void **state)
{
	char *s = kstrdup("moat", 100), *cut = kstrdup("moat", 2), *empty = kstrdup("", 0);

	(void)state;
	assert_string_equal(s, "moat");
	assert_string_equal(cut, "mo");
	assert_string_equal(empty, "");
	kfree(s);
	kfree(cut);
	kfree(empty);
}

static void test_failures(void **state)
{
	void *a;

	(void)state;
	heap_fail_after(2);
	a = kmalloc(10);
	assert_non_null(a);
	assert_null(kzalloc(10));
	kfree(a);
	frame_fail_after(1);
	assert_null(kmalloc(10));
	frame_fail_after(1);
	assert_null(kmalloc(10000));
	assert_int_equal(heap_bytes(), 0);
	heap_fail_after(1);
	assert_null(kstrdup("moat", 10));
}

static struct alloc_fail one, other, *owner;

static struct alloc_fail *the_owner(void)
{
	return owner;
}

/* Only what the owner that armed it allocates counts, from the heap or frames. */
static void test_failures_of_owner(void **state)
{
	(void)state;
	alloc_fail_register(the_owner);
	owner = &one;
	alloc_fail_arm(2);
	owner = &other;
	kfree(kmalloc(10000));
	assert_int_equal(alloc_fail_left(), 0);
	owner = NULL;
	kfree(kmalloc(10000));
	owner = &one;
	assert_int_equal(alloc_fail_left(), 2);
	assert_null(kmalloc(10000)); /* the second allocation is that of its frames */
	assert_true(alloc_fail_fired());
	kfree(kmalloc(10));
	alloc_fail_arm(0);
	assert_true(alloc_fail_fired());
	alloc_fail_arm(1);
	assert_false(alloc_fail_fired());
	assert_null(kmalloc(10));
	owner = &other;
	assert_false(alloc_fail_fired());
	alloc_fail_register(NULL);
	assert_int_equal(heap_bytes(), 0);
}

static void free_middle(void *p)
{
	kfree((u8 *)p + 16);
}

static void test_free_of_no_cell_panics(void **state)
{
	void *p = kmalloc(100);

	(void)state;
	assert_panics(free_middle, p);
	kfree(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_every_size),
		MM_TEST(test_zeroed),
		MM_TEST(test_array_overflow),
		MM_TEST(test_frames_come_back),
		MM_TEST(test_classes_fill_their_frame),
		MM_TEST(test_random_cells_do_not_overlap),
		MM_TEST(test_strdup),
		MM_TEST(test_failures),
		MM_TEST(test_failures_of_owner),
		MM_TEST(test_free_of_no_cell_panics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
