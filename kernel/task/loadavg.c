/* SPDX-License-Identifier: MIT */
/*
 * Load averages: each five seconds the threads that run or want to are counted, and three averages move towards that number,
 * so that what is 1, 5 or 15 minutes old counts e times less. As on Linux they are numbers with 11 bits after the point.
 *
 * No timer is set for it, which would wake idle CPUs: a busy CPU looks at its ticks. Moments that passed without a tick were
 * idle, and are made up for then, or when somebody asks.
 *
 * No lock: who moves next_ns on by a compare-and-exchange does the work; a reader may see one average before and another after it.
 */
#include "sched.h"

#define SAMPLE_NS   5000000000ull
#define ONE	    (1ull << LOAD_SHIFT)
#define SAMPLES_MAX 4096u /* after so many nothing is left of what was */

static u64 next_ns = SAMPLE_NS; /* [a] when the next sample is due */
static u64 loads[3];		/* [a] */

/* One sample: `active` threads. The parts of what was are e to the power of -5/60, -5/300 and -5/900. */
static void move(u64 active)
{
	static const u64 kept[3] = {1884, 2014, 2037};

	for (int i = 0; i < 3; i++) {
		u64 old = __atomic_load_n(&loads[i], __ATOMIC_RELAXED), target = active << LOAD_SHIFT;
		u64 load = old * kept[i] + target * (ONE - kept[i]);

		/* Rounded towards where it goes, so that it arrives. */
		__atomic_store_n(&loads[i], (load + (target >= old ? ONE - 1 : 0)) >> LOAD_SHIFT,
				 __ATOMIC_RELAXED);
	}
}

static u64 count_active(void)
{
	u64 n = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		n += queue_load(&sched_queues[cpu]);
	return n;
}

/* Makes up for what is due; `last`: how many were active at the last moment of these, at all others it was nobody. */
static void catch_up(u64 now, u64 (*last)(void))
{
	u64 next = __atomic_load_n(&next_ns, __ATOMIC_RELAXED), missed;

	if (likely(now < next))
		return;
	missed = (now - next) / SAMPLE_NS;
	if (!__atomic_compare_exchange_n(&next_ns, &next, next + (missed + 1) * SAMPLE_NS, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	for (u64 i = 0; i < MIN(missed, (u64)SAMPLES_MAX); i++)
		move(0);
	move(last ? last() : 0);
}

void load_sample(u64 now_ns)
{
	catch_up(now_ns, count_active);
}

void load_averages(u64 out[3])
{
	catch_up(clock_monotonic_ns(), NULL);
	for (int i = 0; i < 3; i++)
		out[i] = __atomic_load_n(&loads[i], __ATOMIC_RELAXED);
}
