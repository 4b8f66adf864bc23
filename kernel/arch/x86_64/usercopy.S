/* SPDX-License-Identifier: MIT */
/*
 * The only instructions of the kernel that touch user memory. Each access has an entry in the exception table: when the
 * fault handler cannot serve a fault there, execution goes on at the entry's fixup instead.
 *
 * SMAP is open (STAC) exactly from the first to the last access. The placeholders become STAC and CLAC at boot.
 *
 * u64 user_copy(void *dst, const void *src, u64 n): returns the bytes NOT copied, exact to the byte.
 * u64 user_clear(void *dst, u64 n): the same for writing zeros.
 * u64 user_strcopy(char *dst, const char *src, u64 max, u64 *length): one byte at a time up to the terminator;
 *     0 found, 1 no terminator in max bytes, 2 fault; *length = bytes before the end.
 */
#include <arch/impl/x86.h>

.macro SMAP_SITE open
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.long 771b - ., \open
	.popsection
.endm

/* The instruction at label `at` may fault; go on at `fixup`. */
.macro EXCEPTION at, fixup
	.pushsection .exception_table, "a"
	.long \at - ., \fixup - .
	.popsection
.endm

	.text
/*
 * n <= 64: moves of 8 bytes, then of 4 and of 1. A fault among the longer moves is tried again byte by byte, so that the
 * count is exact. Longer: `rep movsq`, then the tail; see docs/architecture.md for why not `rep movsb`.
 */
	.balign 16
	.globl user_copy
user_copy:
	SMAP_SITE 1
	movq %rdx, %rcx
	cmpq $64, %rdx
	ja 4f
	andq $-8, %rcx
	jz 2f
	subq %rcx, %rdx
	addq %rcx, %rsi
	addq %rcx, %rdi
	negq %rcx
1:	movq (%rsi, %rcx), %rax
11:	movq %rax, (%rdi, %rcx)
	addq $8, %rcx
	jnz 1b
2:	testl %edx, %edx
	jz 3f
	testl $4, %edx
	jz 21f
12:	movl (%rsi), %eax
13:	movl %eax, (%rdi)
	addq $4, %rsi
	addq $4, %rdi
	subl $4, %edx
	jz 3f
21:	movb (%rsi), %al
22:	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decl %edx
	jnz 21b
3:	SMAP_SITE 0
	xorl %eax, %eax
	ret
4:	shrq $3, %rcx
	andl $7, %edx
41:	rep movsq
	movl %edx, %ecx
42:	rep movsb
	SMAP_SITE 0
	xorl %eax, %eax
	ret
	/* `rep movsq` stopped with RCX words and RDX bytes to go: what is still reachable, byte by byte. */
43:	leaq (%rdx, %rcx, 8), %rdx
44:	movq %rdx, %rcx
45:	rep movsb
46:	SMAP_SITE 0
	movq %rcx, %rax
	ret
47:	movl %edx, %ecx
	jmp 46b
	/* The moves of 8 bytes stopped with -RCX bytes of them and RDX more to go. */
48:	addq %rcx, %rsi
	addq %rcx, %rdi
	subq %rcx, %rdx
	jmp 44b
	EXCEPTION 1b, 48b
	EXCEPTION 11b, 48b
	EXCEPTION 12b, 44b
	EXCEPTION 13b, 44b
	EXCEPTION 21b, 47b
	EXCEPTION 22b, 47b
	EXCEPTION 41b, 43b
	EXCEPTION 42b, 46b
	EXCEPTION 45b, 46b

	.balign 16
	.globl user_clear
user_clear:
	SMAP_SITE 1
	xorl %eax, %eax
	movq %rsi, %rcx
	cmpq $8, %rsi
	jb 2f
	movl %esi, %edx
	shrq $3, %rcx
	andl $7, %edx
1:	rep stosq
	movl %edx, %ecx
2:	rep stosb
3:	SMAP_SITE 0
	movq %rcx, %rax
	ret
4:	leaq (%rdx, %rcx, 8), %rcx
	jmp 2b
	EXCEPTION 1b, 4b
	EXCEPTION 2b, 3b

	.balign 16
	.globl user_strcopy
user_strcopy:
	SMAP_SITE 1
	xorl %r8d, %r8d
	testq %rdi, %rdi
	jz 1f
	/* 8 bytes at a time, as long as there is room and they are of one page, so that the first tells of all. */
	movq $0x0101010101010101, %r9
	movq $0x8080808080808080, %r10
7:	leaq 8(%r8), %rax
	cmpq %rdx, %rax
	ja 1f
	leal (%esi, %r8d), %eax
	andl $0xfff, %eax
	cmpl $0xff8, %eax
	ja 1f
8:	movq (%rsi, %r8), %rax
	movq %rax, (%rdi, %r8)
	movq %rax, %r11
	subq %r9, %rax
	notq %r11
	andq %r11, %rax
	andq %r10, %rax
	jnz 9f
	addq $8, %r8
	jmp 7b
	/* The lowest byte marked is the terminator; what was copied behind it is the program's own. */
9:	bsfq %rax, %rax
	shrl $3, %eax
	addq %rax, %r8
	jmp 4f
1:	cmpq %rdx, %r8
	jae 3f
2:	movb (%rsi, %r8), %al
	testq %rdi, %rdi
	jz 21f
	movb %al, (%rdi, %r8)
21:	testb %al, %al
	jz 4f
	incq %r8
	jmp 1b
3:	movl $1, %eax
	jmp 6f
4:	xorl %eax, %eax
	jmp 6f
5:	movl $2, %eax
6:	SMAP_SITE 0
	movq %r8, (%rcx)
	ret
	EXCEPTION 2b, 5b
	EXCEPTION 8b, 5b

/*
 * u32 user_peek(const u32 *word, u32 *value): 1 when the word could be read without serving a fault. The trap handler knows
 * user_peek_insn: a fault there goes to the fixup at once, whatever locks are held.
 */
	.balign 16
	.globl user_peek
user_peek:
	SMAP_SITE 1
	.globl user_peek_insn
user_peek_insn:
1:	movl (%rdi), %ecx
	movl $1, %eax
2:	SMAP_SITE 0
	movl %ecx, (%rsi)
	ret
3:	xorl %eax, %eax
	xorl %ecx, %ecx
	jmp 2b
	EXCEPTION 1b, 3b

/*
 * u32 user_exchange(u32 *word, u32 *seen, u32 new): stores new if the word is *seen; *seen becomes what it was. 0 when the
 * word cannot be written.
 */
	.balign 16
	.globl user_exchange
user_exchange:
	movl (%rsi), %eax
	SMAP_SITE 1
1:	lock cmpxchgl %edx, (%rdi)
2:	SMAP_SITE 0
	movl %eax, (%rsi)
	movl $1, %eax
	ret
3:	SMAP_SITE 0
	xorl %eax, %eax
	ret
	EXCEPTION 1b, 3b

/* The same without serving a fault, as user_peek. */
	.balign 16
	.globl user_try_exchange
user_try_exchange:
	movl (%rsi), %eax
	SMAP_SITE 1
	.globl user_try_exchange_insn
user_try_exchange_insn:
1:	lock cmpxchgl %edx, (%rdi)
	jmp 2b
	EXCEPTION 1b, 3b

/*
 * u32 user_xsave(void *area, u32 low, u32 high, u64 bytes, u32 mark): the registers that the two halves of a bitmap name to
 * user memory, and the mark `bytes` behind its start. 0, or 1 when it cannot be written.
 * u32 user_xrstor(const void *area, u32 low, u32 high, u64 bytes, u32 mark): the way back; 2 when there is no such mark, 1
 * when the memory cannot be read, or holds what XRSTOR refuses: the trap handler knows user_xrstor_insn.
 */
	.balign 16
	.globl user_xsave
user_xsave:
	movl %esi, %eax
	SMAP_SITE 1
1:	xsave64 (%rdi)
2:	movl %r8d, (%rdi, %rcx)
	SMAP_SITE 0
	xorl %eax, %eax
	ret
3:	SMAP_SITE 0
	movl $1, %eax
	ret
	EXCEPTION 1b, 3b
	EXCEPTION 2b, 3b

	.balign 16
	.globl user_xrstor
user_xrstor:
	movl %esi, %eax
	SMAP_SITE 1
1:	cmpl %r8d, (%rdi, %rcx)
	jne 2f
	.globl user_xrstor_insn
user_xrstor_insn:
	xrstor64 (%rdi)
	SMAP_SITE 0
	xorl %eax, %eax
	ret
2:	SMAP_SITE 0
	movl $2, %eax
	ret
3:	SMAP_SITE 0
	movl $1, %eax
	ret
	EXCEPTION 1b, 3b
	EXCEPTION user_xrstor_insn, 3b
	.section .note.GNU-stack, "", @progbits
