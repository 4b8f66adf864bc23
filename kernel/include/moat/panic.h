/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * The end of the kernel: reached only when the kernel itself is wrong, never because a program was.
 */
#ifndef MOAT_PANIC_H
#define MOAT_PANIC_H

#include <moat/types.h>

/* Prints "moat-panic: " and the message, a backtrace, and ends the machine with its panic status. */
__noreturn void panic(const char *fmt, ...) __printf(1, 2);

#define ASSERT(cond)                                                                      \
	do {                                                                              \
		if (unlikely(!(cond)))                                                    \
			panic("assertion failed: %s (%s:%d)", #cond, __FILE__, __LINE__); \
	} while (0)

/* Checked in the debug kernel and in hosted tests only; for invariants on hot paths. */
#if CONFIG_DEBUG
#define DEBUG_ASSERT(cond) ASSERT(cond)
#else
#define DEBUG_ASSERT(cond) ((void)sizeof(cond))
#endif

#endif
