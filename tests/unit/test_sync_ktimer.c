/* SPDX-License-Identifier: MIT */
/*
 * Kernel timers against a model, an array of deadlines: timers are set, set again and cancelled at random, time passes, and
 * each is called once, in order, not early and not more than one interrupt late.
 */
#include "unit.h"
#include <arch/cpu.h>
#include <arch/impl/fake.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <moat/ktimer.h>

#define TIMERS 200
#define STEPS  20000

static struct ktimer timers[TIMERS];
static u64 due[TIMERS]; /* by the monotonic clock; 0: not set */
static u64 last_due;
static unsigned calls;
static u64 seed;

static void fire(struct ktimer *t)
{
	size_t i = (size_t)(t - timers);

	assert_false(cpu_irq_enabled());
	assert_true(due[i] > 0);
	assert_true(due[i] <= clock_monotonic_ns());
	assert_true(due[i] >= last_due);
	last_due = due[i];
	due[i] = 0;
	calls++;
}

/* The interrupt, if it is time for it. */
static void interrupt(void)
{
	u64 irq = cpu_irq_save();

	last_due = 0;
	if (clock_monotonic_ns() >= fake_timer_ns) {
		fake_timer_ns = KTIMER_NEVER;
		ktimers_run();
		ktimers_limit(KTIMER_NEVER);
	}
	cpu_irq_restore(irq);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < TIMERS; i++)
		ktimer_init(&timers[i], fire);
	fake_timer_ns = 0;
	interrupt(); /* the tick after which timers work */
	calls = 0;
	return 0;
}

static void step(void)
{
	size_t i = unit_random_below(&seed, TIMERS);

	switch (unit_random_below(&seed, 4)) {
	case 0:
	case 1:
		due[i] = clock_monotonic_ns() + unit_random_below(&seed, 1000000);
		ktimer_set(&timers[i], due[i]);
		break;
	case 2:
		assert_int_equal(ktimer_cancel_sync(&timers[i]), due[i] > 0);
		due[i] = 0;
		break;
	default:
		fake_advance(unit_random_below(&seed, 20000));
	}
	interrupt();
	for (i = 0; i < TIMERS; i++) {
		assert_int_equal(ktimer_is_set(&timers[i]), due[i] > 0);
		assert_true(!due[i] || fake_timer_ns <= due[i]);
	}
}

static void test_model(void **state)
{
	(void)state;
	for (int i = 0; i < STEPS; i++)
		step();
	assert_true(calls > STEPS / 100);
	fake_advance(2000000);
	interrupt();
	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(due[i], 0);
	assert_true(fake_timer_ns == KTIMER_NEVER);
}

static void again(struct ktimer *t)
{
	if (++calls < 3)
		ktimer_set(t, clock_monotonic_ns() + 5000);
}

static void test_sets_itself(void **state)
{
	struct ktimer t;

	(void)state;
	ktimer_init(&t, again);
	ktimer_set(&t, clock_monotonic_ns() + 5000);
	for (int i = 0; i < 20; i++) {
		fake_advance(5000);
		interrupt();
	}
	assert_int_equal(calls, 3);
	assert_false(ktimer_cancel_sync(&t));
}

/* Set by another CPU than the one it stood on, it goes there; it can be cancelled from anywhere. */
static void test_moves(void **state)
{
	(void)state;
	due[0] = clock_monotonic_ns() + 5000;
	ktimer_set(&timers[0], due[0]);
	fake_set_cpu(1);
	fake_timer_ns = 0;
	interrupt();
	ktimer_set(&timers[0], due[0]);
	assert_int_equal(timers[0].cpu, 1);
	fake_advance(10000);
	interrupt();
	assert_int_equal(calls, 1);
	due[0] = clock_monotonic_ns() + 5000;
	ktimer_set(&timers[0], due[0]);
	fake_set_cpu(0);
	assert_true(ktimer_cancel_sync(&timers[0]));
	due[0] = 0;
}

static void test_realtime(void **state)
{
	u64 now;

	(void)state;
	clock_set_realtime_ns(1000000000000);
	now = clock_realtime_ns();
	due[0] = 1;
	ktimer_set_realtime(&timers[0], now + 1000000);
	due[1] = clock_monotonic_ns() + 3000000;
	ktimer_set(&timers[1], due[1]);
	/* Back by a second: the timer waits for longer. */
	clock_set_realtime_ns(now - 1000000000);
	ktimers_realtime_was_set();
	fake_advance(2000000);
	interrupt();
	assert_int_equal(calls, 0);
	/* Forth: it is due. */
	clock_set_realtime_ns(now + 2000000);
	ktimers_realtime_was_set();
	interrupt();
	assert_int_equal(calls, 1);
	assert_false(ktimer_is_set(&timers[0]));
	assert_true(ktimer_cancel(&timers[1]));
	due[1] = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_model, setup),
		cmocka_unit_test_setup(test_sets_itself, setup),
		cmocka_unit_test_setup(test_moves, setup),
		cmocka_unit_test_setup(test_realtime, setup),
	};

	return cmocka_run_group_tests_name("sync_ktimer", tests, NULL, NULL);
}
