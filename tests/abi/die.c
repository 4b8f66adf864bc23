/* SPDX-License-Identifier: MIT */
/* Each way to die, chosen by name: the wait status is the result. `signal N` sends N to itself. */
#include "abi.h"
#include <signal.h>

static volatile int zero;
static volatile char sink;

static void touch_null(void)
{
	sink = *(volatile char *)NULL;
}

static void touch_unmapped(void)
{
	*(abi_page_before_hole() + PAGE) = 1;
}

static void write_text(void)
{
	*(volatile char *)(uintptr_t)write_text = 1;
}

static void write_constant(void)
{
	static const char constant[] = "constant";

	*(volatile char *)(uintptr_t)constant = 1;
}

static void execute_data(void)
{
	static unsigned char code[] = {0xc3};

	((void (*)(void))(uintptr_t)code)();
}

static void kernel_address(void)
{
	sink = *(volatile char *)0xffffffff81000000;
}

static void noncanonical(void)
{
	sink = *(volatile char *)0x800000000000;
}

static void illegal(void)
{
	__asm__ volatile("ud2");
}

static void divide(void)
{
	/* In assembly: the compiler may turn a division by zero into anything. */
	__asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; idivl %0" ::"m"(zero) : "eax", "edx");
}

static void divide_overflow(void)
{
	__asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idivl %%ecx" ::: "eax", "ecx", "edx");
}

static void sse_exception(void)
{
	unsigned int control = 0x1f80 & ~(1u << 9);

	__asm__ volatile("ldmxcsr %0; xorps %%xmm0, %%xmm0; mov $1, %%eax; cvtsi2ss %%eax, %%xmm1;"
			 "divss %%xmm0, %%xmm1" ::"m"(control)
			 : "eax", "xmm0", "xmm1");
}

static void x87_exception(void)
{
	unsigned short control = 0x37f & ~(1u << 2);

	__asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(control));
}

static void breakpoint(void)
{
	__asm__ volatile("int3");
}

static void single_step(void)
{
	__asm__ volatile("pushf; orl $0x100, (%rsp); popf; nop; nop");
}

static void unaligned(void)
{
	__asm__ volatile(
		"sub $128, %rsp; pushf; orl $0x40000, (%rsp); popf; lea 1(%rsp), %rax; mov (%rax), %rcx");
}

static void privileged(void)
{
	__asm__ volatile("hlt");
}

static int recurse(volatile char *above)
{
	volatile char frame[512];

	frame[0] = above ? above[0] : 0;
	return recurse(frame) + frame[0];
}

static void overflow_stack(void)
{
	recurse(NULL);
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{"null", touch_null},		{"unmapped", touch_unmapped}, {"text", write_text},
	{"constant", write_constant},	{"execute", execute_data},    {"kernel", kernel_address},
	{"noncanonical", noncanonical}, {"illegal", illegal},	      {"divide", divide},
	{"overflow", divide_overflow},	{"sse", sse_exception},	      {"x87", x87_exception},
	{"breakpoint", breakpoint},	{"step", single_step},	      {"unaligned", unaligned},
	{"privileged", privileged},	{"stack", overflow_stack},    {"abort", abort},
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	printf("before %s\n", argv[1]);
	fflush(stdout);
	if (strcmp(argv[1], "signal") == 0) {
		R(kill(getpid(), atoi(argv[2])));
		printf("survived\n");
		return 0;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) == 0)
			ways[i].run();
	}
	printf("survived\n");
	return 0;
}
