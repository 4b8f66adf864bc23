/* SPDX-License-Identifier: MIT */
/* room: lib */
/* A hash of a byte string for tables in memory (FNV-1a, 64 bits, with a seed). Pure. */
#ifndef MOAT_HASH_H
#define MOAT_HASH_H

#include <moat/types.h>

u64 hash_bytes(u64 seed, const void *bytes, size_t len);

#endif
