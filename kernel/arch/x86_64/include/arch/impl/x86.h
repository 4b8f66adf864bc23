/* SPDX-License-Identifier: MIT */
/*
 * Names for what the processor defines (Intel SDM volume 3, AMD APM volume 2), and the instructions that C cannot
 * say. Only arch/x86_64 includes this file.
 */
#ifndef ARCH_IMPL_X86_H
#define ARCH_IMPL_X86_H

#include <arch/impl/trap.h> /* VEC_INT80, VEC_SYSCALL */

/* Selectors. SYSRET wants a 64-bit code segment right after the user data one: 0x2b is an alias of 0x1b. */
#define SEL_KERNEL_CODE	     0x08
#define SEL_KERNEL_DATA	     0x10
#define SEL_USER_CODE	     0x1b
#define SEL_USER_DATA	     0x23
#define SEL_USER_CODE_SYSRET 0x2b
#define SEL_TSS		     0x30
#define SEL_CPU_NUMBER	     0x43

#define IST_DOUBLE_FAULT  1
#define IST_NMI		  2
#define IST_MACHINE_CHECK 3

#define VEC_DIVIDE	  0
#define VEC_DEBUG	  1
#define VEC_NMI		  2
#define VEC_BREAKPOINT	  3
#define VEC_OVERFLOW	  4
#define VEC_BOUND	  5
#define VEC_INVALID_OP	  6
#define VEC_NO_FPU	  7
#define VEC_DOUBLE_FAULT  8
#define VEC_INVALID_TSS	  10
#define VEC_NO_SEGMENT	  11
#define VEC_STACK	  12
#define VEC_PROTECTION	  13
#define VEC_PAGE_FAULT	  14
#define VEC_X87		  16
#define VEC_ALIGNMENT	  17
#define VEC_MACHINE_CHECK 18
#define VEC_SIMD	  19
#define VEC_TIMER	  0x20
#define VEC_GSI_BASE	  0x30 /* + GSI, 24 of them */
#define VEC_RESCHEDULE	  0xf0 /* from another CPU, as the next */
#define VEC_FLUSH	  0xf1
#define VEC_SPURIOUS	  0xff

#define CR0_PE	       0x1
#define CR0_MP	       0x2
#define CR0_EM	       0x4
#define CR0_TS	       0x8
#define CR0_ET	       0x10
#define CR0_NE	       0x20
#define CR0_WP	       0x10000
#define CR0_AM	       0x40000
#define CR0_PG	       0x80000000
#define CR4_PAE	       0x20
#define CR4_PGE	       0x80
#define CR4_OSFXSR     0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP       0x800
#define CR4_LA57       0x1000
#define CR4_FSGSBASE   0x10000
#define CR4_OSXSAVE    0x40000
#define CR4_SMEP       0x100000
#define CR4_SMAP       0x200000

#define CPUID_1_EDX_HTT (1u << 28) /* several logical processors in the package */

#define MSR_APIC_BASE	   0x1b
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_SFMASK	   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE	   0x1
#define EFER_LME	   0x100
#define EFER_NXE	   0x800

#define RFLAGS_CF   0x1
#define RFLAGS_TF   0x100
#define RFLAGS_IF   0x200
#define RFLAGS_DF   0x400
#define RFLAGS_IOPL 0x3000
#define RFLAGS_NT   0x4000
#define RFLAGS_RF   0x10000
#define RFLAGS_AC   0x40000

/* Page-table entries. */
#define PTE_P	 (1ull << 0)
#define PTE_W	 (1ull << 1)
#define PTE_U	 (1ull << 2)
#define PTE_PWT	 (1ull << 3)
#define PTE_PCD	 (1ull << 4)
#define PTE_A	 (1ull << 5)
#define PTE_D	 (1ull << 6)
#define PTE_PS	 (1ull << 7)
#define PTE_G	 (1ull << 8)
#define PTE_NX	 (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

/* Page-fault error code. */
#define PF_PRESENT  0x1
#define PF_WRITE    0x2
#define PF_USER	    0x4
#define PF_RESERVED 0x8
#define PF_EXEC	    0x10
#define PF_PKEY	    0x20

#ifndef __ASSEMBLER__
#include <moat/types.h>

static inline u64 read_cr0(void)
{
	u64 v;
	asm volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}
static inline void write_cr0(u64 v)
{
	asm volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline u64 read_cr2(void)
{
	u64 v;
	asm volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}
static inline u64 read_cr3(void)
{
	u64 v;
	asm volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}
static inline void write_cr3(u64 v)
{
	asm volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline u64 read_cr4(void)
{
	u64 v;
	asm volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}
static inline void write_cr4(u64 v)
{
	asm volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return ((u64)hi << 32) | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;
	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return ((u64)hi << 32) | lo;
}
static inline void cpuid(u32 leaf, u32 sub, u32 out[4])
{
	asm volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(sub));
}
static inline void invlpg(u64 addr)
{
	asm volatile("invlpg (%0)" : : "r"(addr) : "memory");
}
static inline void irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}
static inline void irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}
static inline void outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(u16 port, u32 v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
	u8 v;
	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
#endif
#endif
