/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers (SDM 3A chapter 10; Intel 82093AA for the I/O APIC). The old PICs are masked where they exist.
 * The local APIC's timer gives the tick; device lines come through the I/O APIC to the first CPU, edge-triggered.
 */
#include <asm/errno.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <arch/timer.h>
#include <arch/trap.h>
#include <moat/log.h>
#include <moat/panic.h>
#include "apic.h"
#include "clock.h"
#include "cpu_features.h"
#include "smp.h"

#define LAPIC_PHYS	 0xfee00000u
#define IOAPIC_PHYS	 0xfec00000u
#define LAPIC_ID	 0x020
#define LAPIC_EOI	 0x0b0
#define LAPIC_SPURIOUS	 0x0f0
#define LAPIC_ENABLE	 0x100u
#define LAPIC_ICR_LOW	 0x300 /* SDM 3A, 10.6.1 */
#define LAPIC_ICR_HIGH	 0x310
#define LAPIC_LVT_TIMER	 0x320
#define LAPIC_LVT_LINT0	 0x350
#define LAPIC_LVT_LINT1	 0x360
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_NOW	 0x390
#define LAPIC_TIMER_DIV	 0x3e0
#define LAPIC_PERIODIC	 (1u << 17)
#define LAPIC_MASKED	 (1u << 16)
#define LAPIC_DIVIDE_1	 0xbu
#define ICR_NMI		 0x400u
#define ICR_INIT	 0x500u
#define ICR_STARTUP	 0x600u
#define ICR_BUSY	 (1u << 12)
#define ICR_ASSERT	 (1u << 14)

#define IOAPIC_SELECT 0
#define IOAPIC_WINDOW 4 /* in words of 32 bits */
#define IOAPIC_LINES  24

struct irq_line {
	void (*fn)(void *arg);
	void *arg;
};

static volatile u32 *lapic;
static volatile u32 *ioapic;
static struct irq_line lines[IOAPIC_LINES]; /* [I] after boot */
static u64 timer_period;		    /* [first CPU] */

static u32 lapic_read(unsigned reg)
{
	return lapic[reg / 4];
}

static void lapic_write(unsigned reg, u32 v)
{
	lapic[reg / 4] = v;
}

static void ioapic_write(u8 reg, u32 v)
{
	ioapic[IOAPIC_SELECT] = reg;
	ioapic[IOAPIC_WINDOW] = v;
}

/* This CPU's own APIC: all have theirs at the same address. */
static void lapic_setup(void)
{
	lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VEC_SPURIOUS);
	lapic_write(LAPIC_LVT_LINT0, LAPIC_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LAPIC_MASKED);
	lapic_write(LAPIC_TIMER_DIV, LAPIC_DIVIDE_1);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_PERIODIC | VEC_TIMER);
}

void apic_init(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	lapic = mmio_map(paddr(LAPIC_PHYS), PAGE_SIZE);
	ioapic = mmio_map(paddr(IOAPIC_PHYS), PAGE_SIZE);
	if (!lapic || !ioapic)
		panic("no room to map the APICs");
	lapic_setup();
	/* Masked is enough: irq_register writes the other half of an entry before it unmasks it. */
	for (u8 i = 0; i < IOAPIC_LINES; i++)
		ioapic_write((u8)(0x10 + 2 * i), LAPIC_MASKED);
}

/* Makes this CPU's timer fire once, or again and again. It starts out periodic. */
static void timer_mode(struct cpu *c, bool periodic)
{
	if (c->timer_fires_once != periodic)
		return;
	c->timer_fires_once = !periodic;
	/* What it was set for once may be too short for a period. */
	if (periodic)
		lapic_write(LAPIC_TIMER_INIT, 0);
	lapic_write(LAPIC_LVT_TIMER, (periodic ? LAPIC_PERIODIC : 0) | VEC_TIMER);
}

void apic_start_cpu(void)
{
	lapic_setup();
	apic_timer_start(TICK_NS);
}

/* Two writes that belong together: interrupts off. */
static void send(u32 apic_id, u32 what)
{
	struct cpu *c = this_cpu();

	while (!cpu_features.hypervisor && (lapic_read(LAPIC_ICR_LOW) & ICR_BUSY))
		cpu_relax();
	/* Each access of an emulated APIC waits for a lock of the emulator. */
	if (c->ipi_to != apic_id + 1)
		lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
	c->ipi_to = apic_id + 1;
	lapic_write(LAPIC_ICR_LOW, what);
}

void apic_send_ipi(u32 cpu, u8 vector)
{
	send(smp_apic_id(cpu), ICR_ASSERT | vector);
}

void apic_send_nmi(u32 cpu)
{
	send(smp_apic_id(cpu), ICR_ASSERT | ICR_NMI);
}

void apic_send_init(u32 apic_id)
{
	u64 irq = cpu_irq_save();

	send(apic_id, ICR_ASSERT | ICR_INIT);
	cpu_irq_restore(irq);
}

void apic_send_startup(u32 apic_id, u8 page)
{
	u64 irq = cpu_irq_save();

	send(apic_id, ICR_ASSERT | ICR_STARTUP | page);
	cpu_irq_restore(irq);
}

void apic_timer_start(u64 period_ns)
{
	if (cpu_id() == 0)
		timer_period = period_ns;
	lapic_write(LAPIC_TIMER_INIT, (u32)period_ns);
}

u64 apic_timer_phase_ns(void)
{
	return timer_period - lapic_read(LAPIC_TIMER_NOW);
}

u64 apic_timer_period_ns(void)
{
	return timer_period;
}

/*
 * A span long enough for the clock to be measured with is made of a periodic timer: what it shows when its interrupt is
 * handled tells how late that is; it is stopped when nobody sets it then. A short period is not: an emulated timer that has
 * fallen behind makes up for each period it missed, and with periods of nanoseconds falls further behind by that, for ever.
 */
void cpu_timer_set(u64 deadline_ns)
{
	struct cpu *c = this_cpu();
	u64 now, ns;

	if (c->id == 0)
		clock_span_end();
	now = clock_monotonic_ns();
	ns = deadline_ns > now ? deadline_ns - now : 1;
	c->timer_is_oneshot = true;
	c->timer_is_set = deadline_ns != UINT64_MAX;
	timer_mode(c, ns >= CLOCK_SPAN_MIN_NS);
	apic_timer_start(c->timer_is_set ? MIN(ns, APIC_TIMER_MAX) : 0);
	if (c->id == 0 && c->timer_is_set)
		clock_span_begin();
}

static void timer_fired(bool from_user)
{
	struct cpu *c = this_cpu();

	if (!c->timer_is_oneshot) {
		if (c->id == 0)
			clock_tick();
		timer_tick(from_user);
		return;
	}
	if (c->id == 0)
		clock_span_end();
	c->timer_is_set = false;
	sched_timer(from_user);
	if (!c->timer_is_set)
		apic_timer_start(0);
}

int irq_register(u32 gsi, void (*fn)(void *), void *arg)
{
	if (gsi >= IOAPIC_LINES)
		return -EINVAL;
	if (lines[gsi].fn)
		return -EBUSY;
	lines[gsi] = (struct irq_line){fn, arg};
	ioapic_write((u8)(0x11 + 2 * gsi), lapic_read(LAPIC_ID));
	ioapic_write((u8)(0x10 + 2 * gsi), VEC_GSI_BASE + gsi);
	return 0;
}

void interrupt_dispatch(u64 vector, bool from_user)
{
	this_cpu()->interrupts++;
	if (vector == VEC_SPURIOUS)
		return;
	lapic_write(LAPIC_EOI, 0);
	if (vector == VEC_FLUSH) {
		cpu_serve_all_requests();
	} else if (vector == VEC_RESCHEDULE) {
		sched_ipi();
	} else if (vector == VEC_TIMER) {
		timer_fired(from_user);
	} else if (vector >= VEC_GSI_BASE && vector < VEC_GSI_BASE + IOAPIC_LINES &&
		   lines[vector - VEC_GSI_BASE].fn) {
		struct irq_line *l = &lines[vector - VEC_GSI_BASE];
		l->fn(l->arg);
	} else {
		log_printf("irq: unexpected vector %llu\n", (unsigned long long)vector);
	}
}

u8 port_in8(u16 port)
{
	return inb(port);
}

void port_out8(u16 port, u8 value)
{
	outb(port, value);
}

void port_out32(u16 port, u32 value)
{
	outl(port, value);
}
