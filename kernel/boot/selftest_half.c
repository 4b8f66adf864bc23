/* SPDX-License-Identifier: MIT */
/*
 * The kernel half is one and the same in every address space, also for what is mapped later.
 *
 *     older address space ─> many kernel stacks ─> a program in the older space, on the newest stack
 *
 * So many stacks that the newest lies under a page table that did not exist when the address space was made. If
 * the space did not see it, the first interrupt from ring 3 would find no stack: a double fault.
 */
#include <arch/timer.h>
#include <moat/heap.h>
#include <moat/log.h>
#include <moat/string.h>
#include "selftest_lib.h"

#define SPARE_STACKS  80  /* a page table covers 64 */
#define TABLE_SHIFT   21  /* bytes of kernel addresses under one page table, as a power of two */
#define TOP_ENTRIES   512 /* of the top level; the kernel has the upper half */
#define TICKS_IN_USER 3

static const u64 *kernel_half(const struct aspace *as)
{
	return (const u64 *)direct_map(as->pmap.root) + TOP_ENTRIES / 2;
}

static void expect_same_half(const struct aspace *a, const struct aspace *b)
{
	unsigned used = 0;

	for (unsigned i = 0; i < TOP_ENTRIES / 2; i++) {
		u64 e = kernel_half(a)[i], other = kernel_half(b)[i];
		if (e != other)
			panic("selftest: top-level entry %u is %#llx in one address space, %#llx in another",
			      TOP_ENTRIES / 2 + i, (unsigned long long)e, (unsigned long long)other);
		used += e != 0;
	}
	EXPECT(used > 0);
}

static void never(void *arg)
{
	(void)arg;
	panic("selftest: a thread that was never started runs");
}

static void await_user_ticks(const struct process *p, u64 ticks)
{
	const struct thread *t = p->leader;

	for (int i = 0; i < 1000 && __atomic_load_n(&t->user_ticks, __ATOMIC_RELAXED) < ticks; i++)
		EXPECT_EQ(sleep_until_ns(clock_monotonic_ns() + 1000000), 0);
	EXPECT(t->user_ticks >= ticks);
}

void test_shared_half(void)
{
	struct thread **spare = kcalloc(SPARE_STACKS, sizeof(struct thread *));
	struct aspace *older = selftest_aspace(), *second = selftest_aspace(), *newest;
	struct process *p;

	EXPECT(spare);
	for (unsigned i = 0; i < SPARE_STACKS; i++) {
		spare[i] = thread_create(&kernel_process, "spare", never, NULL);
		EXPECT(spare[i]);
	}
	aspace_get(older); /* to look at it once its process has gone */
	p = selftest_looper("older", older, 0x123456789abcdef);
	EXPECT(p->leader->arch.stack_base >> TABLE_SHIFT != spare[0]->arch.stack_base >> TABLE_SHIFT);
	newest = selftest_aspace();
	expect_same_half(older, second);
	expect_same_half(older, newest);

	process_start(p);
	await_user_ticks(p, TICKS_IN_USER);
	log_printf("selftest: %llu timer interrupts from ring 3 on a younger kernel stack\n",
		   (unsigned long long)p->leader->user_ticks);
	selftest_kill(p);
	expect_same_half(older, newest);
	expect_same_half(second, newest);

	aspace_put(older);
	aspace_put(second);
	aspace_put(newest);
	for (unsigned i = 0; i < SPARE_STACKS; i++)
		thread_free(spare[i]);
	kfree(spare);
}
