/* SPDX-License-Identifier: MIT */
/* Machine state of a thread that does not run: its stack pointer (the rest is on that stack) and ring-3 state. */
#ifndef ARCH_IMPL_SWITCH_H
#define ARCH_IMPL_SWITCH_H

#include <moat/types.h>

struct arch_thread {
	u64 saved_sp;
	u64 stack_base; /* lowest address of the kernel stack */
	u64 fs_base, gs_base;
	u32 fpu_cpu;		  /* the CPU whose registers held this state last, plus 1; 0: none */
	void *fpu;		  /* XSAVE area, 64-byte aligned; NULL: kernel thread */
	void *parked_fpu;	  /* the same while the thread stands still for its tracer, and fpu is NULL */
	struct debug_regs *debug; /* NULL: it has none */
};

#endif
