/* SPDX-License-Identifier: MIT */
/*
 * Other ways to map than mmap(2): remap_file_pages(2), shmdt(2); what a request to map is refused for before its file is
 * looked at; shared anonymous memory without memory. Pages of a file are told apart by their first byte, its index.
 */
#include <moat/commit.h>
#include "mm_fixture.h"

#define PAGES 8

struct file {
	int refs;
};

static void file_get(struct file *f)
{
	f->refs++;
}

static void file_put(struct file *f)
{
	f->refs--;
}

static const struct vma_file_ops ops = {file_get, file_put};
static struct file file;

/* A file of PAGES pages, mapped at AT. */
static struct mobj *map_file(struct aspace *as, u32 flags)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	struct map_request req = {.addr = AT,
				  .len = PAGES * P,
				  .vma_flags = flags,
				  .how = MAP_AT,
				  .object = obj,
				  .file = &file};
	u64 at;

	assert_int_equal(mobj_resize(obj, PAGES * P), 0);
	for (u64 i = 0; i < PAGES; i++) {
		struct page *page;
		assert_int_equal(mobj_page(obj, i, MOBJ_CREATE, &page), 0);
		*(u8 *)page_address(page) = (u8)i;
		frame_put(page);
	}
	file.refs = 1;
	vma_register_file_ops(&ops);
	assert_int_equal(aspace_map(as, &req, &at), 0);
	return obj;
}

static void end(struct aspace *as, struct mobj *obj)
{
	assert_int_equal(aspace_unmap(as, AT, PAGES * P), 0);
	assert_int_equal(file.refs, 1);
	assert_int_equal(ref_read(&obj->refs), 1);
	mobj_put(obj);
	vma_register_file_ops(NULL);
}

static struct range pages(u64 first, u64 count)
{
	return (struct range){AT + first * P, AT + (first + count) * P};
}

/* 0 1 2 3 4 5 6 7   ->   0 1 6 7 4 5 6 7 */
static void test_remap_file(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = map_file(as, RW | VMA_SHARED);

	assert_int_equal(aspace_remap_file(as, pages(2, 2), 6 * P, MAP_FILL), 0);
	assert_string_equal(draw(as, PAGES), "ww|ww|wwww");
	assert_int_equal(pmap_resident_pages(&as->pmap), 2);
	assert_int_equal(peek(AT + P), 1);
	assert_int_equal(peek(AT + 2 * P), 6);
	assert_int_equal(peek(AT + 3 * P), 7);
	assert_int_equal(peek(AT + 4 * P), 4);
	aspace_check(as);
	/* Over pieces that show the same file; back, they are one. */
	assert_int_equal(aspace_remap_file(as, pages(2, 2), 2 * P, 0), 0);
	assert_string_equal(draw(as, PAGES), "wwwwwwww");
	assert_int_equal(peek(AT + 2 * P), 2);
	end(as, obj);
}

static void test_remap_file_refused(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = map_file(as, RW | VMA_SHARED);

	assert_int_equal(aspace_remap_file(as, pages(PAGES, 1), 0, 0), -EINVAL);
	assert_int_equal(aspace_remap_file(as, pages(PAGES - 1, 2), 0, 0), -EINVAL);
	/* Parts with different rights are not one mapping, nor is what cannot become writable. */
	assert_int_equal(aspace_protect(as, AT + P, P, VMA_READ), 0);
	assert_int_equal(aspace_remap_file(as, pages(0, 2), 0, 0), -EINVAL);
	assert_int_equal(aspace_remap_file(as, pages(1, 1), 4 * P, 0), 0);
	assert_int_equal(peek(AT + P), 4);
	heap_fail_after(1);
	assert_int_equal(aspace_remap_file(as, pages(4, 1), 0, 0), -ENOMEM);
	heap_fail_after(0);
	end(as, obj);
	obj = map_file(as, VMA_READ | VMA_SHARED | VMA_NO_WRITE);
	assert_int_equal(aspace_remap_file(as, pages(0, 1), P, 0), -EINVAL);
	end(as, obj);
	obj = map_file(as, RW);
	assert_int_equal(aspace_remap_file(as, pages(0, 1), P, 0), -EINVAL);
	end(as, obj);
}

static bool is_ours(const struct file *f, void *arg)
{
	return f == arg;
}

static bool is_none(const struct file *f, void *arg)
{
	return !f && !arg;
}

/* What is left of one mapping goes, in however many pieces, and nothing that lies between. */
static void test_unmap_whole(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = map_file(as, RW | VMA_SHARED);

	assert_int_equal(aspace_protect(as, AT + P, P, VMA_READ), 0);
	map_at(as, AT + 3 * P, P, VMA_READ | VMA_EXEC);
	assert_int_equal(aspace_unmap(as, AT + 5 * P, P), 0);
	/* The same file, but not where the first call put it. */
	assert_int_equal(aspace_remap_file(as, pages(7, 1), 0, 0), 0);
	assert_string_equal(draw(as, PAGES), "w|r|w|x|w.w|w");
	assert_int_equal(aspace_unmap_whole(as, AT, is_none, NULL), -EINVAL);
	assert_int_equal(aspace_unmap_whole(as, AT + P, is_ours, &file), -EINVAL);
	assert_int_equal(aspace_unmap_whole(as, AT, is_ours, &file), 0);
	assert_string_equal(draw(as, PAGES), "...x...w");
	assert_int_equal(aspace_unmap_whole(as, AT, is_ours, &file), -EINVAL);
	aspace_check(as);
	end(as, obj);
}

static int check(struct aspace *as, u64 addr, u64 len, u32 flags, u32 how)
{
	const struct map_request req = {.addr = addr, .len = len, .vma_flags = flags, .how = how};

	return aspace_map_check(as, &req);
}

static void test_map_check(void **state)
{
	struct aspace *as = *state;
	u64 max = vma_count_max;

	map_at(as, AT, P, RW);
	assert_int_equal(check(as, 0, P, RW, 0), 0);
	assert_int_equal(check(as, AT, P, RW, MAP_AT), 0);
	assert_int_equal(check(as, AT, P, RW, MAP_AT_FREE), -EEXIST);
	assert_int_equal(check(as, 0, 0, RW, 0), -EINVAL);
	assert_int_equal(check(as, 0, UINT64_MAX, RW, 0), -ENOMEM);
	assert_int_equal(check(as, 0, USER_TOP + 1, RW, 0), -ENOMEM);
	assert_int_equal(check(as, AT + 1, P, RW, MAP_AT), -EINVAL);
	assert_int_equal(check(as, 0, P, RW, MAP_AT), -EPERM);
	as->limit_lock_bytes = 0;
	assert_int_equal(check(as, 0, P, RW | VMA_LOCKED, 0), -EPERM);
	as->limit_lock_bytes = P;
	assert_int_equal(check(as, 0, P, RW | VMA_LOCKED, 0), 0);
	assert_int_equal(check(as, 0, 2 * P, RW | VMA_LOCKED, 0), -EAGAIN);
	vma_count_max = 0;
	assert_int_equal(check(as, 0, P, RW, 0), -ENOMEM);
	vma_count_max = max;
	assert_int_equal(as->vma_count, 1);
}

static void test_above_4g(void **state)
{
	struct aspace *as = *state;
	u64 at;

	as->mmap_top = GIB(4) + P;
	assert_int_equal(map(as, 0, P, RW, MAP_OVER_4G, &at), 0);
	assert_int_equal(at, GIB(4));
	/* What is left is above the usual top. */
	assert_int_equal(map(as, 0, P, RW, MAP_OVER_4G, &at), 0);
	assert_true(at > GIB(4));
	assert_int_equal(map(as, AT, P, RW, MAP_OVER_4G, &at), 0);
	assert_int_equal(at, AT);
}

static void test_shared_memory_refused(void **state)
{
	struct aspace *as = *state;
	u64 at;

	for (u64 i = 1; i <= 2; i++) {
		heap_fail_after(i);
		assert_int_equal(map(as, 0, P, RW | VMA_SHARED, 0, &at), -ENOMEM);
		heap_fail_after(0);
	}
	/* More than there is, in one request. */
	assert_int_equal(map(as, 0, 2 * TEST_RAM, RW | VMA_SHARED, 0, &at), -ENOMEM);
	assert_int_equal(commit_total_pages(), 0);
	assert_int_equal(map(as, 0, P, RW | VMA_SHARED | VMA_GROWSDOWN, 0, &at), -EINVAL);
	assert_int_equal(as->vma_count, 0);
}

static void test_exec_gain(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT, P, RW | VMA_EXEC);
	map_at(as, AT + 2 * P, P, VMA_READ | VMA_EXEC);
	as->exec_gain = EXEC_GAIN_REFUSED;
	assert_int_equal(map(as, 0, P, RW | VMA_EXEC, 0, &at), -EACCES);
	assert_int_equal(map(as, 0, P, VMA_READ | VMA_EXEC, 0, &at), 0);
	assert_int_equal(aspace_protect(as, AT, P, VMA_READ | VMA_EXEC), 0);
	assert_int_equal(aspace_protect(as, AT, P, RW | VMA_EXEC), -EACCES);
	assert_int_equal(aspace_protect(as, AT + 2 * P, P, RW), 0);
	assert_int_equal(aspace_protect(as, AT + 2 * P, P, VMA_READ | VMA_EXEC), -EACCES);
	as->exec_gain = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_remap_file),  ASPACE_TEST(test_remap_file_refused),
		ASPACE_TEST(test_unmap_whole), ASPACE_TEST(test_map_check),
		ASPACE_TEST(test_above_4g),    ASPACE_TEST(test_shared_memory_refused),
		ASPACE_TEST(test_exec_gain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
