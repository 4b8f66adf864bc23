/* SPDX-License-Identifier: MIT */
/*
 * Memory policies (set_mempolicy(2), mbind(2), numa(7)): values that say which nodes a page may come from.
 *
 *     policy             nodes asked, in order                       when they have no memory
 *     default, local     that of the CPU                             the nearest others
 *     preferred          the one of the set; or as local             the nearest others
 *     preferred many     those of the set, nearest first             the nearest others
 *     bind               those of the set, nearest first             out of memory
 *     interleave         of the set the next in turn: by place in    the nearest others
 *                        a VMA, by count of a thread
 *
 * The fault path learns of policies through fault_special_flags: as long as nobody has used one, it is not even asked
 * whether there is one.
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <moat/mempolicy.h>
#include <moat/panic.h>
#include "aspace_internal.h"

static struct mempolicy *(*current_policy)(void); /* [I after boot] */

void mempolicy_register_current(struct mempolicy *(*fn)(void))
{
	current_policy = fn;
}

bool mempolicy_equal(struct mempolicy a, struct mempolicy b)
{
	return a.mode == b.mode && a.flags == b.flags && a.nodes == b.nodes && a.wanted == b.wanted;
}

/* Counts from the first node there is: bit i means the i-th of them, round and round. */
static unsigned relative_nodes(u64 wanted)
{
	unsigned set = 0;

	for (unsigned i = 0; i < 64; i++) {
		if (wanted >> i & 1)
			set |= 1u << i % numa.nodes;
	}
	return set;
}

int mempolicy_make(unsigned mode, unsigned flags, u64 nodes, struct mempolicy *out)
{
	const unsigned by_set = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
	unsigned all = (1u << numa.nodes) - 1, set;

	*out = (struct mempolicy){.mode = MPOL_DEFAULT};
	if (mode >= MPOL_MAX || (flags & by_set) == by_set)
		return -EINVAL;
	if (mode == MPOL_DEFAULT)
		return nodes ? -EINVAL : 0;
	if ((mode == MPOL_LOCAL || (mode == MPOL_PREFERRED && !nodes)) && (nodes || (flags & by_set)))
		return -EINVAL;
	if (mode == MPOL_PREFERRED && !nodes)
		mode = MPOL_LOCAL;
	set = flags & MPOL_F_RELATIVE_NODES ? relative_nodes(nodes) : (unsigned)nodes & all;
	if (mode != MPOL_LOCAL && !set)
		return -EINVAL;
	if (mode == MPOL_PREFERRED)
		set &= -set;
	*out = (struct mempolicy){.mode = (u8)mode, .nodes = (u8)set, .flags = (u16)flags, .wanted = nodes};
	return 0;
}

/* The next of a thread's turn, or the one that belongs to the place. */
static unsigned interleave_node(struct mempolicy *p, const struct vma *v, u64 addr)
{
	if (v->flags & VMA_POLICY)
		return numa_set_nth(p->nodes, (v->object_offset + (addr - v->range.start)) >> PAGE_SHIFT);
	return numa_set_nth(p->nodes, p->turn++);
}

struct page *mempolicy_alloc(const struct vma *v, u64 addr, unsigned order, unsigned flags)
{
	struct mempolicy of_vma = v->policy, *p = current_policy ? current_policy() : NULL;
	unsigned all = (1u << numa.nodes) - 1, here = numa_cpu_node[cpu_id()], node;
	struct page *page;

	if (v->flags & VMA_POLICY)
		p = &of_vma;
	if (!p || p->mode == MPOL_DEFAULT || p->mode == MPOL_LOCAL)
		return frame_alloc(order, flags, FRAME_ANON);
	switch (p->mode) {
	case MPOL_BIND:
		return frame_alloc_from(p->nodes & 1u << here ? here : numa_set_nth(p->nodes, 0), p->nodes,
					order, flags, FRAME_ANON);
	case MPOL_PREFERRED_MANY:
		node = p->nodes & 1u << here ? here : numa_set_nth(p->nodes, 0);
		page = frame_alloc_from(node, p->nodes, order, flags, FRAME_ANON);
		return page ? page : frame_alloc_from(node, all, order, flags, FRAME_ANON);
	case MPOL_INTERLEAVE:
		node = interleave_node(p, v, addr);
		page = frame_alloc_from(node, all, order, flags, FRAME_ANON);
		if (page && page->node == node)
			node_count_interleave(node);
		return page;
	default:
		return frame_alloc_from(numa_set_nth(p->nodes, 0), all, order, flags, FRAME_ANON);
	}
}

/* --- policies of VMAs --- */

static void set_policy(struct aspace *as, struct range r, struct mempolicy policy, struct vma_list *dead)
{
	for (struct vma *v = aspace_find(as, r.start); v && v->range.start < r.end; v = vma_next(v)) {
		u32 flags = v->flags & ~(u32)VMA_POLICY;

		v->policy = policy;
		vma_tree_reflag(as, v, mempolicy_is_default(policy) ? flags : flags | VMA_POLICY);
		v = vma_merge_around(as, v, dead);
	}
}

static int set_policy_locked(struct aspace *as, struct range r, struct mempolicy policy,
			     struct vma_list *dead)
{
	struct carve carve;
	int err;

	if (mapped_end(as, r) < r.end)
		return -EFAULT;
	err = carve_prepare(as, r, &carve);
	if (err)
		return err;
	if (as->vma_count + carve_count(&carve) > vma_count_max)
		err = -ENOMEM;
	if (!err) {
		carve_commit(as, r, &carve);
		set_policy(as, r, policy, dead);
	}
	carve_done(&carve);
	return err;
}

int aspace_set_policy(struct aspace *as, u64 addr, u64 len, struct mempolicy policy)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);
	struct range r;
	int err;

	if (!IS_ALIGNED(addr, PAGE_SIZE) || ALIGN_UP(len, PAGE_SIZE) < len)
		return -EINVAL;
	if (!range_make(addr, ALIGN_UP(len, PAGE_SIZE), &r))
		return -EINVAL;
	if (range_empty(r))
		return 0;
	if (r.end > USER_TOP)
		return -EFAULT;
	rwlock_write(&as->lock);
	err = set_policy_locked(as, r, policy, &dead);
	rwlock_write_done(&as->lock);
	vma_list_free(&dead);
	return err;
}

int aspace_policy_at(struct aspace *as, u64 addr, struct mempolicy *out)
{
	struct vma *v;
	int err = -EFAULT;

	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	if (v && v->range.start <= addr) {
		*out = v->policy;
		err = 0;
	}
	rwlock_read_done(&as->lock);
	return err;
}
