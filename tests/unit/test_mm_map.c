/* SPDX-License-Identifier: MIT */
/*
 * mmap(2), munmap(2): where mappings go, what they replace, when neighbours become one, and the errors. Cases
 * are drawn one character for each page, see draw().
 */
#include <signal.h>
#include "mm_fixture.h"

static void test_map_rounds_and_counts(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, P + 1, RW);
	assert_string_equal(draw(as, 4), "ww..");
	assert_int_equal(as->mapped_pages, 2);
	assert_int_equal(as->vma_count, 1);
	assert_int_equal(as->data_pages, 2);
	assert_int_equal(pmap_resident_pages(&as->pmap), 0);
}

static void test_map_bad_arguments(void **state)
{
	struct aspace *as = *state;
	u64 at;

	assert_int_equal(map(as, 0, 0, RW, 0, &at), -EINVAL);
	assert_int_equal(map(as, AT + 1, P, RW, MAP_AT, &at), -EINVAL);
	assert_int_equal(map(as, 0, UINT64_MAX, RW, 0, &at), -ENOMEM);
	assert_int_equal(map(as, 0, USER_TOP + P, RW, 0, &at), -ENOMEM);
	assert_int_equal(map(as, 0, P, RW, MAP_AT, &at), -EPERM);
	assert_int_equal(map(as, USER_MIN - P, P, RW, MAP_AT, &at), -EPERM);
	assert_int_equal(map(as, USER_TOP, P, RW, MAP_AT, &at), -ENOMEM);
	assert_int_equal(map(as, USER_TOP - P, 2 * P, RW, MAP_AT, &at), -ENOMEM);
	assert_int_equal(as->vma_count, 0);
	assert_int_equal(map(as, USER_MIN, P, RW, MAP_AT, &at), 0);
	assert_int_equal(map(as, USER_TOP - P, P, RW, MAP_AT, &at), 0);
}

static void test_map_object_offset(void **state)
{
	struct aspace *as = *state;
	struct map_request req = {.len = P, .vma_flags = VMA_READ, .object = mobj_create(NULL, NULL)};
	u64 at;

	req.object_offset = 1;
	assert_int_equal(aspace_map(as, &req, &at), -EINVAL);
	req.object_offset = ALIGN_DOWN(UINT64_MAX, P);
	assert_int_equal(aspace_map(as, &req, &at), -EOVERFLOW);
	mobj_put(req.object);
}

/* Without a hint: the highest free place. With a hint: there, unless something is there. */
static void test_map_places_top_down(void **state)
{
	struct aspace *as = *state;
	u64 a, b, c;

	as->mmap_top = AT + 16 * P;
	assert_int_equal(map(as, 0, 2 * P, VMA_READ, 0, &a), 0);
	assert_int_equal(a, AT + 14 * P);
	assert_int_equal(map(as, 0, 2 * P, RW, 0, &b), 0);
	assert_int_equal(b, AT + 12 * P);
	assert_string_equal(draw(as, 16), "............ww|rr");
	assert_int_equal(aspace_unmap(as, a, P), 0);
	assert_int_equal(map(as, 0, P, VMA_READ, 0, &c), 0);
	assert_int_equal(c, a);
	assert_int_equal(map(as, AT + 5, P, VMA_READ, 0, &c), 0);
	assert_int_equal(c, AT);
	assert_int_equal(map(as, AT, P, VMA_READ, 0, &c), 0); /* taken: elsewhere */
	assert_int_equal(c, AT + 11 * P);
	assert_int_equal(map(as, P, P, VMA_READ, 0, &c), 0); /* too low: moved up */
	assert_int_equal(c, USER_MIN);
}

/* When all below mmap_top is taken, the rest of user space serves. */
static void test_map_falls_back_above_top(void **state)
{
	struct aspace *as = *state;
	u64 at;

	as->mmap_top = USER_MIN + 4 * P;
	assert_int_equal(map(as, 0, 8 * P, VMA_READ, 0, &at), 0);
	assert_int_equal(at, USER_TOP - 8 * P);
	assert_int_equal(map(as, 0, USER_TOP - USER_MIN, VMA_READ, 0, &at), -ENOMEM);
}

static void test_map_low_2g(void **state)
{
	struct aspace *as = *state;
	u64 at;

	assert_int_equal(map(as, 0, P, VMA_READ, MAP_LOW_2G, &at), 0);
	assert_int_equal(at, 0x80000000ul - P);
	assert_int_equal(map(as, 0x700000000000, P, VMA_READ, MAP_LOW_2G, &at), 0);
	assert_true(at < 0x80000000ul);
	assert_int_equal(map(as, 0, GIB(1), VMA_READ, MAP_LOW_2G, &at), -ENOMEM);
}

static void test_map_at_free(void **state)
{
	struct aspace *as = *state;
	u64 at;

	map_at(as, AT + 2 * P, P, RW);
	assert_int_equal(map(as, AT, 3 * P, RW, MAP_AT_FREE, &at), -EEXIST);
	assert_int_equal(map(as, AT + 2 * P, P, RW, MAP_AT_FREE, &at), -EEXIST);
	assert_string_equal(draw(as, 4), "..w.");
	assert_int_equal(map(as, AT, 2 * P, VMA_READ, MAP_AT_FREE, &at), 0);
	assert_string_equal(draw(as, 4), "rr|w.");
}

static void test_map_replaces(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 8 * P, RW);
	poke(AT + 3 * P, 7);
	poke(AT + 5 * P, 9);
	map_at(as, AT + 2 * P, 2 * P, VMA_READ);
	assert_string_equal(draw(as, 8), "ww|rr|wwww");
	assert_int_equal(peek(AT + 3 * P), 0);
	assert_int_equal(peek(AT + 5 * P), 9);
	assert_int_equal(as->mapped_pages, 8);
	map_at(as, AT + P, 4 * P, RW); /* over three VMAs, and joins with both sides */
	assert_string_equal(draw(as, 8), "wwwwwwww");
	assert_int_equal(as->vma_count, 1);
}

/*
 * Neighbours that become one, and those that do not:
 *     anonymous alike | rights differ | name differs | one file, next bytes | one file, other bytes | special
 */
static void test_merge_rules(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);
	struct map_request named = {.len = P, .vma_flags = RW, .how = MAP_AT, .name = "[stack]"};
	u64 at;

	map_at(as, AT, P, RW);
	map_at(as, AT + P, P, RW);
	assert_int_equal(as->vma_count, 1);
	map_at(as, AT + 2 * P, P, VMA_READ);
	assert_int_equal(as->vma_count, 2);
	named.addr = AT + 3 * P;
	named.vma_flags = VMA_READ;
	assert_int_equal(aspace_map(as, &named, &at), 0);
	assert_int_equal(as->vma_count, 3);
	map_object(as, AT + 8 * P, P, VMA_READ, obj, 0);
	map_object(as, AT + 9 * P, P, VMA_READ, obj, P);
	assert_int_equal(as->vma_count, 4);
	map_object(as, AT + 10 * P, P, VMA_READ, obj, P);
	assert_int_equal(as->vma_count, 5);
	map_object(as, AT + 7 * P, P, VMA_READ, obj, 7 * P);
	assert_int_equal(as->vma_count, 6);
	map_object(as, AT + 12 * P, P, VMA_READ | VMA_SPECIAL, obj, 0);
	map_object(as, AT + 13 * P, P, VMA_READ | VMA_SPECIAL, obj, P);
	assert_int_equal(as->vma_count, 8);
	assert_string_equal(draw(as, 14), "ww|r|r...r|rr|r.r|r");
	mobj_put(obj);
}

/* munmap of each part of a mapping. */
static void test_unmap_parts(void **state)
{
	struct aspace *as = *state;

	map_at(as, AT, 8 * P, RW);
	assert_int_equal(aspace_unmap(as, AT, P), 0);
	assert_string_equal(draw(as, 8), ".wwwwwww");
	assert_int_equal(aspace_unmap(as, AT + 7 * P, P), 0);
	assert_string_equal(draw(as, 8), ".wwwwww.");
	assert_int_equal(aspace_unmap(as, AT + 3 * P, 2 * P), 0);
	assert_string_equal(draw(as, 8), ".ww..ww.");
	assert_int_equal(as->vma_count, 2);
	assert_int_equal(aspace_unmap(as, AT + 2 * P, 4 * P), 0);
	assert_string_equal(draw(as, 8), ".w....w.");
	assert_int_equal(aspace_unmap(as, AT, 8 * P), 0);
	assert_string_equal(draw(as, 8), "........");
	assert_int_equal(aspace_unmap(as, AT, 8 * P), 0); /* nothing there is no error */
}

static void test_unmap_drops_pages(void **state)
{
	struct aspace *as = *state;
	u64 used = frames_used();

	map_at(as, AT, 200 * P, RW);
	for (unsigned i = 0; i < 200; i++)
		poke(AT + i * P, (u8)i);
	assert_int_equal(pmap_resident_pages(&as->pmap), 200);
	assert_int_equal(aspace_unmap(as, AT + 50 * P, 100 * P), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 100);
	assert_int_equal(pmap_peak_pages(&as->pmap), 200);
	assert_int_equal(try_access(AT + 50 * P, FAULT_READ), FAULT_NO_VMA);
	assert_int_equal(peek(AT + 49 * P), 49);
	assert_int_equal(peek(AT + 150 * P), 150);
	assert_int_equal(aspace_unmap(as, AT, 200 * P), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 0);
	assert_int_equal(frames_used(), used);
}

static void test_unmap_errors(void **state)
{
	struct aspace *as = *state;

	assert_int_equal(aspace_unmap(as, AT + 1, P), -EINVAL);
	assert_int_equal(aspace_unmap(as, AT, 0), -EINVAL);
	assert_int_equal(aspace_unmap(as, USER_TOP, P), -EINVAL);
	assert_int_equal(aspace_unmap(as, AT, UINT64_MAX), -EINVAL);
	assert_int_equal(aspace_unmap(as, AT, 0ul - AT), -EINVAL);
	assert_int_equal(aspace_unmap(as, AT, USER_TOP - AT), 0);
}

static void test_limits(void **state)
{
	struct aspace *as = *state;
	u64 at;

	as->limit_as_bytes = 10 * P;
	map_at(as, AT, 10 * P, VMA_READ);
	assert_int_equal(map(as, 0, P, VMA_READ, 0, &at), -ENOMEM);
	map_at(as, AT + 4 * P, 6 * P, VMA_READ | VMA_EXEC); /* replaces: nothing more than before */
	assert_int_equal(map(as, AT + 8 * P, 3 * P, VMA_READ, MAP_AT, &at), -ENOMEM);
	as->limit_as_bytes = UINT64_MAX;
	as->limit_data_bytes = 2 * P;
	assert_int_equal(map(as, 0, 3 * P, RW, 0, &at), -ENOMEM);
	assert_int_equal(map(as, 0, 3 * P, VMA_READ, 0, &at), 0);
	assert_int_equal(map(as, 0, 3 * P, RW | VMA_SHARED, 0, &at), 0);
	assert_int_equal(map(as, 0, 2 * P, RW, 0, &at), 0);
	assert_int_equal(map(as, 0, P, RW, 0, &at), -ENOMEM);
}

/*
 * vm.max_map_count: one mapping more than it still goes, as on Linux; a hole or a split that would make one
 * does not.
 */
static void test_max_map_count(void **state)
{
	struct aspace *as = *state;
	struct map_request r = {.len = 3 * P, .vma_flags = RW, .how = MAP_AT};
	u64 at;

	for (u64 i = 0; i < vma_count_max; i++) {
		r.addr = AT + i * 4 * P;
		assert_int_equal(aspace_map(as, &r, &at), 0);
	}
	assert_int_equal(as->vma_count, vma_count_max);
	assert_int_equal(aspace_unmap(as, AT + P, P), -ENOMEM);
	assert_int_equal(aspace_protect(as, AT + P, P, VMA_READ), -ENOMEM);
	r.addr += 4 * P;
	assert_int_equal(aspace_map(as, &r, &at), 0);
	r.addr += 4 * P;
	assert_int_equal(aspace_map(as, &r, &at), -ENOMEM);
	assert_int_equal(aspace_unmap(as, AT, P), 0); /* an edge */
	assert_int_equal(as->vma_count, vma_count_max + 1);
	assert_int_equal(aspace_unmap(as, AT, 8 * P), 0);
	assert_int_equal(aspace_unmap(as, AT + 9 * P, P), 0);
	assert_int_equal(as->vma_count, vma_count_max);
}

/* The gap below a stack stays free, for hints and for the search. */
static void test_stack_gap(void **state)
{
	struct aspace *as = *state;
	u64 stack = AT + 64 * P + STACK_GAP, at;

	as->mmap_top = stack + 4 * P;
	map_at(as, stack, 4 * P, RW | VMA_GROWSDOWN);
	assert_int_equal(map(as, 0, P, VMA_READ, 0, &at), 0);
	assert_int_equal(at, AT + 63 * P);
	assert_int_equal(map(as, stack - P, P, VMA_READ, 0, &at), 0);
	assert_int_equal(at, AT + 62 * P);
	assert_int_equal(map(as, stack - P, P, VMA_READ, MAP_AT, &at), 0); /* MAP_FIXED may */
}

static void test_find_gap_takes_exact_fit(void **state)
{
	struct aspace *as = *state;
	u64 at;

	as->mmap_top = AT + 64 * P;
	map_at(as, USER_MIN, AT - USER_MIN, VMA_READ);
	for (unsigned i = 0; i < 64; i += 8)
		map_at(as, AT + i * P, (8 - i / 16) * P, VMA_READ);
	/* Gaps: none below 16; one page at 23, 31; two at 38, 46; three at 53, 61. */
	assert_int_equal(map(as, 0, 3 * P, RW, 0, &at), 0);
	assert_int_equal(at, AT + 61 * P);
	assert_int_equal(map(as, 0, 3 * P, RW, 0, &at), 0);
	assert_int_equal(at, AT + 53 * P);
	assert_int_equal(map(as, 0, 3 * P, RW, 0, &at), 0);
	assert_true(at >= AT + 64 * P);
	assert_int_equal(map(as, 0, P, RW, 0, &at), 0);
	assert_int_equal(at, AT + 47 * P);
}

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

/* Each VMA holds a reference to its file: splits take one, merges and unmaps give one back. */
static void test_file_references(void **state)
{
	static const struct vma_file_ops ops = {file_get, file_put};
	struct aspace *as = *state;
	struct file file = {1};
	struct mobj *obj = mobj_create(NULL, NULL);
	struct map_request req = {
		.addr = AT, .len = 8 * P, .vma_flags = VMA_READ, .how = MAP_AT, .object = obj, .file = &file};
	u64 at;

	vma_register_file_ops(&ops);
	assert_int_equal(aspace_map(as, &req, &at), 0);
	assert_int_equal(file.refs, 2);
	assert_int_equal(aspace_unmap(as, AT + 2 * P, P), 0);
	assert_int_equal(file.refs, 3);
	req.addr = AT + 2 * P;
	req.len = P;
	req.object_offset = 2 * P;
	assert_int_equal(aspace_map(as, &req, &at), 0);
	assert_int_equal(file.refs, 2);
	req.how = MAP_AT_FREE;
	assert_int_equal(aspace_map(as, &req, &at), -EEXIST);
	assert_int_equal(file.refs, 2);
	assert_int_equal(aspace_unmap(as, AT, 8 * P), 0);
	assert_int_equal(file.refs, 1);
	assert_int_equal(ref_read(&obj->refs), 1);
	mobj_put(obj);
	vma_register_file_ops(NULL);
}

static void test_explain(void **state)
{
	struct aspace *as = *state;
	char text[160];

	aspace_explain(as, AT, text, sizeof(text));
	assert_string_equal(text, "0x10000000: nothing is mapped");
	map_at(as, AT, P, RW);
	map_at(as, AT + 16 * P, P, VMA_READ | VMA_EXEC);
	aspace_explain(as, AT + 8, text, sizeof(text));
	assert_non_null(
		strstr(text, "0x10000008 is 0x8 bytes into 10000000-10001000 rw-p (anonymous); last mmap"));
	aspace_explain(as, AT + P + 1, text, sizeof(text));
	assert_non_null(strstr(text, "0x1 bytes above the end of 10000000-"));
	aspace_explain(as, AT + 15 * P, text, sizeof(text));
	assert_non_null(strstr(text, "0x1000 bytes below 10010000-10011000 r-xp"));
	aspace_explain(as, AT + 32 * P, text, sizeof(text));
	assert_non_null(strstr(text, "above the end of 10010000-"));
}

static int tid_seven(void)
{
	return 7;
}

/* What was meant to be hit, and which call made it so. */
static void test_explain_guards(void **state)
{
	struct aspace *as = *state;
	char text[240], tiny[20];

	history_register_tid(tid_seven);
	map_at(as, AT, 4 * P, RW);
	assert_int_equal(aspace_protect(as, AT + 2 * P, 2 * P, 0), 0);
	aspace_explain(as, AT + 2 * P + 16, text, sizeof(text));
	assert_non_null(strstr(text,
			       "---p (anonymous), a guard: 0x10 bytes above (anonymous); last mprotect of "
			       "10002000-10004000 by thread 7, "));
	assert_int_equal(aspace_unmap(as, AT + P, P), 0);
	aspace_explain(as, AT + 2 * P + 16, text, sizeof(text));
	assert_null(strstr(text, "a guard"));
	aspace_explain(as, AT + P, text, sizeof(text));
	assert_non_null(strstr(text, " bytes above the end of 10000000-10001000"));
	assert_non_null(strstr(text, "; last munmap of 10001000-10002000 by thread 7"));
	map_at(as, AT + MIB(8), 4 * P, RW | VMA_GROWSDOWN);
	aspace_explain(as, AT + MIB(8) - P, text, sizeof(text));
	assert_non_null(strstr(text, "below 10800000-10804000 rw-p [stack], in the gap kept below it"));
	assert_null(strstr(text, "last"));
	/* Cut off wherever the buffer ends; and the ring forgets. */
	for (size_t n = 1; n <= sizeof(tiny); n++) {
		aspace_explain(as, AT + P, tiny, n);
		assert_true(strlen(tiny) < n);
	}
	for (unsigned i = 0; i < HISTORY_EVENTS; i++)
		map_at(as, AT + MIB(4), P, RW);
	aspace_explain(as, AT + P, text, sizeof(text));
	assert_null(strstr(text, "munmap"));
	history_register_tid(NULL);
}

static void test_populate(void **state)
{
	struct aspace *as = *state;
	u64 at;

	assert_int_equal(map(as, 0, 8 * P, RW, MAP_FILL, &at), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 8);
	assert_int_equal(fake_faults, 0);
	map_at(as, AT, 4 * P, RW);
	assert_int_equal(aspace_populate(as, AT, 4 * P, 0), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 8); /* the zero frame is not counted */
	assert_int_equal(aspace_populate(as, AT, 4 * P, VMA_WRITE), 0);
	assert_int_equal(pmap_resident_pages(&as->pmap), 12);
	assert_int_equal(aspace_populate(as, AT, 5 * P, VMA_WRITE), -ENOMEM);
	assert_int_equal(aspace_populate(as, AT + 1, P, 0), -EINVAL);
	map_at(as, AT + 4 * P, P, VMA_READ);
	assert_int_equal(aspace_populate(as, AT + 4 * P, P, VMA_WRITE), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_map_rounds_and_counts),
		ASPACE_TEST(test_map_bad_arguments),
		ASPACE_TEST(test_map_object_offset),
		ASPACE_TEST(test_map_places_top_down),
		ASPACE_TEST(test_map_falls_back_above_top),
		ASPACE_TEST(test_map_low_2g),
		ASPACE_TEST(test_map_at_free),
		ASPACE_TEST(test_map_replaces),
		ASPACE_TEST(test_merge_rules),
		ASPACE_TEST(test_unmap_parts),
		ASPACE_TEST(test_unmap_drops_pages),
		ASPACE_TEST(test_unmap_errors),
		ASPACE_TEST(test_limits),
		ASPACE_TEST(test_max_map_count),
		ASPACE_TEST(test_stack_gap),
		ASPACE_TEST(test_find_gap_takes_exact_fit),
		ASPACE_TEST(test_file_references),
		ASPACE_TEST(test_explain),
		ASPACE_TEST(test_explain_guards),
		ASPACE_TEST(test_populate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
