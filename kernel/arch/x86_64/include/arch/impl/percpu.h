/* SPDX-License-Identifier: MIT */
/*
 * What each CPU has of its own, found through GS while the kernel runs (SWAPGS at each crossing). The first fields
 * are known to the entry code by offset.
 */
#ifndef ARCH_IMPL_PERCPU_H
#define ARCH_IMPL_PERCPU_H

#define CPU_KERNEL_STACK 8
#define CPU_USER_RSP	 16
#define CPU_WORK	 24
#define CPU_NUMBER	 28
#define CPU_CURRENT	 32

#ifndef __ASSEMBLER__
#include <arch/uaccess.h>
#include <moat/types.h>

/* Intel SDM 3A, figure 8-11: the 64-bit task-state segment. */
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __packed;

#define CALLS_COUNTED 512

struct arch_thread;
struct thread;
struct pmap;

struct cpu {
	struct cpu *self;
	u64 kernel_stack_top; /* of the current thread: also in tss.rsp[0] */
	u64 user_rsp;	      /* scratch of the system-call entry */
	u32 work;	      /* nonzero: something is to be done before the return to ring 3 */
	u32 id;
	struct thread *current;
	struct pmap *user_pmap;		/* of the current thread; NULL for kernel threads */
	struct pmap *loaded_pmap;	/* in CR3; NULL: the kernel's own */
	struct arch_thread *fpu_owner;	/* whose state the FPU registers hold */
	struct debug_regs *debug_owner; /* whose debug registers these are, if it agrees; else NULL */
	bool timer_is_oneshot;		/* cpu_timer_set was used: no ticks */
	bool timer_is_set;		/* and it will fire */
	bool timer_fires_once;		/* its mode */
	u32 ipi_to;			/* the number that its APIC sends interrupts to now, plus 1 */
	u64 interrupts;
	u32 flush_wanted;		  /* [a] another CPU waits for this one: cpu_serve_requests */
	struct uaccess_stats user_copies; /* [own CPU] */
	u64 start_stack; /* [I] lowest address of the stack that it started on, now its idle thread's */
	u64 gdt[10];
	struct tss tss;
	u64 calls[CALLS_COUNTED]; /* [own CPU, a for readers] how often each system call was made */
} __aligned(64);		  /* no two CPUs' in one cache line */

_Static_assert(offsetof(struct cpu, kernel_stack_top) == CPU_KERNEL_STACK, "trap_entry.S");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "trap_entry.S");
_Static_assert(offsetof(struct cpu, work) == CPU_WORK, "trap_entry.S");
_Static_assert(offsetof(struct cpu, id) == CPU_NUMBER, "cpu.h");
_Static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "cpu.h");

extern struct cpu cpus[];

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;
	/* Volatile: a thread that has slept may be on another CPU. */
	asm volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}
#endif
#endif
