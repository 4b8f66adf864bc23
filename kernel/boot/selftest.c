/* SPDX-License-Identifier: MIT */
/*
 * Boot tests. Each proves something that no program can show from outside; `selftest=NAME` picks one:
 *
 *     panic         provokes a panic, so that its report and status can be seen
 *     overflow      runs off a kernel stack: the guard page must name the thread
 *     shared-half   a kernel stack that is younger than an address space works in it
 *     uaccess       every edge of the user-access module
 *     smap          reads user memory without the module, which must end in a panic
 *     uaccess-cost  what checking a pointer costs beside copying one page
 *     attacks       one machine survives all attacks of /attacks, one after the other
 *     spawn-leak    programs come and go, also when memory runs out on the way, and leave nothing
 *     threads       kernel threads and programs take turns; locks and wait queues keep their promises
 *     smp           all CPUs at once: locks, memory, stacks, TLB flushes
 *     smp-panic     all CPUs panic at the same moment: one report
 *     kasan-...     six mistakes with memory, each of which must end in a report of the address checker
 *
 * A test that passes ends the machine as a program that exited with 0 does; one that fails panics.
 */
#include <moat/dev.h>
#include <moat/log.h>
#include <moat/parse.h>
#include <moat/string.h>
#include "selftest.h"
#include "selftest_lib.h"

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
	bool must_panic; /* returning is the failure */
} tests[] = {
	{"panic", test_panic, true},
	{"overflow", test_overflow, true},
	{"shared-half", test_shared_half, false},
	{"uaccess", test_uaccess, false},
	{"smap", test_smap, true},
	{"uaccess-cost", test_uaccess_cost, false},
	{"attacks", test_attacks, false},
	{"spawn-leak", test_spawn_leak, false},
	{"threads", test_threads, false},
	{"smp", test_smp, false},
	{"smp-panic", test_smp_panic, true},
	{"kasan-read", test_kasan_read, true},
	{"kasan-write", test_kasan_write, true},
	{"kasan-late-use", test_kasan_late_use, true},
	{"kasan-double-free", test_kasan_double_free, true},
	{"kasan-frame", test_kasan_frame, true},
	{"kasan-global", test_kasan_global, true},
};

/* The report of a program that exited with 0, so that the command does too. */
static __noreturn void end_passed(const char *name)
{
	log_printf("selftest: %s passed\n", name);
	control_printf("exit 0");
	control_printf("end");
	dev_end_machine(MACHINE_DONE);
}

void selftest_run(const char *cmdline)
{
	char name[NAME_BYTES];

	if (!CONFIG_DEBUG || !cmdline_get(cmdline, "selftest", name, sizeof(name)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		const struct selftest *t = &tests[i];
		if (strcmp(t->name, name) != 0)
			continue;
		t->run();
		if (t->must_panic)
			panic("selftest: %s came back, the kernel did not notice", name);
		end_passed(name);
	}
	panic("selftest: there is no test called %s", name);
}
