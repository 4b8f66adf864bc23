/* SPDX-License-Identifier: MIT */
/* mremap(2), mlock(2), madvise(2), mincore(2), mseal(2), and each with every allocation made to fail in turn. */
#include <linux/mman.h>
#include "mm_fixture.h"
#include <moat/commit.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

static int remap(struct aspace *as, u64 from, u64 old, u64 new, u32 how, u64 to, u64 *out)
{
	const struct remap_request req = {from, old * P, new *P, to, how};
	int err = aspace_remap(as, &req, out);

	aspace_check(as);
	fake_tlb_check();
	return err;
}

static void fill(u64 addr, unsigned pages, u8 first)
{
	for (unsigned i = 0; i < pages; i++)
		poke(addr + i * P, (u8)(first + i));
}

static void test_remap_in_place(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, 4 * P, RW);
	map_at(as, AT + 8 * P, P, VMA_READ);
	fill(AT, 4, 1);
	assert_int_equal(remap(as, AT, 4, 2, 0, 0, &at), 0);
	assert_string_equal(draw(as, 9), "ww......r");
	assert_int_equal(remap(as, AT, 2, 8, 0, 0, &at), 0);
	assert_string_equal(draw(as, 9), "wwwwwwww|r");
	assert_int_equal(peek(AT + P), 2);
	assert_int_equal(peek(AT + 2 * P), 0);
	assert_int_equal(remap(as, AT, 8, 9, 0, 0, &at), -ENOMEM);
	assert_int_equal(remap(as, AT, 2, 3, 0, 0, &at), -ENOMEM);
	assert_int_equal(remap(as, AT + 7 * P, 2, 3, 0, 0, &at), -EFAULT);
	assert_int_equal(remap(as, AT, 0, 3, REMAP_MAY_MOVE, 0, &at), -EINVAL);
}

/*
 *     wwww....r         the middle goes on top of r
 *     w..w....ww
 */
static void test_remap_moves_pages(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, 4 * P, RW);
	map_at(as, AT + 8 * P, P, VMA_READ);
	fill(AT, 4, 1);
	assert_int_equal(remap(as, AT + P, 2, 2, REMAP_MAY_MOVE | REMAP_AT, AT + 8 * P, &at), 0);
	assert_int_equal(at, AT + 8 * P);
	assert_string_equal(draw(as, 10), "w..w....ww");
	assert_int_equal(peek(AT + 8 * P), 2);
	assert_int_equal(peek(AT + 9 * P), 3);
	assert_int_equal(pmap_resident_pages(&as->pmap), 4);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_NO_VMA);
	/* Its old place is where it may become one with its neighbours again. */
	assert_int_equal(remap(as, AT + 8 * P, 2, 2, REMAP_MAY_MOVE | REMAP_AT, AT + P, &at), 0);
	assert_string_equal(draw(as, 10), "wwww......");
	assert_int_equal(as->vma_count, 1);
}

static void test_remap_untouched_starts_anew(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, 2 * P, RW);
	map_at(as, AT + 8 * P, 2 * P, RW);
	assert_int_equal(remap(as, AT, 2, 2, REMAP_MAY_MOVE | REMAP_AT, AT + 10 * P, &at), 0);
	assert_string_equal(draw(as, 12), "........wwww");
}

static void test_remap_keeps_the_old_range(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, 8 * P, RW);
	fill(AT, 8, 1);
	assert_int_equal(
		remap(as, AT + 2 * P, 2, 2, REMAP_MAY_MOVE | REMAP_AT | REMAP_KEEP, AT + 10 * P, &at), 0);
	assert_string_equal(draw(as, 12), "wwwwwwww..ww");
	assert_int_equal(peek(AT + 2 * P), 0);
	assert_int_equal(peek(AT + 11 * P), 4);
	assert_int_equal(as->mapped_pages, 10);
}

static void test_remap_several(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, 2 * P, RW);
	map_at(as, AT + 3 * P, 2 * P, VMA_READ);
	fill(AT, 2, 1);
	assert_int_equal(remap(as, AT, 5, 5, REMAP_MAY_MOVE | REMAP_AT, AT + 10 * P, &at), 0);
	assert_string_equal(draw(as, 15), "..........ww.rr");
	assert_int_equal(remap(as, AT + 10 * P, 5, 6, REMAP_MAY_MOVE, 0, &at), -EFAULT);
}

/* What is wrong with a request, in the order in which it is looked for. */
static void test_remap_errors(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);
	struct remap_request req = {AT + 1, P, P, 0, 0};
	const u32 move = REMAP_MAY_MOVE | REMAP_AT;
	u64 at, max = vma_count_max, far = AT + 100 * P;

	assert_int_equal(mobj_resize(obj, 4 * P), 0);
	map_at(as, AT, 4 * P, RW);
	map_object(as, AT + 8 * P, 2 * P, VMA_READ | VMA_SPECIAL, obj, 0);
	assert_int_equal(aspace_remap(as, &req, &at), -EINVAL);
	req = (struct remap_request){AT, P, 0, 0, 0};
	assert_int_equal(aspace_remap(as, &req, &at), -EINVAL);
	req = (struct remap_request){AT, P, UINT64_MAX - P, 0, REMAP_MAY_MOVE};
	assert_int_equal(aspace_remap(as, &req, &at), -EINVAL);
	req = (struct remap_request){AT, UINT64_MAX / 2, P, 0, 0};
	assert_int_equal(aspace_remap(as, &req, &at), -EFAULT);
	assert_int_equal(remap(as, AT, 1, 1, move, far + 1, &at), -EINVAL);
	assert_int_equal(remap(as, AT, 1, 1, move, USER_TOP, &at), -EINVAL);
	assert_int_equal(remap(as, AT, 1, 1, REMAP_AT, far, &at), -EINVAL);
	assert_int_equal(remap(as, AT, 1, 2, REMAP_MAY_MOVE | REMAP_KEEP, 0, &at), -EINVAL);
	assert_int_equal(remap(as, AT, 2, 2, move, AT + P, &at), -EINVAL);
	assert_int_equal(remap(as, AT, 1, 1, move, 0, &at), -EPERM);
	assert_int_equal(remap(as, AT + 4 * P, 1, 1, move, far, &at), -EFAULT);
	/* Special memory moves as a whole, does not grow, and leaves nothing behind. */
	assert_int_equal(remap(as, AT + 8 * P, 2, 2, move | REMAP_KEEP, far, &at), -EINVAL);
	assert_int_equal(remap(as, AT + 8 * P, 1, 1, move, far, &at), -EINVAL);
	assert_int_equal(remap(as, AT + 8 * P, 2, 3, REMAP_MAY_MOVE, 0, &at), -EFAULT);
	assert_int_equal(remap(as, AT + 8 * P, 2, 2, move, far, &at), 0);
	vma_count_max = as->vma_count + 5;
	assert_int_equal(remap(as, AT, 1, 1, move, far + 8 * P, &at), -ENOMEM);
	vma_count_max = as->vma_count + 3;
	assert_int_equal(remap(as, AT, 1, 8, REMAP_MAY_MOVE, 0, &at), -ENOMEM);
	vma_count_max = max;
	mobj_put(obj);
}

/* Limits that growth meets: locked memory, address space, promised memory, the end of what an object can number. */
static void test_remap_limits(void **state)
{
	const struct commit_policy saved = commit_policy;
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);
	u64 at;

	map_at(as, AT, 2 * P, RW);
	map_at(as, AT + 3 * P, P, VMA_READ);
	as->limit_lock_bytes = 2 * P;
	assert_int_equal(aspace_lock(as, AT, 2 * P, VMA_LOCKED), 0);
	assert_int_equal(remap(as, AT, 2, 3, 0, 0, &at), -EAGAIN);
	as->limit_lock_bytes = 4 * P;
	/* What has grown is locked, and there. */
	assert_int_equal(remap(as, AT, 2, 4, REMAP_MAY_MOVE, 0, &at), 0);
	assert_int_equal(as->locked_pages, 4);
	assert_int_equal(pmap_resident_pages(&as->pmap), 4);
	assert_int_equal(aspace_lock(as, at, 4 * P, 0), 0);
	as->limit_as_bytes = as->mapped_pages * P;
	assert_int_equal(remap(as, at, 4, 5, REMAP_MAY_MOVE, 0, &at), -ENOMEM);
	as->limit_as_bytes = UINT64_MAX;
	commit_policy = (struct commit_policy){.mode = COMMIT_LIMIT, .limit_kbytes = 1};
	assert_int_equal(remap(as, at, 4, 5, 0, 0, &at), -ENOMEM);
	assert_int_equal(remap(as, at, 3, 8, REMAP_MAY_MOVE, 0, &at), -ENOMEM);
	commit_policy = saved;
	map_object(as, AT + 8 * P, P, VMA_READ, obj, UINT64_MAX - 2 * P + 1);
	assert_int_equal(remap(as, AT + 8 * P, 1, 3, 0, 0, &at), -EINVAL);
	mobj_put(obj);
}

static void test_lock_counts_and_fills(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 8 * P, RW);
	as->limit_lock_bytes = 4 * P;
	assert_int_equal(aspace_lock(as, AT + P + 5, 2 * P, VMA_LOCKED), 0);
	aspace_check(as);
	assert_int_equal(as->locked_pages, 3);
	assert_int_equal(pmap_resident_pages(&as->pmap), 3);
	assert_int_equal(as->vma_count, 3);
	assert_int_equal(aspace_lock(as, AT, 5 * P, VMA_LOCKED), -ENOMEM);
	assert_int_equal(aspace_lock(as, AT, 4 * P, VMA_LOCKED | VMA_LOCK_ON_FAULT), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 3);
	assert_int_equal(aspace_discard(as, AT, P), -EINVAL);
	assert_int_equal(aspace_lock(as, AT, 9 * P, 0), -ENOMEM); /* a hole; what is before it is done */
	assert_int_equal(as->locked_pages, 0);
	assert_int_equal(as->vma_count, 1);
	as->limit_lock_bytes = 0;
	assert_int_equal(aspace_lock(as, AT, P, VMA_LOCKED), -EPERM);
	assert_int_equal(aspace_lock_all(as, LOCK_ALL_FUTURE), -EPERM);
	as->limit_lock_bytes = 16 * P;
	assert_int_equal(aspace_lock_all(as, LOCK_ALL_CURRENT | LOCK_ALL_FUTURE), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 8);
	map_at(as, AT + 8 * P, P, RW);
	assert_int_equal(as->locked_pages, 9);
	assert_int_equal(pmap_resident_pages(&as->pmap), 9);
	assert_int_equal(aspace_lock_all(as, 0), 0);
	assert_int_equal(as->locked_pages, 0);
	aspace_check(as);
}

/* The child's memory is not locked, but stays in as many pieces, as on Linux: the checker must take that. */
static void test_fork_of_locked(void **state)
{
	struct aspace *as = *state, *child;

	map_at(as, AT, 4 * P, RW);
	as->limit_lock_bytes = 4 * P;
	assert_int_equal(aspace_lock(as, AT + P, 2 * P, VMA_LOCKED | VMA_LOCK_ON_FAULT), 0);
	assert_int_equal(aspace_fork(as, &child), 0);
	assert_int_equal(child->locked_pages, 0);
	assert_int_equal(child->vma_count, 3);
	aspace_check(child);
	aspace_put(child);
}

static void test_guards(void **state)
{
	struct aspace *as = *state;
	u8 vector[4];

	map_at(as, AT, 4 * P, RW);
	fill(AT, 4, 1);
	assert_int_equal(aspace_advise(as, AT + P, 2 * P, MADV_GUARD_INSTALL), 0);
	aspace_check(as);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_GUARD);
	assert_int_equal(try_access(AT + 2 * P, FAULT_WRITE), FAULT_GUARD);
	assert_int_equal(aspace_resident(as, AT, 9, vector), 4);
	assert_memory_equal(vector, "\1\0\0\1", 4);
	assert_int_equal(aspace_discard(as, AT, 4 * P), 0);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_GUARD);
	assert_int_equal(peek(AT), 0);
	assert_int_equal(aspace_advise(as, AT, 4 * P, MADV_GUARD_REMOVE), 0);
	assert_int_equal(peek(AT + P), 0);
	aspace_check(as);
}

static void test_seal(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, 4 * P, VMA_READ);
	assert_int_equal(aspace_seal(as, AT + P, 4 * P), -ENOMEM);
	assert_int_equal(aspace_seal(as, AT + P, P), 0);
	assert_int_equal(aspace_unmap(as, AT, 4 * P), -EPERM);
	assert_int_equal(aspace_protect(as, AT + P, P, RW), -EPERM);
	assert_int_equal(remap(as, AT + P, 1, 2, REMAP_MAY_MOVE, 0, &at), -EPERM);
	assert_int_equal(aspace_discard(as, AT + P, P), -EPERM);
	assert_string_equal(draw(as, 4), "r|r|rr");
}

static int step_remap(struct aspace *as)
{
	u64 at;

	return remap(as, AT + P, 2, 3, REMAP_MAY_MOVE, 0, &at);
}

static int step_keep(struct aspace *as)
{
	u64 at;

	return remap(as, AT + P, 2, 2, REMAP_MAY_MOVE | REMAP_KEEP, 0, &at);
}

static int step_lock(struct aspace *as)
{
	return aspace_lock(as, AT + P, 2 * P, VMA_LOCKED | VMA_LOCK_ON_FAULT);
}

static int step_advise(struct aspace *as)
{
	return aspace_advise(as, AT + P, 2 * P, MADV_DONTFORK);
}

/* Until it succeeds: whatever fails, nothing has changed. */
static void fail_in_turn(struct aspace *as, int (*step)(struct aspace *), void (*fail_after)(u64))
{
	int err = -1;

	for (u64 n = 1; err; n++) {
		assert_true(n < 20);
		map_at(as, AT, 4 * P, RW);
		fill(AT, 4, 1);
		fail_after(n);
		err = step(as);
		fail_after(0);
		aspace_check(as);
		if (err) {
			assert_true(err == -ENOMEM || err == -EAGAIN);
			assert_string_equal(draw(as, 5), "wwww.");
			assert_int_equal(peek(AT + P), 2);
		}
	}
	assert_int_equal(aspace_unmap(as, USER_MIN, USER_TOP - USER_MIN), 0);
}

static void test_every_allocation_fails(void **state)
{
	static int (*const steps[])(struct aspace *) = {step_remap, step_keep, step_lock, step_advise};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		fail_in_turn(*state, steps[i], heap_fail_after);
		fail_in_turn(*state, steps[i], frame_fail_after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_remap_in_place),
		ASPACE_TEST(test_remap_moves_pages),
		ASPACE_TEST(test_remap_untouched_starts_anew),
		ASPACE_TEST(test_remap_keeps_the_old_range),
		ASPACE_TEST(test_remap_several),
		ASPACE_TEST(test_remap_errors),
		ASPACE_TEST(test_remap_limits),
		ASPACE_TEST(test_lock_counts_and_fills),
		ASPACE_TEST(test_fork_of_locked),
		ASPACE_TEST(test_guards),
		ASPACE_TEST(test_seal),
		ASPACE_TEST(test_every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
