/* SPDX-License-Identifier: MIT */
/* What every unit test includes first: cmocka and the headers that it wants before itself. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <moat/types.h>

/* A random sequence that is the same in every run (SplitMix64), so that a failure can be repeated. */
static inline u64 unit_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Uniform enough for tests: 0 .. bound - 1. */
static inline u64 unit_random_below(u64 *state, u64 bound)
{
	return unit_random(state) % bound;
}

#endif
