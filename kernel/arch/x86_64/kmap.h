/* SPDX-License-Identifier: MIT */
/* Kernel mappings made after boot: one top-level slot, so that each is at once in every address space. */
#ifndef X86_KMAP_H
#define X86_KMAP_H

#include <moat/types.h>

/* A kernel stack of KSTACK_BYTES with unmapped guard pages below; its lowest address, or 0 when memory is out. */
u64 kmap_stack_create(void);
void kmap_stack_destroy(u64 base);

#endif
