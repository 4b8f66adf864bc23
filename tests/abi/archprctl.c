/* SPDX-License-Identifier: MIT */
/* arch_prctl(2): FS and GS bases, what they refuse, and that they live through system calls and time. */
#include "abi.h"
#include <sched.h>
#include <asm/prctl.h>

static unsigned long block[4] = {0x1111, 0x2222, 0x3333, 0x4444};

/* Without the library, which keeps errno behind FS. */
static long arch_prctl(long code, unsigned long address)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(SYS_arch_prctl), "D"(code), "S"(address)
			 : "rcx", "r11", "memory");
	return result;
}

static unsigned long gs_word(void)
{
	unsigned long value;

	__asm__ volatile("mov %%gs:8, %0" : "=r"(value));
	return value;
}

int main(void)
{
	unsigned long fs = 0, gs = 1, inside = 0, result;

	R(arch_prctl(ARCH_GET_FS, (unsigned long)&fs));
	HOLDS(fs != 0 && *(unsigned long *)fs == fs);
	R(arch_prctl(ARCH_GET_GS, (unsigned long)&gs));
	R(gs);
	R(arch_prctl(ARCH_SET_GS, (unsigned long)block));
	R(arch_prctl(ARCH_GET_GS, (unsigned long)&gs));
	HOLDS(gs == (unsigned long)block);
	R(gs_word());
	for (int i = 0; i < 100; i++)
		sched_yield();
	for (volatile int i = 0; i < 20000000; i++)
		;
	R(gs_word());

	result = (unsigned long)arch_prctl(ARCH_SET_FS, (unsigned long)block);
	__asm__ volatile("mov %%fs:16, %0" : "=r"(inside));
	arch_prctl(ARCH_SET_FS, fs);
	R(result);
	R(inside);

	R(arch_prctl(ARCH_SET_FS, 0x7ffffffff000));
	R(arch_prctl(ARCH_SET_FS, 0x800000000000));
	R(arch_prctl(ARCH_SET_FS, 0xffff800000000000));
	R(arch_prctl(ARCH_SET_GS, -1ul));
	R(arch_prctl(ARCH_SET_GS, 0xffffffff80000000));
	R(arch_prctl(ARCH_GET_FS, 8));
	R(arch_prctl(ARCH_GET_GS, 0xffffffff80000000));
	R(arch_prctl(0, 0));
	R(arch_prctl(0x9999, 0));
	R(arch_prctl(-1, 0));
	R(gs_word());
	R(arch_prctl(ARCH_SET_GS, 0));
	R(arch_prctl(ARCH_GET_GS, (unsigned long)&gs));
	R(gs);
	return 0;
}
