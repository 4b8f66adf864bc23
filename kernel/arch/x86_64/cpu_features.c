/* SPDX-License-Identifier: MIT */
/*
 * CPUID decides what is used (Intel SDM 2A, CPUID). A feature that the CPU lacks is simply off, and the log says
 * which are on; only long mode and NX are required.
 */
#include <arch/cpu.h>
#include <arch/impl/mmu.h>
#include <arch/impl/x86.h>
#include <moat/log.h>
#include <moat/string.h>
#include "boot_info.h"
#include "cpu_features.h"

#define XCR0_X87_SSE 3u
#define XCR0_AVX     4u
#define XCR0_AVX512  0xe0u

struct cpu_features cpu_features;

static bool bit(u32 word, unsigned n)
{
	return word >> n & 1;
}

static void detect_hypervisor(struct cpu_features *f)
{
	u32 r[4];
	char name[13] = "";

	if (!f->hypervisor)
		return;
	cpuid(0x40000000, 0, r);
	memcpy(name, &r[1], 12);
	f->tcg = strcmp(name, "TCGTCGTCGTCG") == 0;
}

static void detect_xsave(struct cpu_features *f)
{
	u32 r[4];

	f->xcr0 = XCR0_X87_SSE;
	f->xsave_bytes = 512 + 64;
	if (!f->xsave)
		return;
	cpuid(13, 0, r);
	f->xcr0 = (r[0] & (XCR0_X87_SSE | XCR0_AVX | XCR0_AVX512)) | XCR0_X87_SSE;
	if (!f->avx)
		f->xcr0 = XCR0_X87_SSE;
	cpuid(13, 1, r);
	f->xsaveopt = bit(r[0], 0);
}

void cpu_features_detect(void)
{
	struct cpu_features *f = &cpu_features;
	u32 max[4], r[4];

	cpuid(0, 0, max);
	cpuid(1, 0, r);
	f->hwcap = r[3];
	f->hypervisor = bit(r[2], 31);
	f->rdrand = bit(r[2], 30);
	f->xsave = bit(r[2], 26);
	f->avx = bit(r[2], 28);
	if (max[0] >= 7) {
		cpuid(7, 0, r);
		f->fsgsbase = bit(r[1], 0);
		f->smep = bit(r[1], 7);
		f->erms = bit(r[1], 9);
		f->smap = bit(r[1], 20);
		f->umip = bit(r[2], 2);
		f->la57 = bit(r[2], 16);
	}
	if (max[0] >= 0x16) {
		cpuid(0x15, 0, r);
		f->crystal_hz = r[2];
		cpuid(0x16, 0, r);
		f->base_mhz = r[0] & 0xffff;
	}
	cpuid(0x80000001, 0, r);
	f->nx = bit(r[3], 20);
	f->gib_pages = bit(r[3], 26);
	f->rdtscp = bit(r[3], 27);
	detect_hypervisor(f);
	detect_xsave(f);
}

static void xsetbv(u64 v)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

void cpu_features_enable(void)
{
	struct cpu_features *f = &cpu_features;
	u64 cr4 = read_cr4() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	u32 r[4];

	cr4 |= (f->smep ? CR4_SMEP : 0) | (f->smap ? CR4_SMAP : 0) | (f->umip ? CR4_UMIP : 0) |
	       (f->fsgsbase ? CR4_FSGSBASE : 0) | (f->xsave ? CR4_OSXSAVE : 0);
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(u64)(CR0_EM | CR0_TS)) | CR0_WP | CR0_NE | CR0_MP | CR0_AM);
	if (!f->xsave)
		return;
	xsetbv(f->xcr0);
	cpuid(13, 0, r);
	f->xsave_bytes = r[1]; /* the same on each CPU */
}

void cpu_features_log(void)
{
	const struct cpu_features *f = &cpu_features;

	log_printf("cpu: on: nx wp%s%s%s%s%s%s%s%s; hypervisor: %s\n", f->smep ? " smep" : "",
		   f->smap ? " smap" : "", f->umip ? " umip" : "", f->fsgsbase ? " fsgsbase" : "",
		   f->xsave ? " xsave" : "", f->avx ? " avx" : "", f->gib_pages ? " 1g-pages" : "",
		   f->rdrand ? " rdrand" : "",
		   f->tcg	   ? "QEMU TCG"
		   : f->hypervisor ? "yes"
				   : "none");
	log_printf("cpu: kernel image at %#llx, direct map at %#llx (%s)\n",
		   (unsigned long long)boot_info.image_base, (unsigned long long)direct_map_base,
		   boot_info.random ? "random" : "fixed");
}

unsigned current_privilege_level(void)
{
	u16 cs;

	asm("mov %%cs, %0" : "=r"(cs));
	return cs & 3;
}

bool cpu_random(u64 *out)
{
	unsigned char ok = 0;

	if (!cpu_features.rdrand)
		return false;
	for (int i = 0; i < 10 && !ok; i++)
		asm volatile("rdrand %0; setc %1" : "=r"(*out), "=qm"(ok));
	return ok;
}
