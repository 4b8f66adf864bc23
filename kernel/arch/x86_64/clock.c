/* SPDX-License-Identifier: MIT */
/*
 * Time is the cycle counter (TSC) scaled to nanoseconds: ns = base_ns + ((tsc - base_tsc) * mult >> 32).
 *
 * The counter's rate is not told by every hypervisor, so it is measured against the local APIC's timer, whose rate is
 * known: first over the few hundred microseconds that boot takes anyway, later over the whole time since then,
 * at tick 1, 2, 4, 8 … Ticks may be lost while the host is busy, so whole periods are not counted but told from the
 * estimate so far, which is always good to a small part of a period. The clock is re-based at each
 * refinement so that it never jumps; a reader that sees an odd sequence number tries again. The vDSO gets the
 * same numbers.
 *
 * Once the first CPU's timer is set for deadlines (cpu_timer_set), no period goes on for long. Then both counters are read
 * when the timer is set and before it is set anew, and the spans between are added up: what a reading is late by is the
 * same at both ends.
 *
 * Only the first CPU measures and writes; all read. Any may set the time of day, which is an offset. The counters of the CPUs are taken to be in step, as those of virtual
 * machines are.
 */
#include <arch/cpu.h>
#include <arch/impl/x86.h>
#include <arch/timer.h>
#include <moat/spinlock.h>
#include "apic.h"
#include "boot_info.h"
#include "clock.h"

#define CALIBRATION_MIN_NS 200000ull
#define SPANS_SKIPPED	   15
#define NS_PER_S	   1000000000ull

static struct {
	u32 sequence;
	u64 base_tsc, base_ns;
	u64 mult; /* ns per cycle, 32.32 fixed point */
	u64 realtime_offset_ns;
} clk = {.mult = 1ull << 32};
static struct spinlock publish_lock = SPINLOCK_INIT(RANK_RANDOM); /* one at a time tells the listener */

/* Where the refinement counts from: a moment at which both counters were read. */
static struct {
	u64 tsc, phase_ns;
	u64 ticks, next; /* next: the tick at which to refine; 0 = not yet running, or no ticks any more */
} calibration;

/* Refinement without ticks. [first CPU, interrupts off] */
static struct {
	bool open;	   /* a span is being measured, since: */
	u64 tsc, phase_ns; /* what the two counters showed then */
	u64 cycles, ns;	   /* of all spans so far */
	u64 next_ns;	   /* refine when `ns` is this */
	u32 skip;	   /* spans not to measure before the next one */
} spans = {.next_ns = TICK_NS};

static void (*listener)(const struct clock_params *);

static u64 scale(u64 cycles, u64 mult)
{
	return (u64)((unsigned __int128)cycles * mult >> 32);
}

static u64 ns_at(u64 tsc)
{
	return clk.base_ns + scale(tsc - clk.base_tsc, clk.mult);
}

static void publish(void)
{
	struct clock_params p = {
		.base_tsc = clk.base_tsc,
		.base_ns = clk.base_ns,
		.mult = clk.mult,
		.realtime_offset_ns = __atomic_load_n(&clk.realtime_offset_ns, __ATOMIC_RELAXED),
	};

	if (listener)
		listener(&p);
}

void clock_set_listener(void (*fn)(const struct clock_params *))
{
	listener = fn;
	publish();
}

u64 clock_cycles_khz(void)
{
	return (1000000ull << 32) / clk.mult;
}

/* No reader has a counter later than ours with the old rate: it would see the odd number and try again. */
static void set_rate(u64 mult)
{
	u64 tsc, irq = spin_lock_irqsave(&publish_lock);

	__atomic_store_n(&clk.sequence, clk.sequence + 1, __ATOMIC_SEQ_CST);
	tsc = rdtsc();
	clk.base_ns = ns_at(tsc);
	clk.base_tsc = tsc;
	clk.mult = mult;
	__atomic_store_n(&clk.sequence, clk.sequence + 1, __ATOMIC_SEQ_CST);
	publish();
	spin_unlock_irqrestore(&publish_lock, irq);
}

/* Reads both counters as close together as they can be: the shortest of a few tries. */
static void sample(u64 *tsc, u64 *phase_ns)
{
	u64 best = UINT64_MAX;

	*tsc = *phase_ns = 0;
	for (int i = 0; i < 4; i++) {
		u64 t0 = rdtsc(), phase = apic_timer_phase_ns(), t1 = rdtsc();
		if (t1 - t0 < best) {
			best = t1 - t0;
			*tsc = t0 + (t1 - t0) / 2;
			*phase_ns = phase;
		}
	}
}

/* ns / cycles in 32.32 fixed point: a 128 by 64 bit division, which C has no name for without a library. */
static u64 rate(u64 cycles, u64 ns)
{
	u64 quotient, rest;

	if (cycles <= ns >> 32)
		return 1ull << 32;
	asm("divq %4" : "=a"(quotient), "=d"(rest) : "0"(ns << 32), "1"(ns >> 32), "r"(cycles) : "cc");
	return quotient;
}

void clock_start_calibration(void)
{
	apic_timer_start(APIC_TIMER_MAX);
	sample(&calibration.tsc, &calibration.phase_ns);
}

void clock_init(void)
{
	u64 tsc, phase;

	do
		sample(&tsc, &phase);
	while (phase - calibration.phase_ns < CALIBRATION_MIN_NS);
	/* The kernel's entry is the zero of monotonic time. */
	clk.base_tsc = boot_info.entry_tsc;
	clk.mult = rate(tsc - calibration.tsc, phase - calibration.phase_ns);
	apic_timer_start(TICK_NS);
	sample(&calibration.tsc, &calibration.phase_ns);
	calibration.next = 1;
}

/*
 * Nanoseconds between two readings, the estimate so far rounded to what the phases leave possible: whole periods and
 * their difference.
 */
static u64 between(u64 cycles, u64 phase_from, u64 phase_to, u64 period)
{
	u64 ns = phase_from + scale(cycles, clk.mult);

	return (ns + period / 2 - phase_to) / period * period + phase_to - phase_from;
}

void clock_tick(void)
{
	u64 tsc, phase;

	if (!calibration.next || ++calibration.ticks < calibration.next)
		return;
	calibration.next *= 2;
	sample(&tsc, &phase);
	set_rate(rate(tsc - calibration.tsc,
		      between(tsc - calibration.tsc, calibration.phase_ns, phase, TICK_NS)));
}

void clock_span_end(void)
{
	u64 tsc, phase;

	if (!spans.open)
		return;
	spans.open = false;
	sample(&tsc, &phase);
	spans.cycles += tsc - spans.tsc;
	spans.ns += between(tsc - spans.tsc, spans.phase_ns, phase, apic_timer_period_ns());
	if (spans.ns < spans.next_ns)
		return;
	spans.next_ns = 2 * spans.ns;
	set_rate(rate(spans.cycles, spans.ns));
}

void clock_span_begin(void)
{
	calibration.next = 0;
	if (spans.skip > 0) {
		spans.skip--;
		return;
	}
	/* A short period could be miscounted. After the first second the rate is known well enough to look less often. */
	if (apic_timer_period_ns() < CLOCK_SPAN_MIN_NS)
		return;
	if (spans.ns > NS_PER_S)
		spans.skip = SPANS_SKIPPED;
	sample(&spans.tsc, &spans.phase_ns);
	spans.open = true;
}

u64 clock_monotonic_ns(void)
{
	u32 seq;
	u64 ns;

	do {
		seq = __atomic_load_n(&clk.sequence, __ATOMIC_ACQUIRE);
		ns = ns_at(rdtsc());
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((seq & 1) || seq != __atomic_load_n(&clk.sequence, __ATOMIC_RELAXED));
	return ns;
}

u64 clock_realtime_ns(void)
{
	return clock_monotonic_ns() + __atomic_load_n(&clk.realtime_offset_ns, __ATOMIC_RELAXED);
}

void clock_set_realtime_ns(u64 now_ns)
{
	u64 irq = spin_lock_irqsave(&publish_lock);

	__atomic_store_n(&clk.realtime_offset_ns, now_ns - clock_monotonic_ns(), __ATOMIC_RELAXED);
	publish();
	spin_unlock_irqrestore(&publish_lock, irq);
}
