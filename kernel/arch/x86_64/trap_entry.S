/* SPDX-License-Identifier: MIT */
/*
 * Every way into the kernel and out of it.
 *
 * An entry saves all general registers as a struct trap_frame on the thread's kernel stack, makes GS the kernel's, and
 * calls C. Entries from ring 3 leave through user_return, which does pending work with interrupts off and then
 * goes back by IRETQ, or by SYSRETQ when that is safe.
 *
 * Double faults, NMIs and machine checks may interrupt the kernel anywhere, even between a ring-3 entry and its SWAPGS.
 * They run on stacks of their own (IST) and set GS from the word at the top of that stack.
 */
#include <arch/impl/percpu.h>
#include <arch/impl/trap.h>
#include <arch/impl/x86.h>

	.text

.macro PUSH_REGS
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro POP_CALLEE_SAVED
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
.endm

/* Replaced by CLAC at boot on a CPU with SMAP: a program's AC flag must not open user memory to the kernel. */
.macro CLAC_SITE
771:	.byte 0x0f, 0x1f, 0x00		/* nop */
	.pushsection .smap_sites, "a"
	.long 771b - ., 0
	.popsection
.endm

.macro POP_REGS
	POP_CALLEE_SAVED
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

/* One 16-byte stub for each vector: an error code (the CPU's or 0), the vector, and on. */
	.balign 16
	.globl trap_stubs
trap_stubs:
vector = 0
.rept 256
	.balign 16
.if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
.else
	pushq $0
.endif
	pushq $vector
.if (vector == VEC_NMI) || (vector == VEC_DOUBLE_FAULT) || (vector == VEC_MACHINE_CHECK)
	jmp trap_ist
.else
	jmp trap_common
.endif
vector = vector + 1
.endr

	.balign 16
trap_common:
	cld
	testb $3, (FRAME_CS - FRAME_VECTOR)(%rsp)
	jz 1f
	swapgs
	PUSH_REGS
	CLAC_SITE
	movl $SEL_KERNEL_DATA, %eax	/* the same state of SS as in a system call: cpu_tables_init says why */
	movl %eax, %ss
	xorl %ebp, %ebp
	movq %rsp, %rdi
	call trap_from_user
	jmp user_return
1:	PUSH_REGS
	CLAC_SITE
	movq %rsp, %rdi
	call trap_from_kernel
	POP_REGS
	addq $16, %rsp
	iretq

/* The word at the very top of an IST stack is the address of this CPU's struct cpu. */
trap_ist:
	cld
	PUSH_REGS
	CLAC_SITE
	movl $MSR_GS_BASE, %ecx
	rdmsr
	movl %eax, %r12d
	movl %edx, %r13d
	movq FRAME_BYTES(%rsp), %rax
	movq %rax, %rdx
	shrq $32, %rdx
	wrmsr
	movq %rsp, %rdi
	call trap_on_ist
	movl $MSR_GS_BASE, %ecx
	movl %r12d, %eax
	movl %r13d, %edx
	wrmsr
	POP_REGS
	addq $16, %rsp
	iretq

/* SYSCALL (SDM 2B): RCX = return address, R11 = flags, RSP still the program's; interrupts are off (SFMASK). */
	.balign 16
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_USER_RSP
	movq %gs:CPU_KERNEL_STACK, %rsp
	pushq $SEL_USER_DATA
	pushq %gs:CPU_USER_RSP
	pushq %r11
	pushq $SEL_USER_CODE
	pushq %rcx
	pushq %rax
	pushq $VEC_SYSCALL
	PUSH_REGS
	xorl %ebp, %ebp
	sti
	movq %rsp, %rdi
	call syscall_dispatch
	movq %rax, FRAME_RAX(%rsp)
	cli
	cmpl $0, %gs:CPU_WORK
	jne user_return
	/*
	 * SYSRETQ with a non-canonical RCX faults in ring 0 on Intel's CPUs, with the program's stack: only
	 * addresses below USER_TOP go that way. Trap and resume flags need IRETQ.
	 */
sysret_path:
	movq FRAME_RIP(%rsp), %rcx
	movq FRAME_RFLAGS(%rsp), %r11
	movq $0x7ffffffff000, %rax
	cmpq %rax, %rcx
	jae iret_path
	testl $(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT), %r11d
	jnz iret_path
	POP_CALLEE_SAVED
	addq $8, %rsp
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	addq $8, %rsp
	popq %rdx
	popq %rsi
	popq %rdi
	movq 40(%rsp), %rsp		/* vector, error, rip, cs, rflags, then rsp */
	swapgs
	sysretq

/* Interrupts are off; %rsp points to the frame. */
	.globl user_return
user_return:
	cli
1:	cmpl $0, %gs:CPU_WORK
	je iret_path
	movl $0, %gs:CPU_WORK
	sti
	movq %rsp, %rdi
	call user_return_work
	cli
	jmp 1b
iret_path:
	POP_REGS
	addq $16, %rsp
	swapgs
	.globl iret_to_user
iret_to_user:
	iretq

/* The first instructions of a new thread: arch_switch returns here with its function and argument in RBX, R12. */
	.globl thread_trampoline
thread_trampoline:
	movq %r12, %rdi
	xorl %ebp, %ebp
	call thread_begin		/* finishes the switch */
	movq %r12, %rdi
	sti
	call *%rbx
	ud2

/* void arch_switch_stacks(u64 *save_sp, u64 load_sp): callee-saved registers live on the stack (psABI 3.2.1). */
	.globl arch_switch_stacks
arch_switch_stacks:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.section .note.GNU-stack, "", @progbits
