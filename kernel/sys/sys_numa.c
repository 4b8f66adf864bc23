/* SPDX-License-Identifier: MIT */
/*
 * System calls about nodes of memory: set_mempolicy(2), get_mempolicy(2), mbind(2), move_pages(2), migrate_pages(2).
 *
 * Sets of nodes are bitmaps of the caller's length; there is room for 64 nodes, as in most kernels for x86-64, and bits
 * beyond must be zero.
 */
#include <asm/errno.h>
#include <arch/uaccess.h>
#include <moat/mempolicy.h>
#include <moat/syscall.h>
#include <moat/task.h>

#define MASK_BITS_MAX	(PAGE_SIZE * 8)
#define PAGES_A_GO	16u
#define POINTER(p, off) ((char __user *)(p) + (off))

/*
 * The set of `bits` - 1 bits at user address `mask`; NULL or bits 1: empty. As Linux, which reads the words from the end,
 * so that of two mistakes the same one is reported. 0, -EINVAL, -EFAULT.
 */
static int get_nodes(const void __user *mask, u64 bits, u64 *out)
{
	*out = 0;
	bits--;
	if (bits == 0 || !mask)
		return 0;
	if (bits > MASK_BITS_MAX)
		return -EINVAL;
	for (u64 word = (bits - 1) / 64; word > 0; word--) {
		u64 w, in_word = MIN(bits - word * 64, 64ull);

		if (copy_from_user(&w, (const char __user *)mask + word * 8, sizeof(w)))
			return -EFAULT;
		if (in_word < 64)
			w &= (1ull << in_word) - 1;
		if (w)
			return -EINVAL;
	}
	if (copy_from_user(out, mask, sizeof(*out)))
		return -EFAULT;
	if (bits < 64)
		*out &= (1ull << bits) - 1;
	return 0;
}

/* Writes a set to a bitmap of `bits` - 1 bits, zeros beyond what there can be. */
static int put_nodes(void __user *mask, u64 bits, u64 nodes)
{
	u64 bytes = ALIGN_UP(bits - 1, 64) / 8;
	const u64 zero = 0;

	if (bytes > PAGE_SIZE)
		return -EINVAL;
	for (u64 at = sizeof(nodes); at < bytes; at += sizeof(zero)) {
		if (copy_to_user(POINTER(mask, at), &zero, sizeof(zero)))
			return -EFAULT;
	}
	return bytes && copy_to_user(mask, &nodes, sizeof(nodes)) ? -EFAULT : 0;
}

static bool is_privileged(void)
{
	return capable(CAP_SYS_NICE);
}

/* A mode with its flags, apart; nobody migrates pages behind a program's back, so that flag is refused. */
static int split_mode(const char *call, int arg, unsigned *mode, unsigned *flags)
{
	const unsigned by_set = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;

	*flags = (unsigned)arg & MPOL_MODE_FLAGS;
	*mode = (unsigned)arg & ~(unsigned)MPOL_MODE_FLAGS;
	if (*mode >= MPOL_MAX || (*flags & by_set) == by_set)
		return -EINVAL;
	if (*flags & MPOL_F_NUMA_BALANCING) {
		unsupported_flag(call, "MPOL_F_NUMA_BALANCING");
		return -EINVAL;
	}
	return 0;
}

s64 sys_set_mempolicy(int mode, const void __user *nodemask, u64 maxnode)
{
	struct mempolicy policy;
	unsigned plain, flags;
	u64 nodes;
	int err = split_mode("set_mempolicy", mode, &plain, &flags);

	if (!err)
		err = get_nodes(nodemask, maxnode, &nodes);
	if (!err)
		err = mempolicy_make(plain, flags, nodes, &policy);
	if (err)
		return err;
	current_thread()->policy = policy;
	if (!mempolicy_is_default(policy))
		mempolicy_enable();
	return 0;
}

/* The node of the page at addr, which is faulted in. */
static int node_at(u64 addr)
{
	struct aspace *as = current_process()->aspace;
	int node, err;

	addr = ALIGN_DOWN(addr, PAGE_SIZE);
	err = aspace_populate(as, addr, PAGE_SIZE, VMA_READ);
	if (err)
		return err == -ENOMEM ? -ENOMEM : -EFAULT;
	node = aspace_page_node(as, addr, NODE_QUERY, 0);
	/* The frame of zeros was made on some node too. */
	return node == -EFAULT ? (int)zero_frame->node : node;
}

/* What get_mempolicy tells of a policy; `own`: it is the thread's. */
static int describe(const struct mempolicy *p, u64 addr, u64 flags, int *value, u64 *nodes)
{
	*nodes = 0;
	if (!(flags & MPOL_F_NODE)) {
		*value = (int)(p->mode | p->flags);
	} else if (flags & MPOL_F_ADDR) {
		*value = node_at(addr);
		if (*value < 0)
			return *value;
	} else if (p->mode == MPOL_INTERLEAVE) {
		*value = (int)numa_set_nth(p->nodes, p->turn);
	} else {
		return -EINVAL;
	}
	if (p->mode != MPOL_DEFAULT && p->mode != MPOL_LOCAL)
		*nodes = p->flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES) ? p->wanted : p->nodes;
	return 0;
}

s64 sys_get_mempolicy(void __user *mode, void __user *nodemask, u64 maxnode, u64 addr, u64 flags)
{
	struct mempolicy policy = current_thread()->policy;
	int value = 0, err = 0;
	u64 nodes;

	if ((nodemask && maxnode < numa.nodes) ||
	    (flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)))
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
			return -EINVAL;
		nodes = (1u << numa.nodes) - 1;
	} else {
		if (flags & MPOL_F_ADDR)
			err = aspace_policy_at(current_process()->aspace, addr, &policy);
		else if (addr)
			err = -EINVAL;
		if (!err)
			err = describe(&policy, addr, flags, &value, &nodes);
		if (err)
			return err;
	}
	if (mode && copy_to_user(mode, &value, sizeof(value)))
		return -EFAULT;
	return nodemask ? put_nodes(nodemask, maxnode, nodes) : 0;
}

/* MPOL_MF_MOVE and MPOL_MF_STRICT: pages that are elsewhere go to the first node of the policy, or are an error. */
static int conform(struct range r, const struct mempolicy *p, u32 flags)
{
	unsigned all = (1u << numa.nodes) - 1;
	unsigned allowed = p->mode == MPOL_BIND || p->mode == MPOL_PREFERRED || p->mode == MPOL_INTERLEAVE ||
					   p->mode == MPOL_PREFERRED_MANY
				   ? p->nodes
				   : all;
	u8 to[NODES_MAX];
	s64 missed;

	for (unsigned node = 0; node < NODES_MAX; node++)
		to[node] = (u8)(allowed >> node & 1 ? node : (unsigned)__builtin_ctz(allowed));
	missed = flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)
			 ? aspace_move_range(current_process()->aspace, r, to)
			 : aspace_misplaced(current_process()->aspace, r, to);
	if (missed < 0)
		return (int)missed;
	return missed && (flags & MPOL_MF_STRICT) ? -EIO : 0;
}

s64 sys_mbind(u64 addr, size_t length, int mode, const void __user *nodemask, u64 maxnode, u32 flags)
{
	struct range r = {addr, addr + ALIGN_UP(length, PAGE_SIZE)};
	struct mempolicy policy;
	unsigned plain, mode_flags;
	u64 nodes;
	int err = split_mode("mbind", mode, &plain, &mode_flags);

	if (!err)
		err = get_nodes(nodemask, maxnode, &nodes);
	if (err)
		return err;
	if (flags & ~(u32)MPOL_MF_VALID)
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !is_privileged())
		return -EPERM;
	if (!IS_ALIGNED(addr, PAGE_SIZE) || r.end < addr)
		return -EINVAL;
	if (range_empty(r))
		return 0;
	if (r.end > USER_TOP)
		return -EFAULT;
	err = mempolicy_make(plain, mode_flags, nodes, &policy);
	if (err)
		return err;
	if (plain == MPOL_DEFAULT)
		flags &= ~(u32)MPOL_MF_STRICT;
	/* Strict without moving: nothing is bound where a page is elsewhere. */
	if (flags == MPOL_MF_STRICT)
		err = conform(r, &policy, flags);
	if (!err)
		err = aspace_set_policy(current_process()->aspace, addr, length, policy);
	if (err)
		return err;
	if (!mempolicy_is_default(policy))
		mempolicy_enable();
	return flags & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) ? conform(r, &policy, flags) : 0;
}

/* Some pages of move_pages(2), copied in before and the result out after. */
struct page_batch {
	u64 addr[PAGES_A_GO];
	int node[PAGES_A_GO], status[PAGES_A_GO];
};

/* 0; -ENODEV: no such node. *missed counts those that stayed where they should not. */
static int do_batch(struct aspace *as, struct page_batch *b, u64 n, bool move, s64 *missed)
{
	for (u64 i = 0; i < n; i++) {
		if (move && (b->node[i] < 0 || (unsigned)b->node[i] >= numa.nodes))
			return -ENODEV;
		b->status[i] = aspace_page_node(as, b->addr[i], move ? NODE_MOVE_OWN : NODE_QUERY,
						move ? (unsigned)b->node[i] : 0);
		if (move && (b->status[i] == -ENOMEM || b->status[i] == -EBUSY))
			++*missed;
	}
	return 0;
}

static s64 for_batches(struct aspace *as, u64 count, const void __user *pages, const void __user *nodes,
		       void __user *status)
{
	struct page_batch b = {.addr = {0}};
	s64 missed = 0;

	for (u64 at = 0, n; at < count; at += n) {
		int err;

		n = MIN(count - at, (u64)PAGES_A_GO);
		if (copy_from_user(b.addr, (const char __user *)pages + at * 8, n * 8) ||
		    (nodes && copy_from_user(b.node, (const char __user *)nodes + at * 4, n * 4)))
			return -EFAULT;
		err = do_batch(as, &b, n, nodes != NULL, &missed);
		if (err)
			return err;
		if (copy_to_user(POINTER(status, at * 4), b.status, n * 4))
			return -EFAULT;
		if (waitq_signal_due())
			return -EINTR;
		waitq_give_way();
	}
	return missed;
}

/* Pages that several processes share are not moved, not even with MPOL_MF_MOVE_ALL: -EACCES in their status. */
s64 sys_move_pages(int pid, u64 count, const void __user *pages, const void __user *nodes,
		   void __user *status, int flags)
{
	struct aspace *as;
	s64 result;
	int err;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !is_privileged())
		return -EPERM;
	err = process_peek(pid ? pid : current_process()->pid, &as);
	if (err)
		return err;
	result = for_batches(as, count, pages, nodes, status);
	aspace_put(as);
	return result;
}

s64 sys_migrate_pages(int pid, u64 maxnode, const void __user *old_nodes, const void __user *new_nodes)
{
	const struct range all = {0, USER_TOP};
	u64 old, new, online = (1ull << numa.nodes) - 1;
	struct aspace *as;
	u8 to[NODES_MAX];
	s64 missed;
	int err = get_nodes(old_nodes, maxnode, &old);

	if (!err)
		err = get_nodes(new_nodes, maxnode, &new);
	if (!err && (new & ~online))
		err = is_privileged() ? -EINVAL : -EPERM;
	if (!err && !new)
		err = -EINVAL;
	if (!err)
		err = process_peek(pid ? pid : current_process()->pid, &as);
	if (err)
		return err;
	/* The i-th node of the one set goes to the i-th of the other, counted round. */
	for (unsigned node = 0, i = 0; node < NODES_MAX; node++) {
		to[node] = (u8)(old >> node & 1 ? numa_set_nth(new, i++) : node);
	}
	missed = aspace_move_range(as, all, to);
	aspace_put(as);
	return missed;
}
