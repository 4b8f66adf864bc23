/* SPDX-License-Identifier: MIT */
/*
 * Families of private pages. A VMA joins or founds one when it gets its first private page; from then on it merges
 * only with members of the same family or with VMAs that have no private page. Linux needs this to find the page tables
 * that hold a page (anon_vma); Moat needs it for nothing but showing the same ranges in /proc/PID/maps.
 */
#include "aspace_internal.h"

static u64 last_family; /* [a] */

/* Before the first private page of v is entered. as->lock held for reading at least: several faults may race. */
void anon_family_set(struct vma *v)
{
	u64 none = 0, family;
	struct vma *next, *prev;

	if (likely(__atomic_load_n(&v->anon_family, __ATOMIC_RELAXED)))
		return;
	next = vma_next(v);
	prev = vma_prev(v);
	family = next ? vma_family_of_neighbour(v, next, next) : 0;
	if (!family && prev)
		family = vma_family_of_neighbour(prev, v, prev);
	if (!family)
		family = __atomic_add_fetch(&last_family, 1, __ATOMIC_RELAXED);
	(void)__atomic_compare_exchange_n(&v->anon_family, &none, family, false, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
}

/* `child` was copied from a parent's VMA that had private pages: a family of its own. */
void anon_family_inherit(struct vma *child)
{
	if (!child->anon_family)
		return;
	child->anon_family = __atomic_add_fetch(&last_family, 1, __ATOMIC_RELAXED);
	child->anon_from_fork = true;
}
