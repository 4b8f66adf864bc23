/* SPDX-License-Identifier: MIT */
/* room: sync */
/*
 * The kernel's random numbers: one generator (<moat/rng.h>) behind a spinlock of RANK_RANDOM.
 *
 * Any context but NMI. It gives numbers from the first call on; boot mixes in what the machine has before
 * anything that matters is drawn.
 */
#ifndef MOAT_RANDOM_H
#define MOAT_RANDOM_H

#include <moat/rng.h>

/* Mixes bytes into the generator. */
void random_mix(const void *bytes, size_t len);
/* Fills buf. Interrupts are off for one ChaCha20 block only, whatever len is. */
void random_bytes(void *buf, size_t len);
u64 random_u64(void);
/* Uniform in [0, bound), bound > 0. */
u64 random_below(u64 bound);

#endif
