/* SPDX-License-Identifier: MIT */
/*
 * The user-access module on real page tables, first part: which pointers are valid, and copies that end at a boundary
 * where the access is refused, one byte at a time:
 *
 *                          edge
 *     ... readable pages ... | refused: a hole, or for writing a read-only page
 *               [<-- reach -->|<-- missing -->)     reach and length are tried in all combinations
 *
 * The three copies must report exactly what is missing, and touch nothing else.
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include <moat/log.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define AREA	    0x10000000ul
#define AREA_PAGES  4
#define HOLE	    (AREA + AREA_PAGES * PAGE_SIZE)
#define READ_ONLY   0x20000000ul /* after AREA_PAGES that are writable */
#define LAZY	    0x30000000ul
#define STACK	    0x50000000ul /* its one page at first */
#define STACK_LIMIT MIB(8)	 /* with that page: what aspace_create gives */
#define LENGTH_MAX  200ul	 /* both ways of a copy, up to 64 bytes and above, with room to spare */
#define MARGIN	    16ul	 /* looked at on both sides of a kernel buffer */
#define NEAR	    256ul	 /* bytes below the edge that are looked at */
#define UNTOUCHED   0xee

static u8 kernel_buffer[PAGE_SIZE * AREA_PAGES]; /* one test at a time */
static u8 compare_buffer[PAGE_SIZE * AREA_PAGES];

static void __user *at(u64 addr)
{
	return (void __user *)addr;
}

static u8 pattern(u64 i)
{
	return (u8)(i * 7 + (i >> 8) + 3);
}

static bool all_bytes(const u8 *p, size_t n, u8 value)
{
	while (n && *p == value) {
		p++;
		n--;
	}
	return n == 0;
}

/* --- pointers --- */

static const struct pointer_case {
	u64 addr, len;
	int want;
} pointer_cases[] = {
	{0, 0, 0},
	{0, 1, -EFAULT},
	{1, 1, -EFAULT},
	{USER_MIN - 1, 1, -EFAULT},
	{USER_MIN - 1, 2, -EFAULT},
	{0, USER_TOP, -EFAULT},
	{USER_MIN, 0, 0},
	{USER_MIN, 1, 0},
	{USER_MIN, USER_TOP - USER_MIN, 0},
	{USER_MIN, USER_TOP - USER_MIN + 1, -EFAULT},
	{USER_MIN + 1, USER_TOP - USER_MIN, -EFAULT},
	{USER_TOP - 1, 1, 0},
	{USER_TOP - 1, 2, -EFAULT},
	{USER_TOP, 0, 0},
	{USER_TOP, 1, -EFAULT},
	{0x7fffffffffffull, 1, -EFAULT},
	{0x800000000000ull, 0, 0},
	{0x800000000000ull, 1, -EFAULT},
	{0x7fffffffffffffffull, 1, -EFAULT},
	{0x8000000000000000ull, 1, -EFAULT},
	{0xffff7fffffffffffull, 1, -EFAULT},
	{0xffff7fffffffffffull, 2, -EFAULT},
	{0xffff800000000000ull, 1, -EFAULT},
	{0xffffffff80000000ull, 8, -EFAULT},
	{UINT64_MAX, 0, 0},
	{UINT64_MAX, 1, -EFAULT},
	/* Sums that wrap around: to 0, and to an address that would be valid. */
	{UINT64_MAX, 2, -EFAULT},
	{UINT64_MAX, USER_MIN + 2, -EFAULT},
	{0xffff800000000000ull, 0x800000000000ull, -EFAULT},
	{USER_MIN, UINT64_MAX, -EFAULT},
	{USER_MIN, 0ull - USER_MIN, -EFAULT},
	{AREA, 0ull - AREA + 0x20000, -EFAULT},
	{USER_TOP - 1, UINT64_MAX, -EFAULT},
	{USER_TOP - 1, 0ull - (USER_TOP - 1), -EFAULT},
	{USER_TOP, UINT64_MAX, -EFAULT},
	{AREA, SIZE_MAX / 2, -EFAULT},
};

static void check_validation(void)
{
	const enum user_access unknown[] = {(enum user_access)2, (enum user_access)3, (enum user_access)255};

	for (unsigned i = 0; i < ARRAY_SIZE(pointer_cases); i++) {
		const struct pointer_case *c = &pointer_cases[i];
		EXPECT_EQ(validate_user_pointer(at(c->addr), c->len, USER_READ), c->want);
		EXPECT_EQ(validate_user_pointer(at(c->addr), c->len, USER_WRITE), c->want);
		for (unsigned a = 0; a < ARRAY_SIZE(unknown); a++)
			EXPECT_EQ(validate_user_pointer(at(c->addr), c->len, unknown[a]), -EINVAL);
	}
}

/* No copy works: nothing moves, the kernel buffer is cleared and nothing beyond it touched. */
static void expect_refused(u64 addr, size_t n)
{
	memset(kernel_buffer, UNTOUCHED, n + 1);
	EXPECT_EQ(copy_from_user(kernel_buffer, at(addr), n), n);
	EXPECT(all_bytes(kernel_buffer, n, 0) && kernel_buffer[n] == UNTOUCHED);
	EXPECT_EQ(copy_to_user(at(addr), kernel_buffer, n), n);
	EXPECT_EQ(clear_user(at(addr), n), n);
}

static void check_refused_pointers(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pointer_cases); i++) {
		const struct pointer_case *c = &pointer_cases[i];
		char text[2] = "x";
		if (c->want == 0 || c->len > PAGE_SIZE)
			continue;
		expect_refused(c->addr, c->len);
		if (c->len == 1) {
			EXPECT_EQ(strncpy_from_user(text, at(c->addr), sizeof(text)), -EFAULT);
			EXPECT_EQ(text[0], 0);
			EXPECT_EQ(strnlen_user(at(c->addr), 1), -EFAULT);
			EXPECT_EQ(probe_user_address(at(c->addr), USER_READ), -EINVAL);
			EXPECT_EQ(probe_user_address(at(c->addr), USER_WRITE), -EINVAL);
		}
	}
	/* Length 0 is a success anywhere. */
	EXPECT_EQ(copy_from_user(kernel_buffer, at(0), 0), 0);
	EXPECT_EQ(copy_to_user(at(UINT64_MAX), kernel_buffer, 0), 0);
	EXPECT_EQ(clear_user(at(0x800000000000ull), 0), 0);
}

/* --- copies to an edge --- */

/* What is missing of n bytes that begin `reach` bytes below the edge. */
static size_t missing(size_t n, size_t reach)
{
	return n > reach ? n - reach : 0;
}

static void copy_from_edge(u64 edge, size_t n, size_t reach)
{
	u8 *dst = kernel_buffer + MARGIN;
	size_t lost = missing(n, reach);

	memset(kernel_buffer, UNTOUCHED, n + 2 * MARGIN);
	EXPECT_EQ(copy_from_user(dst, at(edge - reach), n), lost);
	for (size_t i = 0; i < n - lost; i++)
		EXPECT_EQ(dst[i], pattern(edge - reach + i));
	EXPECT(all_bytes(dst + (n - lost), lost, 0));
	EXPECT(all_bytes(kernel_buffer, MARGIN, UNTOUCHED) && all_bytes(dst + n, MARGIN, UNTOUCHED));
}

/* The bytes below the edge: only those that were written have changed. */
static void expect_written(u64 edge, size_t n, size_t reach, bool cleared)
{
	size_t start = NEAR - reach, written = n - missing(n, reach);

	EXPECT_EQ(copy_from_user(compare_buffer, at(edge - NEAR), NEAR), 0);
	EXPECT(all_bytes(compare_buffer, start, UNTOUCHED));
	for (size_t i = 0; i < written; i++)
		EXPECT_EQ(compare_buffer[start + i], cleared ? 0 : pattern(i));
	EXPECT(all_bytes(compare_buffer + start + written, NEAR - start - written, UNTOUCHED));
}

static void mark_below(u64 edge)
{
	memset(compare_buffer, UNTOUCHED, NEAR);
	EXPECT_EQ(copy_to_user(at(edge - NEAR), compare_buffer, NEAR), 0);
}

static void write_to_edge(u64 edge, size_t n, size_t reach)
{
	mark_below(edge);
	EXPECT_EQ(copy_to_user(at(edge - reach), kernel_buffer, n), missing(n, reach));
	expect_written(edge, n, reach, false);
	mark_below(edge);
	EXPECT_EQ(clear_user(at(edge - reach), n), missing(n, reach));
	expect_written(edge, n, reach, true);
}

static void fill_pattern(u64 start, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kernel_buffer[i] = pattern(start + i);
	EXPECT_EQ(copy_to_user(at(start), kernel_buffer, n), 0);
}

static void check_reading_to(u64 edge)
{
	fill_pattern(edge - PAGE_SIZE, PAGE_SIZE);
	for (size_t n = 0; n <= LENGTH_MAX; n++) {
		for (size_t reach = 0; reach <= n; reach++)
			copy_from_edge(edge, n, reach);
	}
}

static void check_writing_to(u64 edge)
{
	for (size_t i = 0; i < LENGTH_MAX; i++)
		kernel_buffer[i] = pattern(i);
	for (size_t n = 0; n <= LENGTH_MAX; n++) {
		for (size_t reach = 0; reach <= MIN(n + 8, LENGTH_MAX); reach++)
			write_to_edge(edge, n, reach);
	}
}

/* Several pages, at every alignment within 8 bytes of both ends. */
static void check_long_copies(u64 edge)
{
	const size_t total = 3 * PAGE_SIZE;

	fill_pattern(edge - total, total);
	for (size_t skew = 0; skew < 16; skew++) {
		for (size_t lost = 0; lost < 16; lost++) {
			size_t n = 2 * PAGE_SIZE + skew;
			memset(compare_buffer, UNTOUCHED, n + 1);
			EXPECT_EQ(copy_from_user(compare_buffer, at(edge - n + lost), n), lost);
			for (size_t i = 0; i < n - lost; i += 61)
				EXPECT_EQ(compare_buffer[i], pattern(edge - n + lost + i));
			EXPECT_EQ(compare_buffer[n - lost - 1], pattern(edge - 1));
			EXPECT(all_bytes(compare_buffer + n - lost, lost, 0));
			EXPECT_EQ(compare_buffer[n], UNTOUCHED);
			EXPECT_EQ(copy_to_user(at(edge - n + lost), compare_buffer, n), lost);
			fill_pattern(edge - total, total);
		}
	}
}

/* A copy into the first bytes of what is mapped, from below: nothing at all may be taken. */
static void check_start_below(u64 start)
{
	for (size_t n = 1; n <= LENGTH_MAX; n++) {
		for (size_t below = 1; below <= n; below += 13)
			expect_refused(start - below, n);
	}
}

/* --- faults that are served inside a copy --- */

static void discard(u64 addr, u64 pages)
{
	EXPECT_EQ(aspace_discard(current_process()->aspace, addr, pages * PAGE_SIZE), 0);
}

static void check_demand_paging(void)
{
	u64 edge = LAZY + PAGE_SIZE;
	unsigned prot;

	selftest_map(LAZY, AREA_PAGES, VMA_READ | VMA_WRITE);
	/* Reading shows the zero frame, writing replaces it. */
	EXPECT_EQ(probe_user_address(at(LAZY), USER_READ), -EFAULT);
	EXPECT_EQ(copy_from_user(kernel_buffer, at(LAZY + 5), 100), 0);
	EXPECT(all_bytes(kernel_buffer, 100, 0));
	EXPECT_EQ(get_page_protection(at(LAZY), &prot), 0);
	EXPECT_EQ(prot & (PMAP_READ | PMAP_WRITE), PMAP_READ);
	EXPECT_EQ(copy_to_user(at(LAZY + 5), "new", 3), 0);
	EXPECT_EQ(get_page_protection(at(LAZY), &prot), 0);
	EXPECT_EQ(prot & (PMAP_READ | PMAP_WRITE), PMAP_READ | PMAP_WRITE);
	EXPECT(frame_refs(zero_frame) > 0 && all_bytes(page_address(zero_frame), PAGE_SIZE, 0));

	for (size_t n = 0; n <= LENGTH_MAX; n += 3) {
		for (size_t reach = 0; reach <= n; reach++) {
			discard(LAZY, 2);
			EXPECT_EQ(copy_to_user(at(edge - reach), kernel_buffer, n), 0);
			discard(LAZY, 2);
			memset(compare_buffer, UNTOUCHED, n);
			EXPECT_EQ(copy_from_user(compare_buffer, at(edge - reach), n), 0);
			EXPECT(all_bytes(compare_buffer, n, 0));
		}
	}
}

/* Copy-on-write: a private view of an object changes, the object does not. */
static void check_copy_on_write(void)
{
	const u64 where = LAZY + 0x100000;
	struct map_request req = {
		.addr = where, .len = PAGE_SIZE, .vma_flags = VMA_READ | VMA_WRITE, .how = MAP_AT};
	char was[] = "as it was", text[sizeof(was)];
	struct uio u;
	u64 out;

	req.object = mobj_create(NULL, NULL);
	EXPECT(req.object);
	uio_init_kernel(&u, was, sizeof(was));
	EXPECT_EQ(mobj_write(req.object, 0, &u), sizeof(was));
	EXPECT_EQ(aspace_map(current_process()->aspace, &req, &out), 0);
	EXPECT_EQ(copy_from_user(text, at(where), sizeof(text)), 0);
	EXPECT_EQ(strcmp(text, was), 0);
	EXPECT_EQ(copy_to_user(at(where), "changed", 8), 0);
	EXPECT_EQ(copy_from_user(text, at(where), sizeof(text)), 0);
	EXPECT_EQ(strcmp(text, "changed"), 0);
	uio_init_kernel(&u, text, sizeof(text));
	EXPECT_EQ(mobj_read(req.object, 0, &u), sizeof(was));
	EXPECT_EQ(strcmp(text, was), 0);
	mobj_put(req.object);
}

/* A stack grows from inside a copy too, up to its limit. */
static void check_stack_growth(void)
{
	selftest_map(STACK, 1, VMA_READ | VMA_WRITE | VMA_GROWSDOWN);
	EXPECT_EQ(copy_to_user(at(STACK - 100), kernel_buffer, LENGTH_MAX), 0);
	EXPECT_EQ(probe_user_address(at(STACK - 1), USER_WRITE), 0);
	EXPECT_EQ(clear_user(at(STACK - STACK_LIMIT), LENGTH_MAX), LENGTH_MAX);
	EXPECT_EQ(copy_to_user(at(STACK - STACK_LIMIT + PAGE_SIZE), kernel_buffer, LENGTH_MAX), 0);
}

static void check_statistics(void)
{
	struct uaccess_stats before, after;

	uaccess_stats_read(&before);
	EXPECT_EQ(copy_from_user(kernel_buffer, at(AREA), 123), 0);
	EXPECT_EQ(copy_to_user(at(HOLE), kernel_buffer, 1), 1);
	EXPECT_EQ(clear_user(at(0), 1), 1);
	uaccess_stats_read(&after);
	EXPECT_EQ(after.copies - before.copies, 2);
	EXPECT_EQ(after.bytes - before.bytes, 124);
	EXPECT_EQ(after.faults_refused - before.faults_refused, 2);
	EXPECT_EQ(after.bad_pointers - before.bad_pointers, 1);
}

void test_user_copies(void *arg)
{
	struct aspace *as = current_process()->aspace;

	(void)arg;
	EXPECT(in_kernel_mode());
	selftest_map(AREA, AREA_PAGES, VMA_READ | VMA_WRITE);
	selftest_map(READ_ONLY - AREA_PAGES * PAGE_SIZE, AREA_PAGES + 1, VMA_READ | VMA_WRITE);
	fill_pattern(READ_ONLY, PAGE_SIZE);
	EXPECT_EQ(aspace_protect(as, READ_ONLY, PAGE_SIZE, VMA_READ), 0);
	check_validation();
	check_refused_pointers();
	check_reading_to(HOLE);
	check_writing_to(HOLE);
	check_long_copies(HOLE);
	check_start_below(AREA);
	check_writing_to(READ_ONLY);
	/* All those copies into the read-only page changed nothing in it. */
	EXPECT_EQ(copy_from_user(compare_buffer, at(READ_ONLY), PAGE_SIZE), 0);
	for (size_t i = 0; i < PAGE_SIZE; i++)
		EXPECT_EQ(compare_buffer[i], pattern(READ_ONLY + i));
	EXPECT_EQ(aspace_protect(as, READ_ONLY, PAGE_SIZE, 0), 0);
	check_reading_to(READ_ONLY);
	check_demand_paging();
	check_copy_on_write();
	check_stack_growth();
	check_statistics();
	aspace_check(as);
}

/* A kernel thread has no user address space: all refuse, also while another's tables are still loaded. */
static void check_kernel_thread(void)
{
	char text[8] = "x";
	unsigned prot;

	EXPECT(!current_process()->aspace);
	expect_refused(AREA, 100);
	EXPECT_EQ(strncpy_from_user(text, at(AREA), sizeof(text)), -EFAULT);
	EXPECT_EQ(strnlen_user(at(AREA), sizeof(text)), -EFAULT);
	EXPECT_EQ(copy_string_to_user(at(AREA), "x"), -EFAULT);
	EXPECT_EQ(probe_user_address(at(AREA), USER_READ), -EIO);
	EXPECT_EQ(probe_user_address(at(AREA), USER_WRITE), -EIO);
	EXPECT_EQ(get_page_protection(at(AREA), &prot), -EIO);
}

/* Maps a page where check_kernel_thread looks, then gives way to it. */
static void lend_tables(void *stop)
{
	selftest_map(AREA, 1, VMA_READ | VMA_WRITE);
	EXPECT_EQ(clear_user(at(AREA), PAGE_SIZE), 0);
	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE))
		sched_yield();
	process_exit(0);
}

static void check_with_foreign_tables(void)
{
	bool stop = false;
	struct process *p = selftest_process("lender", selftest_aspace(), lend_tables, &stop);

	process_start(p);
	sched_yield();
	check_kernel_thread();
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	EXPECT_EQ(selftest_reap(p), 0);
}

void test_uaccess(void)
{
	check_kernel_thread();
	check_with_foreign_tables();
	selftest_in_user_space("copies", test_user_copies, NULL);
	selftest_in_user_space("strings", test_user_strings, NULL);
	selftest_in_user_space("queries", test_user_queries, NULL);
}

static void read_directly(void *arg)
{
	(void)arg;
	selftest_map(AREA, 1, VMA_READ | VMA_WRITE);
	EXPECT_EQ(clear_user(at(AREA), PAGE_SIZE), 0);
	log_printf("selftest: reading user memory without the user-access module\n");
	(void)*(volatile u8 *)AREA;
}

void test_smap(void)
{
	selftest_in_user_space("smap", read_directly, NULL);
}
