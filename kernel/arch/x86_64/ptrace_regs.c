/* SPDX-License-Identifier: MIT */
/*
 * Registers of a traced thread. Those of the program are in the trap frame at the top of its kernel stack. FPU state and
 * segment bases belong to the CPU while a thread runs, and the kernel may have to run a thread that stands still (to let it
 * look whether it still must). So it parks: the state is in memory, and `fpu` is NULL, with which arch_switch takes the
 * thread for one of the kernel's and neither saves nor loads anything.
 *
 * What a tracer writes is made safe here: IRETQ and XRSTOR must take it.
 */
#include <asm/errno.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/ptrace.h>
#include <arch/signal.h>
#include <moat/aspace.h>
#include <moat/string.h>
#include "cpu_features.h"
#include "fpu.h"

/* Of struct user_regs_struct: the first 15 words are those of struct trap_frame. */
enum {
	REG_RAX = 10,
	REG_ORIG_RAX = 15,
	REG_RIP,
	REG_CS,
	REG_EFLAGS,
	REG_RSP,
	REG_SS,
	REG_FS_BASE,
	REG_GS_BASE,
	REG_DS,
	REG_ES,
	REG_FS,
	REG_GS,
};
_Static_assert(REG_GS + 1 == USER_REGS, "struct user_regs_struct");
_Static_assert(offsetof(struct trap_frame, rdi) == (REG_ORIG_RAX - 1) * sizeof(u64), "the same order");

#define LINUX_USER_CODE 0x33 /* debuggers tell 64-bit programs from others by them */
#define LINUX_USER_DATA 0x2b
/* CF PF AF ZF SF TF DF OF NT RF AC */
#define TRACER_FLAGS	 0x54dd5ull
#define XSTATE_BV	 512 /* offset of the header */
#define XSTATE_RESERVED	 528 /* of what must be 0 in it, up to XSTATE_EXTENDED */
#define XSTATE_COMPACT	 520
#define XSTATE_EXTENDED	 576
#define XSTATE_SW_XCR0	 464
#define MXCSR_OFFSET	 24
#define MXCSR_VALID	 0xffffu
#define FPU_CONTROL_INIT 0x37f

void arch_trace_park(struct arch_thread *t)
{
	fpu_save(t->fpu);
	t->fs_base = rdmsr(MSR_FS_BASE);
	t->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	t->parked_fpu = t->fpu;
	t->fpu = NULL;
}

void arch_trace_unpark(struct arch_thread *t)
{
	u64 irq = cpu_irq_save();

	t->fpu = t->parked_fpu;
	t->parked_fpu = NULL;
	fpu_load(t->fpu);
	wrmsr(MSR_FS_BASE, t->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
	/* Whoever owned the registers does so no more. */
	this_cpu()->fpu_owner = NULL;
	cpu_irq_restore(irq);
}

void arch_trace_get_regs(struct arch_thread *t, s64 result, u64 regs[USER_REGS])
{
	const struct trap_frame *f = arch_thread_frame(t);

	memset(regs, 0, USER_REGS * sizeof(regs[0]));
	memcpy(regs, f, REG_ORIG_RAX * sizeof(regs[0]));
	if (frame_is_syscall(f))
		regs[REG_RAX] = (u64)result;
	regs[REG_ORIG_RAX] = frame_is_syscall(f) ? (u64)(s64)(s32)f->error : UINT64_MAX;
	regs[REG_RIP] = f->rip;
	regs[REG_CS] = LINUX_USER_CODE;
	regs[REG_EFLAGS] = f->rflags;
	regs[REG_RSP] = f->rsp;
	regs[REG_SS] = LINUX_USER_DATA;
	regs[REG_FS_BASE] = t->fs_base;
	regs[REG_GS_BASE] = t->gs_base;
}

/* The selectors stay what they are, whatever is asked for; what no program could have is refused. */
static int check_selector(unsigned n, u64 value)
{
	if ((value & 0xffff) && (value & 3) != 3)
		return -EIO;
	return (n == REG_CS || n == REG_SS) && !(value & 0xffff) ? -EIO : 0;
}

int arch_trace_set_reg(struct arch_thread *t, unsigned n, u64 value)
{
	struct trap_frame *f = arch_thread_frame(t);

	switch (n) {
	case REG_ORIG_RAX:
		f->error = (u32)value;
		f->vector = (s32)value < 0 ? VEC_INT80 + 1 : VEC_SYSCALL;
		return 0;
	case REG_RIP:
		/* IRETQ to what is no address would fault in ring 0; in the kernel's half it faults in ring 3. */
		f->rip = value;
		if (!frame_can_return(f))
			f->rip |= ~(USER_TOP | (PAGE_SIZE - 1));
		return 0;
	case REG_EFLAGS:
		f->rflags = (f->rflags & ~TRACER_FLAGS) | (value & TRACER_FLAGS);
		return 0;
	case REG_RSP:
		f->rsp = value;
		return 0;
	case REG_FS_BASE:
	case REG_GS_BASE:
		if (value >= USER_TOP)
			return -EIO;
		*(n == REG_FS_BASE ? &t->fs_base : &t->gs_base) = value;
		return 0;
	default:
		if (n >= REG_ORIG_RAX)
			return check_selector(n, value);
		((u64 *)f)[n] = value;
		return 0;
	}
}

size_t arch_trace_xstate_bytes(void)
{
	return cpu_features.xsave ? cpu_features.xsave_bytes : 0;
}

/* XSAVE does not write what is in its initial state: the bytes there are older. */
static void fill_initial(u8 *to, u64 present)
{
	u32 r[4];

	if (!(present & 1)) {
		memset(to, 0, MXCSR_OFFSET);
		memset(to + 32, 0, 128);
		*(u16 *)to = FPU_CONTROL_INIT;
	}
	if (!(present & 2))
		memset(to + 160, 0, 256);
	for (u64 left = cpu_features.xcr0 & ~present & ~3ull; left; left &= left - 1) {
		cpuid(13, (u32)__builtin_ctzll(left), r);
		if (r[1] + r[0] <= cpu_features.xsave_bytes)
			memset(to + r[1], 0, r[0]);
	}
}

void arch_trace_get_xstate(const struct arch_thread *t, u8 *to)
{
	memcpy(to, t->parked_fpu, cpu_features.xsave ? cpu_features.xsave_bytes : USER_FP_BYTES);
	memset(to + 416, 0, USER_FP_BYTES - 416);
	if (!cpu_features.xsave)
		return;
	fill_initial(to, *(u64 *)(to + XSTATE_BV));
	*(u64 *)(to + XSTATE_SW_XCR0) = cpu_features.xcr0;
}

static bool header_is_valid(const u8 *from)
{
	if ((*(const u64 *)(from + XSTATE_BV) & ~cpu_features.xcr0) || *(const u64 *)(from + XSTATE_COMPACT))
		return false;
	for (unsigned at = XSTATE_RESERVED; at < XSTATE_EXTENDED; at++) {
		if (from[at])
			return false;
	}
	return true;
}

int arch_trace_set_xstate(struct arch_thread *t, const u8 *from, size_t bytes)
{
	u8 *area = t->parked_fpu;

	if ((*(const u32 *)(from + MXCSR_OFFSET) & ~MXCSR_VALID) ||
	    (bytes > USER_FP_BYTES && !header_is_valid(from)))
		return -EINVAL;
	/* What is not in the old part keeps its state: it is made explicit, since the header will say that it is there. */
	if (bytes == USER_FP_BYTES && cpu_features.xsave)
		*(u64 *)(area + XSTATE_BV) |= 3;
	memcpy(area, from, bytes);
	return 0;
}

bool frame_steps(const struct trap_frame *f)
{
	return f->rflags & RFLAGS_TF;
}

void frame_set_step(struct trap_frame *f, bool step)
{
	f->rflags = (f->rflags & ~(u64)RFLAGS_TF) | (step ? RFLAGS_TF : 0);
}

void frame_set_syscall(struct trap_frame *f, u64 nr)
{
	f->vector = VEC_SYSCALL;
	f->error = nr;
	f->rax = 0;
}
