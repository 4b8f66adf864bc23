/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * Fault injection for programs, in the debug kernel and hosted tests: an allocation that one owner makes fails once.
 *
 * Who the owner of an allocation is the task room says: the process whose system call or fault is being served. Others'
 * allocations are not counted. frame_fail_after and heap_fail_after count everybody's; the kernel's own tests use them.
 */
#ifndef MOAT_FAIL_H
#define MOAT_FAIL_H

#include <moat/types.h>

/* In whatever owns allocations; zeros at first. */
struct alloc_fail {
	u64 left;   /* [a] allocations until the one that fails; 0: off */
	bool fired; /* [a] it has failed since it was armed */
};

/* `current` says whose allocation is being made; NULL: nobody's. Boot, once. */
void alloc_fail_register(struct alloc_fail *(*current)(void));
/* The nth allocation, of frames or from the heap, that the current owner makes from now on fails; 0: none does. */
void alloc_fail_arm(u64 nth);
/* How many there are until the one that fails, 0 when none will. */
u64 alloc_fail_left(void);
/* Whether one has failed since alloc_fail_arm was last called with nth > 0. */
bool alloc_fail_fired(void);

/* For the allocators: does this one fail? Any context. */
bool alloc_fail_due(void);

#endif
