/* SPDX-License-Identifier: MIT */
/*
 * The signal frame of x86-64 Linux (sigreturn(2), <asm/ucontext.h>, <asm/sigcontext.h>):
 *
 *     high   FPU state, XSAVE format, aligned to 64; its spare bytes say so (FP_XSTATE_MAGIC1/2)
 *            siginfo_t
 *            struct ucontext
 *     low    return address = the restorer, which calls rt_sigreturn; at the handler's entry RSP is here
 *
 * What comes back from user memory is copied once and then made safe: selectors are ours, where it names some that
 * IRETQ would take, and only the program's own flags are taken. FPU state goes from the CPU to user memory and back
 * without a copy in the kernel; what XRSTOR does not like about it is a bad frame.
 */
#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/signal.h>
#include <arch/uaccess.h>
#include <moat/aspace.h>
#include <moat/string.h>
#include "cpu_features.h"
#include "fpu.h"

#define RED_ZONE	   128
#define FPU_SW_OFFSET	   464 /* of the FXSAVE area's bytes for software */
#define FXSAVE_BYTES	   512
#define XSAVE_HEADER_BYTES 64
#define MXCSR_OFFSET	   24
#define MXCSR_VALID	   0xffffu
/* CF PF AF ZF SF TF DF OF AC ID; NT stays as the handler leaves it. */
#define USER_FLAGS 0x240dd5ull

struct rt_sigframe {
	u64 return_address;
	struct ucontext uc;
	siginfo_t info;
};

u64 arch_signal_frame_bytes(void)
{
	return sizeof(struct rt_sigframe) + cpu_features.xsave_bytes + FP_XSTATE_MAGIC2_SIZE + 64 + 16;
}

/* Every byte of it: what is left out would be the kernel's stack. */
static void fill_context(struct ucontext *uc, const struct trap_frame *f, const struct signal_delivery *d,
			 u64 fpu)
{
	struct sigcontext *m = &uc->uc_mcontext;
	bool trapped = !frame_is_syscall(f);

	uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? UC_FP_XSTATE : 0);
	uc->uc_link = NULL;
	uc->uc_stack.ss_sp = (void *)d->alt_sp;
	*(u64 *)&uc->uc_stack.ss_flags = d->alt_flags; /* and the four bytes behind it */
	uc->uc_stack.ss_size = d->alt_size;
	m->r8 = f->r8;
	m->r9 = f->r9;
	m->r10 = f->r10;
	m->r11 = f->r11;
	m->r12 = f->r12;
	m->r13 = f->r13;
	m->r14 = f->r14;
	m->r15 = f->r15;
	m->rdi = f->rdi;
	m->rsi = f->rsi;
	m->rbp = f->rbp;
	m->rbx = f->rbx;
	m->rdx = f->rdx;
	m->rax = f->rax;
	m->rcx = f->rcx;
	m->rsp = f->rsp;
	m->rip = f->rip;
	m->eflags = f->rflags;
	m->cs = SEL_USER_CODE;
	m->gs = m->fs = 0;
	m->ss = SEL_USER_DATA;
	m->err = trapped ? f->error : 0;
	m->trapno = trapped ? f->vector : 0;
	m->oldmask = d->old_mask;
	m->cr2 = (u64)d->info->si_addr;
	m->fpstate = (void *)fpu;
#pragma GCC unroll 8
	for (unsigned i = 0; i < ARRAY_SIZE(m->reserved1); i++)
		m->reserved1[i] = 0;
	uc->uc_sigmask = d->old_mask;
}

/* What an FPU area in XSAVE's format has for readers in user space: the bytes for software, and the header behind them. */
struct fpu_marks {
	struct _fpx_sw_bytes sw;
	u64 header[XSAVE_HEADER_BYTES / sizeof(u64)];
};

static u64 fpu_end_bytes(void)
{
	return cpu_features.xsave ? FP_XSTATE_MAGIC2_SIZE : 0;
}

static __noinline int push_fxsave(u64 to)
{
	u8 area[FXSAVE_BYTES] __aligned(16);

	fpu_save(area);
	return copy_to_user((void __user *)to, area, sizeof(area)) ? -EFAULT : 0;
}

/* The registers go from the CPU to user memory without a stop in the kernel. */
static int push_fpu(u64 to)
{
	const struct fpu_marks marks = {
		.sw.magic1 = FP_XSTATE_MAGIC1,
		.sw.extended_size = cpu_features.xsave_bytes + FP_XSTATE_MAGIC2_SIZE,
		.sw.xfeatures = cpu_features.xcr0,
		.sw.xstate_size = cpu_features.xsave_bytes,
	};

	if (!cpu_features.xsave)
		return push_fxsave(to);
	if (copy_to_user((void __user *)(to + FPU_SW_OFFSET), &marks, sizeof(marks)))
		return -EFAULT;
	return fpu_save_user((void __user *)to, FP_XSTATE_MAGIC2);
}

int arch_signal_frame_push(struct trap_frame *f, const struct signal_delivery *d)
{
	u64 top = d->sp - (d->use_red_zone ? RED_ZONE : 0);
	u64 fpu = ALIGN_DOWN(top - cpu_features.xsave_bytes - fpu_end_bytes(), 64);
	/* At a function's entry RSP + 8 is a multiple of 16. */
	u64 at = ALIGN_DOWN(fpu - sizeof(struct rt_sigframe), 16) - 8;
	struct rt_sigframe frame;

	/* IRETQ to an address that is not canonical would fault in ring 0. */
	if (d->handler >= USER_TOP)
		return -EFAULT;
	fill_context(&frame.uc, f, d, fpu);
	frame.info = *d->info;
	frame.return_address = d->restorer;
	if (push_fpu(fpu) || copy_to_user((void __user *)at, &frame, sizeof(frame)))
		return -EFAULT;
	f->rdi = (u64)d->info->si_signo;
	f->rsi = at + offsetof(struct rt_sigframe, info);
	f->rdx = at + offsetof(struct rt_sigframe, uc);
	f->rax = 0;
	f->rsp = at;
	f->rip = d->handler;
	f->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
	/* An ordinary return to ring 3 by IRETQ: the handler's address is the program's choice. */
	f->vector = VEC_INT80 + 1;
	return 0;
}

#define LINUX_USER_CODE 0x33 /* what programs that write a frame of their own may take for granted */
#define LINUX_USER_DATA 0x2b

/* Could IRETQ load them in ring 3? */
static bool selectors_are_valid(const struct ucontext *uc)
{
	u32 cs = uc->uc_mcontext.cs | 3u, ss = uc->uc_mcontext.ss | 3u;

	if (cs != SEL_USER_CODE && cs != LINUX_USER_CODE)
		return false;
	return !(uc->uc_flags & UC_STRICT_RESTORE_SS) || ss == SEL_USER_DATA || ss == LINUX_USER_DATA;
}

/*
 * The oldest format, FXSAVE's: the x87 and SSE registers, all others get their defaults. The state is made safe in a buffer of
 * its own: the copy may sleep, and what the thread's area holds then must be something that XRSTOR takes.
 */
static int pop_fxsave(struct arch_thread *t, u64 from)
{
	u64 copy[FXSAVE_BYTES / sizeof(u64)];
	const u32 *mxcsr = (const u32 *)((const char *)copy + MXCSR_OFFSET);

	if (!IS_ALIGNED(from, 16) || copy_from_user(copy, (const void __user *)from, sizeof(copy)) ||
	    (*mxcsr & ~MXCSR_VALID))
		return -EFAULT;
	fpu_default(t->fpu);
	memcpy(t->fpu, copy, sizeof(copy));
	fpu_load(t->fpu);
	return 0;
}

/* Does the area at `from`, by its own account, hold what XSAVE wrote? */
static bool is_xsave_area(const struct _fpx_sw_bytes *sw)
{
	return sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size >= FXSAVE_BYTES + XSAVE_HEADER_BYTES &&
	       sw->xstate_size <= cpu_features.xsave_bytes && sw->xstate_size <= sw->extended_size;
}

static int pop_xsave(struct arch_thread *t, u64 from)
{
	struct _fpx_sw_bytes sw;
	int err = -ENOENT;
	u32 mxcsr;

	if (copy_from_user(&sw, (const void __user *)(from + FPU_SW_OFFSET), sizeof(sw)) ||
	    get_user(mxcsr, (const u32 __user *)(from + MXCSR_OFFSET)))
		return -EFAULT;
	/* Processors refuse it; QEMU's TCG does not. */
	if (mxcsr & ~MXCSR_VALID)
		return -EFAULT;
	if (is_xsave_area(&sw)) {
		/* What the area does not have gets its defaults. */
		if (unlikely(sw.xfeatures != cpu_features.xcr0))
			fpu_reset(t->fpu);
		err = fpu_load_user((const void __user *)from, sw.xfeatures & cpu_features.xcr0,
				    sw.xstate_size, FP_XSTATE_MAGIC2);
	}
	return err == -ENOENT ? pop_fxsave(t, from) : err;
}

static int pop_fpu(struct arch_thread *t, u64 from)
{
	int err;

	if (!from) {
		fpu_reset(t->fpu);
		return 0;
	}
	err = cpu_features.xsave ? pop_xsave(t, from) : pop_fxsave(t, from);
	if (err)
		fpu_reset(t->fpu);
	return err;
}

bool frame_can_return(const struct trap_frame *f)
{
	return (s64)(f->rip << 16) >> 16 == (s64)f->rip;
}

int arch_signal_frame_pop(struct trap_frame *f, struct arch_thread *t, u64 *mask, u64 *alt_sp, u64 *alt_size,
			  u32 *alt_flags)
{
	struct ucontext uc;
	const struct sigcontext *m = &uc.uc_mcontext;
	/* The restorer was entered by the handler's RET: the return address is gone from the stack. */
	u64 at = f->rsp - sizeof(u64);

	if (copy_from_user(&uc, (const void __user *)(at + offsetof(struct rt_sigframe, uc)), sizeof(uc)))
		return -EFAULT;
	if (!selectors_are_valid(&uc))
		return -EFAULT;
	f->r8 = m->r8;
	f->r9 = m->r9;
	f->r10 = m->r10;
	f->r11 = m->r11;
	f->r12 = m->r12;
	f->r13 = m->r13;
	f->r14 = m->r14;
	f->r15 = m->r15;
	f->rdi = m->rdi;
	f->rsi = m->rsi;
	f->rbp = m->rbp;
	f->rbx = m->rbx;
	f->rdx = m->rdx;
	f->rax = m->rax;
	f->rcx = m->rcx;
	f->rsp = m->rsp;
	f->rip = m->rip;
	/* With the resume flag, which means nothing here, the way back is IRETQ: all registers as they were. */
	f->rflags = (m->eflags & USER_FLAGS) | (f->rflags & RFLAGS_NT) | RFLAGS_IF | RFLAGS_RF | 2;
	f->cs = SEL_USER_CODE;
	f->ss = SEL_USER_DATA;
	f->vector = VEC_INT80 + 1;
	f->error = 0;
	*mask = uc.uc_sigmask;
	*alt_sp = (u64)uc.uc_stack.ss_sp;
	*alt_size = uc.uc_stack.ss_size;
	*alt_flags = (u32)uc.uc_stack.ss_flags;
	return pop_fpu(t, (u64)m->fpstate);
}

void frame_forget_syscall(struct trap_frame *f)
{
	f->vector = VEC_INT80 + 1;
}

/* SYSCALL and INT 0x80 are both two bytes long. */
void frame_restart_syscall(struct trap_frame *f)
{
	f->rax = f->error;
	f->rip -= 2;
}
