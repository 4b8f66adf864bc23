/* SPDX-License-Identifier: MIT */
/*
 * The very first instruction: what _start finds in registers and on the stack, with no library between.
 *
 * System V ABI for x86-64, 3.4: argc at rsp, then argv, NULL, the environment, NULL, the auxiliary vector.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Filled by the assembly below before anything else runs. */
struct registers {
	uint64_t rsp, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rflags;
	uint64_t ds, es, fs, gs;
	uint32_t mxcsr;
	uint16_t x87_control;
};
struct registers at_start;

__asm__(".globl _start\n"
	"_start:\n\t"
	"mov %rsp, at_start(%rip); mov %rax, at_start+8(%rip); mov %rbx, at_start+16(%rip)\n\t"
	"mov %rcx, at_start+24(%rip); mov %rdx, at_start+32(%rip); mov %rsi, at_start+40(%rip)\n\t"
	"mov %rdi, at_start+48(%rip); mov %rbp, at_start+56(%rip); mov %r8, at_start+64(%rip)\n\t"
	"mov %r9, at_start+72(%rip); mov %r10, at_start+80(%rip); mov %r11, at_start+88(%rip)\n\t"
	"mov %r12, at_start+96(%rip); mov %r13, at_start+104(%rip); mov %r14, at_start+112(%rip)\n\t"
	"mov %r15, at_start+120(%rip)\n\t"
	"pushf; pop %rax; mov %rax, at_start+128(%rip)\n\t"
	"xor %eax, %eax\n\t"
	"mov %ds, %ax; mov %rax, at_start+136(%rip); mov %es, %ax; mov %rax, at_start+144(%rip)\n\t"
	"mov %fs, %ax; mov %rax, at_start+152(%rip); mov %gs, %ax; mov %rax, at_start+160(%rip)\n\t"
	"stmxcsr at_start+168(%rip); fnstcw at_start+172(%rip)\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call start_in_c\n\t"
	"ud2\n");

static long call3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

static void print(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	call3(SYS_write, 1, (long)text, (long)n);
}

static void print_value(const char *name, uint64_t value)
{
	char digits[20];
	int at = 19;

	digits[at] = 0;
	do {
		digits[--at] = "0123456789abcdef"[value % 16];
		value /= 16;
	} while (value);
	print(name);
	print(" ");
	print(digits + at);
	print("\n");
}

void start_in_c(uint64_t *sp);

void start_in_c(uint64_t *sp)
{
	uint64_t *at = sp + 1, count = 0;

	print_value("rsp & 15:", at_start.rsp & 15);
	print_value("general registers:", at_start.rax | at_start.rbx | at_start.rcx | at_start.rdx |
						  at_start.rsi | at_start.rdi | at_start.rbp | at_start.r8 |
						  at_start.r9 | at_start.r10 | at_start.r11 | at_start.r12 |
						  at_start.r13 | at_start.r14 | at_start.r15);
	print_value("rflags:", at_start.rflags);
	print_value("data segments:", at_start.ds | at_start.es | at_start.fs | at_start.gs);
	print_value("mxcsr:", at_start.mxcsr);
	print_value("x87 control:", at_start.x87_control);
	print_value("argc:", sp[0]);
	for (uint64_t i = 1; i < sp[0]; i++) {
		print("argument ");
		print((const char *)at[i]);
		print("\n");
	}
	at += sp[0];
	print_value("argv end:", *at++);
	for (; *at; at++) {
		print("environment ");
		print((const char *)*at);
		print("\n");
	}
	for (at++; at[0]; at += 2)
		count++;
	print_value("auxiliary vector of 17 or more:", count >= 17);
	print_value("its end:", at[1]);
	print_value("stack below 0x7ffffffff000:", (uint64_t)sp < 0x7ffffffff000);
	call3(SYS_exit_group, 7, 0, 0);
}
