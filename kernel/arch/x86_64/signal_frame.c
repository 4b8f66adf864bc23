/* SPDX-License-Identifier: MIT */
/*
 * The signal frame of x86-64 Linux (sigreturn(2), <asm/ucontext.h>, <asm/sigcontext.h>):
 *
 *     high   FPU state, XSAVE format, aligned to 64; its spare bytes say so (FP_XSTATE_MAGIC1/2)
 *            siginfo_t
 *            struct ucontext
 *     low    return address = the restorer, which calls rt_sigreturn; at the handler's entry RSP is here
 *
 * What comes back from user memory is copied once and then made safe: selectors are ours, only the program's own flags
 * are taken. The FPU registers are loaded from where they are: what XRSTOR refuses the kernel refuses.
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
#include "cpu_features.h"
#include "fpu.h"

#define RED_ZONE      128
#define FPU_SW_OFFSET 464 /* of the FXSAVE area's bytes for software */
/* CF PF AF ZF SF TF DF OF AC ID */
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

static void fill_context(struct ucontext *uc, const struct trap_frame *f, const struct signal_delivery *d,
			 u64 fpu)
{
	struct sigcontext *m = &uc->uc_mcontext;

	*uc = (struct ucontext){0};
	uc->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? UC_FP_XSTATE : 0);
	uc->uc_stack.ss_sp = (void *)d->alt_sp;
	uc->uc_stack.ss_size = d->alt_size;
	uc->uc_stack.ss_flags = (int)d->alt_flags;
	uc->uc_sigmask = d->old_mask;
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
	m->ss = SEL_USER_DATA;
	m->err = frame_is_syscall(f) ? 0 : f->error;
	m->trapno = frame_is_syscall(f) ? 0 : f->vector;
	m->cr2 = (u64)d->info->si_addr;
	m->fpstate = (void *)fpu;
}

/*
 * The registers go to user memory directly. XSAVE writes neither the bytes that mark the area as its own, which are the last ones
 * of the FXSAVE part, nor the header after them but for the first word; it must be clear.
 */
static int push_fpu(u64 fpu)
{
	struct {
		struct _fpx_sw_bytes sw;
		u64 header[8];
	} mark = {
		.sw.magic1 = FP_XSTATE_MAGIC1,
		.sw.extended_size = cpu_features.xsave_bytes + FP_XSTATE_MAGIC2_SIZE,
		.sw.xfeatures = cpu_features.xcr0,
		.sw.xstate_size = cpu_features.xsave_bytes,
	};
	u32 magic2 = FP_XSTATE_MAGIC2;

	if (cpu_features.xsave &&
	    (copy_to_user((void __user *)(fpu + FPU_SW_OFFSET), &mark, sizeof(mark)) ||
	     copy_to_user((void __user *)(fpu + cpu_features.xsave_bytes), &magic2, sizeof(magic2))))
		return -EFAULT;
	return fpu_save_user(fpu);
}

int arch_signal_frame_push(struct trap_frame *f, const struct signal_delivery *d)
{
	u64 top = d->sp - (d->use_red_zone ? RED_ZONE : 0);
	u64 fpu = ALIGN_DOWN(top - cpu_features.xsave_bytes - FP_XSTATE_MAGIC2_SIZE, 64);
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

static bool canonical(u64 addr)
{
	return (s64)(addr << 16) >> 16 == (s64)addr;
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
	if (!canonical(m->rip))
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
	f->rflags = (m->eflags & USER_FLAGS) | RFLAGS_IF | RFLAGS_RF | 2;
	f->cs = SEL_USER_CODE;
	f->ss = SEL_USER_DATA;
	f->vector = VEC_INT80 + 1;
	f->error = 0;
	*mask = uc.uc_sigmask;
	*alt_sp = (u64)uc.uc_stack.ss_sp;
	*alt_size = uc.uc_stack.ss_size;
	*alt_flags = (u32)uc.uc_stack.ss_flags;
	if (m->fpstate && !fpu_load_user((u64)m->fpstate))
		return 0;
	fpu_reset(t->fpu);
	return m->fpstate ? -EFAULT : 0;
}

bool frame_is_syscall(const struct trap_frame *f)
{
	return f->vector == VEC_SYSCALL || f->vector == VEC_INT80;
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
