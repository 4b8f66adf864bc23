/* SPDX-License-Identifier: MIT */
/*
 * Huge pages and fork over the real page tables: blocks at the first write, collapse, coming apart; tables and blocks that
 * a family of address spaces shares, with each allocation failing in turn.
 *
 *     window       0          1          2
 *             |----------|----------|----------|        2 MiB each, WINDOW is the first one's address
 */
#include <linux/mman.h>
#include "mm/advise.h"
#include "mm_fixture.h"
#include <moat/huge.h>
#include <moat/usage.h>

#define WINDOW	 GIB(1)
#define HUGE_RAM MIB(48)

static int setup(void **state)
{
	struct aspace *as;

	fake_start(HUGE_RAM);
	as = aspace_create();
	assert_non_null(as);
	fake_use_aspace(as);
	*state = as;
	return 0;
}

static int teardown(void **state)
{
	huge_policy_set(HUGE_MADVISE);
	return aspace_teardown(state);
}

#define HUGE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void check(struct aspace *as)
{
	aspace_check(as);
	fake_tlb_check();
}

static u64 entry_bytes(struct aspace *as, u64 addr)
{
	struct pmap_leaf leaf;

	return pmap_query(&as->pmap, addr, &leaf) ? leaf.size_bytes : 0;
}

static bool is_huge_at(struct aspace *as, u64 addr)
{
	return entry_bytes(as, addr) == HUGE_BYTES;
}

/* Memory that wants huge pages. */
static void map_huge(struct aspace *as, u64 start, u64 len)
{
	map_at(as, start, len, RW);
	assert_int_equal(aspace_advise(as, start, len, MADV_HUGEPAGE), 0);
}

static void test_first_write(void **state)
{
	struct aspace *as = *state;

	/* Not a whole window at either end. */
	map_huge(as, WINDOW + P, 3 * HUGE_BYTES - 2 * P);
	poke(WINDOW + P, 1);
	poke(WINDOW + HUGE_BYTES + 5 * P, 2);
	poke(WINDOW + 3 * HUGE_BYTES - 2 * P, 3);
	assert_int_equal(entry_bytes(as, WINDOW + P), P);
	assert_true(is_huge_at(as, WINDOW + HUGE_BYTES));
	assert_int_equal(entry_bytes(as, WINDOW + 3 * HUGE_BYTES - 2 * P), P);
	assert_int_equal(pmap_resident_pages(&as->pmap), HUGE_PAGES + 2);
	assert_int_equal(peek(WINDOW + 2 * HUGE_BYTES - P), 0);
	assert_int_equal(peek(WINDOW + HUGE_BYTES + 5 * P), 2);
	check(as);
}

static void test_policy(void **state)
{
	struct aspace *as = *state;

	map_at(as, WINDOW, 4 * HUGE_BYTES, RW);
	poke(WINDOW, 1);
	assert_int_equal(entry_bytes(as, WINDOW), P);
	huge_policy_set(HUGE_ALWAYS);
	/* A window with entries already stays one of single pages. */
	poke(WINDOW + P, 1);
	assert_int_equal(entry_bytes(as, WINDOW + P), P);
	poke(WINDOW + HUGE_BYTES, 1);
	assert_true(is_huge_at(as, WINDOW + HUGE_BYTES));
	assert_int_equal(aspace_advise(as, WINDOW + 2 * HUGE_BYTES, HUGE_BYTES, MADV_NOHUGEPAGE), 0);
	poke(WINDOW + 2 * HUGE_BYTES, 1);
	assert_int_equal(entry_bytes(as, WINDOW + 2 * HUGE_BYTES), P);
	huge_policy_set(HUGE_NEVER);
	assert_int_equal(aspace_advise(as, WINDOW + 3 * HUGE_BYTES, HUGE_BYTES, MADV_HUGEPAGE), 0);
	poke(WINDOW + 3 * HUGE_BYTES, 1);
	assert_int_equal(entry_bytes(as, WINDOW + 3 * HUGE_BYTES), P);
	check(as);
}

/* No block to be had: single pages serve. */
static void test_no_block(void **state)
{
	struct aspace *as = *state;

	map_huge(as, WINDOW, HUGE_BYTES);
	frame_fail_after(1);
	poke(WINDOW, 1);
	frame_fail_after(0);
	assert_int_equal(entry_bytes(as, WINDOW), P);
	/* The block is there, the table above it is not. */
	map_huge(as, WINDOW + GIB(1024), HUGE_BYTES);
	frame_fail_after(2);
	assert_int_equal(try_access(WINDOW + GIB(1024), FAULT_WRITE), FAULT_DONE);
	frame_fail_after(0);
	check(as);
}

static int collapse(struct aspace *as, u64 start, u64 len)
{
	int err = aspace_advise(as, start, len, MADV_COLLAPSE);

	check(as);
	return err;
}

static void test_collapse(void **state)
{
	struct aspace *as = *state;

	map_at(as, WINDOW, 3 * HUGE_BYTES, RW);
	for (u64 i = 0; i < HUGE_PAGES; i += 3)
		poke(WINDOW + i * P + i, (u8)(i + 1));
	assert_int_equal(peek(WINDOW + P), 0); /* the frame of zeros, entered for reading */
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), 0);
	assert_true(is_huge_at(as, WINDOW));
	for (u64 i = 0; i < HUGE_PAGES; i++)
		assert_int_equal(peek(WINDOW + i * P + i), i % 3 ? 0 : (u8)(i + 1));
	assert_int_equal(frames_used() - pmap_table_pages(&as->pmap) >= HUGE_PAGES, 1);
	/* Again: it is one already. Nothing there: nothing to collapse. */
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), 0);
	assert_int_equal(collapse(as, WINDOW, 2 * HUGE_BYTES), -EINVAL);
	assert_int_equal(aspace_collapse(as, WINDOW + 1, HUGE_BYTES), -EINVAL);
	/* Ragged ends are left out. */
	assert_int_equal(aspace_collapse(as, WINDOW + P, HUGE_BYTES), 0);
}

static void test_collapse_refused(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);

	assert_int_equal(mobj_resize(obj, HUGE_BYTES), 0);
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), -ENOMEM); /* nothing mapped */
	map_object(as, WINDOW, HUGE_BYTES, RW, obj, 0);
	poke(WINDOW, 1);
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), -EINVAL);
	map_at(as, WINDOW, HUGE_BYTES, RW);
	poke(WINDOW, 7);
	assert_int_equal(aspace_advise(as, WINDOW, HUGE_BYTES, MADV_NOHUGEPAGE), 0);
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), -EINVAL);
	assert_int_equal(aspace_advise(as, WINDOW, HUGE_BYTES, MADV_HUGEPAGE), 0);
	assert_int_equal(aspace_advise(as, WINDOW + P, P, MADV_GUARD_INSTALL), 0);
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), -EINVAL);
	assert_int_equal(try_access(WINDOW + P, FAULT_READ), FAULT_GUARD);
	assert_int_equal(aspace_advise(as, WINDOW + P, P, MADV_GUARD_REMOVE), 0);
	frame_fail_after(1);
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), -ENOMEM);
	frame_fail_after(0);
	assert_int_equal(peek(WINDOW), 7);
	/* A VMA too short for any. */
	map_at(as, WINDOW + 2 * HUGE_BYTES, HUGE_BYTES - P, RW);
	assert_int_equal(collapse(as, WINDOW + 2 * HUGE_BYTES, HUGE_BYTES - P), -EINVAL);
	assert_int_equal(collapse(as, WINDOW, HUGE_BYTES), 0);
	mobj_put(obj);
}

/* What takes a part of a huge page; the rest is as it was. */
static int part_unmap(struct aspace *as, u64 at)
{
	return aspace_unmap(as, at, P);
}

static int part_protect(struct aspace *as, u64 at)
{
	return aspace_protect(as, at, P, VMA_READ);
}

static int part_discard(struct aspace *as, u64 at)
{
	return aspace_discard(as, at, P);
}

static int part_move(struct aspace *as, u64 at)
{
	const struct remap_request req = {.addr = at,
					  .old_len = P,
					  .new_len = P,
					  .new_addr = WINDOW - GIB(1) + MIB(64),
					  .how = REMAP_MAY_MOVE | REMAP_AT};
	u64 got;

	return aspace_remap(as, &req, &got);
}

static int part_clean(struct aspace *as, u64 at)
{
	return aspace_advise(as, at, P, MADV_FREE);
}

static int part_guard(struct aspace *as, u64 at)
{
	return aspace_advise(as, at, P, MADV_GUARD_INSTALL);
}

static int (*const parts[])(struct aspace *, u64) = {part_unmap, part_protect, part_discard,
						     part_move,	 part_clean,   part_guard};

static void test_comes_apart(void **state)
{
	struct aspace *as = *state;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		map_huge(as, WINDOW, HUGE_BYTES);
		poke(WINDOW, 1);
		poke(WINDOW + 8 * P, 8);
		poke(WINDOW + HUGE_BYTES - 1, 9);
		assert_true(is_huge_at(as, WINDOW));
		/* Out of memory: nothing has changed. */
		frame_fail_after(1);
		assert_int_equal(parts[i](as, WINDOW + 7 * P), -ENOMEM);
		frame_fail_after(0);
		check(as);
		assert_true(is_huge_at(as, WINDOW));
		assert_int_equal(parts[i](as, WINDOW + 7 * P), 0);
		check(as);
		assert_false(is_huge_at(as, WINDOW));
		assert_int_equal(peek(WINDOW), 1);
		assert_int_equal(peek(WINDOW + 8 * P), 8);
		assert_int_equal(peek(WINDOW + HUGE_BYTES - 1), 9);
		assert_int_equal(aspace_unmap(as, USER_MIN, USER_TOP - USER_MIN), 0);
		assert_int_equal(pmap_resident_pages(&as->pmap), 0);
	}
}

static void as_use(struct aspace *as)
{
	fake_use_aspace(as);
}

static struct aspace *forked(struct aspace *as)
{
	struct aspace *child;

	assert_int_equal(aspace_fork(as, &child), 0);
	check(as);
	aspace_check(child);
	return child;
}

/* A block that parent and child have: each write makes a copy of what it touches, and only there. */
static void test_fork_of_block(void **state)
{
	struct aspace *as = *state, *child, *grandchild;

	map_huge(as, WINDOW, HUGE_BYTES);
	poke(WINDOW, 1);
	poke(WINDOW + P, 2);
	child = forked(as);
	assert_true(is_huge_at(child, WINDOW));
	as_use(child);
	grandchild = forked(child);
	poke(WINDOW, 11);
	assert_false(is_huge_at(child, WINDOW));
	as_use(as);
	assert_int_equal(peek(WINDOW), 1);
	poke(WINDOW + P, 22);
	as_use(grandchild);
	assert_int_equal(peek(WINDOW), 1);
	assert_int_equal(peek(WINDOW + P), 2);
	as_use(child);
	assert_int_equal(peek(WINDOW), 11);
	assert_int_equal(peek(WINDOW + P), 2);
	as_use(as);
	check(child);
	check(grandchild);
	aspace_put(child);
	/* A split block whose other owners go one after the other. */
	aspace_put(grandchild);
	poke(WINDOW + 2 * P, 3);
	check(as);
}

/* The last owner gets its rights back without a copy. */
static void test_block_is_taken_over(void **state)
{
	struct aspace *as = *state, *child;
	u64 cow;

	map_huge(as, WINDOW, HUGE_BYTES);
	poke(WINDOW, 1);
	child = forked(as);
	aspace_put(child);
	cow = as->faults.cow;
	poke(WINDOW, 2);
	assert_true(is_huge_at(as, WINDOW));
	assert_int_equal(as->faults.cow, cow);
	check(as);
}

/* --- tables that a fork shares --- */

static void test_shared_table(void **state)
{
	struct aspace *as = *state, *child;
	u64 tables;

	map_at(as, WINDOW, 16 * P, RW);
	for (u64 i = 0; i < 16; i++)
		poke(WINDOW + i * P, (u8)(i + 1));
	tables = frames_used();
	child = forked(as);
	/* Upper tables and the aspace itself, but no leaf table and no page. */
	assert_true(frames_used() - tables < 8);
	as_use(child);
	poke(WINDOW + P, 99);
	assert_int_equal(peek(WINDOW + 2 * P), 3);
	as_use(as);
	assert_int_equal(peek(WINDOW + P), 2);
	poke(WINDOW + 2 * P, 77);
	as_use(child);
	assert_int_equal(peek(WINDOW + 2 * P), 3);
	as_use(as);
	check(child);
	aspace_put(child);
	check(as);
}

/* Calls of the parent that need a table of its own, while a child shares it: the child must not notice. */
static int shared_discard(struct aspace *as)
{
	return aspace_discard(as, WINDOW + P, P);
}

static int shared_guard(struct aspace *as)
{
	return aspace_advise(as, WINDOW + P, P, MADV_GUARD_INSTALL);
}

static int shared_populate(struct aspace *as)
{
	return aspace_populate(as, WINDOW, 8 * P, VMA_WRITE);
}

static int shared_lock(struct aspace *as)
{
	int err = aspace_lock(as, WINDOW, 8 * P, VMA_LOCKED);

	return err == -EAGAIN ? -ENOMEM : err;
}

static int shared_write(struct aspace *as)
{
	u8 byte = 3;
	struct uio u;

	uio_init_kernel(&u, &byte, 1);
	return aspace_access(as, WINDOW + P, 1, &u, ACCESS_WRITE) == 1 ? 0 : -ENOMEM;
}

static int shared_force(struct aspace *as)
{
	u8 byte = 3;

	/* Memory without a right: only a debugger writes. */
	return aspace_access_forced(as, WINDOW + 9 * P, &byte, 1, ASPACE_POKE);
}

static int shared_forget(struct aspace *as)
{
	return aspace_forget_accessed(as, ASPACE_PRIVATE);
}

static int shared_protect(struct aspace *as)
{
	return aspace_protect(as, WINDOW, 2 * P, VMA_READ);
}

static int shared_collapse(struct aspace *as)
{
	return aspace_collapse(as, WINDOW, HUGE_BYTES);
}

static void share_and(struct aspace *as, int (*step)(struct aspace *))
{
	int err = -ENOMEM;

	for (u64 n = 1; err; n++) {
		struct aspace *child;

		assert_true(n < 30);
		map_at(as, WINDOW, HUGE_BYTES, RW);
		for (u64 i = 0; i < 10; i++)
			poke(WINDOW + i * P, (u8)(i + 1));
		assert_int_equal(aspace_protect(as, WINDOW + 9 * P, P, VMA_READ), 0);
		if (step == shared_collapse)
			assert_int_equal(aspace_protect(as, WINDOW + 9 * P, P, RW), 0);
		child = forked(as);
		frame_fail_after(n);
		err = step(as);
		frame_fail_after(0);
		check(as);
		aspace_check(child);
		if (err)
			assert_int_equal(err, -ENOMEM);
		as_use(child);
		for (u64 i = 0; i < 10; i++)
			assert_int_equal(peek(WINDOW + i * P), i + 1);
		assert_int_equal(peek(WINDOW + 12 * P), 0);
		as_use(as);
		aspace_put(child);
		assert_int_equal(aspace_unmap(as, USER_MIN, USER_TOP - USER_MIN), 0);
		assert_int_equal(pmap_resident_pages(&as->pmap), 0);
	}
}

static void test_child_does_not_notice(void **state)
{
	static int (*const steps[])(struct aspace *) = {shared_discard, shared_guard,	shared_populate,
							shared_lock,	shared_write,	shared_force,
							shared_forget,	shared_protect, shared_collapse};
	struct aspace *as = *state;

	as->limit_lock_bytes = UINT64_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		share_and(as, steps[i]);
}

/* What a child does not get, or gets empty. */
static void test_fork_advice(void **state)
{
	struct aspace *as = *state, *child;

	map_at(as, WINDOW, 4 * P, RW);
	for (u64 i = 0; i < 4; i++)
		poke(WINDOW + i * P, (u8)(i + 1));
	assert_int_equal(aspace_advise(as, WINDOW + P, P, MADV_DONTFORK), 0);
	assert_int_equal(aspace_advise(as, WINDOW + 2 * P, P, MADV_WIPEONFORK), 0);
	child = forked(as);
	as_use(child);
	assert_int_equal(peek(WINDOW), 1);
	assert_int_equal(try_access(WINDOW + P, FAULT_READ), FAULT_NO_VMA);
	assert_int_equal(peek(WINDOW + 2 * P), 0);
	assert_int_equal(peek(WINDOW + 3 * P), 4);
	check(child);
	as_use(as);
	assert_int_equal(peek(WINDOW + P), 2);
	assert_int_equal(peek(WINDOW + 2 * P), 3);
	aspace_put(child);
}

/* Every allocation of a fork fails in turn: no child, nothing lost, the parent as it was. */
static void fork_with_failures(struct aspace *as, void (*fail_after)(u64))
{
	const u64 before = frames_used();
	struct aspace *child = NULL;
	int err = -1;

	for (u64 n = 1; err; n++) {
		assert_true(n < 60);
		fail_after(n);
		err = aspace_fork(as, &child);
		fail_after(0);
		check(as);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(frames_used(), before);
		}
		for (u64 i = 0; i < 4; i++)
			assert_int_equal(peek(WINDOW + i * HUGE_BYTES), i + 1);
	}
	aspace_check(child);
	aspace_put(child);
	assert_int_equal(frames_used(), before);
}

static void test_fork_without_memory(void **state)
{
	struct aspace *as = *state;

	map_at(as, WINDOW, 3 * HUGE_BYTES, RW);
	map_huge(as, WINDOW + 3 * HUGE_BYTES, HUGE_BYTES);
	for (u64 i = 0; i < 4; i++)
		poke(WINDOW + i * HUGE_BYTES, (u8)(i + 1));
	/* The child's own table is needed where only a part of it goes. */
	assert_int_equal(aspace_advise(as, WINDOW + P, P, MADV_DONTFORK), 0);
	assert_int_equal(aspace_advise(as, WINDOW + 3 * HUGE_BYTES + P, P, MADV_WIPEONFORK), 0);
	poke(WINDOW + P, 5);
	fork_with_failures(as, heap_fail_after);
	fork_with_failures(as, frame_fail_after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUGE_TEST(test_first_write),	  HUGE_TEST(test_policy),
		HUGE_TEST(test_no_block),	  HUGE_TEST(test_collapse),
		HUGE_TEST(test_collapse_refused), HUGE_TEST(test_comes_apart),
		HUGE_TEST(test_fork_of_block),	  HUGE_TEST(test_block_is_taken_over),
		HUGE_TEST(test_shared_table),	  HUGE_TEST(test_child_does_not_notice),
		HUGE_TEST(test_fork_advice),	  HUGE_TEST(test_fork_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
