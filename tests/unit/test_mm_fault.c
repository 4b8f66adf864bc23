/* SPDX-License-Identifier: MIT */
/* Page faults: every way through aspace_fault, what it allocates and counts, and who shares which frame. */
#include <signal.h>
#include "mm_fixture.h"
#include <moat/commit.h>

static struct pmap_leaf leaf_at(struct aspace *as, u64 addr)
{
	struct pmap_leaf leaf = {.prot = 0};

	assert_true(pmap_query(&as->pmap, addr, &leaf));
	return leaf;
}

static bool shows_zero_frame(struct aspace *as, u64 addr)
{
	return frame_is_zero(pfn_to_page(leaf_at(as, addr).pfn));
}

static void test_no_vma(void **state)
{
	struct aspace *as = *state;

	assert_int_equal(try_access(AT, FAULT_READ), FAULT_NO_VMA);
	map_at(as, AT, P, RW);
	assert_int_equal(try_access(AT - 1, FAULT_READ), FAULT_NO_VMA);
	assert_int_equal(try_access(AT + P, FAULT_WRITE), FAULT_NO_VMA);
	assert_int_equal(as->faults.refused, 3);
}

/* Each access against each protection. On x86 what can be written or executed can be read. */
static void test_rights(void **state)
{
	static const struct {
		u32 prot;
		bool read, write, exec;
	} cases[] = {
		{0, false, false, false},	{VMA_READ, true, false, false},
		{VMA_WRITE, true, true, false}, {VMA_EXEC, true, false, true},
		{RW, true, true, false},	{VMA_READ | VMA_EXEC, true, false, true},
		{VMA_PROT, true, true, true},
	};
	struct aspace *as = *state;

	for (unsigned touched = 0; touched < 2; touched++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			map_at(as, AT, P, RW);
			if (touched)
				poke(AT, 1);
			assert_int_equal(aspace_protect(as, AT, P, cases[i].prot), 0);
			assert_int_equal(try_access(AT, FAULT_READ),
					 cases[i].read ? FAULT_DONE : FAULT_NO_ACCESS);
			assert_int_equal(try_access(AT, FAULT_EXEC),
					 cases[i].exec ? FAULT_DONE : FAULT_NO_ACCESS);
			assert_int_equal(try_access(AT, FAULT_WRITE),
					 cases[i].write ? FAULT_DONE : FAULT_NO_ACCESS);
			aspace_check(as);
		}
	}
}

static void test_read_shows_zero_frame(void **state)
{
	struct aspace *as = *state;
	u64 used;

	map_at(as, AT, 4 * P, RW);
	assert_int_equal(peek(AT), 0);
	used = frames_used();
	assert_int_equal(peek(AT + P + 77), 0);
	assert_int_equal(frames_used(), used);
	assert_true(shows_zero_frame(as, AT) && shows_zero_frame(as, AT + P));
	assert_int_equal(pmap_resident_pages(&as->pmap), 0);
	assert_int_equal(fake_faults, 2);
	assert_int_equal(as->faults.cow, 0);
	aspace_check(as);
}

static void test_write_after_read(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, RW);
	peek(AT);
	peek(AT + P);
	poke(AT + 5, 9);
	assert_false(shows_zero_frame(as, AT));
	assert_true(shows_zero_frame(as, AT + P));
	assert_int_equal(peek(AT + 5), 9);
	assert_int_equal(peek(AT + 6), 0);
	assert_int_equal(peek(AT + P + 5), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 1);
	assert_int_equal(as->faults.cow, 1);
	aspace_check(as);
}

static void test_write_takes_one_frame(void **state)
{
	struct aspace *as = *state;
	u64 used;

	map_at(as, AT, 4 * P, RW);
	poke(AT, 1);
	used = frames_used();
	poke(AT + P, 1);
	assert_int_equal(frames_used(), used + 1);
	poke(AT + P + 1, 1);
	assert_int_equal(frames_used(), used + 1);
	assert_int_equal(fake_faults, 2);
	assert_int_equal(pmap_resident_pages(&as->pmap), 2);
}

/* A fault on what another thread has just served: nothing changes, nothing leaks. */
static void test_race_lost(void **state)
{
	struct aspace *as = *state;
	u64 used;

	map_at(as, AT, P, RW);
	poke(AT, 3);
	used = frames_used();
	assert_int_equal(aspace_fault(as, AT, FAULT_WRITE), FAULT_DONE);
	assert_int_equal(aspace_fault(as, AT, FAULT_READ), FAULT_DONE);
	assert_int_equal(aspace_fault(as, AT, FAULT_WRITE | FAULT_PRESENT), FAULT_DONE);
	assert_int_equal(frames_used(), used);
	assert_int_equal(peek(AT), 3);
	/* The page vanished after the CPU saw it. */
	assert_int_equal(aspace_discard(as, AT, P), 0);
	assert_int_equal(aspace_fault(as, AT, FAULT_WRITE | FAULT_PRESENT), FAULT_DONE);
	assert_int_equal(peek(AT), 0);
}

static struct aspace *racer_as;
static unsigned racer_access;

static void racer(u64 addr)
{
	assert_int_equal(aspace_fault(racer_as, addr, racer_access), FAULT_DONE);
}

/*
 * Two threads fault on one page. The other one enters, or replaces, its frame between our look at the page
 * and our own attempt: one frame serves both, the other is dropped, and what is mapped allows what we wanted.
 */
static void test_races(void **state)
{
	static const struct {
		bool touched;
		unsigned ours, theirs;
		unsigned resident;
	} cases[] = {
		{false, FAULT_READ, FAULT_READ, 0},   {false, FAULT_READ, FAULT_WRITE, 1},
		{false, FAULT_WRITE, FAULT_WRITE, 1}, {false, FAULT_WRITE, FAULT_READ, 1},
		{true, FAULT_WRITE, FAULT_WRITE, 1},
	};
	struct aspace *as = *state;

	racer_as = as;
	map_at(as, AT, P, RW);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 used = frames_used();
		unsigned present = cases[i].touched ? FAULT_PRESENT : 0;

		if (cases[i].touched)
			peek(AT);
		racer_access = cases[i].theirs | present;
		fake_race = racer;
		assert_int_equal(aspace_fault(as, AT, cases[i].ours | present), FAULT_DONE);
		assert_null(fake_race);
		aspace_check(as);
		assert_int_equal(pmap_resident_pages(&as->pmap), cases[i].resident);
		assert_int_equal(frames_used(), used + 1 + cases[i].resident); /* and the table */
		assert_int_equal(try_access(AT, cases[i].ours), FAULT_DONE);
		assert_int_equal(aspace_discard(as, AT, P), 0);
	}
}

/* PROT_NONE keeps the contents; rights that come back find them, without a copy. */
static void test_prot_none_keeps_contents(void **state)
{
	struct aspace *as = *state;
	pfn_t pfn;

	map_at(as, AT, 2 * P, RW);
	poke(AT, 42);
	peek(AT + P);
	pfn = leaf_at(as, AT).pfn;
	assert_int_equal(aspace_protect(as, AT, 2 * P, 0), 0);
	assert_int_equal(try_access(AT, FAULT_READ), FAULT_NO_ACCESS);
	assert_int_equal(pmap_resident_pages(&as->pmap), 1);
	assert_int_equal(aspace_protect(as, AT, 2 * P, RW), 0);
	assert_int_equal(peek(AT), 42);
	poke(AT, 43);
	poke(AT + P, 44);
	assert_int_equal(leaf_at(as, AT).pfn.raw, pfn.raw);
	assert_int_equal(pmap_resident_pages(&as->pmap), 2);
	aspace_check(as);
}

static struct mobj *file_of(u64 pages)
{
	struct mobj *obj = mobj_create(NULL, NULL);

	for (u64 i = 0; i < pages; i++) {
		u8 byte = (u8)(0x10 + i);
		struct uio u;

		uio_init_kernel(&u, &byte, 1);
		assert_int_equal(mobj_write(obj, i * P, &u), 1);
	}
	return obj;
}

static u8 file_byte(struct mobj *obj, u64 offset)
{
	struct uio u;
	u8 byte;

	uio_init_kernel(&u, &byte, 1);
	assert_int_equal(mobj_read(obj, offset, &u), 1);
	return byte;
}

static void test_file_private(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = file_of(4);

	map_object(as, AT, 4 * P, RW, obj, P);
	assert_int_equal(peek(AT), 0x11);
	assert_int_equal(leaf_at(as, AT).prot & PMAP_WRITE, 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 3); /* with its neighbours */
	poke(AT, 0x77);
	poke(AT + P + 1, 0x78);
	assert_int_equal(peek(AT + P), 0x12);
	assert_int_equal(file_byte(obj, P), 0x11);
	assert_int_equal(file_byte(obj, 2 * P + 1), 0);
	assert_int_equal(as->faults.cow, 2);
	assert_int_equal(pmap_resident_pages(&as->pmap), 3);
	aspace_check(as);
	/* Dropped, the file shows again. */
	assert_int_equal(aspace_discard(as, AT, 2 * P), 0);
	assert_int_equal(peek(AT), 0x11);
	mobj_put(obj);
}

/*
 * One window of 16 pages and a bit; the VMA begins in it. Page 2 of the object is missing, page 4 written before.
 *
 *     AT         | 4  5  6  7 ...                                 15 | 16 17
 *     object       0  1  -  3 *  5  6  7  8  9 10 11                  12 13     read at 7: all but 2
 */
static void test_fault_around(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = file_of(14);
	u64 base = AT + 4 * P;
	struct pmap_leaf leaf;

	assert_int_equal(mobj_punch(obj, (struct range){2 * P, 3 * P}), 0);
	map_object(as, base, 16 * P, RW, obj, 0);
	poke(base + 4 * P, 0x55);
	assert_int_equal(pmap_resident_pages(&as->pmap), 1);
	assert_int_equal(fake_faults, 1);
	assert_int_equal(peek(base + 3 * P), 0x13);
	assert_int_equal(pmap_resident_pages(&as->pmap), 11);
	assert_int_equal(fake_faults, 2);
	assert_false(pmap_query(&as->pmap, base + 2 * P, &leaf));
	assert_false(pmap_query(&as->pmap, base + 12 * P, &leaf));
	assert_int_equal(peek(base + 4 * P), 0x55);
	assert_int_equal(peek(base + 11 * P), 0x1b);
	assert_int_equal(fake_faults, 2);
	/* The last page of the file, and what lies behind it. */
	assert_int_equal(peek(base + 12 * P), 0x1c);
	assert_int_equal(pmap_resident_pages(&as->pmap), 13);
	assert_int_equal(try_access(base + 14 * P, FAULT_READ), FAULT_PAST_END);
	aspace_check(as);
	mobj_put(obj);
}

static void test_file_shared(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = file_of(4);

	map_object(as, AT, 4 * P, RW | VMA_SHARED, obj, 0);
	map_object(as, AT + 8 * P, 4 * P, RW | VMA_SHARED, obj, 0);
	assert_int_equal(peek(AT + P), 0x11);
	poke(AT + P, 0x99);
	assert_int_equal(peek(AT + 9 * P), 0x99);
	assert_int_equal(file_byte(obj, P), 0x99);
	assert_int_equal(as->faults.cow, 0);
	mobj_put(obj);
	assert_int_equal(peek(AT + 9 * P), 0x99);
}

static void test_shared_anonymous(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, RW | VMA_SHARED);
	poke(AT, 5);
	assert_int_equal(aspace_discard(as, AT, 4 * P), 0);
	assert_int_equal(peek(AT), 5);
	assert_int_equal(peek(AT + P), 0);
	/* Two of them are two objects, and never one VMA. */
	map_at(as, AT + 4 * P, 4 * P, RW | VMA_SHARED);
	assert_int_equal(as->vma_count, 2);
}

static void test_past_end_of_file(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = file_of(2); /* P + 1 bytes */

	map_object(as, AT, 4 * P, RW, obj, 0);
	assert_int_equal(peek(AT + 2 * P - 1), 0);
	assert_int_equal(try_access(AT + 2 * P, FAULT_READ), FAULT_PAST_END);
	assert_int_equal(try_access(AT + 3 * P, FAULT_WRITE), FAULT_PAST_END);
	assert_int_equal(as->faults.refused, 2);
	mobj_put(obj);
}

/* Of a run that cannot be read whole, the wanted page alone is tried. */
static int fill_fails(struct mobj *obj, u64 first, struct page *const pages[], unsigned n)
{
	(void)obj;
	for (u64 i = first; i < first + n; i++) {
		if (i == 1)
			return -EIO;
		memset(page_address(pages[i - first]), 0xf1, P);
	}
	return 0;
}

static struct range all_of_it(struct mobj *obj, u64 index)
{
	(void)index;
	return (struct range){0, obj->size_bytes >> PAGE_SHIFT};
}

static void test_file_with_device(void **state)
{
	static const struct mobj_ops ops = {.fill = fill_fails, .window = all_of_it};
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(&ops, NULL);

	assert_int_equal(mobj_resize(obj, 3 * P), 0);
	map_object(as, AT, 3 * P, VMA_READ, obj, 0);
	assert_int_equal(peek(AT), 0xf1);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_IO);
	assert_int_equal(peek(AT + 2 * P), 0xf1);
	mobj_put(obj);
}

/* Every allocation of a fault fails in turn: FAULT_NO_MEMORY, and the next try works. */
static void test_out_of_memory(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = file_of(1);

	map_at(as, AT, P, RW);
	map_object(as, AT + MIB(2), P, RW, obj, 0);
	for (unsigned kind = 0; kind < 4; kind++) {
		u64 addr = AT + (kind / 2) * MIB(2), used;
		unsigned access = kind % 2 ? FAULT_WRITE : FAULT_READ;
		u64 n = 0;

		assert_int_equal(aspace_discard(as, addr, P), 0);
		used = frames_used();
		do {
			assert_int_equal(frames_used(), used);
			frame_fail_after(++n);
		} while (aspace_fault(as, addr, access) == FAULT_NO_MEMORY);
		frame_fail_after(0);
		assert_true(n >= 2 && n <= 3); /* the frame and the table; or the table only */
		assert_int_equal(try_access(addr, access), FAULT_DONE);
		aspace_check(as);
	}
	/* Copy-on-write */
	assert_int_equal(aspace_discard(as, AT + MIB(2), P), 0);
	peek(AT + MIB(2));
	frame_fail_after(1);
	assert_int_equal(try_access(AT + MIB(2), FAULT_WRITE), FAULT_NO_MEMORY);
	assert_int_equal(peek(AT + MIB(2)), 0x10);
	mobj_put(obj);
}

static void test_stack_grows(void **state)
{
	struct aspace *as = *state;
	u64 stack = AT + MIB(64);

	as->limit_stack_bytes = 16 * P;
	map_at(as, stack, P, RW | VMA_GROWSDOWN);
	poke(stack - 1, 1);
	assert_int_equal(as->mapped_pages, 2);
	poke(stack - 10 * P, 1);
	assert_int_equal(as->mapped_pages, 11);
	aspace_check(as);
	assert_int_equal(try_access(stack - 15 * P - 1, FAULT_WRITE), FAULT_NO_VMA); /* the limit */
	poke(stack - 15 * P, 1);
	assert_int_equal(as->vma_count, 1);
	assert_int_equal(as->mapped_pages, 16);
}

/* A stack keeps its distance from what lies below, unless that cannot be touched anyway. */
static void test_stack_keeps_gap(void **state)
{
	struct aspace *as = *state;
	u64 stack = AT + P + STACK_GAP + 2 * P;

	map_at(as, AT, P, RW);
	map_at(as, stack, P, RW | VMA_GROWSDOWN);
	poke(stack - 2 * P, 1);
	assert_int_equal(try_access(stack - 3 * P, FAULT_WRITE), FAULT_NO_VMA);
	assert_int_equal(aspace_protect(as, AT, P, 0), 0);
	poke(stack - 3 * P, 1);
	as->limit_as_bytes = as->mapped_pages * P;
	assert_int_equal(try_access(stack - 4 * P, FAULT_WRITE), FAULT_NO_VMA);
	assert_int_equal(try_access(USER_MIN, FAULT_WRITE), FAULT_NO_VMA);
}

static void test_stack_grows_only_with_rights(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, P, VMA_READ | VMA_GROWSDOWN);
	assert_int_equal(try_access(AT - 1, FAULT_WRITE), FAULT_NO_ACCESS);
	assert_int_equal(peek(AT - 1), 0);
}

/* Other limits that keep a stack from growing, one at a time. */
static void test_stack_limits(void **state)
{
	const struct commit_policy saved = commit_policy;
	struct aspace *as = *state;
	u64 max = commit_limit_pages();

	map_at(as, AT, P, RW | VMA_GROWSDOWN);
	as->limit_lock_bytes = P;
	assert_int_equal(aspace_lock(as, AT, P, VMA_LOCKED), 0);
	assert_int_equal(try_access(AT - 1, FAULT_WRITE), FAULT_NO_VMA);
	as->limit_lock_bytes = 2 * P;
	assert_int_equal(try_access(AT - 1, FAULT_WRITE), FAULT_DONE);
	assert_int_equal(as->locked_pages, 2);
	assert_int_equal(aspace_lock(as, AT - P, 2 * P, 0), 0);
	commit_policy = (struct commit_policy){.mode = COMMIT_LIMIT, .limit_kbytes = 1};
	assert_int_equal(try_access(AT - P - 1, FAULT_WRITE), FAULT_NO_VMA);
	commit_policy = saved;
	assert_int_equal(commit_limit_pages(), max);
	assert_int_equal(try_access(AT - P - 1, FAULT_WRITE), FAULT_DONE);
	aspace_check(as);
}

/* Two stacks need no gap between them, and stay two when they meet. */
static void test_stacks_meet(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, P, RW | VMA_GROWSDOWN);
	map_at(as, AT + 3 * P, P, RW | VMA_GROWSDOWN);
	poke(AT + P, 1);
	aspace_check(as);
	assert_string_equal(draw(as, 4), "w|www");
}

static void test_stack_start(void **state)
{
	struct aspace *as = *state;
	u64 start = 0;

	map_at(as, AT, P, RW);
	map_at(as, AT + 2 * P, 2 * P, RW | VMA_GROWSDOWN);
	assert_int_equal(aspace_stack_start(as, (struct range){AT + 3 * P, AT + 4 * P}, &start), 0);
	assert_int_equal(start, AT + 2 * P);
	/* The range begins below it: what lies there grows. */
	assert_int_equal(aspace_stack_start(as, (struct range){AT + P, AT + 3 * P}, &start), 0);
	assert_int_equal(aspace_stack_start(as, (struct range){AT, AT + 3 * P}, &start), -EINVAL);
	assert_int_equal(aspace_stack_start(as, (struct range){AT + P, AT + 2 * P}, &start), -ENOMEM);
	assert_int_equal(aspace_stack_start(as, (struct range){AT + 4 * P, AT + 5 * P}, &start), -ENOMEM);
}

static void test_discard(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, RW);
	map_at(as, AT + 6 * P, 2 * P, RW);
	for (unsigned i = 0; i < 4; i++)
		poke(AT + i * P, 1);
	poke(AT + 6 * P, 1);
	assert_int_equal(aspace_discard(as, AT + P, P + 1), 0);
	assert_int_equal(peek(AT), 1);
	assert_int_equal(peek(AT + P), 0);
	assert_int_equal(peek(AT + 2 * P), 0);
	assert_int_equal(peek(AT + 3 * P), 1);
	assert_int_equal(pmap_resident_pages(&as->pmap), 3);
	assert_int_equal(aspace_discard(as, AT, 8 * P), -ENOMEM); /* holes; but the rest is dropped */
	assert_int_equal(peek(AT + 6 * P), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 0);
	assert_int_equal(aspace_discard(as, AT + 1, P), -EINVAL);
	assert_int_equal(aspace_discard(as, AT, UINT64_MAX), -EINVAL);
	assert_int_equal(aspace_discard(as, AT, 0), 0);
	assert_int_equal(aspace_discard(as, AT + 4 * P, P), -ENOMEM);
	assert_int_equal(aspace_discard(as, AT + 7 * P, 2 * P), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_no_vma),
		ASPACE_TEST(test_rights),
		ASPACE_TEST(test_read_shows_zero_frame),
		ASPACE_TEST(test_write_after_read),
		ASPACE_TEST(test_write_takes_one_frame),
		ASPACE_TEST(test_race_lost),
		ASPACE_TEST(test_races),
		ASPACE_TEST(test_prot_none_keeps_contents),
		ASPACE_TEST(test_file_private),
		ASPACE_TEST(test_fault_around),
		ASPACE_TEST(test_file_shared),
		ASPACE_TEST(test_shared_anonymous),
		ASPACE_TEST(test_past_end_of_file),
		ASPACE_TEST(test_file_with_device),
		ASPACE_TEST(test_out_of_memory),
		ASPACE_TEST(test_stack_grows),
		ASPACE_TEST(test_stack_keeps_gap),
		ASPACE_TEST(test_stack_grows_only_with_rights),
		ASPACE_TEST(test_stack_limits),
		ASPACE_TEST(test_stacks_meet),
		ASPACE_TEST(test_stack_start),
		ASPACE_TEST(test_discard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
