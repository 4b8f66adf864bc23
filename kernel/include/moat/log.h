/* SPDX-License-Identifier: MIT */
/* room: lib */
/*
 * The kernel log: lines for a sink that shows them when the command line asks.
 *
 * Sinks are registered by the rooms that own a device. log_* may be called from any context, interrupts
 * and faults included; the log never allocates and never sleeps.
 */
#ifndef MOAT_LOG_H
#define MOAT_LOG_H

#include <moat/types.h>

/* Where text goes: `live` says whether ordinary lines are wanted (panics are always written). */
struct log_sink {
	void (*write)(const char *text, size_t len);
	bool live;
};

/* The one place where text goes from now on, or NULL. *sink must stay. */
void log_set_sink(const struct log_sink *sink);
/*
 * One line; a newline is added where it is missing, and a line beyond 318 bytes is cut. log_printf goes to
 * the ring, and to the sink if it is live.
 */
void log_printf(const char *fmt, ...) __printf(1, 2);
/* To the ring and to the sink, live or not: panic reports and system-call traces. */
void log_force(const char *fmt, ...) __printf(1, 2);
void log_force_bytes(const char *text, size_t len);
/* A token bucket: so many messages a second, the rest counted (U10). [lock: none, per-owner] */
struct ratelimit {
	u64 window_start_ns;
	u32 used;
	u64 dropped;
};
/* True when the caller may print now: at most `burst` in each second of now_ns. */
bool ratelimit_allow(struct ratelimit *r, u64 now_ns, u32 burst);

#endif
