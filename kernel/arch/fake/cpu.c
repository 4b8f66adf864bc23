/* SPDX-License-Identifier: MIT */
/* The fake machine's CPUs: a number and an interrupt flag each. A panic ends the test program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <arch/cpu.h>
#include <arch/impl/fake.h>
#include <arch/smp.h>
#include <arch/switch.h>
#include <arch/timer.h>
#include <moat/panic.h>

static u32 current_cpu, cpus_used = 1;
static bool irq_enabled[CPU_MAX] = {[0 ... CPU_MAX - 1] = true};
static u64 fake_ns; /* the clock: a little later each time somebody looks */
static u64 realtime_offset;
u64 fake_timer_ns = UINT64_MAX;

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "moat-panic: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	abort();
}

void fake_set_cpu(u32 cpu)
{
	ASSERT(cpu < CPU_MAX);
	current_cpu = cpu;
	cpus_used = MAX(cpus_used, cpu + 1);
}

u32 cpu_id(void)
{
	return current_cpu;
}

u64 cpu_irq_save(void)
{
	u64 state = irq_enabled[current_cpu];

	irq_enabled[current_cpu] = false;
	return state;
}

void cpu_irq_restore(u64 state)
{
	irq_enabled[current_cpu] = state != 0;
}

bool cpu_irq_enabled(void)
{
	return irq_enabled[current_cpu];
}

unsigned current_privilege_level(void)
{
	return 0;
}

bool cpu_random(u64 *out)
{
	(void)out;
	return false;
}

u64 cpu_cycles(void)
{
	return fake_ns += 1000;
}

u64 clock_cycles_khz(void)
{
	return 1000000;
}

u64 clock_monotonic_ns(void)
{
	return fake_ns += 1000;
}

u64 clock_realtime_ns(void)
{
	return clock_monotonic_ns() + realtime_offset;
}

void clock_set_realtime_ns(u64 now_ns)
{
	realtime_offset = now_ns - fake_ns;
}

struct thread *arch_current(void)
{
	return NULL;
}

u32 cpu_count(void)
{
	return cpus_used;
}

void cpu_send_reschedule(u32 cpu)
{
	(void)cpu;
}

void fake_advance(u64 ns)
{
	fake_ns += ns;
}

void cpu_timer_set(u64 deadline_ns)
{
	fake_timer_ns = deadline_ns;
}
