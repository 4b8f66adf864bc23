/* SPDX-License-Identifier: MIT */
/* FPU, SSE and AVX state of the thread that runs. Areas are 64-byte aligned, cpu_features.xsave_bytes long. */
#ifndef X86_FPU_H
#define X86_FPU_H

#include <moat/types.h>

/* What a new program starts with, in memory. */
void fpu_default(void *area);
/* Registers to memory: what has changed. */
void fpu_save(void *area);
/*
 * The same with user memory in XSAVE's format, with `mark` behind it: only where the CPU has XSAVE. Saving needs a header of
 * zeros there. Loading takes the state components in `features` and expects the mark `mark_at` bytes from the start. 0;
 * -EFAULT; loading: -ENOENT without the mark, and after -EFAULT nobody knows what the registers hold. May sleep.
 */
int __must_check fpu_save_user(void __user *area, u32 mark);
int __must_check fpu_load_user(const void __user *area, u64 features, u64 mark_at, u32 mark);
/* The registers to an area that nothing was written to yet. */
void fpu_copy_current(void *area);
/* The area must be well formed: XRSTOR faults otherwise. */
void fpu_load(const void *area);
/* Default state, in memory and in the registers. */
void fpu_reset(void *area);
/* Which SIGFPE si_code the pending floating-point exception is. */
int fpu_exception_code(bool simd);

#endif
