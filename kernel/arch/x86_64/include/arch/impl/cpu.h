/* SPDX-License-Identifier: MIT */
/* The operations of arch/cpu.h that are a few instructions each. */
#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#include <arch/impl/percpu.h>
#include <moat/types.h>

static inline u32 cpu_id(void)
{
	u32 id;

	asm volatile("movl %%gs:%c1, %0" : "=r"(id) : "i"(CPU_NUMBER));
	return id;
}

static inline struct thread *arch_current(void)
{
	struct thread *t;

	asm volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(CPU_CURRENT));
	return t;
}

/* One instruction: neither an interrupt nor another CPU comes in between. */
static inline void cpu_count_call(u64 nr)
{
	asm volatile("incq %%gs:%c1(,%0,8)" : : "r"(nr), "i"(offsetof(struct cpu, calls)) : "memory", "cc");
}

static inline u64 *cpu_calls(u32 cpu)
{
	return cpus[cpu].calls;
}

extern u32 cpus_running; /* [a] */

static inline u32 cpu_count(void)
{
	return __atomic_load_n(&cpus_running, __ATOMIC_ACQUIRE);
}

void cpu_serve_all_requests(void);

static inline void cpu_serve_requests(void)
{
	if (__atomic_load_n(&this_cpu()->flush_wanted, __ATOMIC_RELAXED))
		cpu_serve_all_requests();
}

static inline u64 cpu_cycles(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline u64 cpu_irq_save(void)
{
	u64 flags;

	asm volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void cpu_irq_restore(u64 state)
{
	/* QEMU ends a block at POPF once, but at STI twice, for the instruction behind it is one that no interrupt precedes. */
	asm volatile("pushq %0; popfq" : : "r"(state) : "memory", "cc");
}

#endif
