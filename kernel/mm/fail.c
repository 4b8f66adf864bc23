/* SPDX-License-Identifier: MIT */
/*
 * Fault injection for programs (<moat/fail.h>): the count is the owner's, so that two owners can be tested at a time,
 * on as many CPUs, and a count ends with its owner. Threads of one owner share it.
 */
#include <moat/fail.h>

static struct alloc_fail *(*current_owner)(void); /* [I after boot] */

static struct alloc_fail *owner(void)
{
	return current_owner ? current_owner() : NULL;
}

void alloc_fail_register(struct alloc_fail *(*current)(void))
{
	current_owner = current;
}

void alloc_fail_arm(u64 nth)
{
	struct alloc_fail *o = owner();

	if (!o)
		return;
	if (nth)
		__atomic_store_n(&o->fired, false, __ATOMIC_RELAXED);
	__atomic_store_n(&o->left, nth, __ATOMIC_RELAXED);
}

u64 alloc_fail_left(void)
{
	struct alloc_fail *o = owner();

	return o ? __atomic_load_n(&o->left, __ATOMIC_RELAXED) : 0;
}

bool alloc_fail_fired(void)
{
	struct alloc_fail *o = owner();

	return o && __atomic_load_n(&o->fired, __ATOMIC_RELAXED);
}

bool alloc_fail_due(void)
{
	struct alloc_fail *o = owner();
	u64 left;

	if (likely(!o))
		return false;
	left = __atomic_load_n(&o->left, __ATOMIC_RELAXED);
	/* Two threads must not both take the last step. */
	while (left && !__atomic_compare_exchange_n(&o->left, &left, left - 1, false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED))
		;
	if (left != 1)
		return false;
	__atomic_store_n(&o->fired, true, __ATOMIC_RELAXED);
	return true;
}
