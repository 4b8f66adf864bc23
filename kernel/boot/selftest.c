/* SPDX-License-Identifier: MIT */
/*
 * Boot tests. Each proves something that no program can show from outside; `selftest=NAME` picks one:
 *
 *     panic     provokes a panic, so that its report and status can be seen
 *     overflow  runs off a kernel stack: the guard page must name the thread
 */
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/parse.h>
#include <moat/string.h>
#include <moat/task.h>
#include "selftest.h"

#define NAME_BYTES 32

static void test_panic(void)
{
	panic("provoked by selftest=panic");
}

/* Uses a little stack at each level; the volatile read keeps the compiler from making it a loop. */
static __noinline u64 recurse(volatile u64 *depth)
{
	volatile u64 here = *depth + 1;

	if (here == UINT64_MAX)
		return 0;
	return here + recurse(&here) + here;
}

static void test_overflow(void)
{
	volatile u64 depth = 0;

	log_printf("%llu\n", (unsigned long long)recurse(&depth));
}

static const struct selftest {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"panic", test_panic},
	{"overflow", test_overflow},
};

void selftest_run(const char *cmdline)
{
	char name[NAME_BYTES];

	if (!CONFIG_DEBUG || !cmdline_get(cmdline, "selftest", name, sizeof(name)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(tests[i].name, name) == 0)
			tests[i].run();
	}
	panic("selftest %s did not end the machine, or is not known", name);
}
