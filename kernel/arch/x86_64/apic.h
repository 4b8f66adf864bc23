/* SPDX-License-Identifier: MIT */
/* Local APIC, I/O APIC and the interrupts that come through them. */
#ifndef X86_APIC_H
#define X86_APIC_H

#include <moat/types.h>

/* QEMU's and KVM's local APIC timers count nanoseconds. */
#define TICK_NS	       4000000ull
#define APIC_TIMER_MAX 0xffffffffull

void apic_init(void);
/* Starts the periodic timer of this CPU. */
void apic_timer_start(u64 period_ns);
/* Nanoseconds since the first CPU's period began, and how long it is. On the first CPU. */
u64 apic_timer_phase_ns(void);
u64 apic_timer_period_ns(void);
void interrupt_dispatch(u64 vector, bool from_user);

#endif
