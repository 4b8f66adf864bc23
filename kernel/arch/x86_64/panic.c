/* SPDX-License-Identifier: MIT */
/*
 * The kernel's last words: one line beginning "moat-panic: ", the registers when a trap is the cause, and the chain of
 * callers by frame pointers, each address checked before it is read. Nothing here allocates or locks.
 */
#include <stdarg.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/machine.h>
#include <arch/trap.h>
#include <moat/aspace.h>
#include <moat/kasan.h>
#include <moat/log.h>
#include <moat/panic.h>
#include <moat/printf.h>
#include <moat/symbols.h>
#include "boot_info.h"
#include "panic_report.h"
#include "smp.h"

#define BACKTRACE_DEPTH 24

typedef unsigned long long ull;

static void (*end_machine)(void);

void machine_set_panic_end(void (*end)(void))
{
	end_machine = end;
}

static __noreturn void end(void)
{
	if (end_machine)
		end_machine();
	for (;;)
		asm volatile("cli; hlt");
}

/* Only one report: a panic within a panic ends at once, one on another CPU stops there. */
static void begin(void)
{
	irq_disable();
	if (!smp_claim_panic()) {
		smp_stop_if_panicking();
		end();
	}
	kasan_off();
}

static void print_address(u64 at)
{
	u64 base = boot_info.image_base;
	u32 distance = 0;

	if (at >= base && at < base + range_len(boot_info.image)) {
		const char *name = symbol_name((u32)(at - base), &distance);
		log_force("  %#llx %s+%#x\n", (ull)at, name, distance);
	} else {
		log_force("  %#llx\n", (ull)at);
	}
}

static bool readable_frame(u64 rbp)
{
	return IS_ALIGNED(rbp, 8) && ((rbp >= KMAP_STACKS && rbp < KMAP_STACKS_END &&
				       (rbp & (KSTACK_SLOT - 1)) >= KSTACK_SLOT - KSTACK_BYTES &&
				       (rbp & (KSTACK_SLOT - 1)) <= KSTACK_SLOT - 16) ||
				      (rbp >= boot_info.image_base &&
				       rbp < boot_info.image_base + range_len(boot_info.image) - 16));
}

void backtrace_from(u64 rip, u64 rbp)
{
	log_force("backtrace:\n");
	print_address(rip);
	for (int i = 0; i < BACKTRACE_DEPTH && readable_frame(rbp); i++) {
		const u64 *frame = (const u64 *)rbp;
		if (!frame[1])
			return;
		print_address(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	begin();
	va_start(ap, fmt);
	(void)kvsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_force("moat-panic: %s\n", text);
	backtrace_from((u64)__builtin_return_address(0), *(u64 *)__builtin_frame_address(0));
	end();
}

static void print_registers(const struct trap_frame *f, u64 addr)
{
	log_force("rip %016llx cs %04llx rflags %08llx rsp %016llx ss %04llx\n", (ull)f->rip, (ull)f->cs,
		  (ull)f->rflags, (ull)f->rsp, (ull)f->ss);
	log_force("rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", (ull)f->rax, (ull)f->rbx, (ull)f->rcx,
		  (ull)f->rdx);
	log_force("rsi %016llx rdi %016llx rbp %016llx r8  %016llx\n", (ull)f->rsi, (ull)f->rdi, (ull)f->rbp,
		  (ull)f->r8);
	log_force("r9  %016llx r10 %016llx r11 %016llx r12 %016llx\n", (ull)f->r9, (ull)f->r10, (ull)f->r11,
		  (ull)f->r12);
	log_force("r13 %016llx r14 %016llx r15 %016llx cr2 %016llx cr3 %016llx error %#llx\n", (ull)f->r13,
		  (ull)f->r14, (ull)f->r15, (ull)addr, (ull)read_cr3(), (ull)f->error);
}

void panic_trap(const struct trap_frame *f, u64 addr)
{
	const char *owner = NULL;

	begin();
	if (f->vector == VEC_DOUBLE_FAULT)
		owner = kstack_guard_owner(f->rsp - 8);
	if (!owner && f->vector == VEC_DOUBLE_FAULT)
		owner = kstack_guard_owner(addr);
	if (owner)
		log_force("moat-panic: kernel stack overflow in thread \"%s\" (stack pointer %#llx)\n", owner,
			  (ull)f->rsp);
	else if (f->vector == VEC_PAGE_FAULT)
		log_force("moat-panic: page fault in the kernel at %#llx (%s%s, %s)\n", (ull)addr,
			  f->error & PF_EXEC	? "execute"
			  : f->error & PF_WRITE ? "write"
						: "read",
			  f->error & PF_PRESENT ? ", entry present" : "",
			  addr < USER_TOP ? "user half" : "kernel half");
	else
		log_force("moat-panic: exception %llu in the kernel, error %#llx\n", (ull)f->vector,
			  (ull)f->error);
	print_registers(f, addr);
	backtrace_from(f->rip, f->rbp);
	end();
}
