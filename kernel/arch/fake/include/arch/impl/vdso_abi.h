/* SPDX-License-Identifier: MIT */
/* The fake machine's vDSO data: the same numbers as any machine's clock has. */
#ifndef ARCH_IMPL_VDSO_ABI_H
#define ARCH_IMPL_VDSO_ABI_H

#include <moat/types.h>

struct vdso_data {
	u64 mult, base_ns, base_tsc, realtime_offset_ns;
	u32 seq; /* odd while the rest is being written */
};

#endif
