/* SPDX-License-Identifier: MIT */
/*
 * Moving pages from node to node: move_pages(2), migrate_pages(2), mbind(2) with MPOL_MF_MOVE.
 *
 * With the address space locked for writing nobody faults. The entry loses all rights first, so that no other CPU changes
 * the page between the copy and the new entry.
 */
#include <asm/errno.h>
#include <moat/mempolicy.h>
#include <moat/panic.h>
#include "aspace_internal.h"

/* May the page be moved? 0 or what aspace_page_node says. */
static int check_movable(const struct page *page)
{
	if (page->owner != FRAME_ANON)
		return -EBUSY;
	return frame_refs(page) == 1 ? 0 : -EACCES;
}

/* Puts a copy on the node in the place of `leaf`, whose table is this address space's own. */
static int move_page(struct aspace *as, u64 addr, const struct pmap_leaf *leaf, unsigned node)
{
	struct page *old = pfn_to_page(leaf->pfn);
	struct page *copy = frame_alloc_from(node, 1u << node, 0, 0, FRAME_ANON);
	struct tlb_batch batch;
	int err;

	if (!copy)
		return -ENOMEM;
	tlb_batch_init(&batch, &as->pmap);
	pmap_restrict(&as->pmap, (struct range){addr, addr + PAGE_SIZE}, 0, &batch);
	tlb_flush(&batch);
	arch_copy_page(page_address(copy), page_address(old));
	tlb_batch_init(&batch, &as->pmap);
	err = pmap_replace(&as->pmap, addr, leaf->pfn, page_to_pfn(copy),
			   leaf->prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC), &batch);
	ASSERT(!err);
	tlb_flush(&batch);
	return (int)node;
}
/* as->lock held for reading; for writing to move. */
static int page_node_locked(struct aspace *as, u64 addr, enum node_move how, unsigned node)
{
	struct vma *v = aspace_find(as, addr);
	struct pmap_leaf leaf;
	struct page *page;
	int err;

	if (!v || v->range.start > addr)
		return -EFAULT;
	if (!pmap_query(&as->pmap, addr, &leaf))
		return -ENOENT;
	page = pfn_to_page(leaf.pfn);
	if (frame_is_guard(page))
		return -ENOENT;
	if (frame_is_zero(page) || (v->flags & VMA_SPECIAL))
		return -EFAULT;
	if (how == NODE_QUERY || page->node == node)
		return page->node;
	/* Takes a huge entry apart, or leaves a table that was shared; the reference counts mean something only then. */
	err = own_table(as, addr);
	if (!err)
		err = check_movable(page);
	if (err || !pmap_query(&as->pmap, addr, &leaf))
		return err ? err : -ENOENT;
	return move_page(as, addr, &leaf, node);
}

int aspace_page_node(struct aspace *as, u64 addr, enum node_move how, unsigned node)
{
	int result;

	addr = ALIGN_DOWN(addr, PAGE_SIZE);
	if (how == NODE_QUERY) {
		rwlock_read(&as->lock);
		result = page_node_locked(as, addr, how, node);
		rwlock_read_done(&as->lock);
	} else {
		rwlock_write(&as->lock);
		result = page_node_locked(as, addr, how, node);
		rwlock_write_done(&as->lock);
	}
	return result;
}

/* A walk that stops at the first page which is to move. */
struct search {
	const u8 *to;
	u64 addr; /* where it stopped, or UINT64_MAX */
	unsigned from;
	u64 found; /* for the walk that does not stop */
};

static bool is_misplaced(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const struct page *page = pfn_to_page(leaf->pfn);
	struct search *s = arg;

	if (page->owner != FRAME_ANON || s->to[page->node] == page->node)
		return true;
	s->addr = addr;
	s->from = page->node;
	return false;
}

s64 aspace_move_range(struct aspace *as, struct range r, const u8 to[NODES_MAX])
{
	s64 missed = 0;

	while (!range_empty(r)) {
		struct search s = {.to = to, .addr = UINT64_MAX};

		rwlock_read(&as->lock);
		pmap_for_each(&as->pmap, r, is_misplaced, &s);
		rwlock_read_done(&as->lock);
		if (s.addr == UINT64_MAX)
			return missed;
		if (aspace_page_node(as, s.addr, NODE_MOVE_OWN, to[s.from]) != (int)to[s.from])
			missed++;
		r.start = s.addr + PAGE_SIZE;
		if (waitq_signal_due())
			return -EINTR;
		waitq_give_way();
	}
	return missed;
}

static bool count_misplaced(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	struct search *s = arg;

	if (!is_misplaced(addr, leaf, s))
		s->found += leaf->pages;
	return true;
}

s64 aspace_misplaced(struct aspace *as, struct range r, const u8 to[NODES_MAX])
{
	struct search s = {.to = to};

	rwlock_read(&as->lock);
	pmap_for_each(&as->pmap, r, count_misplaced, &s);
	rwlock_read_done(&as->lock);
	return (s64)s.found;
}
