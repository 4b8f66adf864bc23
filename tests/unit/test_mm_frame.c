/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator: the ledger, fresh spans, splitting and merging, the lists of the CPUs, fault
 * injection.
 */
#include <signal.h>
#include "mm_fixture.h"

static struct frame_stats stats(void)
{
	struct frame_stats s;
	u64 sum = 0;

	frame_stats_read(&s);
	for (unsigned o = 0; o < FRAME_OWNERS; o++)
		sum += s.owned[o];
	assert_int_equal(sum, s.total);
	return s;
}

static void test_ledger_adds_up(void **state)
{
	struct page *anon = frame_alloc(0, 0, FRAME_ANON), *table = frame_alloc(0, 0, FRAME_TABLE);
	struct page *block = frame_alloc(4, 0, FRAME_KERNEL);
	struct frame_stats s = stats();

	(void)state;
	assert_int_equal(s.total, TEST_RAM / P);
	assert_int_equal(s.owned[FRAME_ANON], 1);
	assert_int_equal(s.owned[FRAME_TABLE], 1);
	assert_int_equal(s.owned[FRAME_KERNEL], 16);
	assert_int_equal(s.owned[FRAME_FREE], s.total - 18);
	frame_put(table);
	frame_put(anon);
	frame_put(block);
	assert_int_equal(stats().owned[FRAME_FREE], s.total);
}

/* Frames freed on another CPU than they were taken on: single figures go negative, the sum stays right. */
static void test_ledger_across_cpus(void **state)
{
	struct page *p[40];

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		p[i] = frame_alloc(0, 0, FRAME_ANON);
	fake_set_cpu(3);
	for (unsigned i = 0; i < 40; i++)
		frame_put(p[i]);
	assert_int_equal(stats().owned[FRAME_ANON], 0);
	p[0] = frame_alloc(0, 0, FRAME_CACHE);
	assert_int_equal(stats().owned[FRAME_CACHE], 1);
	fake_set_cpu(0);
	frame_put(p[0]);
	assert_int_equal(stats().owned[FRAME_CACHE], 0);
}

static void test_block_is_aligned_and_zeroed(void **state)
{
	(void)state;
	for (unsigned order = 0; order < FRAME_ORDERS; order++) {
		struct page *dirty = frame_alloc(order, 0, FRAME_KERNEL), *p;
		u8 *bytes = page_address(dirty);

		memset(bytes, 0xee, P << order);
		frame_put(dirty);
		p = frame_alloc(order, FRAME_ZERO, FRAME_KERNEL);
		assert_true(IS_ALIGNED(page_to_pfn(p).raw, 1ull << order));
		assert_ptr_equal(pfn_to_page(page_to_pfn(p)), p);
		bytes = page_address(p);
		for (u64 i = 0; i < P << order; i++)
			if (bytes[i])
				fail_msg("byte %lu of order %u", (unsigned long)i, order);
		frame_put(p);
	}
	assert_null(frame_alloc(FRAME_ORDERS, 0, FRAME_KERNEL));
}

static void test_references(void **state)
{
	struct page *p = frame_alloc(2, 0, FRAME_KERNEL);

	(void)state;
	assert_int_equal(frame_refs(p), 1);
	frame_get(p);
	frame_put(p);
	assert_int_equal(stats().owned[FRAME_KERNEL], 4);
	frame_put(p);
	assert_int_equal(stats().owned[FRAME_KERNEL], 0);
}

/* Memory is touched only as it is used: one frame carves 2 MiB, the rest stays fresh. */
static void test_fresh_memory_stays_fresh(void **state)
{
	u64 fresh = stats().fresh;
	struct page *p;

	(void)state;
	assert_int_equal(fresh, TEST_RAM / P);
	p = frame_alloc(0, 0, FRAME_ANON);
	assert_int_equal(stats().fresh, fresh - 256); /* RAM starts in the middle of a 2 MiB unit */
	frame_put(p);
	for (unsigned i = 0; i < 1000; i++)
		frame_put(frame_alloc(0, 0, FRAME_ANON));
	assert_int_equal(stats().fresh, fresh - 256);
}

static u64 take_all(struct page **p, unsigned order)
{
	u64 n = 0;

	while ((p[n] = frame_alloc(order, 0, FRAME_ANON)) != NULL)
		n++;
	return n;
}

static void test_exhaust_and_merge(void **state)
{
	static struct page *p[TEST_RAM / PAGE_SIZE + 1];
	u64 singles, large, state_word = 1;

	(void)state;
	large = take_all(p, FRAME_ORDERS - 1);
	assert_int_equal(large, (TEST_RAM - MIB(2)) / MIB(2)); /* both ends are half units */
	for (u64 i = 0; i < large; i++)
		frame_put(p[i]);
	singles = take_all(p, 0);
	assert_int_equal(singles, TEST_RAM / P);
	/* Freed in any order, all of it merges again; what waits on the CPU's list is called back. */
	for (u64 i = singles - 1; i > 0; i--) {
		u64 j = unit_random_below(&state_word, i + 1);
		struct page *swap = p[i];

		p[i] = p[j];
		p[j] = swap;
	}
	for (u64 i = 0; i < singles; i++)
		frame_put(p[i]);
	assert_int_equal(take_all(p, FRAME_ORDERS - 1), large);
	for (u64 i = 0; i < large; i++)
		frame_put(p[i]);
}

/* No frame is given out twice, whatever the mixture of sizes and CPUs. */
static void test_random_blocks_do_not_overlap(void **state)
{
	enum { HELD = 300 };
	static struct {
		struct page *p;
		u32 stamp;
	} held[HELD];
	u64 rng = 42;

	(void)state;
	memset(held, 0, sizeof(held));
	for (u32 round = 0; round < 30000; round++) {
		unsigned i = (unsigned)unit_random_below(&rng, HELD);

		fake_set_cpu((u32)unit_random_below(&rng, 4));
		if (held[i].p) {
			u32 *words = page_address(held[i].p);

			for (u64 w = 0; w < 1ull << held[i].p->order; w++)
				assert_int_equal(words[w * 1024], held[i].stamp);
			frame_put(held[i].p);
			held[i].p = NULL;
			continue;
		}
		held[i].p = frame_alloc((unsigned)(unit_random_below(&rng, 4) * unit_random_below(&rng, 3)),
					0, FRAME_ANON);
		if (!held[i].p)
			continue;
		held[i].stamp = round;
		for (u64 w = 0; w < 1ull << held[i].p->order; w++)
			((u32 *)page_address(held[i].p))[w * 1024] = round;
	}
	stats();
	for (unsigned i = 0; i < HELD; i++)
		if (held[i].p)
			frame_put(held[i].p);
	fake_set_cpu(0);
}

/*
 * Spans that share 2 MiB units, one added after the unit was carved, and boot memory given back:
 *     unit     |...............|...............|
 *     spans       [==A==)[B=)     [==C==)
 *     boot               released later [=====)
 */
static void test_spans_share_a_unit(void **state)
{
	const u64 base = ALIGN_UP(FAKE_RAM_BASE, MIB(2)) + MIB(2);
	static struct page *p[1024];
	u64 n;

	(void)state;
	fake_stop();
	fake_start_bare(TEST_RAM, 100);
	assert_int_equal(stats().owned[FRAME_KERNEL], 100);
	assert_null(frame_alloc(0, 0, FRAME_ANON));
	frames_add_span((struct range){base + 10 * P, base + 60 * P});
	frames_add_span((struct range){base + MIB(2) + 5 * P, base + MIB(2) + 50 * P});
	p[0] = frame_alloc(0, 0, FRAME_ANON);
	assert_non_null(p[0]);
	frames_add_span((struct range){base + 70 * P + 1, base + 80 * P + 1}); /* ragged: 9 whole frames */
	assert_int_equal(stats().total, 100 + 50 + 45 + 9);
	frames_release_boot((struct range){base + MIB(2) + 50 * P, base + MIB(2) + 150 * P});
	assert_int_equal(stats().total, 204);
	assert_int_equal(stats().owned[FRAME_KERNEL], 0);
	n = 1 + take_all(p + 1, 0);
	assert_int_equal(n, 204);
	assert_int_equal(stats().fresh, 0);
	for (u64 i = 0; i < n; i++) {
		u64 pfn = page_to_pfn(p[i]).raw - (base >> PAGE_SHIFT);

		assert_true((pfn >= 10 && pfn < 60) || (pfn >= 71 && pfn < 80) || (pfn >= 517 && pfn < 662));
		for (u64 j = 0; j < i; j++)
			assert_ptr_not_equal(p[i], p[j]);
	}
	for (u64 i = 0; i < n; i++)
		frame_put(p[i]);
	/* 512 + 128 .. 512 + 150 and 5..128: the largest aligned block in there. */
	p[0] = frame_alloc(6, 0, FRAME_ANON);
	assert_non_null(p[0]);
	frame_put(p[0]);
	assert_null(frame_alloc(7, 0, FRAME_ANON));
}

/* More pieces of RAM than the allocator has room for: the rest is not counted, and never given out. */
static void test_too_many_spans(void **state)
{
	static struct page *p[100];
	u64 n;

	(void)state;
	fake_stop();
	fake_start_bare(TEST_RAM, 0);
	for (u64 i = 0; i < 80; i++)
		frames_add_span((struct range){FAKE_RAM_BASE + 2 * i * P, FAKE_RAM_BASE + (2 * i + 1) * P});
	assert_int_equal(stats().total, 64);
	n = take_all(p, 0);
	assert_int_equal(n, 64);
	for (u64 i = 0; i < n; i++)
		frame_put(p[i]);
}

static void test_fault_injection(void **state)
{
	struct page *p;

	(void)state;
	frame_fail_after(2);
	p = frame_alloc(0, 0, FRAME_ANON);
	assert_non_null(p);
	assert_null(frame_alloc(0, 0, FRAME_ANON));
	frame_put(p);
	p = frame_alloc(0, 0, FRAME_ANON);
	assert_non_null(p);
	frame_put(p);
}

static void put_twice(void *p)
{
	frame_put(p);
	frame_put(p);
}

static void test_double_free_panics(void **state)
{
	struct page *p = frame_alloc(0, 0, FRAME_ANON);

	(void)state;
	assert_panics(put_twice, p);
	frame_put(p);
}

static void check_zeroed(struct page *p)
{
	const u8 *bytes = page_address(p);

	for (u64 i = 0; i < P; i++)
		if (bytes[i])
			fail_msg("byte %lu", (unsigned long)i);
}

/* A frame that was freed all zeros stays known as such only as long as nobody else has had it. */
static void test_clear_mark_does_not_outlive_a_use(void **state)
{
	enum { FRAMES = 512 };
	static struct page *p[FRAMES];
	struct page *one = frame_alloc(0, FRAME_ZERO, FRAME_TABLE), *block;

	(void)state;
	frame_mark_clear(one);
	frame_put(one);
	one = frame_alloc(0, 0, FRAME_ANON);
	memset(page_address(one), 0xee, P);
	frame_put(one);
	one = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);
	check_zeroed(one);
	frame_put(one);

	/* Enough of them to leave the list of the CPU; they come back as parts of blocks. */
	for (unsigned i = 0; i < FRAMES; i++)
		p[i] = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);
	for (unsigned i = 0; i < FRAMES; i++) {
		frame_mark_clear(p[i]);
		frame_put(p[i]);
	}
	for (unsigned i = 0; i < FRAMES / 16; i++) {
		p[i] = block = frame_alloc(4, 0, FRAME_KERNEL);
		memset(page_address(block), 0xee, 16 * P);
	}
	for (unsigned i = 0; i < FRAMES / 16; i++)
		frame_put(p[i]);
	for (unsigned i = 0; i < FRAMES; i++) {
		p[i] = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);
		check_zeroed(p[i]);
	}
	for (unsigned i = 0; i < FRAMES; i++)
		frame_put(p[i]);
}

static void alloc_zeroed(void *arg)
{
	*(struct page **)arg = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);
}

static void test_false_clear_mark_panics(void **state)
{
	struct page *p = frame_alloc(0, 0, FRAME_TABLE);

	(void)state;
	memset(page_address(p), 0xee, P);
	frame_mark_clear(p);
	frame_put(p);
	assert_panics(alloc_zeroed, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_ledger_adds_up),
		MM_TEST(test_ledger_across_cpus),
		MM_TEST(test_block_is_aligned_and_zeroed),
		MM_TEST(test_references),
		MM_TEST(test_fresh_memory_stays_fresh),
		MM_TEST(test_exhaust_and_merge),
		MM_TEST(test_random_blocks_do_not_overlap),
		MM_TEST(test_spans_share_a_unit),
		MM_TEST(test_too_many_spans),
		MM_TEST(test_fault_injection),
		MM_TEST(test_double_free_panics),
		MM_TEST(test_clear_mark_does_not_outlive_a_use),
		MM_TEST(test_false_clear_mark_panics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
