/* SPDX-License-Identifier: MIT */
/*
 * Rate limit by windows of a second: the first `burst` events of a window pass, the rest are counted as
 * dropped. A window starts with the first event after the last one ended, so a quiet owner costs nothing.
 */
#include <moat/log.h>

#define WINDOW_NS 1000000000u

bool ratelimit_allow(struct ratelimit *r, u64 now_ns, u32 burst)
{
	if (now_ns - r->window_start_ns >= WINDOW_NS) {
		r->window_start_ns = now_ns;
		r->used = 0;
	}
	if (r->used < burst) {
		r->used++;
		return true;
	}
	r->dropped++;
	return false;
}
