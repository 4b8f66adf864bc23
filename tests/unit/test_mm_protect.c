/* SPDX-License-Identifier: MIT */
/* mprotect(2) and brk(2). */
#include <signal.h>
#include "mm_fixture.h"

static void test_protect_parts(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 8 * P, RW);
	assert_int_equal(aspace_protect(as, AT + 2 * P, 2 * P, VMA_READ), 0);
	assert_string_equal(draw(as, 8), "ww|rr|wwww");
	aspace_check(as);
	assert_int_equal(aspace_protect(as, AT + 3 * P, 3 * P, VMA_READ | VMA_EXEC), 0);
	assert_string_equal(draw(as, 8), "ww|r|xxx|ww");
	aspace_check(as);
	assert_int_equal(aspace_protect(as, AT + P, P, VMA_READ), 0);
	assert_string_equal(draw(as, 8), "w|rr|xxx|ww");
	aspace_check(as);
	assert_int_equal(as->data_pages, 3);
	assert_int_equal(aspace_protect(as, AT, 8 * P, RW), 0);
	assert_string_equal(draw(as, 8), "wwwwwwww");
	assert_int_equal(as->vma_count, 1);
	assert_int_equal(as->data_pages, 8);
}

/* Nothing to change: no split, so no node is needed. */
static void test_protect_same_rights(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 8 * P, RW);
	heap_fail_after(1);
	assert_int_equal(aspace_protect(as, AT + 2 * P, 2 * P, RW), 0);
	heap_fail_after(0);
	assert_string_equal(draw(as, 8), "wwwwwwww");
}

/*
 *     ww|rr..ww    over all of it: what comes before the hole is changed, then -ENOMEM
 */
static void test_protect_stops_at_hole(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 2 * P, RW);
	map_at(as, AT + 2 * P, 2 * P, VMA_READ);
	map_at(as, AT + 6 * P, 2 * P, RW);
	assert_int_equal(aspace_protect(as, AT + P, 7 * P, VMA_READ | VMA_EXEC), -ENOMEM);
	assert_string_equal(draw(as, 8), "w|xxx..ww");
	assert_int_equal(aspace_protect(as, AT + 4 * P, 4 * P, VMA_READ), -ENOMEM);
	assert_string_equal(draw(as, 8), "w|xxx..ww");
	aspace_check(as);
}

static void test_protect_shared_file_not_open_for_writing(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);

	map_at(as, AT, P, RW);
	map_object(as, AT + P, 2 * P, VMA_READ | VMA_SHARED | VMA_NO_WRITE, obj, 0);
	mobj_put(obj);
	assert_int_equal(aspace_protect(as, AT + P, P, RW), -EACCES);
	assert_int_equal(aspace_protect(as, AT, 2 * P, VMA_PROT), -EACCES);
	assert_string_equal(draw(as, 3), "x|rr"); /* the part before is changed */
	assert_int_equal(aspace_protect(as, AT + P, P, 0), 0);
	assert_string_equal(draw(as, 3), "x|-|r");
}

static void test_protect_errors(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, RW);
	assert_int_equal(aspace_protect(as, AT + 1, P, VMA_READ), -EINVAL);
	assert_int_equal(aspace_protect(as, AT, 0, VMA_READ), 0);
	assert_int_equal(aspace_protect(as, AT, UINT64_MAX, VMA_READ), -ENOMEM);
	assert_int_equal(aspace_protect(as, USER_TOP, P, VMA_READ), -ENOMEM);
	assert_string_equal(draw(as, 4), "wwww");
	assert_int_equal(aspace_protect(as, AT, P + 1, VMA_READ), 0);
	assert_string_equal(draw(as, 4), "rr|ww");
}

static void test_protect_data_limit(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, VMA_READ);
	as->limit_data_bytes = 2 * P;
	assert_int_equal(aspace_protect(as, AT, 3 * P, RW), -ENOMEM);
	assert_string_equal(draw(as, 4), "rrrr");
	assert_int_equal(aspace_protect(as, AT, 2 * P, RW), 0);
	assert_int_equal(aspace_protect(as, AT, 2 * P, VMA_PROT), 0); /* they count already */
}

/* Rights leave the page table and the TLB at once, and come back with the next fault. */
static void test_protect_touched_pages(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 40 * P, RW);
	for (unsigned i = 0; i < 40; i++)
		poke(AT + i * P, (u8)i);
	assert_int_equal(aspace_protect(as, AT, 40 * P, VMA_READ), 0);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(try_access(AT + i * P, FAULT_WRITE), FAULT_NO_ACCESS);
		assert_int_equal(peek(AT + i * P), i);
	}
	aspace_check(as);
	assert_int_equal(aspace_protect(as, AT, 40 * P, RW), 0);
	for (unsigned i = 0; i < 40; i++)
		poke(AT + i * P, (u8)(i + 1));
	assert_int_equal(pmap_resident_pages(&as->pmap), 40);
	assert_int_equal(as->faults.cow, 0);
	aspace_check(as);
}

/* A private file page that was read-only stays the file's when writing is allowed, until it is written. */
static void test_protect_private_file(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);
	struct page *page;

	assert_int_equal(mobj_resize(obj, P), 0);
	map_object(as, AT, P, VMA_READ, obj, 0);
	assert_int_equal(peek(AT), 0);
	assert_int_equal(aspace_protect(as, AT, P, RW), 0);
	aspace_check(as);
	poke(AT, 9);
	assert_int_equal(mobj_page(obj, 0, 0, &page), 0);
	assert_int_equal(*(u8 *)page_address(page), 0);
	frame_put(page);
	assert_int_equal(as->faults.cow, 1);
	mobj_put(obj);
}

static struct aspace *with_heap(void **state)
{
	struct aspace *as = *state;

	as->heap = (struct range){AT, AT};
	return as;
}

static void test_brk_grows_and_shrinks(void **state)
{
	struct aspace *as = with_heap(state);

	assert_int_equal(aspace_brk(as, 0), AT);
	assert_int_equal(aspace_brk(as, AT + 10), AT + 10);
	assert_string_equal(draw(as, 4), "w...");
	assert_int_equal(aspace_brk(as, AT + P), AT + P);
	assert_string_equal(draw(as, 4), "w...");
	assert_int_equal(aspace_brk(as, AT + 3 * P + 1), AT + 3 * P + 1);
	assert_string_equal(draw(as, 4), "wwww");
	assert_int_equal(as->vma_count, 1);
	poke(AT + 3 * P, 7);
	poke(AT, 8);
	assert_int_equal(aspace_brk(as, AT + P), AT + P);
	assert_string_equal(draw(as, 4), "w...");
	assert_int_equal(pmap_resident_pages(&as->pmap), 1);
	assert_int_equal(aspace_brk(as, AT + 4 * P), AT + 4 * P);
	assert_int_equal(peek(AT + 3 * P), 0);
	assert_int_equal(peek(AT), 8);
	assert_int_equal(aspace_brk(as, AT), AT);
	assert_string_equal(draw(as, 4), "....");
	assert_int_equal(aspace_brk(as, AT - 1), AT);
	aspace_check(as);
}

static void test_brk_refused(void **state)
{
	struct aspace *as = with_heap(state);

	assert_int_equal(aspace_brk(as, AT + P), AT + P);
	map_at(as, AT + 4 * P, P, VMA_READ);
	assert_int_equal(aspace_brk(as, AT + 4 * P), AT + P); /* a page must stay free below the next VMA */
	assert_int_equal(aspace_brk(as, AT + 3 * P), AT + 3 * P);
	assert_int_equal(aspace_brk(as, UINT64_MAX), AT + 3 * P);
	assert_int_equal(aspace_brk(as, USER_TOP + 1), AT + 3 * P);
	assert_int_equal(aspace_unmap(as, AT + 4 * P, P), 0);
	as->limit_data_bytes = 4 * P;
	assert_int_equal(aspace_brk(as, AT + 4 * P), AT + 4 * P);
	assert_int_equal(aspace_brk(as, AT + 4 * P + 1), AT + 4 * P);
	as->limit_data_bytes = UINT64_MAX;
	as->limit_as_bytes = 4 * P;
	assert_int_equal(aspace_brk(as, AT + 5 * P), AT + 4 * P);
	as->limit_as_bytes = UINT64_MAX;
	heap_fail_after(1);
	assert_int_equal(aspace_brk(as, AT + 5 * P), AT + 4 * P);
	heap_fail_after(0);
	assert_string_equal(draw(as, 6), "wwww..");
}

/* The program may take the heap's pages apart; brk then unmaps what is there. */
static void test_brk_over_foreign_parts(void **state)
{
	struct aspace *as = with_heap(state);

	assert_int_equal(aspace_brk(as, AT + 8 * P), AT + 8 * P);
	assert_int_equal(aspace_unmap(as, AT + 4 * P, P), 0);
	assert_int_equal(aspace_protect(as, AT + 6 * P, P, VMA_READ), 0);
	assert_string_equal(draw(as, 8), "wwww.w|r|w");
	heap_fail_after(1);
	assert_int_equal(aspace_brk(as, AT + 2 * P), AT + 8 * P); /* no memory for the split */
	heap_fail_after(0);
	assert_string_equal(draw(as, 8), "wwww.w|r|w");
	assert_int_equal(aspace_brk(as, AT + 2 * P), AT + 2 * P);
	assert_string_equal(draw(as, 8), "ww......");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_protect_parts),
		ASPACE_TEST(test_protect_same_rights),
		ASPACE_TEST(test_protect_stops_at_hole),
		ASPACE_TEST(test_protect_shared_file_not_open_for_writing),
		ASPACE_TEST(test_protect_errors),
		ASPACE_TEST(test_protect_data_limit),
		ASPACE_TEST(test_protect_touched_pages),
		ASPACE_TEST(test_protect_private_file),
		ASPACE_TEST(test_brk_grows_and_shrinks),
		ASPACE_TEST(test_brk_refused),
		ASPACE_TEST(test_brk_over_foreign_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
