/* SPDX-License-Identifier: MIT */
/*
 * Truncating and punching an object that address spaces show: two of them, shared and private, with splits, private
 * copies and holes. In the drawings a digit is the page of the object that is shown, * a private copy.
 */
#include "mm_fixture.h"

#define OTHER (AT + MIB(4))

static struct mobj *numbered(u64 pages)
{
	struct mobj *obj = mobj_create(NULL, NULL);

	assert_non_null(obj);
	for (u64 i = 0; i < pages; i++) {
		u8 byte = (u8)('0' + i);
		struct uio u;

		uio_init_kernel(&u, &byte, 1);
		assert_int_equal(mobj_write(obj, i * P, &u), 1);
	}
	assert_int_equal(mobj_resize(obj, pages * P), 0);
	return obj;
}

/* What the pages from addr on show: the first byte, or S for SIGSEGV, B for SIGBUS. */
static const char *show(struct aspace *as, u64 addr, unsigned pages)
{
	static char text[64];

	fake_use_aspace(as);
	for (unsigned i = 0; i < pages; i++) {
		u8 byte = 0;
		enum fault_result r = fake_access(addr + i * P, FAULT_READ, &byte);

		text[i] = r == FAULT_DONE ? (char)(byte ? byte : '.') : r == FAULT_PAST_END ? 'B' : 'S';
	}
	text[pages] = '\0';
	return text;
}

static void set(struct aspace *as, u64 addr, char c)
{
	fake_use_aspace(as);
	poke(addr, (u8)c);
}

/*
 *     a, AT       |0 1 2 3 4 5|  shared          after resize to 2 pages and a bit:  0 1 2 B B B
 *     a, OTHER    |2 3 4 5|      private, 3 = *                                       2 B B B
 *     b, AT         |1 2 3|      private, 1 = *                                         * 2 B
 */
static void test_truncate(void **state)
{
	struct aspace *a = *state, *b = aspace_create();
	struct mobj *obj = numbered(6);

	map_object(a, AT, 6 * P, RW | VMA_SHARED, obj, 0);
	map_object(a, OTHER, 4 * P, RW, obj, 2 * P);
	map_object(b, AT, 3 * P, RW, obj, P);
	set(a, OTHER + P, '*');
	set(b, AT, '*');
	assert_string_equal(show(a, AT, 6), "012345");
	assert_string_equal(show(a, OTHER, 4), "2*45");
	assert_string_equal(show(b, AT, 3), "*23");
	set(a, AT + 2 * P + 100, 'x');
	assert_int_equal(mobj_resize(obj, 2 * P + 10), 0);
	fake_tlb_check();
	assert_string_equal(show(a, AT, 6), "012BBB");
	assert_string_equal(show(a, OTHER, 4), "2BBB");
	assert_string_equal(show(b, AT, 3), "*2B");
	assert_int_equal(mobj_resident_pages(obj), 3);
	fake_use_aspace(a);
	assert_int_equal(peek(AT + 2 * P + 100), 0);
	/* The private copies are gone for good. */
	assert_int_equal(mobj_resize(obj, 6 * P), 0);
	assert_string_equal(show(a, AT, 6), "012...");
	assert_string_equal(show(a, OTHER, 4), "2...");
	set(a, OTHER + P, '+');
	assert_string_equal(show(a, OTHER, 4), "2+..");
	aspace_check(a);
	aspace_check(b);
	fake_use_aspace(a);
	aspace_put(b);
	mobj_put(obj);
}

/* Punching leaves private copies alone. The range is more than is looked for at a time. */
static void test_punch_keeps_copies(void **state)
{
	struct aspace *a = *state, *b = aspace_create();
	struct mobj *obj = numbered(80);

	map_object(a, AT, 80 * P, RW | VMA_SHARED, obj, 0);
	map_object(b, AT, 80 * P, RW, obj, 0);
	for (unsigned i = 0; i < 80; i++) {
		set(b, AT + i * P + 1, 'q'); /* makes a copy */
		if (i % 5 == 0) {
			assert_int_equal(aspace_discard(b, AT + i * P, P), 0);
			assert_int_equal(peek(AT + i * P), '0' + i);
		}
		fake_use_aspace(a);
		assert_int_equal(peek(AT + i * P), '0' + i);
	}
	assert_int_equal(mobj_punch(obj, (struct range){P, 79 * P + 5}), 0);
	assert_int_equal(mobj_resident_pages(obj), 2);
	fake_tlb_check();
	for (unsigned i = 0; i < 80; i++) {
		bool punched = i >= 1;
		unsigned char there = (unsigned char)('0' + i);

		fake_use_aspace(a);
		assert_int_equal(peek(AT + i * P), punched ? 0 : there);
		fake_use_aspace(b);
		assert_int_equal(peek(AT + i * P), punched && i % 5 == 0 ? 0 : there);
	}
	aspace_check(a);
	aspace_check(b);
	fake_use_aspace(a);
	aspace_put(b);
	mobj_put(obj);
}

/* A VMA that was cut in three, and one that was mapped in between. */
static void test_split(void **state)
{
	struct aspace *a = *state, *b = aspace_create();
	struct mobj *obj = numbered(6);

	map_object(a, AT, 6 * P, RW | VMA_SHARED, obj, 0);
	map_object(b, AT, 6 * P, RW | VMA_SHARED, obj, 0);
	assert_string_equal(show(a, AT, 6), "012345");
	assert_string_equal(show(b, AT, 6), "012345");
	assert_int_equal(aspace_protect(a, AT + 2 * P, 2 * P, VMA_READ), 0);
	assert_int_equal(aspace_unmap(b, AT + P, P), 0);
	assert_int_equal(mobj_resize(obj, 5 * P), 0);
	assert_string_equal(show(a, AT, 6), "01234B");
	map_object(a, OTHER, 6 * P, RW | VMA_SHARED, obj, 0);
	assert_string_equal(show(a, OTHER, 6), "01234B");
	assert_int_equal(aspace_protect(a, AT + 2 * P, 2 * P, RW), 0);
	assert_int_equal(mobj_resize(obj, 3 * P), 0);
	assert_string_equal(show(a, AT, 6), "012BBB");
	assert_string_equal(show(a, OTHER, 6), "012BBB");
	assert_string_equal(show(b, AT, 6), "0S2BBB");
	assert_int_equal(mobj_resize(obj, 0), 0);
	assert_string_equal(show(a, OTHER, 6), "BBBBBB");
	assert_string_equal(show(b, AT, 6), "BSBBBB");
	assert_int_equal(pmap_resident_pages(&a->pmap), 0);
	assert_int_equal(pmap_resident_pages(&b->pmap), 0);
	fake_use_aspace(a);
	aspace_put(b);
	mobj_put(obj);
}

/* The structure outlives its last user as long as somebody has it pinned, and shows that it is empty. */
static void test_pin(void **state)
{
	struct aspace *b = aspace_create();
	struct mobj *obj = numbered(2);

	(void)state;
	map_object(b, AT, 2 * P, RW | VMA_SHARED, obj, 0);
	aspace_pin(b);
	aspace_put(b);
	assert_true(TAILQ_EMPTY(&obj->maps));
	rwlock_write(&b->lock);
	assert_null(aspace_find(b, 0));
	rwlock_write_done(&b->lock);
	aspace_unpin(b);
	assert_int_equal(mobj_resize(obj, 0), 0);
	mobj_put(obj);
}

/*
 * Memory is wanting for what a shrinking or a hole needs, at each allocation in turn: nothing has changed. The child
 * shares its parent's table.
 *
 *     a and its child, AT    |0 * 2 *|  private, * = a copy
 */
static void test_no_memory(void **state)
{
	struct aspace *a = *state, *child;
	struct mobj *obj = numbered(4);
	unsigned failures = 0;
	int err = -ENOMEM;

	map_object(a, AT, 4 * P, RW, obj, 0);
	set(a, AT + P, '*');
	set(a, AT + 3 * P, '*');
	assert_string_equal(show(a, AT, 4), "0*2*");
	assert_int_equal(aspace_fork(a, &child), 0);
	for (; err; failures++) {
		frame_fail_after(failures + 1);
		err = failures % 2 ? mobj_punch(obj, (struct range){0, P}) : mobj_resize(obj, 3 * P);
		frame_fail_after(0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(obj->size_bytes, 4 * P);
		assert_int_equal(mobj_resident_pages(obj), 4);
		assert_string_equal(show(a, AT, 4), "0*2*");
		assert_string_equal(show(child, AT, 4), "0*2*");
	}
	/* The fake machine shares no tables, and needs no memory. */
	assert_int_equal(mobj_resize(obj, 3 * P), 0);
	assert_string_equal(show(a, AT, 4), failures % 2 ? ".*2B" : "0*2B");
	fake_use_aspace(a);
	aspace_put(child);
	mobj_put(obj);
}

/* A VMA that moves, and two that become one, stay in the object's list. */
static void test_stay_listed(void **state)
{
	struct aspace *a = *state;
	struct mobj *obj = numbered(6);
	struct remap_request move = {.addr = AT,
				     .old_len = 6 * P,
				     .new_len = 6 * P,
				     .new_addr = OTHER,
				     .how = REMAP_MAY_MOVE | REMAP_AT};
	u64 at;

	map_object(a, AT, 6 * P, RW | VMA_SHARED, obj, 0);
	assert_string_equal(show(a, AT, 6), "012345");
	assert_int_equal(aspace_remap(a, &move, &at), 0);
	assert_string_equal(show(a, OTHER, 6), "012345");
	assert_int_equal(aspace_protect(a, OTHER + 2 * P, 2 * P, VMA_READ), 0);
	assert_int_equal(aspace_protect(a, OTHER + 2 * P, 2 * P, RW), 0);
	assert_int_equal(a->vma_count, 1);
	assert_int_equal(mobj_resize(obj, 3 * P), 0);
	assert_string_equal(show(a, OTHER, 6), "012BBB");
	mobj_put(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_truncate),  ASPACE_TEST(test_punch_keeps_copies),
		ASPACE_TEST(test_split),     ASPACE_TEST(test_pin),
		ASPACE_TEST(test_no_memory), ASPACE_TEST(test_stay_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
