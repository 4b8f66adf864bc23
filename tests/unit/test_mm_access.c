/* SPDX-License-Identifier: MIT */
/* The memory of an address space for somebody else: what mappings allow, what force adds, where a transfer stops. */
#include "mm_fixture.h"

static ssize_t get(struct aspace *as, u64 addr, void *buf, size_t n, unsigned flags)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return aspace_access(as, addr, n, &u, flags);
}

static ssize_t put(struct aspace *as, u64 addr, const char *text, unsigned flags)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)text, strlen(text));
	return aspace_access(as, addr, strlen(text), &u, ACCESS_WRITE | flags);
}

static void test_allowed(void **state)
{
	struct aspace *as = *state;
	char buf[32] = "";

	map_at(as, AT, 2 * P, RW);
	assert_int_equal(put(as, AT + P - 2, "hello", 0), 5);
	assert_int_equal(peek(AT + P), 'l');
	assert_int_equal(get(as, AT + P - 2, buf, 5, 0), 5);
	assert_string_equal(buf, "hello");
	/* Up to the end of the mapping, and from there. */
	assert_int_equal(put(as, AT + 2 * P - 3, "hello", 0), 3);
	assert_int_equal(get(as, AT + 2 * P - 3, buf, 5, 0), 3);
	assert_int_equal(get(as, AT + 2 * P, buf, 5, 0), -EFAULT);
	assert_int_equal(put(as, AT - 1, "x", ACCESS_FORCE), -EFAULT);
	assert_int_equal(get(as, UINT64_MAX - 1, buf, 5, ACCESS_FORCE), -EFAULT);
	assert_int_equal(get(as, AT, buf, 0, 0), 0);
	aspace_check(as);
}

static void test_force(void **state)
{
	struct aspace *as = *state;
	char buf[32] = "";

	map_at(as, AT, 2 * P, RW);
	poke(AT, 'a');
	assert_int_equal(aspace_protect(as, AT, 2 * P, 0), 0);
	assert_int_equal(get(as, AT, buf, 1, 0), -EFAULT);
	assert_int_equal(put(as, AT, "b", 0), -EFAULT);
	assert_int_equal(get(as, AT, buf, 2, ACCESS_FORCE), 2);
	assert_memory_equal(buf, "a\0", 2);
	assert_int_equal(get(as, AT + P, buf, 1, ACCESS_FORCE), 1);
	assert_int_equal(buf[0], 0);
	assert_int_equal(put(as, AT + P - 1, "xy", ACCESS_FORCE), 2);
	assert_int_equal(try_access(AT + P, FAULT_READ), FAULT_NO_ACCESS);
	assert_int_equal(aspace_protect(as, AT, 2 * P, VMA_READ), 0);
	assert_int_equal(peek(AT), 'a');
	assert_int_equal(peek(AT + P - 1), 'x');
	assert_int_equal(peek(AT + P), 'y');
	assert_int_equal(try_access(AT + P, FAULT_WRITE), FAULT_NO_ACCESS);
	aspace_check(as);
}

/* Force makes private copies, but does not write to what is shared. */
static void test_force_and_objects(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);
	char buf[4];

	assert_int_equal(mobj_resize(obj, 2 * P), 0);
	map_object(as, AT, 2 * P, VMA_READ | VMA_SHARED, obj, 0);
	map_object(as, AT + 4 * P, 2 * P, VMA_READ, obj, 0);
	assert_int_equal(put(as, AT, "s", ACCESS_FORCE), -EFAULT);
	assert_int_equal(peek(AT + 4 * P), 0);
	assert_int_equal(put(as, AT + 4 * P, "p", ACCESS_FORCE), 1);
	assert_int_equal(put(as, AT + 5 * P, "q", ACCESS_FORCE), 1);
	assert_int_equal(put(as, AT + 5 * P + 1, "r", ACCESS_FORCE), 1);
	assert_int_equal(peek(AT), 0);
	assert_int_equal(peek(AT + P), 0);
	assert_int_equal(peek(AT + 4 * P), 'p');
	assert_int_equal(peek(AT + 5 * P), 'q');
	assert_int_equal(peek(AT + 5 * P + 1), 'r');
	assert_int_equal(mobj_resize(obj, P), 0);
	assert_int_equal(get(as, AT + P - 2, buf, 4, 0), 2);
	aspace_check(as);
	mobj_put(obj);
}

static void test_no_memory(void **state)
{
	struct aspace *as = *state;
	ssize_t n;

	map_at(as, AT, P, RW);
	map_at(as, AT + MIB(4), P, VMA_READ);
	for (u64 i = 1;; i++) {
		frame_fail_after(i);
		n = put(as, AT, "x", 0);
		frame_fail_after(0);
		if (n == 1)
			break;
		assert_int_equal(n, -ENOMEM);
	}
	for (u64 i = 1;; i++) {
		frame_fail_after(i);
		n = put(as, AT + MIB(4), "x", ACCESS_FORCE);
		frame_fail_after(0);
		if (n == 1)
			break;
		assert_int_equal(n, -ENOMEM);
	}
	heap_fail_after(1);
	assert_int_equal(put(as, AT, "x", 0), -ENOMEM);
	heap_fail_after(0);
	aspace_check(as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_allowed),
		ASPACE_TEST(test_force),
		ASPACE_TEST(test_force_and_objects),
		ASPACE_TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
