/* SPDX-License-Identifier: MIT */
/* Traps of the debug registers. */
#ifndef X86_DEBUG_REGS_H
#define X86_DEBUG_REGS_H

#include <arch/impl/trap.h>
#include <arch/switch.h>

/* struct thread begins with it (sched.c). */
static inline struct arch_thread *current_arch_thread(void)
{
	return (struct arch_thread *)arch_current();
}

/* A debug exception in ring 3: its si_code, or 0 when it was not meant for this thread. Interrupts off. */
int debug_trap_user(struct trap_frame *f, struct arch_thread *t);
/* The kernel touched watched memory of a program, for which nobody is told. */
void debug_trap_kernel(struct arch_thread *t);

#endif
