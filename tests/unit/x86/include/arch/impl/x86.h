/* SPDX-License-Identifier: MIT */
/* The processor's names; a write to CR3 goes to a variable. */
#ifndef UNIT_X86_H
#define UNIT_X86_H

#define write_cr3 machine_write_cr3
#include_next <arch/impl/x86.h>
#undef write_cr3

void write_cr3(u64 root);

#endif
