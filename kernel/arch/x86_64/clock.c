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
 */
#include <arch/cpu.h>
#include <arch/impl/x86.h>
#include <arch/timer.h>
#include "apic.h"
#include "boot_info.h"
#include "clock.h"

#define CALIBRATION_MIN_NS 200000ull

static struct {
	u32 sequence;
	u64 base_tsc, base_ns;
	u64 mult; /* ns per cycle, 32.32 fixed point */
	u64 realtime_offset_ns;
} clk = {.mult = 1ull << 32};

/* Where the refinement counts from: a moment at which both counters were read. */
static struct {
	u64 tsc, phase_ns;
	u64 ticks, next; /* next: the tick at which to refine; 0 = not yet running */
} calibration;

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
		.realtime_offset_ns = clk.realtime_offset_ns,
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

static void set_rate(u64 tsc, u64 mult)
{
	__atomic_store_n(&clk.sequence, clk.sequence + 1, __ATOMIC_SEQ_CST);
	clk.base_ns = ns_at(tsc);
	clk.base_tsc = tsc;
	clk.mult = mult;
	__atomic_store_n(&clk.sequence, clk.sequence + 1, __ATOMIC_SEQ_CST);
	publish();
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

void clock_tick(void)
{
	u64 tsc, phase, ns;

	if (!calibration.next || ++calibration.ticks < calibration.next)
		return;
	calibration.next *= 2;
	sample(&tsc, &phase);
	ns = calibration.phase_ns + scale(tsc - calibration.tsc, clk.mult);
	/* The number of whole periods that brings the phase closest to the estimate. */
	ns = (ns + TICK_NS / 2 - phase) / TICK_NS * TICK_NS + phase;
	set_rate(tsc, rate(tsc - calibration.tsc, ns - calibration.phase_ns));
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
	return clock_monotonic_ns() + clk.realtime_offset_ns;
}

void clock_set_realtime_ns(u64 now_ns)
{
	clk.realtime_offset_ns = now_ns - clock_monotonic_ns();
	publish();
}
