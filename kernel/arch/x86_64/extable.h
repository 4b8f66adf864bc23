/* SPDX-License-Identifier: MIT */
/* The exception table: instructions that may fault on user memory, and where to go on when they do. */
#ifndef X86_EXTABLE_H
#define X86_EXTABLE_H

#include <moat/types.h>

/* The fixup address for the instruction at rip, or 0 when it may not fault. */
u64 extable_find(u64 rip);

#endif
