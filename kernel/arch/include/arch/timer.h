/* SPDX-License-Identifier: MIT */
/* room: arch */
/* The machine contract for time. */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <moat/types.h>

/* Nanoseconds since the kernel's entry; never goes back. Any context. */
u64 clock_monotonic_ns(void);
/* Nanoseconds since 1970-01-01 UTC. */
u64 clock_realtime_ns(void);
/* The rate of cpu_cycles(), in thousands a second. */
u64 clock_cycles_khz(void);
/* Sets what clock_realtime_ns shows now. */
void clock_set_realtime_ns(u64 now_ns);

/* How to make time from the cycle counter: ns = base_ns + ((cycles - base_tsc) * mult >> 32). */
struct clock_params {
	u64 base_tsc, base_ns, mult;
	u64 realtime_offset_ns; /* realtime - monotonic */
};
/* fn is called at once and whenever the numbers change, possibly in interrupt context (the vDSO's data). */
void clock_set_listener(void (*fn)(const struct clock_params *p));

#endif
