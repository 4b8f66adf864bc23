/* SPDX-License-Identifier: MIT */
/*
 * Every invariant of an address space, looked at one by one. Tests call this after each operation.
 *
 *   tree     in order, no overlap, page-aligned, inside user space, neighbours joined where they can be (but in
 *            what fork made), the figures of each subtree right
 *   entries  each inside a VMA, allowing no more than it; what a program may write privately is its frame alone
 *   sums     VMAs, mapped and data pages, resident pages
 */
#include <moat/panic.h>
#include "aspace_internal.h"

struct sums {
	struct aspace *as;
	u64 vmas, mapped, data, resident;
};

static void check_vma(const struct vma *v, const struct vma *prev, struct sums *sums)
{
	ASSERT(!range_empty(v->range));
	ASSERT(IS_ALIGNED(v->range.start, PAGE_SIZE) && IS_ALIGNED(v->range.end, PAGE_SIZE));
	ASSERT(v->range.start >= USER_MIN && v->range.end <= USER_TOP);
	ASSERT(v->object || !(v->flags & VMA_SHARED));
	if (prev) {
		ASSERT(prev->range.end <= v->range.start);
		ASSERT(sums->as->unjoined || !vma_can_merge(prev, v));
	}
	sums->vmas++;
	sums->mapped += vma_pages(v);
	if (vma_flags_are_data(v->flags))
		sums->data += vma_pages(v);
}

/* Does nobody else hold what this entry maps? */
static bool is_alone(const struct page *page, const struct pmap_leaf *leaf)
{
	if (leaf->size_bytes == PAGE_SIZE)
		return frame_refs(page) == 1 && !leaf->table_shared;
	return frame_block_is_single_owner(
		pfn_to_page((pfn_t){ALIGN_DOWN(page_to_pfn(page).raw, HUGE_PAGES)}));
}

/* Called under the lock of a table. */
static bool check_entry(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	const unsigned rights = PMAP_READ | PMAP_WRITE | PMAP_EXEC;
	struct page *page = pfn_to_page(leaf->pfn);
	struct sums *sums = arg;
	struct vma *v = aspace_find(sums->as, addr);

	ASSERT(v && range_contains(v->range, addr) && v->entered);
	ASSERT((leaf->prot & rights & ~vma_pmap_prot(v->flags)) == 0);
	ASSERT(leaf->size_bytes > PAGE_SIZE || frame_refs(page) > 0);
	if (frame_is_guard(page)) {
		ASSERT(!leaf->prot);
		return true;
	}
	if (frame_is_zero(page)) {
		ASSERT(!v->object && !(leaf->prot & PMAP_WRITE));
		return true;
	}
	ASSERT(page->owner == FRAME_ANON || v->object);
	if ((leaf->prot & PMAP_WRITE) && !(v->flags & VMA_SHARED))
		ASSERT(page->owner == FRAME_ANON && is_alone(page, leaf));
	sums->resident += leaf->pages;
	return true;
}

void aspace_check(struct aspace *as)
{
	struct sums sums = {.as = as};
	struct vma *prev = NULL;

	/* For writing: faults on other CPUs, which hold it for reading, would change the sums. */
	rwlock_write(&as->lock);
	vma_tree_check(as);
	for (struct vma *v = aspace_find(as, 0); v; v = vma_next(v)) {
		check_vma(v, prev, &sums);
		prev = v;
	}
	ASSERT(sums.vmas == as->vma_count);
	ASSERT(sums.mapped == as->mapped_pages && sums.data == as->data_pages);
	pmap_for_each(&as->pmap, (struct range){0, USER_TOP}, check_entry, &sums);
	ASSERT(sums.resident == pmap_resident_pages(&as->pmap));
	rwlock_write_done(&as->lock);
}
