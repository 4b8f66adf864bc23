/* SPDX-License-Identifier: MIT */
/*
 * What an address space holds: resident pages and their highest number so far. Counted are the entries that
 * hold a frame, the shared zero frame not counted, as Linux counts RSS. Faults count in parallel, so all is
 * atomic.
 */
#include <moat/panic.h>
#include "aspace_internal.h"

void rss_add(struct aspace *as, u64 pages)
{
	u64 now = __atomic_add_fetch(&as->rss_pages, pages, __ATOMIC_RELAXED);
	u64 peak = __atomic_load_n(&as->peak_rss_pages, __ATOMIC_RELAXED);

	while (now > peak && !__atomic_compare_exchange_n(&as->peak_rss_pages, &peak, now, true,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void rss_sub(struct aspace *as, u64 pages)
{
	u64 was = __atomic_fetch_sub(&as->rss_pages, pages, __ATOMIC_RELAXED);

	DEBUG_ASSERT(was >= pages);
	(void)was;
}
