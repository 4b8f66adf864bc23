/* SPDX-License-Identifier: MIT */
/* Memory that is not the program's, or not in that way. */
#include "attack.h"

static int do_read(unsigned long address)
{
	return *(volatile char *)address & 0;
}

static int do_write(unsigned long address)
{
	*(volatile char *)address = 1;
	return 0;
}

static int do_jump(unsigned long address)
{
	__asm__ volatile("jmp *%0" ::"r"(address));
	return 0;
}

static int do_call(unsigned long address)
{
	__asm__ volatile("call *%0" ::"r"(address) : "memory");
	return 0;
}

static int do_return(unsigned long address)
{
	__asm__ volatile("push %0; ret" ::"r"(address));
	return 0;
}

static int do_prefetch(unsigned long address)
{
	__builtin_prefetch((void *)address);
	return 0;
}

static int do_flush(unsigned long address)
{
	__asm__ volatile("clflush (%0)" ::"r"(address));
	return 0;
}

/* A string instruction that starts in user memory and runs into the kernel's half. */
static int do_run_up(unsigned long from)
{
	unsigned long count = -from;

	__asm__ volatile("xor %%eax, %%eax; rep stosb" : "+D"(from), "+c"(count)::"rax", "memory");
	return 0;
}

static const unsigned char ret_instruction = 0xc3;

static int run_code(char *p)
{
	*(volatile char *)p = (char)ret_instruction;
	((void (*)(void))(uintptr_t)p)();
	return 1;
}

static int do_execute_stack(unsigned long argument)
{
	char code[16];

	(void)argument;
	return run_code(code);
}

static int do_execute_data(unsigned long argument)
{
	static char code[16];

	(void)argument;
	return run_code(code);
}

static int do_execute_heap(unsigned long argument)
{
	unsigned long top = (unsigned long)call3(SYS_brk, 0, 0, 0);

	(void)argument;
	call3(SYS_brk, (long)(top + 2 * PAGE), 0, 0);
	return run_code((char *)top + PAGE);
}

static int do_execute_mapping(unsigned long argument)
{
	(void)argument;
	return run_code(fresh(0, PAGE));
}

static int do_write_text(unsigned long argument)
{
	(void)argument;
	*(volatile char *)(uintptr_t)do_write_text = 0;
	return 1;
}

static int do_write_constant(unsigned long argument)
{
	(void)argument;
	*(volatile unsigned char *)(uintptr_t)&ret_instruction = 0;
	return 1;
}

/* 0 when the kernel refuses: nothing may be mapped at the first 64 KiB. */
static int do_map_low(unsigned long address)
{
	long result = call6(SYS_mmap, (long)address, (long)PAGE, 3, 0x32, -1, 0);

	return result < 0 && result > -4096 ? 0 : 1;
}

static int do_overflow_stack(unsigned long step)
{
	volatile char *p;

	__asm__ volatile("mov %%rsp, %0" : "=r"(p));
	for (;;) {
		p -= step;
		*p = 1;
	}
	return 1;
}

/* One jump over whatever guard lies below the stack. */
static int do_leap(unsigned long length)
{
	__asm__ volatile("sub %0, %%rsp; push %%rax; pop %%rax; add %0, %%rsp" ::"r"(length)
			 : "rax", "memory");
	return 1;
}

/* A program that uses all memory it can get ends by the kernel's hand, not the machine. */
static int do_eat_memory(unsigned long argument)
{
	(void)argument;
	for (;;) {
		char *p = fresh(0, 1 << 20);

		for (unsigned long i = 0; i < 1 << 20; i += PAGE)
			p[i] = 1;
	}
	return 1;
}

const struct attack memory_attacks[] = {
	{"read", do_read},
	{"write", do_write},
	{"jump", do_jump},
	{"call", do_call},
	{"return", do_return},
	{"prefetch", do_prefetch},
	{"flush", do_flush},
	{"run-up", do_run_up},
	{"execute-stack", do_execute_stack},
	{"execute-data", do_execute_data},
	{"execute-heap", do_execute_heap},
	{"execute-mapping", do_execute_mapping},
	{"write-text", do_write_text},
	{"write-constant", do_write_constant},
	{"map-low", do_map_low},
	{"overflow-stack", do_overflow_stack},
	{"leap", do_leap},
	{"eat-memory", do_eat_memory},
	{NULL, NULL},
};
