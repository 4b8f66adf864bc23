/* SPDX-License-Identifier: MIT */
/*
 * The tables that the CPU itself reads: GDT, TSS, IDT, and the registers of SYSCALL (SDM 3A, chapters 3, 6, 8).
 *
 *     0x08 kernel code   0x10 kernel data   0x1b user code   0x23 user data
 *     0x2b user code again, where SYSRET looks for it   0x30 TSS   0x43 limit = CPU number, for the vDSO's LSL
 */
#include <arch/cpu.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/trap.h>
#include <arch/impl/vdso_abi.h>
#include <arch/impl/x86.h>
#include <moat/frame.h>
#include <moat/types.h>
#include "cpu_features.h"

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0x60 /* DPL 3 */

struct cpu cpus[CPU_MAX];
static struct idt_gate idt[256] __aligned(4096);
static u8 ist_stacks[IST_STACKS][IST_BYTES] __aligned(4096); /* of the first CPU */

extern char trap_stubs[], syscall_entry[], boot_stack[];

static void idt_set(unsigned vector, unsigned ist, bool user)
{
	u64 at = (u64)trap_stubs + vector * 16ull;

	idt[vector] = (struct idt_gate){
		.offset_low = (u16)at,
		.selector = SEL_KERNEL_CODE,
		.ist = (u8)ist,
		.type = (u8)(GATE_INTERRUPT | (user ? GATE_USER : 0)),
		.offset_mid = (u16)(at >> 16),
		.offset_high = (u32)(at >> 32),
	};
}

static void idt_init(void)
{
	for (unsigned v = 0; v < 256; v++)
		idt_set(v, 0, v == VEC_BREAKPOINT || v == VEC_OVERFLOW || v == VEC_INT80);
	idt_set(VEC_DOUBLE_FAULT, IST_DOUBLE_FAULT, false);
	idt_set(VEC_NMI, IST_NMI, false);
	idt_set(VEC_MACHINE_CHECK, IST_MACHINE_CHECK, false);
}

static void gdt_fill(struct cpu *c)
{
	u64 tss = (u64)&c->tss, limit = sizeof(c->tss) - 1;

	c->gdt[1] = 0x00af9b000000ffff;
	c->gdt[2] = 0x00cf93000000ffff;
	c->gdt[3] = 0x00affb000000ffff;
	c->gdt[4] = 0x00cff3000000ffff;
	c->gdt[5] = 0x00affb000000ffff;
	c->gdt[6] = limit | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	c->gdt[7] = tss >> 32;
	/* Data, DPL 3, byte granularity, accessed. topology_find adds the first CPU's node. */
	c->gdt[8] = 0x0040f50000000000ull | c->id | (u64)numa_cpu_node[c->id] << VDSO_CPU_BITS;
}

/* The top word of each IST stack tells the entry code whose it is (trap_entry.S, trap_ist). */
void cpu_set_ist(struct cpu *c, unsigned which, void *stack)
{
	u64 *top = (u64 *)((u8 *)stack + IST_BYTES - 16);

	*top = (u64)c;
	c->tss.ist[which - 1] = (u64)top;
}

/* What all CPUs share, and what the first has without an allocator. */
static void first_cpu_init(void)
{
	for (unsigned i = IST_DOUBLE_FAULT; i <= IST_MACHINE_CHECK; i++)
		cpu_set_ist(&cpus[0], i, ist_stacks[i - 1]);
	cpus[0].start_stack = (u64)boot_stack;
	idt_init();
}

void cpu_tables_init(u32 id)
{
	struct cpu *c = &cpus[id];
	struct table_pointer gdtr = {sizeof(c->gdt) - 1, (u64)c->gdt}, idtr = {sizeof(idt) - 1, (u64)idt};

	c->self = c;
	c->id = id;
	gdt_fill(c);
	c->tss.io_map_base = sizeof(c->tss);
	if (id == 0)
		first_cpu_init();
	asm volatile("lgdt %0" : : "m"(gdtr));
	asm volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
		     :
		     : "i"(SEL_KERNEL_CODE)
		     : "rax", "memory");
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));
	/* As SYSCALL leaves it: QEMU translates code once more for each state of SS that it runs in. */
	asm volatile("mov %0, %%ss" : : "r"(SEL_KERNEL_DATA));
	/* No local descriptors. After reset the CPU has a table of them: 64 KiB from address 0. */
	asm volatile("lldt %w0" : : "r"(0));
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
	asm volatile("lidt %0" : : "m"(idtr));
	wrmsr(MSR_GS_BASE, (u64)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (u64)SEL_KERNEL_CODE << 32 | (u64)(SEL_USER_DATA - 8) << 48);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_SFMASK,
	      RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
}

bool cpu_irq_enabled(void)
{
	u64 flags;

	asm volatile("pushfq; popq %0" : "=r"(flags));
	return flags & RFLAGS_IF;
}
