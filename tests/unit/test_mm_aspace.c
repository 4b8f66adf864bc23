/* SPDX-License-Identifier: MIT */
/* The life of an address space, the question whether a range is mapped, and failures while one is made. */
#include <signal.h>
#include <linux/mman.h>
#include "mm_fixture.h"

/*
 * Each allocation of aspace_create fails in turn: NULL, and nothing is lost but the zero frame, which stays.
 */
static void test_create_without_memory(void **state)
{
	/* The zero frame, made once; a frame of the heap; the top table. */
	static const u64 failing[] = {1, 2, 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
		frame_fail_after(failing[i]);
		assert_null(aspace_create());
		frame_fail_after(0);
		assert_int_equal(zero_frame != NULL, i > 0);
		assert_int_equal(frames_used(), 0);
	}
	heap_fail_after(1);
	assert_null(aspace_create());
}

static void test_last_reference_frees(void **state)
{
	struct aspace *as = aspace_create();
	u64 at;

	(void)state;
	assert_int_equal(map(as, 0, 100 * P, RW, MAP_FILL, &at), 0);
	assert_int_equal(map(as, 0, 100 * P, RW | VMA_SHARED, MAP_FILL, &at), 0);
	assert_int_equal(map(as, 0, 100 * P, VMA_READ, MAP_FILL, &at), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 200);
	aspace_get(as);
	aspace_put(as);
	aspace_check(as);
	aspace_put(as);
	assert_int_equal(frames_used(), 0);
}

/* Two address spaces over one object see each other's writes, and share its frames. */
static void test_two_spaces_share_an_object(void **state)
{
	struct aspace *a = aspace_create(), *b = aspace_create();
	struct mobj *obj = mobj_create(NULL, NULL);

	(void)state;
	assert_int_equal(mobj_resize(obj, 2 * P), 0);
	map_object(a, AT, 2 * P, RW | VMA_SHARED, obj, 0);
	map_object(b, AT, 2 * P, RW, obj, 0);
	fake_use_aspace(a);
	poke(AT, 1);
	poke(AT + P, 2);
	fake_use_aspace(b);
	assert_int_equal(peek(AT), 1);
	poke(AT + P, 3);
	fake_use_aspace(a);
	poke(AT, 4);
	assert_int_equal(peek(AT + P), 2);
	fake_use_aspace(b);
	assert_int_equal(peek(AT), 4);
	assert_int_equal(mobj_resident_pages(obj), 2);
	mobj_put(obj);
	aspace_put(a);
	assert_int_equal(peek(AT), 4);
	aspace_put(b);
}

/*
 *     ww|r..w    is all of it mapped?
 */
static void test_check_mapped(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 2 * P, RW);
	map_at(as, AT + 2 * P, P, VMA_READ);
	map_at(as, AT + 5 * P, P, RW);
	assert_int_equal(aspace_advise(as, AT, 3 * P, MADV_WILLNEED), 0);
	assert_int_equal(aspace_advise(as, AT + P, 2 * P - 1, MADV_WILLNEED), 0);
	assert_int_equal(aspace_advise(as, AT, 3 * P + 1, MADV_WILLNEED), -ENOMEM);
	assert_int_equal(aspace_advise(as, AT + 3 * P, P, MADV_WILLNEED), -ENOMEM);
	assert_int_equal(aspace_advise(as, AT + 4 * P, 2 * P, MADV_WILLNEED), -ENOMEM);
	assert_int_equal(aspace_advise(as, AT + 5 * P, P, MADV_WILLNEED), 0);
	assert_int_equal(aspace_advise(as, AT + 5 * P, 0, MADV_WILLNEED), 0);
	assert_int_equal(aspace_advise(as, AT, UINT64_MAX, MADV_WILLNEED), -EINVAL);
}

/* Shared anonymous memory needs an object: every allocation fails in turn. */
static void test_shared_map_without_memory(void **state)
{
	struct aspace *as = *state;
	u64 used = frames_used(), at;
	unsigned n = 0;

	do {
		assert_int_equal(frames_used(), used);
		heap_fail_after(++n);
	} while (map(as, AT, P, RW | VMA_SHARED, MAP_AT, &at) == -ENOMEM);
	heap_fail_after(0);
	assert_int_equal(n, 3); /* the VMA, the object; the third is never asked for */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_create_without_memory),	     MM_TEST(test_last_reference_frees),
		MM_TEST(test_two_spaces_share_an_object),    ASPACE_TEST(test_check_mapped),
		ASPACE_TEST(test_shared_map_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
