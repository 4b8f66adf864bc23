/* SPDX-License-Identifier: MIT */
/*
 * What validate_user_pointer costs beside the copy of one page, which must be under 5 %. The unit is what the
 * cycle counter counts: time, or in a deterministic machine executed instructions, so that the figure does not
 * depend on what else the host does. The debug kernel's own checks are in it, so it is an upper bound.
 */
#include <arch/uaccess.h>
#include <moat/log.h>
#include "selftest_lib.h"

#define AREA	    0x10000000ul
#define ROUNDS	    2000u
#define MAX_PERCENT 5ul

static u8 buffer[PAGE_SIZE];

struct cost {
	u64 empty, validation, copy; /* of all rounds */
};

/* The loop itself and its call, to be taken off the others. */
static int nothing(const void __user *p, size_t len, enum user_access access)
{
	(void)p;
	(void)len;
	(void)access;
	return 0;
}

static u64 measure(int (*fn)(const void __user *p, size_t len, enum user_access access))
{
	/* The compiler shall not know what is called. */
	int (*volatile call)(const void __user *p, size_t len, enum user_access access) = fn;
	const void __user *page = (const void __user *)AREA;
	u64 start = cpu_cycles();
	int bad = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		bad |= call(page, PAGE_SIZE, USER_READ);
	EXPECT_EQ(bad, 0);
	return cpu_cycles() - start;
}

static int copy_page(const void __user *p, size_t len, enum user_access access)
{
	(void)access;
	return copy_from_user(buffer, p, len) != 0;
}

static void measure_all(void *arg)
{
	struct cost *c = arg;

	selftest_map(AREA, 1, VMA_READ | VMA_WRITE);
	EXPECT_EQ(clear_user((void __user *)AREA, PAGE_SIZE), 0);
	/* The first round translates the code where an emulator runs it. */
	for (int i = 0; i < 2; i++) {
		c->empty = measure(nothing);
		c->validation = measure(validate_user_pointer);
		c->copy = measure(copy_page);
	}
	/* One call of the way in is the test's own. */
	c->validation -= MIN(c->validation, c->empty);
	c->copy -= MIN(c->copy, c->empty);
}

void test_uaccess_cost(void)
{
	struct cost c;
	u64 permyriad;

	selftest_in_user_space("cost", measure_all, &c);
	EXPECT(c.copy > 0);
	permyriad = c.validation * 10000 / c.copy;
	log_printf("selftest: validation %llu, copy of a page %llu cycles or instructions: %llu.%02llu %%\n",
		   (unsigned long long)(c.validation / ROUNDS), (unsigned long long)(c.copy / ROUNDS),
		   (unsigned long long)(permyriad / 100), (unsigned long long)(permyriad % 100));
	EXPECT(permyriad < MAX_PERCENT * 100);
}
