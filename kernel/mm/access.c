/* SPDX-License-Identifier: MIT */
/*
 * The memory of an address space for somebody else: process_vm_readv(2), /proc/PID/mem.
 *
 * Bytes go page by page through a buffer: between the buffer and the page, by the direct map, under as->lock, which keeps
 * the page where it is; between the buffer and the caller's own memory without any lock, since that may fault, even in the
 * same address space.
 *
 * What the mapping allows goes through the ordinary fault handler. With ACCESS_FORCE a debugger may also read memory
 * without rights, and write to private memory that is read-only: a page of its own is made for it, which stays read-only.
 */
#include <asm/errno.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include <moat/string.h>
#include <moat/usage.h>
#include "aspace_internal.h"

#define TRIES 64 /* against somebody who changes the page all the time */

/* A piece of one page. */
struct piece {
	u64 addr;
	size_t len;
	u8 *bytes;
	unsigned flags; /* enum access_flags */
};

static u64 piece_page(const struct piece *p)
{
	return ALIGN_DOWN(p->addr, PAGE_SIZE);
}

/* Between the buffer and a frame; NULL reads as zeros. */
static void move(const struct piece *p, const struct page *frame)
{
	u8 *at = frame ? (u8 *)page_address(frame) + p->addr % PAGE_SIZE : NULL;

	if (p->flags & ACCESS_WRITE)
		memcpy(at, p->bytes, p->len);
	else if (at)
		memcpy(p->bytes, at, p->len);
	else
		memset(p->bytes, 0, p->len);
}

/* As a program's own write would: the page is not free to go any more (MADV_FREE). -EAGAIN: it changes meanwhile. */
static __noinline int set_dirty(struct aspace *as, u64 addr, const struct pmap_leaf *leaf)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &as->pmap);
	err = pmap_replace(&as->pmap, addr, leaf->pfn, leaf->pfn, leaf->prot, &batch);
	if (!err)
		tlb_flush(&batch);
	return err;
}

/* The page is entered with the right that is wanted. as->lock held for reading. False: it has gone again. */
static __noinline bool move_entered(struct aspace *as, const struct piece *p)
{
	const unsigned need = PMAP_READ | (p->flags & ACCESS_WRITE ? PMAP_WRITE : 0);
	struct pmap_leaf leaf;
	struct page *held;
	bool usable;

	/* Another thread's copy-on-write could drop the frame while it is read. */
	if (!pmap_query_held(&as->pmap, piece_page(p), &leaf, &held))
		return false;
	usable = (leaf.prot & need) == need;
	if (usable)
		move(p, pfn_to_page(leaf.pfn));
	if (held)
		frame_put(held);
	if (!usable)
		return false;
	if ((p->flags & ACCESS_WRITE) && !(leaf.prot & PMAP_DIRTY))
		(void)set_dirty(as, piece_page(p), &leaf);
	return true;
}

/* A page in memory without rights. Not even force reads a guard, or past the end of an object. as->lock held. */
static int read_hidden(struct aspace *as, const struct vma *v, const struct piece *p)
{
	u64 offset = v->object_offset + (p->addr - v->range.start);
	struct page *page = NULL;
	struct pmap_leaf leaf;
	int err = 0;

	if (pmap_query(&as->pmap, piece_page(p), &leaf)) {
		if (frame_is_guard(pfn_to_page(leaf.pfn)))
			return -EFAULT;
		move(p, pfn_to_page(leaf.pfn));
		return 0;
	}
	if (v->object &&
	    offset >= ALIGN_UP(__atomic_load_n(&v->object->size_bytes, __ATOMIC_ACQUIRE), PAGE_SIZE))
		return -EFAULT;
	if (v->object)
		err = mobj_page(v->object, offset >> PAGE_SHIFT, 0, &page);
	if (err)
		return err;
	move(p, page);
	if (page)
		frame_put(page);
	return 0;
}

/* A copy of what the page shows now, which nobody else has. as->lock held for writing, the table is its own. */
static __noinline int make_private(struct aspace *as, struct vma *v, const struct piece *p,
				   const struct pmap_leaf *leaf, struct page **out)
{
	const unsigned prot = vma_pmap_prot(v->flags);
	struct page *copy = frame_alloc(0, FRAME_ZERO, FRAME_ANON);
	struct piece whole = {.addr = piece_page(p), .len = PAGE_SIZE, .flags = ACCESS_FORCE};
	struct tlb_batch batch;
	int err;

	if (!copy)
		return -ENOMEM;
	vma_note_entry(v);
	whole.bytes = page_address(copy);
	err = read_hidden(as, v, &whole);
	tlb_batch_init(&batch, &as->pmap);
	if (!err && leaf)
		err = pmap_replace(&as->pmap, whole.addr, leaf->pfn, page_to_pfn(copy), prot, &batch);
	else if (!err)
		err = pmap_enter(&as->pmap, whole.addr, page_to_pfn(copy), prot);
	tlb_flush(&batch);
	if (err) {
		frame_put(copy);
		return err;
	}
	*out = copy;
	return 0;
}

/* As a debugger may: as->lock held for writing. */
static int write_forced(struct aspace *as, struct vma *v, const struct piece *p)
{
	int err = own_table(as, piece_page(p));
	struct pmap_leaf leaf;
	struct page *page;
	bool there;

	if (err)
		return err;
	there = pmap_query(&as->pmap, piece_page(p), &leaf);
	page = there ? pfn_to_page(leaf.pfn) : NULL;
	if (!page || page->owner != FRAME_ANON || frame_refs(page) != 1) {
		anon_family_set(v);
		err = make_private(as, v, p, there ? &leaf : NULL, &page);
	} else if (!(leaf.prot & PMAP_DIRTY))
		err = set_dirty(as, piece_page(p), &leaf);
	if (!err)
		move(p, page);
	return err;
}

/* What somebody else may look at. */
static struct vma *find(struct aspace *as, u64 addr)
{
	struct vma *v = aspace_find(as, addr);

	return v && v->range.start <= addr && !(v->flags & VMA_IO) ? v : NULL;
}

/* Does the mapping itself allow the access? */
static bool allowed(const struct vma *v, unsigned flags)
{
	return v->flags & (flags & ACCESS_WRITE ? VMA_WRITE : VMA_READ);
}

/* Only force helps: 0, -EFAULT, -ENOMEM. */
static int force(struct aspace *as, const struct piece *p)
{
	struct vma *v;
	int err = -EFAULT;

	rwlock_write(&as->lock);
	v = find(as, p->addr);
	if (v && !(p->flags & ACCESS_WRITE))
		err = read_hidden(as, v, p);
	else if (v && !(v->flags & VMA_SHARED))
		err = write_forced(as, v, p);
	rwlock_write_done(&as->lock);
	return err;
}

/* 0, -EFAULT, -ENOMEM, or -EAGAIN: once more. */
static int try_piece(struct aspace *as, const struct piece *p)
{
	const unsigned access = FAULT_PRESENT | (p->flags & ACCESS_WRITE ? FAULT_WRITE : FAULT_READ);
	enum fault_result result = FAULT_NO_VMA;
	bool refused = false, done = false;
	struct vma *v;

	rwlock_read(&as->lock);
	v = find(as, p->addr);
	refused = v && !allowed(v, p->flags);
	if (v && !refused)
		result = fault_page(as, v, piece_page(p), access);
	if (result == FAULT_DONE)
		done = move_entered(as, p);
	rwlock_read_done(&as->lock);

	if (refused)
		return p->flags & ACCESS_FORCE ? force(as, p) : -EFAULT;
	if (result == FAULT_SHARED_TABLE)
		return fault_own_table(as, piece_page(p)) ? -ENOMEM : -EAGAIN;
	if (result == FAULT_DONE)
		return done ? 0 : -EAGAIN;
	return result == FAULT_NO_MEMORY ? -ENOMEM : -EFAULT;
}

static int access_piece(struct aspace *as, const struct piece *p)
{
	int err = -EAGAIN;

	for (unsigned i = 0; err == -EAGAIN && i < TRIES; i++)
		err = try_piece(as, p);
	return err == -EAGAIN ? -EFAULT : err;
}

int aspace_access_forced(struct aspace *as, u64 addr, void *buf, size_t len, enum aspace_access_how how)
{
	const struct piece p = {
		.addr = addr,
		.len = len,
		.bytes = buf,
		.flags = ACCESS_FORCE | (how == ASPACE_POKE ? (unsigned)ACCESS_WRITE : 0),
	};
	int err;

	DEBUG_ASSERT(len <= PAGE_SIZE - addr % PAGE_SIZE);
	err = access_piece(as, &p);
	return err == -EFAULT ? -EIO : err;
}

/* One piece; bytes moved, which may be fewer than its length when the caller's memory ends, or -errno. */
static ssize_t transfer(struct aspace *as, struct piece *p, struct uio *u)
{
	int err;

	if (p->flags & ACCESS_WRITE) {
		p->len = uio_copy_in(u, p->bytes, p->len);
		err = p->len ? access_piece(as, p) : 0;
		return err ? err : (ssize_t)p->len;
	}
	err = access_piece(as, p);
	return err ? err : (ssize_t)uio_copy_out(u, p->bytes, p->len);
}

ssize_t aspace_access(struct aspace *as, u64 addr, size_t len, struct uio *u, unsigned flags)
{
	struct piece p = {.flags = flags, .bytes = kmalloc(PAGE_SIZE)};
	size_t done = 0, want;
	ssize_t n = -EFAULT;

	if (!p.bytes)
		return -ENOMEM;
	len = MIN(len, u->left);
	while (done < len && !waitq_kill_due()) {
		waitq_give_way();
		p.addr = addr + done;
		p.len = want = MIN(len - done, PAGE_SIZE - p.addr % PAGE_SIZE);
		n = transfer(as, &p, u);
		if (n > 0)
			done += (size_t)n;
		if (n < 0 || (size_t)n < want)
			break;
	}
	kfree(p.bytes);
	if (done || !len)
		return (ssize_t)done;
	return n < 0 ? n : -EFAULT;
}
