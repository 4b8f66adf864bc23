/* SPDX-License-Identifier: MIT */
/* room: mm */
/* Overcommit accounting (Linux's vm.overcommit_memory); see mm/commit.c. */
#ifndef MOAT_COMMIT_H
#define MOAT_COMMIT_H

#include <moat/frame.h>
#include <moat/types.h>

struct aspace;

enum commit_mode {
	COMMIT_GUESS = 0,
	COMMIT_ALWAYS = 1,
	COMMIT_LIMIT = 2,
};

/* What /proc/sys/vm/overcommit_{memory,ratio,kbytes} set. */
extern struct commit_policy {
	u32 mode;	   /* [a] enum commit_mode */
	u32 ratio_percent; /* [a] */
	u64 limit_kbytes;  /* [a] 0: the ratio counts */
} commit_policy;

/* May `pages` more be promised to this address space (NULL: to none in particular)? */
bool commit_allows_slow(const struct aspace *as, u64 pages);
static inline bool commit_allows(const struct aspace *as, u64 pages)
{
	/* By default all but what is larger than the machine. */
	if (likely(commit_policy.mode == COMMIT_GUESS && pages <= frames_total()))
		return true;
	return commit_allows_slow(as, pages);
}
/* Counts pages as promised (or, negative, given back). */
void commit_add(s64 pages);
u64 commit_total_pages(void); /* Committed_AS */
u64 commit_limit_pages(void); /* CommitLimit */

#endif
