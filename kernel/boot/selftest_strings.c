/* SPDX-License-Identifier: MIT */
/*
 * The user-access module on real page tables, second part: strings, and what a walk of the page tables says.
 *
 *                              edge
 *     |  page      "text\0" | hole        ends exactly at the edge: found
 *     |  page        "text" | hole        runs off it: -EFAULT
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define AREA	   0x10000000ul
#define EDGE	   (AREA + PAGE_SIZE)
#define LENGTH_MAX 80ul
#define UNTOUCHED  0x55

static void __user *at(u64 addr)
{
	return (void __user *)addr;
}

/* Writes n letters and, if asked for, a terminator, so that the last byte is the one below `edge`. */
enum ending { OPEN, TERMINATED };
static u64 put_string(u64 edge, size_t n, enum ending ending)
{
	char text[LENGTH_MAX + 1];
	u64 start = edge - n - (ending == TERMINATED);

	memset(text, 'a', n);
	text[n] = 0;
	EXPECT_EQ(copy_to_user(at(start), text, edge - start), 0);
	return start;
}

/* Both functions give `want`; the destination holds what strncpy_from_user promises for it. */
static void expect_string(u64 start, size_t max, ssize_t want)
{
	char dst[LENGTH_MAX + 8];
	size_t letters = want >= 0 ? (size_t)want : want == -ENAMETOOLONG && max ? max - 1 : 0;

	memset(dst, UNTOUCHED, sizeof(dst));
	EXPECT_EQ(strncpy_from_user(dst, at(start), max), want);
	EXPECT_EQ(strnlen_user(at(start), max), want);
	EXPECT_EQ(dst[max], UNTOUCHED);
	if (max == 0)
		return;
	if (want != -EFAULT) {
		for (size_t i = 0; i < letters; i++)
			EXPECT_EQ(dst[i], 'a');
	}
	EXPECT_EQ(dst[letters], 0);
}

static void check_reading(u64 edge)
{
	for (size_t n = 0; n <= LENGTH_MAX - 2; n++) {
		u64 start = put_string(edge, n, TERMINATED);
		expect_string(start, n + 1, (ssize_t)n);
		expect_string(start, n + 2, (ssize_t)n);
		expect_string(start, LENGTH_MAX, (ssize_t)n);
		expect_string(start, n, -ENAMETOOLONG);
		expect_string(start, n / 2, -ENAMETOOLONG);
		expect_string(start, 0, -ENAMETOOLONG);

		start = put_string(edge, n, OPEN);
		expect_string(start, n + 1, -EFAULT);
		expect_string(start, LENGTH_MAX, -EFAULT);
		expect_string(start, n, -ENAMETOOLONG);
		expect_string(start, n / 2, -ENAMETOOLONG);
	}
}

/* Over the boundary of two pages that are there. */
static void check_crossing(u64 boundary)
{
	for (size_t n = 1; n < LENGTH_MAX - 2; n++) {
		for (size_t below = 0; below <= n; below += 5) {
			u64 start = put_string(boundary + n - below + 1, n, TERMINATED);
			expect_string(start, LENGTH_MAX, (ssize_t)n);
			expect_string(start, n, -ENAMETOOLONG);
		}
	}
}

static void check_writing(u64 edge)
{
	char text[] = "a string for the program", back[sizeof(text)];
	size_t n = sizeof(text);

	EXPECT_EQ(copy_string_to_user(at(edge - n), text), 0);
	EXPECT_EQ(strncpy_from_user(back, at(edge - n), n), n - 1);
	EXPECT_EQ(strcmp(back, text), 0);
	for (size_t lost = 1; lost <= n; lost++)
		EXPECT_EQ(copy_string_to_user(at(edge - n + lost), text), -EFAULT);
	EXPECT_EQ(copy_string_to_user(at(edge - 1), ""), 0);
	EXPECT_EQ(strnlen_user(at(edge - 1), 1), 0);
	EXPECT_EQ(copy_string_to_user(at(edge), ""), -EFAULT);
	EXPECT_EQ(copy_string_to_user(at(0), text), -EFAULT);
	EXPECT_EQ(copy_string_to_user(at(UINT64_MAX), text), -EFAULT);
}

/* The last page of user space ends at no hole but at an address that is not a program's. */
static void check_end_of_user_space(void)
{
	u8 bytes[16];

	selftest_map(USER_TOP - PAGE_SIZE, 1, VMA_READ | VMA_WRITE);
	check_reading(USER_TOP);
	check_writing(USER_TOP);
	EXPECT_EQ(copy_from_user(bytes, at(USER_TOP - sizeof(bytes)), sizeof(bytes)), 0);
	/* A range that no program could own is refused as a whole. */
	EXPECT_EQ(copy_from_user(bytes, at(USER_TOP - sizeof(bytes) + 1), sizeof(bytes)), sizeof(bytes));
	EXPECT_EQ(copy_to_user(at(USER_TOP - sizeof(bytes) + 1), bytes, sizeof(bytes)), sizeof(bytes));
}

void test_user_strings(void *arg)
{
	(void)arg;
	selftest_map(AREA, 1, VMA_READ | VMA_WRITE);
	check_reading(EDGE);
	check_writing(EDGE);
	check_end_of_user_space();
	selftest_map(AREA, 2, VMA_READ | VMA_WRITE);
	check_crossing(EDGE);
	/* Nothing was ever written there: demand paging inside the string functions. */
	EXPECT_EQ(aspace_discard(current_process()->aspace, AREA, 2 * PAGE_SIZE), 0);
	EXPECT_EQ(strnlen_user(at(AREA), 10), 0);
}

/* --- queries --- */

static void expect_query(u64 addr, int read, int write)
{
	EXPECT_EQ(probe_user_address(at(addr), USER_READ), read);
	EXPECT_EQ(probe_user_address(at(addr), USER_WRITE), write);
}

static void expect_rights(u64 addr, unsigned want)
{
	unsigned prot = ~0u;

	EXPECT_EQ(get_page_protection(at(addr), &prot), 0);
	EXPECT_EQ(prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC), want);
	if (want)
		EXPECT(prot & PMAP_USER);
}

static void expect_no_page(u64 addr, int err)
{
	unsigned prot = 0x1234;

	expect_query(addr, err, err);
	EXPECT_EQ(get_page_protection(at(addr), &prot), err);
	EXPECT_EQ(prot, 0x1234);
}

/* A page with contents and then these rights. */
static void make_page(u64 addr, u32 vma_flags)
{
	selftest_map(addr, 1, VMA_READ | VMA_WRITE);
	EXPECT_EQ(clear_user(at(addr), 8), 0);
	EXPECT_EQ(aspace_protect(current_process()->aspace, addr, PAGE_SIZE, vma_flags), 0);
}

void test_user_queries(void *arg)
{
	const u64 step = PAGE_SIZE;
	u8 byte;

	(void)arg;
	make_page(AREA, VMA_READ | VMA_WRITE);
	make_page(AREA + step, VMA_READ);
	selftest_map(AREA + 2 * step, 1, VMA_READ | VMA_EXEC);
	EXPECT_EQ(copy_from_user(&byte, at(AREA + 2 * step), 1), 0);
	make_page(AREA + 3 * step, 0);
	selftest_map(AREA + 4 * step, 1, VMA_READ | VMA_WRITE);
	selftest_map(AREA + 5 * step, 1, VMA_READ | VMA_WRITE);
	EXPECT_EQ(copy_from_user(&byte, at(AREA + 5 * step), 1), 0);

	for (u64 offset = 0; offset < PAGE_SIZE; offset += PAGE_SIZE - 1) {
		expect_query(AREA + offset, 0, 0);
		expect_rights(AREA + offset, PMAP_READ | PMAP_WRITE);
		expect_query(AREA + step + offset, 0, -EACCES);
		expect_rights(AREA + step + offset, PMAP_READ);
		expect_query(AREA + 2 * step + offset, 0, -EACCES);
		expect_rights(AREA + 2 * step + offset, PMAP_READ | PMAP_EXEC);
		/* PROT_NONE: mapped, but no access. */
		expect_query(AREA + 3 * step + offset, -EACCES, -EACCES);
		expect_rights(AREA + 3 * step + offset, 0);
		/* Mapped but never touched: a fault would have to be served first. */
		expect_no_page(AREA + 4 * step + offset, -EFAULT);
		/* Only read so far: the zero frame. */
		expect_query(AREA + 5 * step + offset, 0, -EACCES);
		expect_rights(AREA + 5 * step + offset, PMAP_READ);
		expect_no_page(AREA + 6 * step + offset, -EFAULT);
		expect_no_page(AREA - PAGE_SIZE + offset, -EFAULT);
	}
	expect_no_page(USER_MIN, -EFAULT);
	expect_no_page(USER_TOP - 1, -EFAULT);
	expect_no_page(USER_MIN - 1, -EINVAL);
	expect_no_page(0, -EINVAL);
	expect_no_page(USER_TOP, -EINVAL);
	expect_no_page(0x800000000000ull, -EINVAL);
	expect_no_page(0xffff800000000000ull, -EINVAL);
	expect_no_page((u64)&test_user_queries, -EINVAL);
	expect_no_page(UINT64_MAX, -EINVAL);
	/* Nothing can be copied where no access is. */
	EXPECT_EQ(copy_from_user(&byte, at(AREA + 3 * step), 1), 1);
	EXPECT_EQ(clear_user(at(AREA + 2 * step), 1), 1);
	expect_no_page(AREA + 4 * step, -EFAULT);
}
