/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * A random number generator as a value: ChaCha20 (RFC 8439) keyed by all entropy that was mixed in, rekeyed
 * at each request so that a later leak of its state does not tell earlier output ("fast key erasure").
 *
 * Pure: the caller locks. The kernel's one generator, which has a lock, is in <moat/random.h>.
 */
#ifndef MOAT_RNG_H
#define MOAT_RNG_H

#include <moat/types.h>

struct rng {
	u32 key[8]; /* secret; all that there is */
};

/* One ChaCha20 block (RFC 8439, 2.3): 64 bytes of key stream. */
void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64]);

/* Mixes bytes in. What the generator gives afterwards depends on them and on all that was mixed in before. */
void rng_mix(struct rng *r, const void *bytes, size_t len);
/* Fills buf, and forgets the key that made it. */
void rng_bytes(struct rng *r, void *buf, size_t len);
/* Overwrites memory in a way that the compiler may not leave out. */
void wipe(void *p, size_t len);

#endif
