/* SPDX-License-Identifier: MIT */
/* The clock's own side of arch/timer.h. */
#ifndef X86_CLOCK_H
#define X86_CLOCK_H

#include <moat/types.h>

/* First estimate of the cycle counter's rate; the APIC timer must be running since some time. Boot. */
/* Notes both counters; the APIC timer has just been started. */
void clock_start_calibration(void);
void clock_init(void);
/* Called at each timer tick: refines the rate over an ever longer span. */
void clock_tick(void);

#define CLOCK_SPAN_MIN_NS 1000000ull /* shorter settings of the timer are not measured with */

/* The first CPU's timer is about to be set anew or has fired; and: has just been set. Interrupts off. */
void clock_span_end(void);
void clock_span_begin(void);

#endif
