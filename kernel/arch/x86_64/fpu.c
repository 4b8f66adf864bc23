/* SPDX-License-Identifier: MIT */
/* FPU state by XSAVE where the CPU has it, FXSAVE otherwise (SDM 1, chapter 13). The kernel itself uses none of it. */
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <arch/uaccess.h>
#include <moat/string.h>
#include "cpu_features.h"
#include "fpu.h"

#define FXSAVE_MXCSR	    24
#define FPU_CONTROL_DEFAULT 0x37f
#define MXCSR_DEFAULT	    0x1f80
#define XSAVE_HEADER	    512 /* offset of XSTATE_BV */
#define XSAVE_HEADER_BYTES  64
#define XSTATE_X87_SSE	    3u

u32 user_xsave(void *area, u32 low, u32 high, u64 bytes, u32 mark);
u32 user_xrstor(const void *area, u32 low, u32 high, u64 bytes, u32 mark);

void fpu_default(void *area)
{
	memset(area, 0, cpu_features.xsave_bytes);
	*(u16 *)area = FPU_CONTROL_DEFAULT;
	*(u32 *)((char *)area + FXSAVE_MXCSR) = MXCSR_DEFAULT;
	if (cpu_features.xsave)
		*(u64 *)((char *)area + XSAVE_HEADER) = XSTATE_X87_SSE;
}

void fpu_save(void *area)
{
	u32 lo = (u32)cpu_features.xcr0, hi = (u32)(cpu_features.xcr0 >> 32);

	if (cpu_features.xsaveopt)
		asm volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else if (cpu_features.xsave)
		asm volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_load(const void *area)
{
	u32 lo = (u32)cpu_features.xcr0, hi = (u32)(cpu_features.xcr0 >> 32);

	if (cpu_features.xsave)
		asm volatile("xrstor64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

static void save_standard(void *area)
{
	u32 lo = (u32)cpu_features.xcr0, hi = (u32)(cpu_features.xcr0 >> 32);

	if (cpu_features.xsave)
		asm volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

/* XSAVE leaves alone what it does not save: the header must be clear for XRSTOR to take it. */
void fpu_copy_current(void *area)
{
	memset((char *)area + XSAVE_HEADER, 0, XSAVE_HEADER_BYTES);
	save_standard(area);
}

int fpu_save_user(void __user *area, u32 mark)
{
	u64 bytes = cpu_features.xsave_bytes;

	if (validate_user_pointer(area, bytes + sizeof(mark), USER_WRITE) ||
	    user_xsave((__force void *)area, (u32)cpu_features.xcr0, (u32)(cpu_features.xcr0 >> 32), bytes,
		       mark))
		return -EFAULT;
	return 0;
}

int fpu_load_user(const void __user *area, u64 features, u64 mark_at, u32 mark)
{
	if (validate_user_pointer(area, cpu_features.xsave_bytes + sizeof(mark), USER_READ))
		return -EFAULT;
	switch (user_xrstor((const __force void *)area, (u32)features, (u32)(features >> 32), mark_at,
			    mark)) {
	case 0:
		return 0;
	case 2:
		return -ENOENT;
	default:
		return -EFAULT;
	}
}

void fpu_reset(void *area)
{
	fpu_default(area);
	fpu_load(area);
}

/* The first unmasked exception in the order that Linux looks at them: invalid, divide, overflow, underflow, inexact. */
static int code_of(u32 pending)
{
	if (pending & 0x01)
		return FPE_FLTINV;
	if (pending & 0x04)
		return FPE_FLTDIV;
	if (pending & 0x08)
		return FPE_FLTOVF;
	if (pending & 0x12)
		return FPE_FLTUND;
	return pending & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

int fpu_exception_code(bool simd)
{
	u32 mxcsr = 0;
	u16 status = 0, control = 0;

	if (simd) {
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		return code_of(~(mxcsr >> 7) & mxcsr & 0x3f);
	}
	asm volatile("fnstsw %0; fnstcw %1" : "=m"(status), "=m"(control));
	return code_of(~(u32)control & status & 0x3f);
}
