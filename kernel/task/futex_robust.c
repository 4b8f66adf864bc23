/* SPDX-License-Identifier: MIT */
/*
 * Robust futexes (get_robust_list(2)): a thread keeps a list of the locks that it holds in its own memory. When it ends, each
 * word that still has its number is marked with FUTEX_OWNER_DIED, and one who waits for it is woken.
 *
 * The list is the program's: every step may fail, and it may go round in circles; then the walk simply ends.
 */
#include <arch/uaccess.h>
#include "futex_internal.h"

#define LIST_MAX 2048u /* Linux's ROBUST_LIST_LIMIT */
#define PI_ENTRY 1ul   /* lowest bit of a link: the lock is one of those that the kernel hands on */

/* The lock at `word` was held by the thread that ends. `pending`: it was about to be taken or given back. */
static bool pass_on(u64 word, bool pi, bool pending, u32 tid)
{
	u32 __user *addr = (u32 __user *)word;
	u32 seen, old;

	if (!IS_ALIGNED(word, sizeof(u32)) || get_user(seen, addr))
		return false;
	/* Given back already, but the wake that belongs to it was not made. */
	if (pending && !pi && !seen) {
		(void)futex_wake(addr, 1, FUTEX_ANY_BITS, true);
		return true;
	}
	if (pi && (seen & FUTEX_WAITERS) && (seen & FUTEX_TID_MASK) == tid)
		return !futex_pass_on_pi(addr, true, FUTEX_OWNER_DIED);
	do {
		old = seen;
		if ((old & FUTEX_TID_MASK) != tid)
			return true;
		if (user_word_exchange(addr, &seen, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return false;
	} while (seen != old);
	if (old & FUTEX_WAITERS)
		(void)futex_wake(addr, 1, FUTEX_ANY_BITS, true);
	return true;
}

static bool fetch(u64 from, u64 *entry, bool *pi)
{
	if (copy_from_user(entry, (const void __user *)from, sizeof(*entry)))
		return false;
	*pi = *entry & PI_ENTRY;
	*entry &= ~PI_ENTRY;
	return true;
}

void futex_leave(struct thread *t)
{
	u64 head = t->robust_list, entry, pending, next;
	bool pi, pending_pi, next_pi = false, more = true;
	s64 offset;

	t->robust_list = 0;
	if (likely(!head))
		return;
	if (!fetch(head + offsetof(struct robust_list_head, list), &entry, &pi) ||
	    copy_from_user(&offset,
			   (const void __user *)(head + offsetof(struct robust_list_head, futex_offset)),
			   sizeof(offset)) ||
	    !fetch(head + offsetof(struct robust_list_head, list_op_pending), &pending, &pending_pi))
		return;
	for (unsigned i = 0; more && i < LIST_MAX && entry != head; i++) {
		/* The next link is read first: who is woken may change this one. */
		more = fetch(entry, &next, &next_pi);
		if (entry != pending && !pass_on(entry + (u64)offset, pi, false, (u32)t->tid))
			return;
		entry = next;
		pi = next_pi;
	}
	if (pending)
		(void)pass_on(pending + (u64)offset, pending_pi, true, (u32)t->tid);
}
