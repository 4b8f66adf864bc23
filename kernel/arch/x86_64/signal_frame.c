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
 * are taken, the XSAVE header is rebuilt so that XRSTOR cannot fault.
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
#include <moat/heap.h>
#include <moat/string.h>
#include "cpu_features.h"
#include "fpu.h"

#define RED_ZONE      128
#define FPU_SW_OFFSET 464 /* of the FXSAVE area's bytes for software */
#define XSAVE_HEADER  512
#define MXCSR_OFFSET  24
#define MXCSR_VALID   0xffffu
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
	memcpy(&uc->uc_sigmask, &d->old_mask, sizeof(d->old_mask));
	*m = (struct sigcontext){
		.r8 = f->r8,
		.r9 = f->r9,
		.r10 = f->r10,
		.r11 = f->r11,
		.r12 = f->r12,
		.r13 = f->r13,
		.r14 = f->r14,
		.r15 = f->r15,
		.rdi = f->rdi,
		.rsi = f->rsi,
		.rbp = f->rbp,
		.rbx = f->rbx,
		.rdx = f->rdx,
		.rax = f->rax,
		.rcx = f->rcx,
		.rsp = f->rsp,
		.rip = f->rip,
		.eflags = f->rflags,
		.cs = SEL_USER_CODE,
		.ss = SEL_USER_DATA,
		.err = frame_is_syscall(f) ? 0 : f->error,
		.trapno = frame_is_syscall(f) ? 0 : f->vector,
		.cr2 = (u64)d->info->si_addr,
	};
	m->fpstate = (void *)fpu;
}

/* Marks the FPU area as XSAVE data for readers in user space. */
static void mark_fpu(void *area)
{
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = cpu_features.xsave_bytes + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures = cpu_features.xcr0,
		.xstate_size = cpu_features.xsave_bytes,
	};

	if (cpu_features.xsave)
		memcpy((char *)area + FPU_SW_OFFSET, &sw, sizeof(sw));
}

int arch_signal_frame_push(struct trap_frame *f, struct arch_thread *t, const struct signal_delivery *d)
{
	u32 magic2 = FP_XSTATE_MAGIC2;
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
	fpu_save_standard(t->fpu);
	mark_fpu(t->fpu);
	if (copy_to_user((void __user *)fpu, t->fpu, cpu_features.xsave_bytes) ||
	    (cpu_features.xsave &&
	     copy_to_user((void __user *)(fpu + cpu_features.xsave_bytes), &magic2, sizeof(magic2))) ||
	    copy_to_user((void __user *)at, &frame, sizeof(frame)))
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

/*
 * The state is made safe in a buffer of its own: the copy may sleep, and what the thread's area holds then must be
 * something that XRSTOR takes.
 */
static int pop_fpu(struct arch_thread *t, u64 from)
{
	u64 bytes = cpu_features.xsave_bytes;
	char *copy;
	u64 *header;

	if (!from) {
		fpu_reset(t->fpu);
		return 0;
	}
	copy = kmalloc(bytes);
	if (!copy || copy_from_user(copy, (const void __user *)from, bytes)) {
		kfree(copy);
		fpu_reset(t->fpu);
		return -EFAULT;
	}
	header = (u64 *)(copy + XSAVE_HEADER);
	*(u32 *)(copy + MXCSR_OFFSET) &= MXCSR_VALID;
	if (cpu_features.xsave) {
		header[0] &= cpu_features.xcr0;
		memset(header + 1, 0, 56);
	}
	memcpy(t->fpu, copy, bytes);
	kfree(copy);
	fpu_load(t->fpu);
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
	*f = (struct trap_frame){
		.r8 = m->r8,
		.r9 = m->r9,
		.r10 = m->r10,
		.r11 = m->r11,
		.r12 = m->r12,
		.r13 = m->r13,
		.r14 = m->r14,
		.r15 = m->r15,
		.rdi = m->rdi,
		.rsi = m->rsi,
		.rbp = m->rbp,
		.rbx = m->rbx,
		.rdx = m->rdx,
		.rax = m->rax,
		.rcx = m->rcx,
		.rsp = m->rsp,
		.rip = m->rip,
		.rflags = (m->eflags & USER_FLAGS) | RFLAGS_IF | 2,
		.cs = SEL_USER_CODE,
		.ss = SEL_USER_DATA,
		.vector = VEC_INT80 + 1,
	};
	memcpy(mask, &uc.uc_sigmask, sizeof(*mask));
	*alt_sp = (u64)uc.uc_stack.ss_sp;
	*alt_size = uc.uc_stack.ss_size;
	*alt_flags = (u32)uc.uc_stack.ss_flags;
	return pop_fpu(t, (u64)m->fpstate);
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
