/* SPDX-License-Identifier: MIT */
/* Several CPUs: which there are, and the interrupts that they send one another. So far only the first one is started. */
#include <arch/smp.h>
#include <arch/trap.h>
#include <moat/panic.h>

u32 cpu_count(void)
{
	return 1;
}

u32 cpu_possible_count(void)
{
	return 1;
}

void cpu_send_reschedule(u32 cpu)
{
	ASSERT(cpu == cpu_id());
	sched_ipi();
}

void cpu_is_ready(void)
{
}
