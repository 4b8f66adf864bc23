/* SPDX-License-Identifier: MIT */
/* room: mm */
/*
 * Which nodes memory comes from, where a program says so: a policy of a thread (set_mempolicy(2)), and one of a VMA, which
 * wins (mbind(2)). Private memory follows both; pages of objects follow neither. Without a policy, and on a machine with
 * one node, nothing is asked.
 */
#ifndef MOAT_MEMPOLICY_H
#define MOAT_MEMPOLICY_H

#include <linux/mempolicy.h> /* MPOL_DEFAULT … */
#include <moat/aspace.h>

static inline bool mempolicy_is_default(struct mempolicy p)
{
	return p.mode == MPOL_DEFAULT;
}
bool mempolicy_equal(struct mempolicy a, struct mempolicy b);
/*
 * A policy out of what a program gave: mode and mode flags (MPOL_F_STATIC_NODES …), and a set of nodes. 0, or -EINVAL as
 * set_mempolicy(2) says.
 */
int __must_check mempolicy_make(unsigned mode, unsigned flags, u64 nodes, struct mempolicy *out);

/* What gives the current thread's policy, or NULL; registered at boot by the task room. */
void mempolicy_register_current(struct mempolicy *(*fn)(void));
/* A policy is in use: faults ask from now on. */
void mempolicy_enable(void);

/* A block of private memory for addr in v, by the policy that holds there; NULL: out of (such) memory. */
struct page *__must_check mempolicy_alloc(const struct vma *v, u64 addr, unsigned order, unsigned flags);

/*
 * mbind(2): the policy of all VMAs in the range. -EINVAL, -EFAULT (a hole), -ENOMEM. Takes as->lock for writing.
 */
int __must_check aspace_set_policy(struct aspace *as, u64 addr, u64 len, struct mempolicy policy);
/* The policy of the VMA at addr: 0 or -EFAULT. */
int __must_check aspace_policy_at(struct aspace *as, u64 addr, struct mempolicy *out);

enum node_move {
	NODE_MOVE_OWN, /* pages that only this address space has */
	NODE_QUERY,    /* nothing moves */
};
/*
 * The node of the page at addr, after it has been moved to `node` if that is wanted and possible. -EFAULT: no VMA, or the
 * zero frame; -ENOENT: no page; -EACCES: others have it too; -EBUSY: a page of an object, which never moves; -ENOMEM.
 * Takes as->lock, for writing to move.
 */
int __must_check aspace_page_node(struct aspace *as, u64 addr, enum node_move how, unsigned node);
/*
 * Moves private pages of the range to nodes: to[n] is where those of node n go (n itself: they stay). The number of pages
 * that should have moved and did not, or -EINTR.
 */
s64 aspace_move_range(struct aspace *as, struct range r, const u8 to[NODES_MAX]);
/* As many pages as aspace_move_range would try to move; nothing moves. */
s64 aspace_misplaced(struct aspace *as, struct range r, const u8 to[NODES_MAX]);

#endif
