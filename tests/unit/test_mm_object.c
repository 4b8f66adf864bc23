/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: reading, writing, holes, sizes, seeking, owners that fill; and a model of random
 * operations.
 */
#include <signal.h>
#include <moat/reclaim.h>
#include "mm_fixture.h"

static ssize_t put(struct mobj *obj, u64 offset, const void *bytes, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)bytes, n);
	return mobj_write(obj, offset, &u);
}

static ssize_t get(struct mobj *obj, u64 offset, void *bytes, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, bytes, n);
	return mobj_read(obj, offset, &u);
}

static void test_write_read(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	char buf[16];

	(void)state;
	assert_int_equal(get(obj, 0, buf, 16), 0);
	assert_int_equal(put(obj, P - 2, "hello", 5), 5);
	assert_int_equal(obj->size_bytes, P + 3);
	assert_int_equal(get(obj, P - 4, buf, 16), 7);
	assert_memory_equal(buf, "\0\0hello", 7);
	assert_int_equal(get(obj, P + 3, buf, 16), 0);
	assert_int_equal(get(obj, P + 1000, buf, 16), 0);
	assert_int_equal(mobj_resident_pages(obj), 2);
	mobj_put(obj);
}

static void test_holes_read_as_zeros(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	static u8 buf[4 * PAGE_SIZE];

	(void)state;
	assert_int_equal(put(obj, 10 * P, "x", 1), 1);
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(get(obj, 3, buf, sizeof(buf)), sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(mobj_resident_pages(obj), 1);
	mobj_put(obj);
}

static void test_resize(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	static u8 ones[3 * PAGE_SIZE], buf[3 * PAGE_SIZE];

	(void)state;
	memset(ones, 1, sizeof(ones));
	put(obj, 0, ones, sizeof(ones));
	assert_int_equal(mobj_resize(obj, P + 10), 0);
	assert_int_equal(mobj_resident_pages(obj), 2);
	assert_int_equal(mobj_resize(obj, 3 * P), 0);
	assert_int_equal(get(obj, 0, buf, sizeof(buf)), sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], i < P + 10);
	assert_int_equal(mobj_resize(obj, P), 0);
	assert_int_equal(mobj_resident_pages(obj), 1);
	assert_int_equal(mobj_resize(obj, 0), 0);
	assert_int_equal(mobj_resident_pages(obj), 0);
	mobj_put(obj);
}

static void test_punch(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	static u8 ones[5 * PAGE_SIZE], buf[5 * PAGE_SIZE];
	const struct range cases[] = {
		{0, 5 * P},   {10, 20},		  {P, 2 * P}, {P - 1, 3 * P + 1},
		{100, 2 * P}, {2 * P, 2 * P + 7}, {5, 5},
	};

	(void)state;
	memset(ones, 1, sizeof(ones));
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		put(obj, 0, ones, sizeof(ones));
		assert_int_equal(mobj_punch(obj, cases[c]), 0);
		assert_int_equal(obj->size_bytes, 5 * P);
		assert_int_equal(get(obj, 0, buf, sizeof(buf)), sizeof(buf));
		for (u64 i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i], !range_contains(cases[c], i));
	}
	assert_int_equal(mobj_punch(obj, (struct range){P / 2, 4 * P}), 0);
	assert_int_equal(mobj_resident_pages(obj), 2);
	mobj_put(obj);
}

/*
 *     page    0     1     2     3     4     5     end at 5 pages + 10
 *            data  hole  data  data  hole  hole
 */
static void test_seek(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);

	(void)state;
	assert_int_equal(mobj_seek(obj, 0, false), -ENXIO);
	assert_int_equal(mobj_seek(obj, 0, true), -ENXIO);
	put(obj, 0, "a", 1);
	put(obj, 2 * P, "b", 1);
	put(obj, 3 * P, "c", 1);
	assert_int_equal(mobj_resize(obj, 5 * P + 10), 0);
	assert_int_equal(mobj_seek(obj, 0, false), 0);
	assert_int_equal(mobj_seek(obj, 7, false), 7);
	assert_int_equal(mobj_seek(obj, P, false), 2 * P);
	assert_int_equal(mobj_seek(obj, 4 * P, false), -ENXIO);
	assert_int_equal(mobj_seek(obj, 0, true), P);
	assert_int_equal(mobj_seek(obj, P + 5, true), P + 5);
	assert_int_equal(mobj_seek(obj, 2 * P + 5, true), 4 * P);
	assert_int_equal(mobj_seek(obj, 5 * P + 9, true), 5 * P + 9);
	assert_int_equal(mobj_seek(obj, 5 * P + 10, true), -ENXIO);
	put(obj, 5 * P, "0123456789", 10);
	assert_int_equal(mobj_seek(obj, 5 * P, true), 5 * P + 10); /* the end is a hole */
	mobj_put(obj);
}

/* A writer's buffer that ends too soon: what was there stays, no page is made, the count is exact. */
static void test_bad_buffer(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	static u8 ones[2 * PAGE_SIZE];
	u8 byte = 0;
	struct uio u;

	map_at(*state, AT, P, RW);
	poke(AT + P - 1, 7);
	memset(ones, 1, sizeof(ones));
	put(obj, 0, ones, sizeof(ones));
	uio_init_user(&u, (void __user *)(AT + P - 1), 100);
	assert_int_equal(mobj_write(obj, 10, &u), 1);
	assert_int_equal(get(obj, 10, &byte, 1), 1);
	assert_int_equal(byte, 7);
	assert_int_equal(get(obj, 11, &byte, 1), 1);
	assert_int_equal(byte, 1);
	uio_init_user(&u, (void __user *)(AT + P), 100);
	assert_int_equal(mobj_write(obj, 10 * P, &u), -EFAULT);
	assert_int_equal(mobj_resident_pages(obj), 2);
	assert_int_equal(obj->size_bytes, 2 * P);
	uio_init_user(&u, (void __user *)(AT + P - 5), 100);
	assert_int_equal(mobj_read(obj, 0, &u), 5);
	uio_init_user(&u, (void __user *)(AT + P), 100);
	assert_int_equal(mobj_read(obj, 0, &u), -EFAULT);
	mobj_put(obj);
}

/* read(2) into a mapping of the same file, and write(2) from it: the fault needs the object's lock. */
static void test_buffer_is_the_same_object(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	struct uio u;

	put(obj, 0, "first", 5);
	put(obj, P, "second", 6);
	assert_int_equal(mobj_resize(obj, 4 * P), 0);
	map_object(*state, AT, 4 * P, RW | VMA_SHARED, obj, 0);
	uio_init_user(&u, (void __user *)(AT + P), 5);
	assert_int_equal(mobj_read(obj, 0, &u), 5);
	assert_int_equal(peek(AT + P), 'f');
	uio_init_user(&u, (void __user *)(AT + P), 6);
	assert_int_equal(mobj_write(obj, 2 * P, &u), 6);
	assert_int_equal(peek(AT + 2 * P + 5), 'd');
	mobj_put(obj);
}

static int filled;
static int fill_error;

static int fill(struct mobj *obj, u64 first, struct page *const pages[], unsigned n)
{
	(void)obj;
	if (fill_error)
		return fill_error;
	for (unsigned i = 0; i < n; i++) {
		filled++;
		memset(page_address(pages[i]), 'A' + (int)(first + i), P);
	}
	return 0;
}

static struct range four_pages(struct mobj *obj, u64 index)
{
	(void)obj;
	return (struct range){ALIGN_DOWN(index, 4), ALIGN_DOWN(index, 4) + 4};
}

/* What is missing round the wanted page comes at once; what nobody holds and nobody changed can be given up. */
static void test_runs(void **state)
{
	static const struct mobj_ops ops = {.fill = fill, .window = four_pages};
	struct mobj *obj = mobj_create(&ops, NULL);
	char buf[4];

	(void)state;
	filled = 0;
	fill_error = 0;
	assert_int_equal(mobj_resize(obj, 12 * P), 0);
	assert_int_equal(get(obj, 5 * P, buf, 1), 1);
	assert_int_equal(filled, 4);
	assert_int_equal(mobj_resident_pages(obj), 4);
	assert_int_equal(get(obj, 4 * P, buf, 1), 1);
	assert_int_equal(filled, 4);
	assert_int_equal(memory_reclaim(), 4);
	assert_int_equal(mobj_resident_pages(obj), 0);
	assert_int_equal(get(obj, 7 * P, buf, 1), 1);
	assert_int_equal(buf[0], 'A' + 7);
	assert_int_equal(filled, 8);
	assert_int_equal(put(obj, 0, "x", 1), 1);
	assert_int_equal(memory_reclaim(), 0); /* changed: it stays */
	assert_int_equal(mobj_resident_pages(obj), 8);
	mobj_put(obj);
}

static struct range reading_on(struct mobj *obj, u64 index)
{
	mobj_read_on(obj, index);
	return four_pages(obj, index);
}

/* A large object that is read in order leaves little behind: what is mapped, and all once something was written. */
static void test_read_in_order(void **state)
{
	static const struct mobj_ops ops = {.fill = fill, .window = reading_on};
	struct mobj *obj = mobj_create(&ops, NULL);
	const u64 pages = 1600;
	u64 resident;
	char buf[4];

	filled = 0;
	fill_error = 0;
	assert_int_equal(mobj_resize(obj, frames_total() * P), 0);
	map_object(*state, AT, P, VMA_READ, obj, 10 * P);
	assert_int_equal(peek(AT), 'A' + 10);
	for (u64 i = 0; i < pages; i++) {
		assert_int_equal(get(obj, i * P, buf, 1), 1);
		assert_int_equal((u8)buf[0], (u8)('A' + i));
	}
	assert_int_equal(filled, pages);
	resident = mobj_resident_pages(obj);
	assert_true(resident > 1000 && resident < 1100);
	assert_true(mobj_has_page(obj, 10) && !mobj_has_page(obj, 11));
	mobj_note_change(obj);
	for (u64 i = 0; i < 40; i++)
		assert_int_equal(get(obj, (pages + i) * P, buf, 1), 1);
	assert_int_equal(mobj_resident_pages(obj), resident + 40);
	mobj_put(obj);
}

/* A page that an address space shows is taken out of it first. */
static void test_reclaim_mapped(void **state)
{
	static const struct mobj_ops ops = {.fill = fill};
	struct mobj *obj = mobj_create(&ops, NULL);

	filled = 0;
	fill_error = 0;
	assert_int_equal(mobj_resize(obj, 2 * P), 0);
	map_object(*state, AT, 2 * P, VMA_READ, obj, 0);
	assert_int_equal(peek(AT), 'A');
	assert_int_equal(memory_reclaim(), 1);
	assert_int_equal(mobj_resident_pages(obj), 0);
	assert_int_equal(peek(AT), 'A');
	assert_int_equal(filled, 2);
	mobj_put(obj);
}

static void test_owner_fills(void **state)
{
	static const struct mobj_ops ops = {.fill = fill};
	struct mobj *obj = mobj_create(&ops, NULL);
	char buf[4];

	(void)state;
	filled = 0;
	fill_error = 0;
	assert_int_equal(mobj_resize(obj, 3 * P), 0);
	assert_int_equal(get(obj, P - 2, buf, 4), 4);
	assert_memory_equal(buf, "AABB", 4);
	assert_int_equal(get(obj, P, buf, 4), 4);
	assert_int_equal(filled, 2);
	assert_int_equal(mobj_seek(obj, 2 * P, true), 3 * P);
	assert_int_equal(mobj_seek(obj, 2 * P, false), 2 * P);
	assert_int_equal(put(obj, 2 * P + 1, "x", 1), 1); /* the rest of the page comes from the owner */
	assert_int_equal(get(obj, 2 * P, buf, 3), 3);
	assert_memory_equal(buf, "CxC", 3);
	fill_error = -EIO;
	assert_int_equal(mobj_resize(obj, 5 * P), 0);
	assert_int_equal(get(obj, 4 * P, buf, 4), -EIO);
	assert_int_equal(get(obj, 3 * P - 1, buf, 4), 1);
	assert_int_equal(mobj_resize(obj, 4 * P + 5), -EIO);
	assert_int_equal(obj->size_bytes, 5 * P);
	mobj_put(obj);
}

static void test_no_memory(void **state)
{
	struct mobj *obj = mobj_create(NULL, NULL);
	u64 used = frames_used();

	(void)state;
	for (u64 n = 1;; n++) {
		frame_fail_after(n);
		ssize_t done = put(obj, GIB(5), "x", 1);
		frame_fail_after(0);
		if (done == 1) {
			assert_true(n > 2);
			break;
		}
		assert_int_equal(done, -ENOMEM);
		assert_int_equal(obj->size_bytes, 0);
		assert_int_equal(frames_used(), used);
	}
	assert_int_equal(mobj_resize(obj, 0), 0);
	for (u64 n = 1;; n++) {
		heap_fail_after(n);
		ssize_t done = put(obj, GIB(5), "x", 1);
		heap_fail_after(0);
		if (done == 1)
			break;
		assert_int_equal(done, -ENOMEM);
	}
	heap_fail_after(1);
	assert_null(mobj_create(NULL, NULL));
	mobj_put(obj);
}

/* Random writes, resizes and punches against an array of bytes. */
static void test_model(void **state)
{
	enum { PAGES = 9, BYTES = PAGES * 4096 };
	static u8 model[BYTES], buf[BYTES];
	struct mobj *obj = mobj_create(NULL, NULL);
	u64 rng = 3, size = 0;

	(void)state;
	memset(model, 0, sizeof(model));
	for (unsigned round = 0; round < 4000; round++) {
		u64 at = unit_random_below(&rng, BYTES),
		    n = unit_random_below(&rng, MIN(BYTES - at, 2 * P) + 1);

		switch (unit_random_below(&rng, 4)) {
		case 0:
		case 1:
			memset(model + at, (int)(round & 0xff), n);
			memset(buf, (int)(round & 0xff), n);
			assert_int_equal(put(obj, at, buf, n), n);
			if (n)
				size = MAX(size, at + n);
			break;
		case 2:
			if (at < size)
				memset(model + at, 0, size - at);
			size = at;
			assert_int_equal(mobj_resize(obj, at), 0);
			break;
		default:
			memset(model + at, 0, n);
			assert_int_equal(mobj_punch(obj, (struct range){at, at + n}), 0);
		}
		assert_int_equal(obj->size_bytes, size);
		assert_int_equal(get(obj, 0, buf, BYTES), size);
		assert_memory_equal(buf, model, size);
		assert_true(mobj_resident_pages(obj) <= PAGES);
	}
	mobj_put(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_write_read),
		MM_TEST(test_holes_read_as_zeros),
		MM_TEST(test_resize),
		MM_TEST(test_punch),
		MM_TEST(test_seek),
		ASPACE_TEST(test_bad_buffer),
		ASPACE_TEST(test_buffer_is_the_same_object),
		MM_TEST(test_owner_fills),
		MM_TEST(test_runs),
		ASPACE_TEST(test_reclaim_mapped),
		ASPACE_TEST(test_read_in_order),
		MM_TEST(test_no_memory),
		MM_TEST(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
