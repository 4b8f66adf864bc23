/* SPDX-License-Identifier: MIT */
/*
 * The user-access module of x86-64 (kernel/arch/x86_64/uaccess.c), over stand-ins for the copy routines in assembly: user
 * memory is a buffer of two pages at AT, and a byte outside it faults. What is checked is what may reach those routines, what
 * becomes of a copy that ends early, and what is counted.
 */
/* The fake machine has functions of these names. */
#define validate_user_pointer  x86_validate_user_pointer
#define copy_from_user	       x86_copy_from_user
#define copy_to_user	       x86_copy_to_user
#define clear_user	       x86_clear_user
#define strncpy_from_user      x86_strncpy_from_user
#define strnlen_user	       x86_strnlen_user
#define copy_string_to_user    x86_copy_string_to_user
#define user_word_peek	       x86_user_word_peek
#define user_word_exchange     x86_user_word_exchange
#define user_word_try_exchange x86_user_word_try_exchange
#define get_page_protection    x86_get_page_protection
#define probe_user_address     x86_probe_user_address
#define uaccess_stats_read     x86_uaccess_stats_read
#include "mm_fixture.h"
#include "uaccess.c"

#define SIZE (2 * P)

static u8 memory[SIZE];

/* How many of n bytes at a user address are there. */
static u64 reach(u64 addr, u64 n)
{
	return addr < AT || addr >= AT + SIZE ? 0 : MIN(n, AT + SIZE - addr);
}

static bool is_user(const void *p)
{
	return (u64)p < GIB(1);
}

static void *at(const void *p)
{
	return memory + ((u64)p - AT);
}

u64 user_copy(void *dst, const void *src, u64 n)
{
	u64 there = reach((u64)(is_user(dst) ? dst : src), n);

	if (there)
		memcpy(is_user(dst) ? at(dst) : dst, is_user(src) ? at(src) : src, there);
	return n - there;
}

u64 user_clear(void *dst, u64 n)
{
	u64 there = reach((u64)dst, n);

	if (there)
		memset(at(dst), 0, there);
	return n - there;
}

u64 user_strcopy(char *dst, const char *src, u64 max, u64 *length)
{
	for (u64 i = 0; i < max; i++) {
		if (!reach((u64)src + i, 1))
			return STRING_FAULT;
		if (dst)
			dst[i] = *(char *)at(src + i);
		*length = i;
		if (!*(char *)at(src + i))
			return STRING_FOUND;
	}
	return STRING_TOO_LONG;
}

u32 user_peek(const u32 *word, u32 *value)
{
	if (!reach((u64)word, 4))
		return 0;
	*value = *(u32 *)at(word);
	return 1;
}

u32 user_exchange(u32 *word, u32 *seen, u32 desired)
{
	u32 now;

	if (!reach((u64)word, 4))
		return 0;
	now = *(u32 *)at(word);
	if (now == *seen)
		*(u32 *)at(word) = desired;
	*seen = now;
	return 1;
}

u32 user_try_exchange(u32 *word, u32 *seen, u32 desired)
{
	return user_exchange(word, seen, desired);
}

static void *user(u64 addr)
{
	return (void *)addr;
}

static int setup(void **state)
{
	aspace_setup(state);
	this_cpu()->user_pmap = &((struct aspace *)*state)->pmap;
	memset(memory, 7, sizeof(memory));
	*counted() = (struct uaccess_stats){0};
	return 0;
}

static int teardown(void **state)
{
	this_cpu()->user_pmap = NULL;
	return aspace_teardown(state);
}

static void test_validate(void **state)
{
	(void)state;
	assert_int_equal(validate_user_pointer(user(AT), P, USER_READ), 0);
	assert_int_equal(validate_user_pointer(user(AT), P, USER_WRITE), 0);
	assert_int_equal(validate_user_pointer(user(AT), P, (enum user_access)9), -EINVAL);
	assert_int_equal(validate_user_pointer(user(UINT64_MAX), 0, USER_READ), 0);
	assert_int_equal(validate_user_pointer(user(0), 1, USER_READ), -EFAULT);
	assert_int_equal(validate_user_pointer(user(USER_MIN - 1), 1, USER_READ), -EFAULT);
	assert_int_equal(validate_user_pointer(user(USER_MIN), USER_TOP - USER_MIN, USER_READ), 0);
	assert_int_equal(validate_user_pointer(user(USER_MIN), USER_TOP - USER_MIN + 1, USER_READ), -EFAULT);
	assert_int_equal(validate_user_pointer(user(USER_TOP - 1), 1, USER_READ), 0);
	assert_int_equal(validate_user_pointer(user(USER_TOP), 1, USER_READ), -EFAULT);
	assert_int_equal(validate_user_pointer(user(1ul << 63), 1, USER_READ), -EFAULT);
	assert_int_equal(validate_user_pointer(user(AT), SIZE_MAX, USER_READ), -EFAULT);
	assert_int_equal(validate_user_pointer(user(UINT64_MAX - 4), 8, USER_READ), -EFAULT);
	assert_int_equal(counted()->bad_pointers, 7);
}

static void test_copies(void **state)
{
	u8 buf[16], seven[16];

	(void)state;
	memset(seven, 7, sizeof(seven));
	assert_int_equal(copy_from_user(buf, user(AT), 16), 0);
	assert_memory_equal(buf, seven, 16);
	/* What did not come is zeros. */
	assert_int_equal(copy_from_user(buf, user(AT + SIZE - 4), 16), 12);
	assert_memory_equal(buf, seven, 4);
	for (int i = 4; i < 16; i++)
		assert_int_equal(buf[i], 0);
	memset(buf, 9, sizeof(buf));
	assert_int_equal(copy_from_user(buf, user(USER_TOP - 4), 16), 16);
	assert_int_equal(buf[0] | buf[15], 0);
	assert_int_equal(copy_from_user(buf, user(0), 0), 0);
	assert_int_equal(copy_to_user(user(AT + SIZE - 2), seven, 5), 3);
	assert_int_equal(copy_to_user(user(1ul << 47), seven, 5), 5);
	assert_int_equal(clear_user(user(AT), 3), 0);
	assert_int_equal(memory[2], 0);
	assert_int_equal(memory[3], 7);
	assert_int_equal(clear_user(user(AT + SIZE - 1), 3), 2);
	assert_int_equal(clear_user(user(8), 3), 3);
	assert_int_equal(copy_string_to_user(user(AT), "text"), 0);
	assert_string_equal((char *)memory, "text");
	assert_int_equal(copy_string_to_user(user(AT + SIZE - 2), "text"), -EFAULT);
	assert_int_equal(counted()->bad_pointers, 3);
}

static void test_strings(void **state)
{
	char buf[8];

	(void)state;
	strcpy((char *)memory, "hello");
	assert_int_equal(strncpy_from_user(buf, user(AT), sizeof(buf)), 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(strnlen_user(user(AT), 100), 5);
	assert_int_equal(strncpy_from_user(buf, user(AT), 5), -ENAMETOOLONG);
	assert_string_equal(buf, "hell");
	assert_int_equal(strncpy_from_user(buf, user(AT), 0), -ENAMETOOLONG);
	assert_int_equal(strncpy_from_user(buf, user(AT + SIZE - 2), sizeof(buf)), -EFAULT);
	assert_string_equal(buf, "");
	assert_int_equal(strncpy_from_user(buf, user(USER_TOP), sizeof(buf)), -EFAULT);
	assert_int_equal(strnlen_user(user(0), 5), -EFAULT);
	/* Nothing ends a string at the end of user space. */
	assert_int_equal(strnlen_user(user(USER_TOP - 1), 5), -EFAULT);
	this_cpu()->user_pmap = NULL;
	assert_int_equal(strnlen_user(user(AT), 5), -EFAULT);
	assert_int_equal(copy_to_user(user(AT), buf, 1), 1);
}

static void test_words(void **state)
{
	u32 seen = 0x07070707, value = 0;

	(void)state;
	assert_true(user_word_peek(user(AT), &value));
	assert_int_equal(value, 0x07070707);
	assert_false(user_word_peek(user(AT + SIZE), &value));
	assert_false(user_word_peek(user(USER_TOP), &value));
	assert_int_equal(user_word_exchange(user(AT), &seen, 1), 0);
	assert_int_equal(user_word_exchange(user(AT), &seen, 2), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(*(u32 *)memory, 1);
	assert_int_equal(user_word_exchange(user(0), &seen, 2), -EFAULT);
	assert_int_equal(user_word_exchange(user(AT + SIZE), &seen, 2), -EFAULT);
	assert_true(user_word_try_exchange(user(AT), &seen, 3));
	assert_false(user_word_try_exchange(user(AT + SIZE), &seen, 3));
}

static void test_probes(void **state)
{
	struct aspace *as = *state;
	struct uaccess_stats now;
	unsigned prot;

	map_at(as, AT, P, RW);
	map_at(as, AT + P, P, VMA_READ);
	assert_int_equal(probe_user_address(user(AT), USER_READ), -EFAULT);
	assert_int_equal(aspace_populate(as, AT, P, VMA_WRITE), 0);
	assert_int_equal(aspace_populate(as, AT + P, P, VMA_READ), 0);
	assert_int_equal(probe_user_address(user(AT), USER_WRITE), 0);
	assert_int_equal(probe_user_address(user(AT + P), USER_READ), 0);
	assert_int_equal(probe_user_address(user(AT + P), USER_WRITE), -EACCES);
	assert_int_equal(probe_user_address(user(USER_TOP), USER_READ), -EINVAL);
	assert_int_equal(get_page_protection(user(AT + P), &prot), 0);
	assert_int_equal(prot & (PMAP_READ | PMAP_WRITE), PMAP_READ);
	this_cpu()->user_pmap = NULL;
	assert_int_equal(get_page_protection(user(AT), &prot), -EIO);
	uaccess_stats_read(&now);
	assert_int_equal(now.copies, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_validate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_probes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
