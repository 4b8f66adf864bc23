/* SPDX-License-Identifier: MIT */
/*
 * Clearing a whole frame by a loop of 64-bit moves: under QEMU's translator half the time of the string instruction, on
 * real processors within a few per cent of it for one page. The loop is long enough that its own instructions hardly
 * count, short enough to be cheap to translate. Copying by the string instruction, which is half as many instructions
 * as loads and stores: a real processor's fastest way, and under the translator a tenth of a copy-on-write fault slower.
 *
 * void arch_clear_page(void *page);  void arch_copy_page(void *dst, const void *src);
 */
	.text
	.balign 16
	.globl arch_clear_page
arch_clear_page:
	xorl %eax, %eax
	leaq 4096(%rdi), %rcx
1:
i = 0
.rept 128
	movq %rax, i(%rdi)
i = i + 8
.endr
	addq $1024, %rdi
	cmpq %rcx, %rdi
	jne 1b
	ret

	.balign 16
	.globl arch_copy_page
arch_copy_page:
	movl $512, %ecx
	rep movsq
	ret
	.section .note.GNU-stack, "", @progbits
