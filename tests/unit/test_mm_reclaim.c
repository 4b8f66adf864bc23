/* SPDX-License-Identifier: MIT */
/* Promising memory (overcommit), and taking back what programs gave up. */
#include <linux/mman.h>
#include <moat/commit.h>
#include <moat/reclaim.h>
#include <moat/usage.h>
#include "mm_fixture.h"

/* What a debugger writes to a page that was given up, and is read-only by now, stays. */
static void test_forced_write_stays(void **state)
{
	struct aspace *as = *state;
	u8 byte = 77;

	map_at(as, AT, 2 * P, RW);
	poke(AT, 10);
	poke(AT + P, 11);
	assert_int_equal(aspace_advise(as, AT, 2 * P, MADV_FREE), 0);
	assert_int_equal(aspace_protect(as, AT, 2 * P, VMA_READ), 0);
	assert_int_equal(aspace_access_forced(as, AT + 5, &byte, 1, ASPACE_POKE), 0);
	assert_int_equal(memory_reclaim(), 1);
	assert_int_equal(peek(AT), 10);
	assert_int_equal(peek(AT + 5), 77);
	assert_int_equal(peek(AT + P), 0);
}

/* Each mode with a request that fits, one larger than the machine, and one above the limit of mode 2. */
static void test_commit_modes(void **state)
{
	struct aspace *as = *state;
	struct memory_figures f;
	u64 half;

	memory_figures_read(&f);
	half = f.total / 2;
	assert_int_equal(f.total, f.free + f.kernel + f.tables + f.cache + f.shmem + f.anon);
	commit_policy.mode = COMMIT_GUESS;
	assert_true(commit_allows(as, f.total));
	assert_false(commit_allows(as, f.total + 1));
	commit_policy.mode = COMMIT_ALWAYS;
	assert_true(commit_allows(as, f.total * 100));
	commit_policy.mode = COMMIT_LIMIT;
	commit_policy.ratio_percent = 50;
	assert_int_equal(commit_limit_pages(), half);
	assert_true(commit_allows(as, half - 1 - commit_total_pages()));
	assert_false(commit_allows(as, half));
	commit_policy.limit_kbytes = 40;
	assert_int_equal(commit_limit_pages(), 10);
	assert_false(commit_allows(NULL, 10));
	commit_policy = (struct commit_policy){.mode = COMMIT_GUESS, .ratio_percent = 50};
}

/* Private writable memory counts, what is read-only or shared by a file does not; all is given back. */
static void test_commit_counts(void **state)
{
	struct aspace *as = *state;
	u64 before = commit_total_pages();

	map_at(as, AT, 4 * P, RW);
	map_at(as, AT + 8 * P, 4 * P, VMA_READ);
	map_at(as, AT + 16 * P, 4 * P, RW | VMA_NORESERVE);
	assert_int_equal(commit_total_pages(), before + 4);
	assert_int_equal(aspace_protect(as, AT + 8 * P, P, RW), 0);
	assert_int_equal(commit_total_pages(), before + 5);
	assert_int_equal(aspace_unmap(as, AT, 32 * P), 0);
	assert_int_equal(commit_total_pages(), before);
}

/*
 *     page      0        1          2
 *     is        kept     given up   given up, then locked           taken back: page 1 only
 *
 * (That what is written again stays needs a machine that sets dirty bits: tests/programs, hog -f.)
 */
static void test_given_up(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 3 * P, RW);
	for (u64 i = 0; i < 3; i++)
		poke(AT + i * P, (u8)(10 + i));
	assert_int_equal(aspace_advise(as, AT + P, 2 * P, MADV_FREE), 0);
	as->limit_lock_bytes = UINT64_MAX;
	assert_int_equal(aspace_lock(as, AT + 2 * P, P, VMA_LOCKED), 0);
	assert_int_equal(memory_reclaim(), 1);
	assert_int_equal(peek(AT), 10);
	assert_int_equal(peek(AT + P), 0);
	assert_int_equal(peek(AT + 2 * P), 12);
	/* Once looked through, an address space is not looked at again before it gives something up. */
	assert_int_equal(memory_reclaim(), 0);
	aspace_check(as);
}

static unsigned killed;

static bool kill_one(void)
{
	return ++killed == 1;
}

/* First what was given up, then a process; without either there is no room. */
static void test_order_of_making_room(void **state)
{
	struct aspace *as = *state;

	memory_register_oom(NULL);
	assert_false(memory_make_room());
	memory_register_oom(kill_one);
	map_at(as, AT, 40 * P, RW);
	for (u64 i = 0; i < 40; i++)
		poke(AT + i * P, 1);
	assert_int_equal(aspace_advise(as, AT, 40 * P, MADV_FREE), 0);
	killed = 0;
	assert_true(memory_make_room());
	assert_int_equal(killed, 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 0);
	assert_true(memory_make_room());
	assert_int_equal(killed, 1);
	assert_false(memory_make_room());
	memory_register_oom(NULL);
}

static int fill_zeros(struct mobj *obj, u64 first, struct page *const pages[], unsigned n)
{
	(void)obj;
	(void)first;
	for (unsigned i = 0; i < n; i++)
		memset(page_address(pages[i]), 0, P);
	return 0;
}

static u32 told;

static void count_low(void)
{
	told++;
}

/* One page of the object after the other from `first` on, until one is refused: how many. */
static u64 fill_memory(struct mobj *obj, u64 first)
{
	struct page *page;
	u64 i = first;

	while (mobj_page(obj, i, MOBJ_CREATE, &page) == 0) {
		frame_put(page);
		i++;
	}
	return i - first;
}

/* What can be read again makes room; a limit is no want of memory; what was changed stays. */
static void test_files_make_room(void **state)
{
	static const struct mobj_ops ops = {.fill = fill_zeros};
	struct mobj *file = mobj_create(&ops, NULL), *memory = mobj_create(NULL, NULL);
	struct aspace *as = *state;
	struct memory_figures f;
	struct page *page;

	memory_figures_read(&f);
	assert_false(memory_retry());
	map_at(as, AT, f.total / 2 * P, RW);
	memory_register_low(count_low);
	told = 0;
	assert_int_equal(mobj_resize(file, f.total * P), 0);
	for (u64 i = 0; i < f.total * 7 / 8; i++) {
		assert_int_equal(mobj_page(file, i, 0, &page), 0);
		frame_put(page);
	}
	assert_int_equal(told, 0);
	assert_true(fill_memory(memory, 0) > 0);
	assert_true(told > 0);
	memory_figures_read(&f);
	assert_true(f.free < f.total / 16 && f.available > f.total / 2);
	/* Filling a range takes them all, and goes on. */
	assert_int_equal(aspace_populate(as, AT, f.total / 2 * P, VMA_WRITE), 0);
	mobj_cache_drop();
	assert_int_equal(mobj_resident_pages(file), 0);
	/* Now there is nothing left to give up. */
	(void)fill_memory(memory, f.total);
	assert_false(memory_retry());
	mobj_put(file);
	mobj_put(memory);
	memory_register_low(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_commit_modes),		ASPACE_TEST(test_commit_counts),
		ASPACE_TEST(test_forced_write_stays),	ASPACE_TEST(test_given_up),
		ASPACE_TEST(test_order_of_making_room), ASPACE_TEST(test_files_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
