/* SPDX-License-Identifier: MIT */
/*
 * FNV-1a: for each byte, xor it in and multiply by a prime. Good spreading for names of a few dozen bytes;
 * the seed, when it is secret, keeps a program from choosing names that collide.
 */
#include <moat/hash.h>

#define FNV_OFFSET_BASIS 0xcbf29ce484222325u
#define FNV_PRIME	 0x100000001b3u

u64 hash_bytes(u64 seed, const void *bytes, size_t len)
{
	const u8 *p = bytes;
	u64 h = FNV_OFFSET_BASIS ^ seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}
