/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * The kernel's own symbol table, for backtraces. tools/mksymbols makes it from the linked image; offsets are
 * relative to the image's start, so that it stays right wherever the image was moved.
 */
#ifndef MOAT_SYMBOLS_H
#define MOAT_SYMBOLS_H

#include <moat/types.h>

/* The generated table: functions by rising offset, and their names in the same order, each terminated. */
extern const u32 symbol_count;
extern const u32 symbol_offsets[];
extern const char symbol_names[];

/* The function that holds `offset`: its name, and the distance from its start; "?" when unknown. */
const char *symbol_name(u32 offset, u32 *distance);

#endif
