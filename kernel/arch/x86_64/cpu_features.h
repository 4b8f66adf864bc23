/* SPDX-License-Identifier: MIT */
/* What this CPU has, by CPUID, decided once at boot (S2). */
#ifndef X86_CPU_FEATURES_H
#define X86_CPU_FEATURES_H

#include <moat/types.h>

struct cpu_features {
	bool smep, smap, umip, nx, fsgsbase, xsave, xsaveopt, avx, erms, rdrand, rdtscp, gib_pages,
		invariant_tsc, la57;
	bool hypervisor;
	bool tcg;  /* QEMU's translator: string instructions cost one instruction for each element */
	u32 hwcap; /* CPUID.1:EDX, AT_HWCAP */
	u32 xsave_bytes;
	u64 xcr0;
	u32 base_mhz, crystal_hz;
};

extern struct cpu_features cpu_features;
void cpu_features_detect(void);
/* Turns on for this CPU what was found. */
void cpu_features_enable(void);
void cpu_features_log(void);
#define IST_STACKS 3
#define IST_BYTES  8192
struct cpu;
/* Gives a CPU the stack (IST_BYTES, aligned to 16) of one of IST_DOUBLE_FAULT to IST_MACHINE_CHECK. */
void cpu_set_ist(struct cpu *c, unsigned which, void *stack);
/* GDT, TSS, IDT, system-call registers of this CPU; GS then points to its struct cpu. */
void cpu_tables_init(u32 id);

#endif
