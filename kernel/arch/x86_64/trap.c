/* SPDX-License-Identifier: MIT */
/*
 * What each trap means. Ring 3: a page fault may be served, everything else is the program's own fault and becomes a
 * signal; int 0x80 is a system call; interrupts go to their handlers. Ring 0: a page fault at an instruction of
 * the exception table is a user copy's; anything else is a bug of the kernel.
 */
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/trap.h>
#include <moat/aspace.h>
#include <moat/panic.h>
#include "apic.h"
#include "debug_regs.h"
#include "extable.h"
#include "fpu.h"
#include "panic_report.h"
#include "smp.h"

void trap_from_user(struct trap_frame *f);
void trap_from_kernel(struct trap_frame *f);
void trap_on_ist(struct trap_frame *f);

static unsigned fault_access(u64 error)
{
	return (error & PF_EXEC	   ? FAULT_EXEC
		: error & PF_WRITE ? FAULT_WRITE
				   : FAULT_READ) |
	       (error & PF_PRESENT ? FAULT_PRESENT : 0) | (error & PF_USER ? FAULT_USER : 0);
}

/* The signal and si_code for each exception in ring 3, as Linux sends them. */
struct user_exception {
	u8 signal, code;
	bool addr_is_rip;
	const char *what;
};

static const struct user_exception user_exceptions[32] = {
	[VEC_DIVIDE] = {SIGFPE, FPE_INTDIV, true, "divide error"},
	[VEC_DEBUG] = {SIGTRAP, TRAP_TRACE, true, "single step"},
	[VEC_BREAKPOINT] = {SIGTRAP, 0x80, false, "breakpoint"},
	[VEC_OVERFLOW] = {SIGSEGV, 0x80, false, "overflow trap"},
	[VEC_BOUND] = {SIGSEGV, 0x80, false, "bound range exceeded"},
	[VEC_INVALID_OP] = {SIGILL, ILL_ILLOPN, true, "invalid instruction"},
	[VEC_NO_FPU] = {SIGSEGV, 0x80, false, "no coprocessor"},
	[9] = {SIGFPE, 0x80, false, "coprocessor segment overrun"},
	[VEC_INVALID_TSS] = {SIGSEGV, 0x80, false, "invalid TSS"},
	[VEC_NO_SEGMENT] = {SIGBUS, 0x80, false, "segment not present"},
	[VEC_STACK] = {SIGBUS, 0x80, false, "stack-segment fault"},
	[VEC_PROTECTION] = {SIGSEGV, 0x80, false,
			    "general protection: privileged instruction or bad address"},
	[VEC_X87] = {SIGFPE, FPE_FLTINV, true, "x87 floating-point exception"},
	[VEC_ALIGNMENT] = {SIGBUS, BUS_ADRALN, false, "alignment check"},
	[VEC_SIMD] = {SIGFPE, FPE_FLTINV, true, "SIMD floating-point exception"},
};

static void user_page_fault(struct trap_frame *f)
{
	u64 addr = read_cr2();

	irq_enable();
	if (unlikely(addr >= USER_TOP || (f->error & PF_RESERVED))) {
		if (f->error & PF_RESERVED)
			panic("reserved bit set in a page-table entry for %#llx", (unsigned long long)addr);
		/* As on Linux a program cannot tell what is mapped there. */
		f->error |= PF_PRESENT;
		trap_user_exception(f, SIGSEGV, SEGV_MAPERR, addr, "access to the kernel half");
		return;
	}
	/*
	 * Ring 3, yet the access was made with the kernel's rights and SMAP refused it: QEMU reads the frames of IRET and far
	 * returns so. No page that we could map would change that.
	 */
	if (unlikely((f->error & (PF_PRESENT | PF_USER)) == PF_PRESENT)) {
		trap_user_exception(f, SIGSEGV, SEGV_ACCERR, addr, "access refused by the CPU");
		return;
	}
	(void)trap_page_fault(f, addr, fault_access(f->error), true);
}

static void user_exception(struct trap_frame *f)
{
	const struct user_exception *x = &user_exceptions[f->vector];
	int code = x->code == 0x80 ? SI_KERNEL : x->code;

	if (f->vector == VEC_DEBUG) {
		code = debug_trap_user(f, current_arch_thread());
		if (!code)
			return;
	}
	if (f->vector == VEC_X87 || f->vector == VEC_SIMD)
		code = fpu_exception_code(f->vector == VEC_SIMD);
	irq_enable();
	if (!x->signal)
		panic("exception %llu in ring 3", (unsigned long long)f->vector);
	trap_user_exception(f, x->signal, code, x->addr_is_rip ? f->rip : 0, x->what);
}

void trap_from_user(struct trap_frame *f)
{
	if (f->vector == VEC_PAGE_FAULT) {
		user_page_fault(f);
	} else if (f->vector < 32) {
		user_exception(f);
	} else if (f->vector == VEC_INT80) {
		f->error = f->rax;
		irq_enable();
		f->rax = (u64)syscall_dispatch(f);
	} else {
		interrupt_dispatch(f->vector, true);
	}
}

extern char user_peek_insn[], user_try_exchange_insn[], user_xrstor_insn[];

static void kernel_page_fault(struct trap_frame *f)
{
	u64 addr = read_cr2();
	u64 fixup = extable_find(f->rip);

	if (addr < USER_TOP && (f->rip == (u64)user_peek_insn || f->rip == (u64)user_try_exchange_insn)) {
		f->rip = fixup;
		return;
	}
	if (!fixup || addr >= USER_TOP || !(f->rflags & RFLAGS_IF))
		panic_trap(f, addr);
	irq_enable();
	if (!trap_page_fault(f, addr, fault_access(f->error), false))
		f->rip = fixup;
	irq_disable();
}

void trap_from_kernel(struct trap_frame *f)
{
	if (f->vector == VEC_PAGE_FAULT) {
		kernel_page_fault(f);
	} else if (f->vector == VEC_PROTECTION && f->rip == (u64)user_xrstor_insn) {
		f->rip = extable_find(f->rip);
	} else if (f->vector == VEC_DEBUG) {
		debug_trap_kernel(current_arch_thread());
	} else if (f->vector < 32) {
		/* A copy to or from a non-canonical address: validated before, so only a racing bug gets here. */
		panic_trap(f, 0);
	} else {
		interrupt_dispatch(f->vector, false);
	}
}

void trap_on_ist(struct trap_frame *f)
{
	if (f->vector == VEC_NMI) {
		smp_stop_if_panicking();
		return; /* no other source of NMIs is set up; one that comes anyway is harmless */
	}
	panic_trap(f, read_cr2());
}
