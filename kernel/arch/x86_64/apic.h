/* SPDX-License-Identifier: MIT */
/* Local APIC, I/O APIC and the interrupts that come through them. */
#ifndef X86_APIC_H
#define X86_APIC_H

#include <moat/types.h>

/* QEMU's and KVM's local APIC timers count nanoseconds. */
#define TICK_NS	       4000000ull
#define APIC_TIMER_MAX 0xffffffffull

void apic_init(void);
/* The local APIC of a CPU that was started after the first, and its tick. */
void apic_start_cpu(void);
/* An interrupt, an NMI to another CPU. Interrupts off. */
void apic_send_ipi(u32 cpu, u8 vector);
void apic_send_nmi(u32 cpu);
/* The two steps of starting a CPU: stop it where it is, and let it begin at the start of a page below 1 MiB. */
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);
/* Starts the periodic timer of this CPU; 0: stops it. */
void apic_timer_start(u64 period_ns);
/* Nanoseconds since the first CPU's period began, and how long it is. On the first CPU. */
u64 apic_timer_phase_ns(void);
u64 apic_timer_period_ns(void);
void interrupt_dispatch(u64 vector, bool from_user);

#endif
