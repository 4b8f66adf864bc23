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
 * The same to user memory, every byte of the format but the header's, which is clear before; and back, where what is not well
 * formed is refused. 0 or -EFAULT; after a failed load the registers hold nothing of use.
 */
int __must_check fpu_save_user(u64 area);
int __must_check fpu_load_user(u64 area);
/* The registers to an area that nothing was written to yet. */
void fpu_copy_current(void *area);
/* The area must be well formed: XRSTOR faults otherwise. */
void fpu_load(const void *area);
/* Default state, in memory and in the registers. */
void fpu_reset(void *area);
/* Which SIGFPE si_code the pending floating-point exception is. */
int fpu_exception_code(bool simd);

#endif
