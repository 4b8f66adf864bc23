/* SPDX-License-Identifier: MIT */
/* Instructions that belong to the kernel, and exceptions that a program may cause itself. */
#include "attack.h"

/* An attack that is nothing but instructions; it returns 0 if the processor lets it. */
#define ASSEMBLY(name, instructions)                                                           \
	__attribute__((naked)) static int name(__attribute__((unused)) unsigned long argument) \
	{                                                                                      \
		__asm__(instructions "; xor %eax, %eax; ret");                                 \
	}

extern char descriptor[16];
char descriptor[16];

ASSEMBLY(do_cli, "cli")
ASSEMBLY(do_sti, "sti")
ASSEMBLY(do_hlt, "hlt")
ASSEMBLY(do_in, "mov $0x60, %edx; in %dx, %al")
ASSEMBLY(do_out, "mov $0x501, %edx; xor %eax, %eax; out %al, %dx")
ASSEMBLY(do_out_immediate, "xor %eax, %eax; out %al, $0xe9")
ASSEMBLY(do_ins, "mov %rsp, %rdi; sub $64, %rdi; mov $0x60, %edx; insb")
ASSEMBLY(do_outs, "mov %rsp, %rsi; mov $0xe9, %edx; outsb")
ASSEMBLY(do_read_cr0, "mov %cr0, %rax")
ASSEMBLY(do_write_cr0, "xor %eax, %eax; mov %rax, %cr0")
ASSEMBLY(do_read_cr2, "mov %cr2, %rax")
ASSEMBLY(do_read_cr3, "mov %cr3, %rax")
ASSEMBLY(do_write_cr3, "xor %eax, %eax; mov %rax, %cr3")
ASSEMBLY(do_write_cr4, "xor %eax, %eax; mov %rax, %cr4")
ASSEMBLY(do_write_cr8, "xor %eax, %eax; mov %rax, %cr8")
ASSEMBLY(do_read_dr7, "mov %dr7, %rax")
ASSEMBLY(do_write_dr0, "xor %eax, %eax; mov %rax, %dr0")
ASSEMBLY(do_clts, "clts")
ASSEMBLY(do_lmsw, "xor %eax, %eax; lmsw %ax")
ASSEMBLY(do_rdmsr, "mov $0xc0000080, %ecx; rdmsr")
ASSEMBLY(do_wrmsr, "mov $0xc0000082, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr")
ASSEMBLY(do_rdpmc, "xor %ecx, %ecx; rdpmc")
ASSEMBLY(do_lgdt, "lgdt descriptor(%rip)")
ASSEMBLY(do_lidt, "lidt descriptor(%rip)")
ASSEMBLY(do_lldt, "xor %eax, %eax; lldt %ax")
ASSEMBLY(do_ltr, "mov $0x28, %eax; ltr %ax")
ASSEMBLY(do_sgdt, "sgdt -64(%rsp)")
ASSEMBLY(do_sidt, "sidt -64(%rsp)")
ASSEMBLY(do_sldt, "sldt %rax")
ASSEMBLY(do_smsw, "smsw %rax")
ASSEMBLY(do_str, "str %rax")
ASSEMBLY(do_invlpg, "invlpg (%rsp)")
ASSEMBLY(do_invd, "invd")
ASSEMBLY(do_wbinvd, "wbinvd")
ASSEMBLY(do_swapgs, "swapgs")
ASSEMBLY(do_sysret, "mov $0x400000, %ecx; mov $0x202, %r11d; sysretq")
ASSEMBLY(do_sysexit, "sysexitl")
ASSEMBLY(do_sysenter, "sysenter")
ASSEMBLY(do_xsetbv, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv")
ASSEMBLY(do_stac, "stac")
ASSEMBLY(do_clac, "clac")
ASSEMBLY(do_ud2, "ud2")
ASSEMBLY(do_lock_nop, ".byte 0xf0, 0x90")
ASSEMBLY(do_into, ".byte 0xce")
ASSEMBLY(do_too_long,
	 ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90")
ASSEMBLY(do_icebp, ".byte 0xf1")
ASSEMBLY(do_unaligned_sse, "lea 1(%rsp), %rax; movaps (%rax), %xmm0")
ASSEMBLY(do_divide, "xor %edx, %edx; mov $1, %eax; xor %ecx, %ecx; div %ecx")
ASSEMBLY(do_divide_overflow, "mov $0x80000000, %eax; cltd; mov $-1, %ecx; idivl %ecx")
ASSEMBLY(do_x87, "sub $16, %rsp; movw $0x37b, (%rsp); fldcw (%rsp); add $16, %rsp; fld1; fldz; fdivrp; fwait")
ASSEMBLY(do_sse, "sub $16, %rsp; movl $0x1d80, (%rsp); ldmxcsr (%rsp); add $16, %rsp; xorps %xmm0, %xmm0;"
		 "mov $1, %eax; cvtsi2ss %eax, %xmm1; divss %xmm0, %xmm1")
ASSEMBLY(do_bad_mxcsr, "sub $16, %rsp; movl $0xffffffff, (%rsp); ldmxcsr (%rsp); add $16, %rsp")
ASSEMBLY(do_single_step, "pushf; orl $0x100, (%rsp); popf; nop; nop")
ASSEMBLY(do_unaligned,
	 "sub $128, %rsp; pushf; orl $0x40000, (%rsp); popf; lea 1(%rsp), %rax; mov (%rax), %rcx;"
	 "pushf; andl $~0x40000, (%rsp); popf; add $128, %rsp")
ASSEMBLY(do_iopl_then_cli, "pushf; orl $0x3000, (%rsp); popf; cli")

/* int N for every N, as an instruction of its own: two bytes and a return, 16 bytes apart. */
__asm__(".text\n.balign 16\ninterrupts:\n"
	".set n, 0\n"
	".rept 256\n"
	".balign 16\n"
	"mov $39, %eax\n"
	".byte 0xcd, n\n"
	"ret\n"
	".set n, n + 1\n"
	".endr\n");
extern const char interrupts[];

/* With getpid's number in rax, for 0x80 to succeed. */
static int do_interrupt(unsigned long vector)
{
	const char *stub = interrupts + 16 * (vector & 255);
	long result;

	__asm__ volatile("call *%1" : "=a"(result) : "r"(stub) : "rcx", "r11", "memory");
	return result == call3(SYS_getpid, 0, 0, 0) ? 0 : 1;
}

/* int 0x80 takes the x86-64 numbers and registers: write, then exit with the number of bytes written. */
static int do_int80_write(unsigned long argument)
{
	static const char text[] = "written through int 0x80\n";
	register long rdi __asm__("rdi") = 1;
	register long rsi __asm__("rsi") = (long)text;
	register long rdx __asm__("rdx") = sizeof(text) - 1;
	unsigned long rcx = 0x1234, r11_kept;
	long result;

	(void)argument;
	__asm__ volatile("mov $0x5678, %%r11d; int $0x80; mov %%r11, %2"
			 : "=a"(result), "+c"(rcx), "=&r"(r11_kept)
			 : "0"(SYS_write), "r"(rdi), "r"(rsi), "r"(rdx)
			 : "r11", "memory");
	return result == (long)sizeof(text) - 1 && rcx == 0x1234 && r11_kept == 0x5678 ? 0 : 1;
}

/* popf leaves IOPL and the interrupt flag alone in ring 3, without a fault. */
static int do_popf(unsigned long argument)
{
	unsigned long flags;

	(void)argument;
	__asm__ volatile("pushf; orl $0x3000, (%%rsp); andl $~0x200, (%%rsp); popf; pushf; pop %0"
			 : "=r"(flags));
	return (flags & 0x3200) == 0x200 ? 0 : 1;
}

/* The ports stay shut when the system calls that could open them are asked. */
static int do_iopl_call(unsigned long argument)
{
	(void)argument;
	call3(SYS_iopl, 3, 0, 0);
	call3(SYS_ioperm, 0x501, 1, 1);
	__asm__ volatile("mov $0x501, %%edx; xor %%eax, %%eax; out %%al, %%dx" ::: "rax", "rdx");
	return 0;
}

/* Load each segment register with what a ring 3 program has no right to. */
static int do_load_segment(unsigned long selector)
{
	__asm__ volatile("mov %0, %%ds" ::"r"((int)selector));
	return 0;
}

static int do_load_stack_segment(unsigned long selector)
{
	__asm__ volatile("mov %0, %%ss" ::"r"((int)selector));
	return 0;
}

static int do_far_return(unsigned long selector)
{
	__asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:" ::"r"(selector)
			 : "rax", "memory");
	return 0;
}

static int do_far_call(unsigned long selector)
{
	struct {
		uint64_t offset;
		uint16_t selector;
	} target = {0, (uint16_t)selector};

	__asm__ volatile("rex.W lcall *%0" ::"m"(target) : "memory");
	return 0;
}

const struct attack instruction_attacks[] = {
	{"cli", do_cli},
	{"sti", do_sti},
	{"hlt", do_hlt},
	{"in", do_in},
	{"out", do_out},
	{"out-immediate", do_out_immediate},
	{"ins", do_ins},
	{"outs", do_outs},
	{"read-cr0", do_read_cr0},
	{"write-cr0", do_write_cr0},
	{"read-cr2", do_read_cr2},
	{"read-cr3", do_read_cr3},
	{"write-cr3", do_write_cr3},
	{"write-cr4", do_write_cr4},
	{"write-cr8", do_write_cr8},
	{"read-dr7", do_read_dr7},
	{"write-dr0", do_write_dr0},
	{"clts", do_clts},
	{"lmsw", do_lmsw},
	{"rdmsr", do_rdmsr},
	{"wrmsr", do_wrmsr},
	{"rdpmc", do_rdpmc},
	{"lgdt", do_lgdt},
	{"lidt", do_lidt},
	{"lldt", do_lldt},
	{"ltr", do_ltr},
	{"sgdt", do_sgdt},
	{"sidt", do_sidt},
	{"sldt", do_sldt},
	{"smsw", do_smsw},
	{"str", do_str},
	{"invlpg", do_invlpg},
	{"invd", do_invd},
	{"wbinvd", do_wbinvd},
	{"swapgs", do_swapgs},
	{"sysret", do_sysret},
	{"sysexit", do_sysexit},
	{"sysenter", do_sysenter},
	{"xsetbv", do_xsetbv},
	{"stac", do_stac},
	{"clac", do_clac},
	{"ud2", do_ud2},
	{"lock-nop", do_lock_nop},
	{"into", do_into},
	{"too-long", do_too_long},
	{"icebp", do_icebp},
	{"unaligned-sse", do_unaligned_sse},
	{"divide", do_divide},
	{"divide-overflow", do_divide_overflow},
	{"x87", do_x87},
	{"sse", do_sse},
	{"bad-mxcsr", do_bad_mxcsr},
	{"single-step", do_single_step},
	{"unaligned", do_unaligned},
	{"iopl-then-cli", do_iopl_then_cli},
	{"interrupt", do_interrupt},
	{"int80-write", do_int80_write},
	{"popf", do_popf},
	{"iopl-call", do_iopl_call},
	{"load-segment", do_load_segment},
	{"load-stack-segment", do_load_stack_segment},
	{"far-return", do_far_return},
	{"far-call", do_far_call},
	{NULL, NULL},
};
