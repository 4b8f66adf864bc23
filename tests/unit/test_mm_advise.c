/* SPDX-License-Identifier: MIT */
/*
 * madvise(2), msync(2), mincore(2) and what /proc tells of memory: each piece of advice on private, shared and special
 * memory, over holes, at edges; what it changes and what it leaves alone.
 */
#include <linux/mman.h>
#include "mm/advise.h"
#include "mm_fixture.h"
#include <moat/commit.h>
#include <moat/reclaim.h>
#include <moat/usage.h>

static int advise(struct aspace *as, u64 page, u64 pages, int advice)
{
	int err = aspace_advise(as, AT + page * P, pages * P, advice);

	aspace_check(as);
	fake_tlb_check();
	return err;
}

static void fill(u64 page, u64 pages, u8 first)
{
	for (u64 i = 0; i < pages; i++)
		poke(AT + (page + i) * P, (u8)(first + i));
}

static u32 flags_at(struct aspace *as, u64 page)
{
	struct vma *v;
	u32 flags;

	rwlock_read(&as->lock);
	v = aspace_find(as, AT + page * P);
	flags = v && v->range.start <= AT + page * P ? v->flags : 0;
	rwlock_read_done(&as->lock);
	return flags;
}

static struct mobj *object_of(u64 pages, const struct mobj_ops *ops, void *owner)
{
	struct mobj *obj = mobj_create(ops, owner);

	assert_non_null(obj);
	assert_int_equal(mobj_resize(obj, pages * P), 0);
	return obj;
}

/* Each flag comes and goes with its pair; only the middle page changes. */
static void test_flags(void **state)
{
	static const struct {
		int set, clear;
		u32 flag;
	} pairs[] = {
		{MADV_RANDOM, MADV_NORMAL, VMA_RANDOM},
		{MADV_SEQUENTIAL, MADV_NORMAL, VMA_SEQUENTIAL},
		{MADV_DONTFORK, MADV_DOFORK, VMA_NO_FORK},
		{MADV_WIPEONFORK, MADV_KEEPONFORK, VMA_WIPE_ON_FORK},
		{MADV_DONTDUMP, MADV_DODUMP, VMA_NO_DUMP},
		{MADV_MERGEABLE, MADV_UNMERGEABLE, VMA_MERGEABLE},
		{MADV_HUGEPAGE, MADV_RANDOM, VMA_HUGE},
	};
	struct aspace *as = *state;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		map_at(as, AT, 3 * P, RW);
		assert_int_equal(advise(as, 1, 1, pairs[i].set), 0);
		assert_string_equal(draw(as, 3), "w|w|w");
		assert_int_equal(flags_at(as, 1) & VMA_ADVICE, pairs[i].flag);
		assert_int_equal(flags_at(as, 0) & VMA_ADVICE, 0);
		/* A second time changes nothing. */
		assert_int_equal(advise(as, 0, 3, pairs[i].set), 0);
		assert_string_equal(draw(as, 3), "www");
		if (pairs[i].set == MADV_HUGEPAGE) {
			assert_int_equal(advise(as, 0, 3, MADV_NOHUGEPAGE), 0);
			assert_int_equal(flags_at(as, 2) & VMA_ADVICE, VMA_NO_HUGE);
			continue;
		}
		assert_int_equal(advise(as, 0, 3, pairs[i].clear), 0);
		assert_int_equal(flags_at(as, 1) & VMA_ADVICE, 0);
	}
}

static void test_arguments(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 2 * P, RW);
	assert_int_equal(aspace_advise(as, AT, P, 77), -EINVAL);
	assert_int_equal(aspace_advise(as, AT + 1, P, MADV_DONTNEED), -EINVAL);
	assert_int_equal(aspace_advise(as, AT, UINT64_MAX, MADV_DONTNEED), -EINVAL);
	assert_int_equal(aspace_advise(as, AT, 0, MADV_DONTNEED), 0);
	assert_int_equal(aspace_advise(as, AT, 0, MADV_REMOVE), 0);
	assert_int_equal(advise(as, 0, 2, MADV_WILLNEED), 0);
	assert_true(advice_is_known(MADV_COLLAPSE) && advice_is_known(MADV_NORMAL) && !advice_is_known(55));
	/* Nothing at all above, a hole in between, a hole at the end. */
	assert_int_equal(advise(as, 100, 1, MADV_DONTNEED), -ENOMEM);
	map_at(as, AT + 3 * P, P, RW);
	fill(3, 1, 9);
	assert_int_equal(advise(as, 0, 4, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(peek(AT + 3 * P), 0);
	assert_int_equal(advise(as, 1, 2, MADV_RANDOM), -ENOMEM);
	assert_int_equal(flags_at(as, 1) & VMA_RANDOM, VMA_RANDOM);
}

/* What each piece of advice says to locked, shared and special memory. */
static void test_refused(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = object_of(2, NULL, NULL);

	as->limit_lock_bytes = UINT64_MAX;
	map_at(as, AT, P, RW);
	assert_int_equal(aspace_lock(as, AT, P, VMA_LOCKED), 0);
	map_object(as, AT + P, P, RW | VMA_SHARED, obj, 0);
	map_object(as, AT + 2 * P, P, VMA_READ | VMA_SPECIAL | VMA_IO, obj, P);
	fill(0, 1, 5);
	assert_int_equal(advise(as, 0, 1, MADV_DONTNEED), -EINVAL);
	assert_int_equal(advise(as, 0, 1, MADV_FREE), -EINVAL);
	assert_int_equal(advise(as, 0, 1, MADV_COLD), -EINVAL);
	assert_int_equal(advise(as, 0, 1, MADV_GUARD_INSTALL), -EINVAL);
	assert_int_equal(advise(as, 0, 1, MADV_GUARD_REMOVE), 0);
	assert_int_equal(peek(AT), 5);
	assert_int_equal(advise(as, 0, 1, MADV_DONTNEED_LOCKED), 0);
	assert_int_equal(peek(AT), 0);
	assert_int_equal(advise(as, 1, 1, MADV_FREE), -EINVAL);
	assert_int_equal(advise(as, 1, 1, MADV_WIPEONFORK), -EINVAL);
	assert_int_equal(advise(as, 1, 2, MADV_MERGEABLE), 0);
	assert_int_equal((flags_at(as, 1) | flags_at(as, 2)) & VMA_MERGEABLE, 0);
	assert_int_equal(advise(as, 2, 1, MADV_DONTNEED), -EINVAL);
	assert_int_equal(advise(as, 2, 1, MADV_DODUMP), -EINVAL);
	assert_int_equal(advise(as, 2, 1, MADV_GUARD_REMOVE), -EINVAL);
	/* An error ends the call with what came before done. */
	assert_int_equal(advise(as, 1, 2, MADV_COLD), -EINVAL);
	mobj_put(obj);
}

static void test_sealed(void **state)
{
	static const int destroying[] = {MADV_FREE,	MADV_DONTNEED,	 MADV_DONTNEED_LOCKED,
					 MADV_DONTFORK, MADV_WIPEONFORK, MADV_GUARD_INSTALL};
	struct aspace *as = *state;

	map_at(as, AT, 2 * P, RW);
	fill(0, 2, 1);
	assert_int_equal(aspace_protect(as, AT, P, VMA_READ), 0);
	assert_int_equal(aspace_seal(as, AT, 2 * P), 0);
	for (size_t i = 0; i < ARRAY_SIZE(destroying); i++)
		assert_int_equal(advise(as, 0, 1, destroying[i]), -EPERM);
	assert_int_equal(peek(AT), 1);
	assert_int_equal(advise(as, 0, 1, MADV_WILLNEED), 0);
	/* What could be overwritten may be emptied. */
	assert_int_equal(advise(as, 1, 1, MADV_DONTNEED), 0);
	assert_int_equal(peek(AT + P), 0);
}

/* A page given up stays until memory is wanted, unless it is written to. */
static void test_free_and_cold(void **state)
{
	struct aspace *as = *state;
	struct pmap_leaf leaf;

	map_at(as, AT, 3 * P, RW);
	fill(0, 3, 1);
	assert_int_equal(advise(as, 0, 2, MADV_FREE), 0);
	assert_true(pmap_query(&as->pmap, AT, &leaf));
	assert_false(leaf.prot & PMAP_DIRTY);
	assert_int_equal(peek(AT + P), 2);
	poke(AT, 7);
	assert_true(pmap_query(&as->pmap, AT, &leaf));
	assert_true(leaf.prot & PMAP_DIRTY);
	assert_int_equal(memory_reclaim(), 1);
	assert_int_equal(peek(AT), 7);
	assert_int_equal(peek(AT + P), 0);
	assert_int_equal(advise(as, 0, 3, MADV_COLD), 0);
	assert_int_equal(advise(as, 0, 3, MADV_PAGEOUT), 0);
	assert_int_equal(peek(AT), 7);
	assert_int_equal(peek(AT + 2 * P), 3);
}

/* A kernel's write through another address space makes a lazily free page stay. */
static void test_free_and_foreign_write(void **state)
{
	struct aspace *as = *state;
	u8 byte = 9;
	struct uio u;

	map_at(as, AT, P, RW);
	fill(0, 1, 1);
	assert_int_equal(advise(as, 0, 1, MADV_FREE), 0);
	uio_init_kernel(&u, &byte, 1);
	assert_int_equal(aspace_access(as, AT, 1, &u, ACCESS_WRITE), 1);
	assert_int_equal(memory_reclaim(), 0);
	assert_int_equal(peek(AT), 9);
}

/*
 *     pages     0  1  2  3  4  5            guards on 1, 2, 4 (over what was there), then only 2 goes
 */
static void test_guards(void **state)
{
	struct aspace *as = *state;
	struct aspace *child;
	u8 vector[6];
	u64 at;

	map_at(as, AT, 6 * P, RW);
	fill(0, 6, 1);
	assert_int_equal(advise(as, 1, 2, MADV_GUARD_INSTALL), 0);
	assert_int_equal(advise(as, 4, 1, MADV_GUARD_INSTALL), 0);
	assert_int_equal(advise(as, 4, 1, MADV_GUARD_INSTALL), 0); /* again: harmless */
	assert_int_equal(aspace_resident(as, AT, 6, vector), 6);
	assert_memory_equal(vector, "\1\0\0\1\0\1", 6);
	assert_int_equal(advise(as, 0, 6, MADV_DONTNEED), 0);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_GUARD);
	assert_int_equal(advise(as, 2, 1, MADV_GUARD_REMOVE), 0);
	assert_int_equal(try_access(AT + 2 * P, FAULT_WRITE), FAULT_DONE);
	assert_int_equal(try_access(AT + 4 * P, FAULT_READ), FAULT_GUARD);
	/* Memory cannot be filled over one, and a child and a move have them too. */
	assert_int_equal(aspace_populate(as, AT, 6 * P, VMA_READ), -EFAULT);
	assert_int_equal(aspace_fork(as, &child), 0);
	fake_use_aspace(child);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_GUARD);
	fake_use_aspace(as);
	aspace_put(child);
	assert_int_equal(aspace_remap(as,
				      &(struct remap_request){.addr = AT,
							      .old_len = 6 * P,
							      .new_len = 6 * P,
							      .new_addr = AT + MIB(8),
							      .how = REMAP_MAY_MOVE | REMAP_AT},
				      &at),
			 0);
	assert_int_equal(try_access(at + 4 * P, FAULT_READ), FAULT_GUARD);
	aspace_check(as);
}

/* Each allocation fails in turn: it says so, and to ask again is enough. */
static void test_guards_without_memory(void **state)
{
	struct aspace *as = *state;
	int err = -1;

	for (u64 n = 1; err; n++) {
		assert_true(n < 10);
		map_at(as, AT, 1024 * P, RW);
		frame_fail_after(n);
		err = aspace_advise(as, AT, 1024 * P, MADV_GUARD_INSTALL);
		frame_fail_after(0);
		aspace_check(as);
		if (err)
			assert_int_equal(err, -ENOMEM);
		else
			assert_true(n > 1);
	}
	assert_int_equal(try_access(AT, FAULT_READ), FAULT_GUARD);
	assert_int_equal(try_access(AT + 1023 * P, FAULT_READ), FAULT_GUARD);
}

static void test_remove(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = object_of(4, NULL, NULL);

	map_object(as, AT, 4 * P, RW | VMA_SHARED, obj, 0);
	fill(0, 4, 1);
	assert_int_equal(advise(as, 1, 2, MADV_REMOVE), 0);
	assert_int_equal(peek(AT), 1);
	assert_int_equal(peek(AT + P), 0);
	assert_int_equal(peek(AT + 3 * P), 4);
	assert_int_equal(obj->size_bytes, 4 * P);
	map_at(as, AT + 5 * P, P, RW);
	assert_int_equal(advise(as, 5, 1, MADV_REMOVE), -EINVAL);
	assert_int_equal(advise(as, 9, 1, MADV_REMOVE), -ENOMEM);
	map_object(as, AT + 6 * P, P, RW, obj, 0);
	assert_int_equal(advise(as, 6, 1, MADV_REMOVE), -EACCES);
	map_object(as, AT + 8 * P, P, RW | VMA_SHARED, obj, 0);
	/* A hole is told, after all has been done. */
	assert_int_equal(advise(as, 7, 2, MADV_REMOVE), -ENOMEM);
	assert_int_equal(peek(AT), 0);
	as->limit_lock_bytes = UINT64_MAX;
	assert_int_equal(aspace_lock(as, AT, P, VMA_LOCKED), 0);
	assert_int_equal(advise(as, 0, 1, MADV_REMOVE), -EINVAL);
	mobj_put(obj);
}

static void test_populate(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = object_of(1, NULL, NULL);

	map_at(as, AT, 2 * P, RW);
	assert_int_equal(advise(as, 0, 2, MADV_POPULATE_WRITE), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 2);
	assert_int_equal(advise(as, 1, 2, MADV_POPULATE_READ), -ENOMEM);
	map_at(as, AT + 2 * P, P, VMA_READ);
	assert_int_equal(advise(as, 2, 1, MADV_POPULATE_WRITE), -EINVAL);
	map_at(as, AT + 3 * P, P, VMA_WRITE);
	assert_int_equal(advise(as, 3, 1, MADV_POPULATE_READ), -EINVAL);
	map_object(as, AT + 4 * P, 2 * P, RW, obj, 0);
	assert_int_equal(advise(as, 4, 2, MADV_POPULATE_READ), -EFAULT);
	assert_int_equal(fake_faults, 0);
	mobj_put(obj);
}

/* --- msync --- */

struct synced {
	struct range bytes[8];
	unsigned calls;
	int err;
};

static int note_sync(struct mobj *obj, struct range bytes)
{
	struct synced *s = obj->owner;

	s->bytes[s->calls++] = bytes;
	return s->err;
}

static int sync_pages(struct aspace *as, u64 page, u64 pages, int flags)
{
	return aspace_sync(as, AT + page * P, pages * P, flags);
}

/*
 *     pages      0 1 2      4 5      6      7
 *                shared     shared  private  special device without sync
 */
static void test_sync(void **state)
{
	static const struct mobj_ops ops = {.sync = note_sync};
	struct aspace *as = *state;
	struct synced s = {.calls = 0};
	struct mobj *obj = object_of(8, &ops, &s), *plain = object_of(1, NULL, NULL);

	map_object(as, AT, 3 * P, RW | VMA_SHARED, obj, P);
	map_object(as, AT + 4 * P, 2 * P, RW | VMA_SHARED, obj, 6 * P);
	map_object(as, AT + 6 * P, P, RW, obj, 0);
	map_object(as, AT + 7 * P, P, RW | VMA_SHARED, plain, 0);
	assert_int_equal(sync_pages(as, 1, 1, MS_SYNC), 0);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.bytes[0].start, 2 * P);
	assert_int_equal(s.bytes[0].end, 3 * P);
	/* Over the hole; both parts are written, and the hole is told. */
	assert_int_equal(sync_pages(as, 2, 6, MS_SYNC), -ENOMEM);
	assert_int_equal(s.calls, 3);
	assert_int_equal(s.bytes[1].end, 4 * P);
	assert_int_equal(s.bytes[2].start, 6 * P);
	assert_int_equal(s.bytes[2].end, 8 * P);
	/* Nothing is written for these; a hole ends an asynchronous one. */
	assert_int_equal(sync_pages(as, 6, 2, MS_SYNC), 0);
	assert_int_equal(sync_pages(as, 0, 3, MS_ASYNC), 0);
	assert_int_equal(sync_pages(as, 3, 2, MS_ASYNC), -ENOMEM);
	assert_int_equal(sync_pages(as, 8, 1, MS_SYNC), -ENOMEM);
	assert_int_equal(sync_pages(as, 7, 2, MS_SYNC), -ENOMEM);
	assert_int_equal(aspace_sync(as, AT, UINT64_MAX - P, MS_SYNC), -ENOMEM);
	assert_int_equal(aspace_sync(as, AT, 0, MS_SYNC), 0);
	assert_int_equal(s.calls, 3);
	/* What the object says ends it. */
	s.err = -EIO;
	assert_int_equal(sync_pages(as, 0, 8, MS_SYNC), -EIO);
	assert_int_equal(s.calls, 4);
	as->limit_lock_bytes = UINT64_MAX;
	assert_int_equal(aspace_lock(as, AT, P, VMA_LOCKED), 0);
	assert_int_equal(sync_pages(as, 0, 1, MS_ASYNC | MS_INVALIDATE), -EBUSY);
	mobj_put(obj);
	mobj_put(plain);
}

/* --- mincore --- */

static void test_resident(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = object_of(4, NULL, NULL);
	struct page *page;
	u8 vector[8];

	assert_int_equal(aspace_resident(as, AT, 1, vector), -ENOMEM);
	map_object(as, AT, 4 * P, RW | VMA_SHARED, obj, 0);
	/* A page that the object has counts before anybody maps it. */
	assert_int_equal(mobj_page(obj, 2, MOBJ_CREATE, &page), 0);
	frame_put(page);
	fill(0, 1, 1);
	assert_int_equal(aspace_resident(as, AT, 8, vector), 4);
	assert_memory_equal(vector, "\1\0\1\0", 4);
	assert_int_equal(aspace_resident(as, AT + 2 * P, 1, vector), 1);
	assert_int_equal(vector[0], 1);
	map_at(as, AT + 6 * P, P, RW);
	assert_int_equal(aspace_resident(as, AT + 5 * P, 2, vector), -ENOMEM);
	mobj_put(obj);
}

/* --- what /proc asks --- */

static bool is_accessed(struct aspace *as, u64 page)
{
	struct pmap_leaf leaf;

	assert_true(pmap_query(&as->pmap, AT + page * P, &leaf));
	return leaf.prot & PMAP_ACCESSED;
}

static void test_forget_accessed(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = object_of(1, NULL, NULL);

	map_at(as, AT, P, RW);
	map_object(as, AT + P, P, RW | VMA_SHARED, obj, 0);
	fill(0, 2, 1);
	assert_int_equal(aspace_forget_accessed(as, 0), 0);
	assert_int_equal(aspace_forget_accessed(as, ASPACE_PRIVATE), 0);
	aspace_check(as);
	fake_tlb_check();
	assert_true(is_accessed(as, 1));
	assert_false(is_accessed(as, 0));
	assert_int_equal(aspace_forget_accessed(as, ASPACE_PRIVATE | ASPACE_OBJECTS), 0);
	assert_int_equal(peek(AT), 1);
	assert_int_equal(peek(AT + P), 2);
	mobj_put(obj);
}

static void test_peak(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, RW);
	fill(0, 4, 1);
	assert_int_equal(advise(as, 0, 3, MADV_DONTNEED), 0);
	assert_int_equal(pmap_peak_pages(&as->pmap), 4);
	aspace_reset_peak(as);
	assert_int_equal(pmap_peak_pages(&as->pmap), 1);
}

/* Each frame is counted once. */
static void test_figures(void **state)
{
	struct aspace *as = *state;
	struct memory_figures before, now;
	u64 blocks[FRAME_ORDERS], free = 0;

	memory_figures_read(&before);
	map_at(as, AT, 3 * P, RW);
	fill(0, 3, 1);
	memory_figures_read(&now);
	assert_int_equal(now.anon, before.anon + 3);
	assert_int_equal(now.committed, before.committed + 3);
	assert_int_equal(now.free + now.kernel + now.tables + now.cache + now.shmem + now.anon, now.total);
	assert_int_equal(now.total, TEST_RAM / P);
	assert_int_equal(now.commit_limit, commit_limit_pages());
	assert_int_equal(now.available, now.free);
	frame_blocks_read(0, blocks);
	for (unsigned i = 0; i < FRAME_ORDERS; i++)
		free += blocks[i] << i;
	/* What CPUs keep in their own lists, and what was never used beside whole units, is free and in no block. */
	assert_in_range(free, now.free - 256 - HUGE_PAGES, now.free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_flags),
		ASPACE_TEST(test_arguments),
		ASPACE_TEST(test_refused),
		ASPACE_TEST(test_sealed),
		ASPACE_TEST(test_free_and_cold),
		ASPACE_TEST(test_free_and_foreign_write),
		ASPACE_TEST(test_guards),
		ASPACE_TEST(test_guards_without_memory),
		ASPACE_TEST(test_remove),
		ASPACE_TEST(test_populate),
		ASPACE_TEST(test_sync),
		ASPACE_TEST(test_resident),
		ASPACE_TEST(test_forget_accessed),
		ASPACE_TEST(test_peak),
		ASPACE_TEST(test_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
