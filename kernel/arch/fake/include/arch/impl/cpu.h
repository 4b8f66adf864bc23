/* SPDX-License-Identifier: MIT */
/* The operations of arch/cpu.h on the fake machine (cpu.c). */
#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#include <moat/types.h>

struct thread;

u32 cpu_id(void);
u32 cpu_count(void);
struct thread *arch_current(void);
u64 cpu_cycles(void);
u64 cpu_irq_save(void);
void cpu_irq_restore(u64 state);

static inline void cpu_serve_requests(void)
{
}

#endif
