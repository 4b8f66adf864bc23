/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs at once, each kept busy by a kernel thread of its own:
 *
 *     - all CPUs that the machine has run threads, and each thread finds itself on one of them
 *     - a number under a spinlock, with and without interrupts, is counted by all: nothing is lost
 *     - frames and heap memory go from CPU to CPU and back: the ledger adds up
 *     - kernel stacks come and go: their mappings are flushed everywhere
 *     - all flush one address space, under one common spinlock and without, interrupts off: nobody waits for ever
 *
 * And smp-panic: all CPUs panic at the same moment, and there is one report.
 */
#include <arch/smp.h>
#include <arch/timer.h>
#include <moat/heap.h>
#include <moat/log.h>
#include "selftest_lib.h"

#define COUNTS	  200
#define EXCHANGE  100
#define STACKS	  6
#define FLUSHES	  12
#define MEET_NS	  20000000000ull
#define SETTLE_NS 100000000ull

static struct {
	struct spinlock lock;
	u64 count;	   /* [lock] */
	void *parked;	   /* [a] memory on its way from one CPU to another */
	struct page *page; /* [a] the same, a frame */
	u32 seen;	   /* [a] CPUs where a thread was, as bits */
	unsigned running;  /* [a] threads that have not finished */
	unsigned arrived;  /* [a] threads at the meeting */
	unsigned threads;  /* [I] */
	struct waitq finished;
	struct aspace *as; /* [I] the address space of all, where they have one */
} smp;

/*
 * Waits, busily, until every thread is here and each CPU has run one of them. A CPU that idles takes a waiting
 * thread from another, but the host decides when it runs at all: the end is for a CPU that never does.
 */
static void meet(void)
{
	u64 end = clock_monotonic_ns() + MEET_NS;
	u32 all = (1u << cpu_count()) - 1;

	__atomic_add_fetch(&smp.arrived, 1, __ATOMIC_SEQ_CST);
	while (clock_monotonic_ns() < end) {
		u32 seen = __atomic_or_fetch(&smp.seen, 1u << cpu_id(), __ATOMIC_SEQ_CST);

		if (seen == all && __atomic_load_n(&smp.arrived, __ATOMIC_SEQ_CST) == smp.threads)
			break;
		sched_yield();
	}
}

static void count(void)
{
	for (int i = 0; i < COUNTS; i++) {
		u64 irq = i % 2 ? cpu_irq_save() : 0;

		spin_lock(&smp.lock);
		smp.count++;
		spin_unlock(&smp.lock);
		if (i % 2)
			cpu_irq_restore(irq);
	}
}

static void exchange(void)
{
	for (int i = 0; i < EXCHANGE; i++) {
		struct page *page = frame_alloc(i % 4 == 0 ? 1 : 0, 0, FRAME_KERNEL);
		void *p = kmalloc((size_t)(1 + i % 3000));

		EXPECT(page && p);
		page = __atomic_exchange_n(&smp.page, page, __ATOMIC_SEQ_CST);
		p = __atomic_exchange_n(&smp.parked, p, __ATOMIC_SEQ_CST);
		if (page)
			frame_put(page);
		kfree(p);
	}
}

static void end_at_once(void *arg)
{
	(void)arg;
	thread_exit();
}

static void use_stacks(void)
{
	for (int i = 0; i < STACKS; i++) {
		struct thread *t = thread_create(&kernel_process, "short", end_at_once, NULL);

		EXPECT(t);
		thread_start(t);
		sched_yield();
	}
}

static void flush(void)
{
	struct tlb_batch batch;

	for (int i = 0; i < FLUSHES; i++) {
		u64 irq = cpu_irq_save();

		if (i % 2)
			spin_lock(&smp.lock);
		tlb_batch_init(&batch, &smp.as->pmap);
		if (i % 3)
			tlb_batch_add(&batch, USER_MIN);
		else
			tlb_batch_all(&batch);
		tlb_flush(&batch);
		if (i % 2)
			spin_unlock(&smp.lock);
		cpu_irq_restore(irq);
	}
}

static void finish(void)
{
	__atomic_sub_fetch(&smp.running, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&smp.finished);
}

static void work(void *arg)
{
	(void)arg;
	meet();
	count();
	exchange();
	use_stacks();
	finish();
	thread_exit();
}

static void work_in_user_space(void *arg)
{
	(void)arg;
	meet();
	flush();
	finish();
	process_exit(0);
}

static void begin(unsigned threads)
{
	smp.threads = threads;
	smp.running = threads;
	smp.arrived = 0;
	smp.seen = 0;
	smp.count = 0;
	spin_init(&smp.lock, RANK_MAPS);
	waitq_init(&smp.finished);
}

static void await_all(void)
{
	WAIT_EVENT_UNKILLABLE(&smp.finished, __atomic_load_n(&smp.running, __ATOMIC_ACQUIRE) == 0);
}

static void run_kernel_threads(unsigned threads)
{
	begin(threads);
	for (unsigned i = 0; i < threads; i++) {
		struct thread *t = thread_create(&kernel_process, "smp", work, NULL);
		EXPECT(t);
		thread_start(t);
	}
	await_all();
	EXPECT_EQ(smp.count, (u64)threads * COUNTS);
	EXPECT_EQ(smp.seen, (1u << cpu_count()) - 1);
	frame_put(smp.page);
	kfree(smp.parked);
	smp.page = smp.parked = NULL;
}

static void run_flushers(unsigned threads)
{
	struct process *p[CPU_MAX];

	begin(threads);
	smp.as = selftest_aspace();
	for (unsigned i = 0; i < threads; i++) {
		aspace_get(smp.as);
		p[i] = selftest_process("flush", smp.as, work_in_user_space, NULL);
		process_start(p[i]);
	}
	await_all();
	for (unsigned i = 0; i < threads; i++)
		EXPECT_EQ(selftest_reap(p[i]), 0);
	aspace_put(smp.as);
}

/* Threads that have said that they are done are gone a moment later. */
static void settle(void)
{
	EXPECT_EQ(sleep_until_ns(clock_monotonic_ns() + SETTLE_NS), 0);
}

void test_smp(void)
{
	struct ledger before;

	EXPECT_EQ(cpu_count(), cpu_possible_count());
	log_printf("selftest: %u CPUs\n", cpu_count());
	for (int round = 0; round < 3; round++) {
		if (round == 1)
			ledger_take(&before);
		run_kernel_threads(cpu_count());
		run_flushers(cpu_count());
		settle();
	}
	ledger_expect(&before, "several CPUs");
}

static void panic_with_others(void *arg)
{
	(void)arg;
	meet();
	panic("provoked by selftest=smp-panic");
}

void test_smp_panic(void)
{
	begin(cpu_count());
	for (unsigned i = 1; i < smp.threads; i++) {
		struct thread *t = thread_create(&kernel_process, "panic", panic_with_others, NULL);
		EXPECT(t);
		thread_start(t);
	}
	panic_with_others(NULL);
}
