/* SPDX-License-Identifier: MIT */
/*
 * What the kernel and the vDSO agree on. The vDSO is built for ring 3 and includes this file too, so it holds
 * only plain data.
 */
#ifndef ARCH_IMPL_VDSO_ABI_H
#define ARCH_IMPL_VDSO_ABI_H

#include <stdint.h>

/*
 * The page below the vDSO. Monotonic time in ns is base_ns + ((tsc - base_tsc) * mult >> VDSO_MULT_SHIFT),
 * the product taken in 128 bits; realtime is that plus realtime_offset_ns, modulo 2^64.
 */
#define VDSO_MULT_SHIFT 32

struct vdso_data {
	uint32_t seq; /* odd while the rest is being written */
	uint32_t unused;
	uint64_t base_tsc, base_ns, mult, realtime_offset_ns;
};

/* LSL of this selector (SEL_CPU_NUMBER) gives the number of the CPU, bits 0 to 11, and of its node above. */
#define VDSO_CPU_SELECTOR 0x43
#define VDSO_CPU_BITS	  12

#endif
