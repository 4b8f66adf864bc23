/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of a CPU that another one starts (SDM 3A, 9.4): real mode, at the start of the page that the SIPI
 * named. The code between ap_trampoline and ap_trampoline_end is copied there (smp.c), with its two words filled in. It goes
 * to 64-bit mode at once, on tables that map this page where it lies and the kernel where it is, and jumps to ap_start.
 */
#include <arch/impl/x86.h>
#include "smp.h"

#define AT(label) (AP_TRAMPOLINE + (label) - ap_trampoline)

	.section .rodata
	.balign 16
	.globl ap_trampoline, ap_trampoline_end, ap_trampoline_root, ap_trampoline_entry
	.code16
ap_trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	lgdtl ap_gdt_pointer - ap_trampoline
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl ap_trampoline_root - ap_trampoline, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl $(EFER_LME | EFER_NXE), %eax
	xorl %edx, %edx
	wrmsr
	/* From INIT on the caches are off: this clears CD and NW, too. */
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	ljmpl $SEL_KERNEL_CODE, $AT(1f)

	.code64
1:	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq ap_trampoline_entry(%rip), %rax
	jmp *%rax

	.balign 8
ap_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* SEL_KERNEL_CODE, marked as accessed: the page is read-only */
ap_gdt_pointer:
	.short 15
	.long AT(ap_gdt)
	.balign 8
ap_trampoline_root:
	.long 0, 0
ap_trampoline_entry:
	.quad 0
ap_trampoline_end:

	.text
	.globl ap_start
/* Which CPU is this? The one whose place in ap_apic_ids has its number; it has the stack in that place of ap_stacks. */
ap_start:
	movl $1, %eax
	cpuid
	shrl $24, %ebx
	leaq ap_apic_ids(%rip), %rsi
	xorl %edi, %edi
2:	incl %edi			/* the first place is the first CPU's */
	cmpl $AP_PLACES, %edi
	jae 3f
	cmpl %ebx, (%rsi, %rdi, 4)
	jne 2b
	leaq ap_stacks(%rip), %rsi
	movq (%rsi, %rdi, 8), %rsp
	testq %rsp, %rsp
	jz 3f
	xorl %ebp, %ebp
	pushq $0
	jmp ap_main
3:	cli
	hlt
	jmp 3b
	.section .note.GNU-stack, "", @progbits
