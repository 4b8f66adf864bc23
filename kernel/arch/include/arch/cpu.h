/* SPDX-License-Identifier: MIT */
/* room: arch */
/* The machine contract for CPUs: identity, interrupts, idling. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <moat/types.h>

#define CPU_MAX 8

/*
 * Defined by arch/impl/cpu.h, inline where the machine allows:
 *
 * u32 cpu_id(void)                   0 .. CPU_MAX - 1
 * u64 cpu_irq_save(void)             disables interrupts on this CPU; the state before, for cpu_irq_restore
 * void cpu_irq_restore(u64 state)
 * struct thread *arch_current(void)  the thread that this CPU runs
 * u64 cpu_cycles(void)               the cycle counter
 * u32 cpu_count(void)                how many CPUs run threads (arch/smp.h)
 * void cpu_count_call(u64 nr)        one more system call nr < CALLS_COUNTED on this CPU
 * u64 *cpu_calls(u32 cpu)            those counts of one CPU
 */
#include <arch/impl/cpu.h>

bool cpu_irq_enabled(void);
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}
/*
 * Does what other CPUs wait for, if they do. To be called again and again by whoever waits in a loop for another CPU with
 * interrupts off or a spinlock held: that CPU may wait for this one. Takes no lock, does not sleep. Any context.
 *
 * void cpu_serve_requests(void), defined by arch/impl/cpu.h
 */
/* Privilege level of the code that is running: 0 kernel, 3 user (U5). */
unsigned current_privilege_level(void);
static inline bool in_kernel_mode(void)
{
	return current_privilege_level() == 0;
}
/* One hardware random number; false when the CPU has none (or the run is deterministic). */
bool cpu_random(u64 *out);

/* What the CPU says of itself, for /proc/cpuinfo. */
struct cpu_description {
	char vendor[13], name[49];
	u32 family, model, stepping, level, line_bytes, physical_bits, virtual_bits;
	u64 khz;
	size_t flags_len;
	char flags[1200]; /* features in Linux's words, terminated, a blank before each */
};
void cpu_describe(struct cpu_description *out);

#endif
