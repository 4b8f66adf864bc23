/* SPDX-License-Identifier: MIT */
/* room: sync */
/* Reference counts: atomic, never below zero, never revived from zero. */
#ifndef MOAT_REFCOUNT_H
#define MOAT_REFCOUNT_H

#include <moat/panic.h>
#include <moat/types.h>

struct refcount {
	u32 n; /* [a] */
};

static inline void ref_init(struct refcount *r, u32 n)
{
	__atomic_store_n(&r->n, n, __ATOMIC_RELAXED);
}

static inline void ref_get(struct refcount *r)
{
	u32 was = __atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED);
	DEBUG_ASSERT(was != 0 && was < UINT32_MAX / 2);
	(void)was;
}

/* For things that are found without a reference, under a lock that their end takes too. */
static inline bool __must_check ref_get_unless_zero(struct refcount *r)
{
	u32 n = __atomic_load_n(&r->n, __ATOMIC_RELAXED);

	do {
		if (n == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&r->n, &n, n + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

/* True when this was the last reference: the caller destroys the thing. */
static inline bool __must_check ref_put(struct refcount *r)
{
	u32 was = __atomic_fetch_sub(&r->n, 1, __ATOMIC_ACQ_REL);
	DEBUG_ASSERT(was != 0);
	return was == 1;
}

static inline u32 ref_read(const struct refcount *r)
{
	return __atomic_load_n(&r->n, __ATOMIC_RELAXED);
}

#endif
