/* SPDX-License-Identifier: MIT */
/*
 * Bytes of an address space for somebody else: /proc/PID/mem.
 *
 * What the mapping allows, the ordinary fault handler brings in first. What it does not, a debugger may do all the
 * same: read memory without rights, and write to private memory that is read-only, which gets a private copy of
 * the page that stays read-only.
 *
 * The copy runs with as->lock held for writing, so that nobody takes the frame away meanwhile; and therefore goes to a
 * kernel buffer, since user memory must not be touched under that lock.
 */
#include <asm/errno.h>
#include <arch/mmu.h>
#include <moat/string.h>
#include <moat/usage.h>
#include "aspace_internal.h"

#define TRIES 8 /* against somebody who unmaps and maps the page all the time */

/* One access. as->lock is held for writing as long as `vma` is used. */
struct access {
	struct aspace *as;
	struct vma *vma;
	u64 page; /* address */
	enum aspace_access_how how;
	bool allowed; /* by the rights of the VMA */
};

/* Does nobody else see what is written to this frame? */
static bool is_alone(const struct pmap_leaf *leaf)
{
	const struct page *page = pfn_to_page(leaf->pfn);

	if (leaf->size_bytes > PAGE_SIZE)
		return frame_block_is_single_owner(
			pfn_to_page((pfn_t){ALIGN_DOWN(leaf->pfn.raw, HUGE_PAGES)}));
	return page->owner == FRAME_ANON && frame_refs(page) == 1 && !leaf->table_shared;
}

/* A fresh frame with what the page shows; leaf NULL: it has no entry. */
static int copy_page(const struct access *a, const struct pmap_leaf *leaf, struct page **out)
{
	struct page *from = NULL;
	int err = 0;

	if (!leaf && a->vma->object)
		err = mobj_page(a->vma->object,
				(a->vma->object_offset + (a->page - a->vma->range.start)) >> PAGE_SHIFT, 0,
				&from);
	if (err)
		return err;
	*out = frame_alloc(0, FRAME_ZERO, FRAME_ANON);
	if (*out && (leaf || from))
		arch_copy_page(page_address(*out), page_address(leaf ? pfn_to_page(leaf->pfn) : from));
	if (from)
		frame_put(from);
	return *out ? 0 : -ENOMEM;
}

/* Puts a private copy where `leaf` was, or where nothing was (NULL). */
static int own_page(const struct access *a, const struct pmap_leaf *leaf)
{
	struct pmap *pmap = &a->as->pmap;
	unsigned prot = vma_pmap_prot(a->vma->flags);
	struct tlb_batch batch;
	struct page *own;
	int err = copy_page(a, leaf, &own);

	if (err)
		return err;
	tlb_batch_init(&batch, pmap);
	anon_family_set(a->vma);
	err = pmap_own(pmap, a->page, &batch);
	if (!err)
		err = leaf ? pmap_replace(pmap, a->page, leaf->pfn, page_to_pfn(own), prot, &batch)
			   : pmap_enter(pmap, a->page, page_to_pfn(own), prot);
	tlb_flush(&batch);
	if (err)
		frame_put(own);
	return err;
}

static void move(const struct access *a, struct page *page, u64 at, void *buf, size_t len)
{
	u8 *bytes = (u8 *)page_address(page) + at;

	if (a->how == ASPACE_PEEK)
		memcpy(buf, bytes, len);
	else
		memcpy(bytes, buf, len);
}

/* A page that has no entry, read against the rights of its mapping: what would be there. */
static int peek_missing(const struct access *a, u64 at, void *buf, size_t len)
{
	struct page *page;
	int err = copy_page(a, NULL, &page);

	if (err)
		return err;
	move(a, page, at, buf, len);
	frame_put(page);
	return 0;
}

/* 0; -EAGAIN: the fault handler can help; or the error. as->lock held for writing. */
static int access_locked(struct access *a, u64 at, void *buf, size_t len)
{
	bool poke = a->how == ASPACE_POKE, there;
	struct pmap_leaf leaf;
	int err = 0;

	a->vma = aspace_find(a->as, a->page);
	if (!a->vma || a->vma->range.start > a->page)
		return -EIO;
	a->allowed = a->vma->flags & (poke ? VMA_WRITE : VMA_PROT);
	if (poke && !a->allowed && (a->vma->flags & (VMA_SHARED | VMA_SPECIAL)))
		return -EIO;
	there = pmap_query(&a->as->pmap, a->page, &leaf);
	if (a->allowed && (!there || (poke && !(leaf.prot & PMAP_WRITE))))
		return -EAGAIN;
	if (!there && !poke)
		return peek_missing(a, at, buf, len);
	if (!a->allowed && poke && (!there || !is_alone(&leaf))) {
		err = own_page(a, there ? &leaf : NULL);
		if (!err && !pmap_query(&a->as->pmap, a->page, &leaf))
			err = -EIO;
	}
	if (!err)
		move(a, pfn_to_page(leaf.pfn), at, buf, len);
	return err;
}

int aspace_access_forced(struct aspace *as, u64 addr, void *buf, size_t len, enum aspace_access_how how)
{
	struct access a = {.as = as, .page = ALIGN_DOWN(addr, PAGE_SIZE), .how = how};
	u64 at = addr - a.page;

	DEBUG_ASSERT(len <= PAGE_SIZE - at);
	for (unsigned i = 0; i < TRIES; i++) {
		enum fault_result r;
		int err;

		rwlock_write(&as->lock);
		err = access_locked(&a, at, buf, len);
		rwlock_write_done(&as->lock);
		if (err != -EAGAIN)
			return err;
		r = aspace_fault(as, addr, (how == ASPACE_POKE ? FAULT_WRITE : FAULT_READ) | FAULT_PRESENT);
		if (r != FAULT_DONE)
			return r == FAULT_NO_MEMORY ? -ENOMEM : -EIO;
	}
	return -EIO;
}
