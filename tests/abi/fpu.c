/* SPDX-License-Identifier: MIT */
/* Floating point and vector registers: first values, and life through system calls and time slices. */
#include "abi.h"
#include <cpuid.h>
#include <math.h>
#include <time.h>

typedef unsigned char vectors[16][32];

/* Load all vector registers, run for a while, store them: `load` and `store` are one instruction each. */
#define EACH_VECTOR(op) \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD_XMM(n)  "movups " #n "*32(%[in]), %%xmm" #n "\n\t"
#define STORE_XMM(n) "movups %%xmm" #n ", " #n "*32(%[out])\n\t"
#define LOAD_YMM(n)  "vmovups " #n "*32(%[in]), %%ymm" #n "\n\t"
#define STORE_YMM(n) "vmovups %%ymm" #n ", " #n "*32(%[out])\n\t"

/* A system call, then a busy loop long enough for the timer, between loading and storing. */
#define MIDDLE                  \
	"syscall\n\t"           \
	"mov %[loops], %%rcx\n" \
	"1:\tdec %%rcx\n\t"     \
	"jnz 1b\n\t"
#define CLOBBERS                                                                                        \
	"rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
		"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void through_xmm(const vectors in, vectors out, long nr, long loops)
{
	__asm__ volatile(EACH_VECTOR(LOAD_XMM) MIDDLE EACH_VECTOR(STORE_XMM)
			 : "+a"(nr)
			 : [in] "r"(in), [out] "r"(out), [loops] "r"(loops)
			 : CLOBBERS);
}

__attribute__((target("avx"))) static void through_ymm(const vectors in, vectors out, long nr, long loops)
{
	__asm__ volatile(EACH_VECTOR(LOAD_YMM) MIDDLE EACH_VECTOR(STORE_YMM) "vzeroupper"
			 : "+a"(nr)
			 : [in] "r"(in), [out] "r"(out), [loops] "r"(loops)
			 : CLOBBERS);
}

static void vector_registers(void)
{
	static vectors in, out;
	unsigned int a, b, c, d;
	int wrong = 0;

	for (int i = 0; i < 16; i++) {
		for (int j = 0; j < 32; j++)
			in[i][j] = (unsigned char)(i * 37 + j * 5 + 1);
	}
	for (int round = 0; round < 20; round++) {
		in[round % 16][round % 16]++;
		through_xmm(in, out, round % 2 ? SYS_getppid : SYS_sched_yield, 1000000);
		for (int i = 0; i < 16; i++)
			wrong += memcmp(in[i], out[i], 16) != 0;
	}
	R(wrong);
	__cpuid(1, a, b, c, d);
	for (int round = 0; round < 20 && c & bit_AVX && c & bit_OSXSAVE; round++) {
		in[round % 16][16 + round % 16]++;
		through_ymm(in, out, round % 2 ? SYS_getppid : SYS_sched_yield, 1000000);
		wrong += memcmp(in, out, sizeof(in)) != 0;
	}
	R(wrong);
}

static void x87(void)
{
	unsigned short control = 0, changed = 0x27f, back = 0;
	double value[8], sum = 0;

	__asm__ volatile("fnstcw %0" : "=m"(control));
	R(control);
	__asm__ volatile("fldcw %0" ::"m"(changed));
	syscall(SYS_sched_yield);
	__asm__ volatile("fnstcw %0" : "=m"(back));
	R(back);
	__asm__ volatile("fldcw %0" ::"m"(control));
	__asm__ volatile("fld1; fldpi; fldl2e; fldl2t; fldlg2; fldln2; fld1; fldpi");
	for (volatile int i = 0; i < 10000000; i++)
		;
	__asm__ volatile("syscall" : : "a"(SYS_getppid) : "rcx", "r11", "memory");
	/* All of them off the stack first: printf() may want it. */
	for (int i = 0; i < 8; i++)
		__asm__ volatile("fstpl %0" : "=m"(value[i]));
	for (int i = 0; i < 8; i++) {
		printf("st %a\n", value[i]);
		sum += value[i];
	}
	printf("sum %a\n", sum);
}

static void sse_control(void)
{
	unsigned int control = 0, changed = 0x1f80 | 0x6000, back = 0;

	__asm__ volatile("stmxcsr %0" : "=m"(control));
	R(control);
	__asm__ volatile("ldmxcsr %0" ::"m"(changed));
	syscall(SYS_sched_yield);
	for (volatile int i = 0; i < 10000000; i++)
		;
	__asm__ volatile("stmxcsr %0" : "=m"(back));
	R(back);
	__asm__ volatile("ldmxcsr %0" ::"m"(control));
}

/* Real work, whose last digit tells whether something was lost on the way. */
static void arithmetic(void)
{
	double x = 0.5, s = 0;

	for (int i = 1; i < 2000000; i++) {
		x = 3.9 * x * (1 - x);
		s += x / i;
		if (i % 100000 == 0)
			syscall(SYS_getppid);
	}
	printf("chaos %a %a\n", x, s);
	printf("%.17g %.17g %.17g\n", sqrt(2), (double)1e300 * 1e10, 1.0 / 3);
}

int main(void)
{
	sse_control();
	x87();
	vector_registers();
	arithmetic();
	return 0;
}
