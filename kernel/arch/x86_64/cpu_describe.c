/* SPDX-License-Identifier: MIT */
/*
 * What CPUID says of the processor, in words: vendor and model, and the features with Linux's names for them, each
 * row of names one register with its bits from 0 on (Intel SDM 2A, CPUID; AMD APM 3, appendix E).
 */
#include <arch/cpu.h>
#include <arch/impl/x86.h>
#include <moat/string.h>
#include <arch/timer.h>
#include "cpu_features.h"

#define LEAF_EXTENDED 0x80000000u

/* Names are one text, so that the table needs no pointers; "-" stands for a bit without a name. */
struct row {
	u32 leaf, reg; /* reg: index into EAX, EBX, ECX, EDX */
	char names[240];
};

static const struct row rows[] = {
	{1, 3,
	 "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi "
	 "mmx fxsr sse "
	 "sse2 ss ht tm ia64 pbe"},
	{LEAF_EXTENDED + 1, 3,
	 "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
	 "3dnowext 3dnow"},
	{1, 2,
	 "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 - - fma cx16 - pdcm - pcid dca sse4_1 "
	 "sse4_2 x2apic "
	 "movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
	{LEAF_EXTENDED + 1, 2,
	 "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw - xop - - - - "
	 "fma4"},
	{7, 1,
	 "fsgsbase - - bmi1 - avx2 - smep bmi2 erms invpcid - - - mpx - avx512f avx512dq rdseed adx smap "
	 "avx512ifma - "
	 "clflushopt clwb - - - avx512cd sha_ni avx512bw avx512vl"},
	{7, 2, "- avx512vbmi umip pku ospke - - - gfni vaes vpclmulqdq - - - - - la57 - - - - - rdpid"},
};

/* Adds the names of the bits that are set. */
static void add_row(struct cpu_description *out, const struct row *row, u32 bits)
{
	const char *name = row->names, *end;

	for (; *name; name = *end ? end + 1 : end, bits >>= 1) {
		end = strchr(name, ' ');
		if (!end)
			end = name + strlen(name);
		if (!(bits & 1) || *name == '-' ||
		    out->flags_len + (size_t)(end - name) + 1 >= sizeof(out->flags))
			continue;
		out->flags[out->flags_len++] = ' ';
		memcpy(out->flags + out->flags_len, name, (size_t)(end - name));
		out->flags_len += (size_t)(end - name);
	}
}

static void read_flags(struct cpu_description *out, u32 max, u32 max_extended)
{
	u32 r[4];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].leaf > (rows[i].leaf >= LEAF_EXTENDED ? max_extended : max))
			continue;
		cpuid(rows[i].leaf, 0, r);
		add_row(out, &rows[i], r[rows[i].reg]);
	}
}

static void read_name(struct cpu_description *out)
{
	const char *start = out->name;
	u32 r[4];

	for (u32 i = 0; i < 3; i++) {
		cpuid(LEAF_EXTENDED + 2 + i, 0, r);
		memcpy(out->name + 16ul * i, r, 16);
	}
	while (*start == ' ')
		start++;
	memmove(out->name, start, strlen(start) + 1);
}

void cpu_describe(struct cpu_description *out)
{
	u32 r[4], max_extended;

	*out = (struct cpu_description){.physical_bits = 36, .virtual_bits = 48};
	cpuid(0, 0, r);
	out->level = r[0];
	memcpy(out->vendor, &r[1], 4);
	memcpy(out->vendor + 4, &r[3], 4);
	memcpy(out->vendor + 8, &r[2], 4);
	cpuid(LEAF_EXTENDED, 0, r);
	max_extended = r[0];
	cpuid(1, 0, r);
	out->stepping = r[0] & 15;
	out->model = r[0] >> 4 & 15;
	out->family = r[0] >> 8 & 15;
	if (out->family == 6 || out->family == 15)
		out->model += (r[0] >> 16 & 15) << 4;
	if (out->family == 15)
		out->family += r[0] >> 20 & 255;
	out->line_bytes = (r[1] >> 8 & 255) * 8;
	if (max_extended >= LEAF_EXTENDED + 4)
		read_name(out);
	if (max_extended >= LEAF_EXTENDED + 8) {
		cpuid(LEAF_EXTENDED + 8, 0, r);
		out->physical_bits = r[0] & 255;
		out->virtual_bits = r[0] >> 8 & 255;
	}
	out->khz = clock_cycles_khz();
	read_flags(out, out->level, max_extended);
}
