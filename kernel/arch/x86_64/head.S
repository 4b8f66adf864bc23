/* SPDX-License-Identifier: MIT */
/*
 * The first instructions: from 32-bit protected mode without paging, as PVH (EBX = hvm_start_info) and multiboot2
 * (EAX = magic, EBX = information) both leave the CPU, to boot_early() in 64-bit mode on an identity map, and
 * from there to kernel_main() at the image's final address.
 *
 * The image may not hold absolute addresses here: everything is relative to where the code runs.
 */
#include <arch/impl/kernel_layout.h>
#include <arch/impl/x86.h>

#define MB2_MAGIC  0xe85250d6
#define MB2_LENGTH (mb2_end - mb2_start)

	.section .multiboot, "a"
	.balign 8
mb2_start:
	.long MB2_MAGIC, 0, MB2_LENGTH, -(MB2_MAGIC + MB2_LENGTH)
	/* information request: command line, modules, memory map */
	.balign 8
	.short 1, 0
	.long 20
	.long 1, 3, 6
	/* modules are page-aligned */
	.balign 8
	.short 6, 0
	.long 8
	.balign 8
	.short 0, 0
	.long 8
mb2_end:

	/* A stack of one word in the image's first page, whose physical address is known when this is assembled. */
	.balign 8
	.skip 8
scratch_top:

	.section .head.text, "ax"
	.code32
	.globl multiboot_start, pvh_start
multiboot_start:
	cld
	movl %eax, %esi			/* multiboot2's magic */
	jmp 1f
pvh_start:
	cld
	xorl %esi, %esi			/* PVH */
1:
	/* Where are we? CALL and POP tell; everything else is found relative to that. */
	movl $(KERNEL_PHYS_BASE + scratch_top - mb2_start), %esp
	call 2f
2:	popl %ebp

	/* Identity map of the first 4 GiB: PML4 -> PDPT -> 4 page directories of 2 MiB leaves. */
	leal (boot_tables - 2b)(%ebp), %edi
	movl %edi, %edx
	leal 0x1003(%edx), %eax		/* present, writable */
	movl %eax, (%edi)
	leal 0x2003(%edx), %eax
	movl $4, %ecx
	leal 0x1000(%edx), %edi
3:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	loop 3b
	leal 0x2000(%edx), %edi
	movl $0x83, %eax
	movl $2048, %ecx
4:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 4b

	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl %edx, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	leal (boot_gdt - 2b)(%ebp), %eax
	leal (boot_gdt_pointer - 2b)(%ebp), %ecx
	movl %eax, 2(%ecx)
	lgdt (%ecx)
	pushl $8
	leal (start64 - 2b)(%ebp), %eax
	pushl %eax
	lret

	.code64
start64:
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	leaq boot_stack_top(%rip), %rsp
	xorl %ebp, %ebp
	movl %ebx, %edi
	/* esi: magic */
	call boot_early			/* rax: the address kernel_main will have; rdx: physical PML4 */
	/* The new tables map this code where it runs, too, until kernel_main drops that. */
	movq %rdx, %cr3
	leaq boot_stack_top(%rip), %rsp
	addq boot_slide(%rip), %rsp
	xorl %ebp, %ebp
	pushq $0
	jmp *%rax

	.section .data
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff
boot_gdt_pointer:
	.short 23
	.long 0

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_tables
boot_tables:
	.skip 6 * 4096
	.globl boot_stack
boot_stack:
	.skip 16384
	.globl boot_stack_top
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
