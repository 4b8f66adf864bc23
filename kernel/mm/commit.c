/* SPDX-License-Identifier: MIT */
/*
 * Overcommit: how much memory programs may ask for, whatever they touch of it. Committed are the pages of private
 * writable VMAs (VMA_ACCOUNT) and of shared memory without a file.
 *
 *     mode 0   refuse a single request that is larger than the machine
 *     mode 1   refuse nothing
 *     mode 2   refuse what brings the sum above a share of the machine, less reserves
 *
 * Linux, Documentation/mm/overcommit-accounting.rst. A check and its charge are two steps: two threads may pass the
 * check together and exceed the limit by what both asked for.
 */
#include <asm/errno.h>
#include <moat/commit.h>
#include <moat/frame.h>
#include "aspace_internal.h"

#define RESERVE_USER_PAGES (MIB(128) >> PAGE_SHIFT)

struct commit_policy commit_policy = {.mode = COMMIT_GUESS, .ratio_percent = 50};

static s64 committed; /* [a] pages */

void commit_add(s64 pages)
{
	__atomic_add_fetch(&committed, pages, __ATOMIC_RELAXED);
}

u64 commit_total_pages(void)
{
	s64 now = __atomic_load_n(&committed, __ATOMIC_RELAXED);

	return now > 0 ? (u64)now : 0;
}

u64 commit_limit_pages(void)
{
	if (commit_policy.limit_kbytes)
		return commit_policy.limit_kbytes >> (PAGE_SHIFT - 10);
	return frames_total() * commit_policy.ratio_percent / 100;
}

static bool fits_limit(const struct aspace *as, u64 pages)
{
	u64 limit = commit_limit_pages();
	/* Something is kept back so that one process cannot take all of it. */
	u64 reserve = MIN(as ? as->mapped_pages / 32 : 0, RESERVE_USER_PAGES);

	return limit > reserve && commit_total_pages() + pages < limit - reserve;
}

bool commit_allows_slow(const struct aspace *as, u64 pages)
{
	return commit_policy.mode == COMMIT_ALWAYS ||
	       (commit_policy.mode == COMMIT_LIMIT && fits_limit(as, pages));
}
