/* SPDX-License-Identifier: MIT */
/* How the kernel tells of its own end. */
#ifndef X86_PANIC_REPORT_H
#define X86_PANIC_REPORT_H

#include <arch/impl/trap.h>
#include <moat/types.h>

/* A trap that the kernel must not have caused: registers, backtrace, end. addr is CR2 for page faults. */
__noreturn void panic_trap(const struct trap_frame *f, u64 addr);
void backtrace_from(u64 rip, u64 rbp);

#endif
