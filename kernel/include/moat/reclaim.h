/* SPDX-License-Identifier: MIT */
/* room: mm */
/* Making room when memory has run out; see mm/reclaim.c. */
#ifndef MOAT_RECLAIM_H
#define MOAT_RECLAIM_H

#include <moat/types.h>

/* The task room's last resort: ends a process. True: there may be room now; false: the current one must end. */
void memory_register_oom(bool (*kill)(void));
/* What is told, with interrupts off, when little memory is left and pages of files could be given up: mobj_cache_balance. */
void memory_register_low(void (*fn)(void));
/*
 * After an allocation failed in a call that can try it again: true if some memory has come back. False also when memory is
 * not low, so that it was a limit that said no. Locks as below.
 */
bool __must_check memory_retry(void);
/* Takes back what programs have given up; frames freed. No lock held of RANK_ASPACE or later; may sleep. */
u64 memory_reclaim(void);
/* After an allocation for a fault failed. True: try again. Locks as above. */
bool __must_check memory_make_room(void);

#endif
