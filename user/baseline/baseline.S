/* SPDX-License-Identifier: MIT */
/*
 * The boot-regression program: the smallest thing that shows ring 3, a system call and an orderly end. It runs
 * at every boot before anything else. No library, no stack, no data: all that can be wrong is the kernel's.
 *
 * System calls go through int 0x80 with the numbers and registers of x86-64.
 */
#include <asm/unistd_64.h>

#define STDOUT 1

	.text
	.globl _start
_start:
	movl $__NR_write, %eax
	movl $STDOUT, %edi
	leaq text(%rip), %rsi
	movl $(text_end - text), %edx
	int $0x80
	/* A short or failed write is a failed test. */
	cmpq $(text_end - text), %rax
	setne %dil
	movzbl %dil, %edi
	movl $__NR_exit, %eax
	int $0x80
	ud2

	.section .rodata
text:	.ascii "moat baseline: hello from ring 3\n"
text_end:
	.section .note.GNU-stack, "", @progbits
