/* SPDX-License-Identifier: MIT */
/* room: arch */
/* The ELF files for ring 3 that are part of the kernel image, and the data that the vDSO reads. */
#ifndef ARCH_IMAGES_H
#define ARCH_IMAGES_H

#include <arch/impl/vdso_abi.h> /* struct vdso_data */
#include <moat/types.h>

/* The vDSO: a shared library that expects one page of struct vdso_data right below itself. */
extern const u8 arch_vdso_start[], arch_vdso_end[];
/* The boot-regression program. */
extern const u8 arch_baseline_start[], arch_baseline_end[];

#endif
