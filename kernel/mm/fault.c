/* SPDX-License-Identifier: MIT */
/*
 * Page faults: from an address and an access to a page that serves it. In stages, the lock state beside each:
 *
 *     stage                                        as->lock   what may happen
 *     1  find the VMA                              read       none: the stack grows (write), or SEGV_MAPERR
 *     2  check the access against its rights       read       SEGV_ACCERR
 *     3a nothing is mapped:                        read
 *          anonymous, write                                   a cleared frame: the short way, most faults
 *          anonymous, read                                    the zero frame, read-only
 *          object, shared or read                             the object's page (its mutex; may sleep); for a read
 *                                                             its neighbours too (fault_around.c)
 *          object, private write                              a copy of the object's page
 *     3b something is mapped, with too few rights: read
 *          private write to a shared frame                    copy-on-write
 *          else                                               the entry gets the rights that the VMA has
 *
 * Faults run in parallel. Two on one page race for the entry: pmap_enter and pmap_replace let one win; the
 * other drops its frame and takes what it finds.
 *
 * A frame is reused instead of copied when it is anonymous and this entry is its only holder. That cannot
 * change under us: a second holder comes only from fork, which takes the lock for writing.
 */
#include <asm/errno.h>
#include <moat/huge.h>
#include <moat/panic.h>
#include <moat/reclaim.h>
#include "aspace_internal.h"

/* One fault: what it wants, and the VMA that it found. as->lock is held for reading as long as it lives. */
struct fault {
	struct aspace *as;
	struct vma *vma;
	u64 addr;	 /* of the page, bytes */
	unsigned access; /* enum fault_access */
};

/* What an entry for this frame may allow. */
static unsigned entry_prot(const struct vma *v, const struct page *page)
{
	unsigned prot = vma_pmap_prot(v->flags);

	if ((v->flags & VMA_SHARED) || (page->owner == FRAME_ANON && frame_refs(page) == 1))
		return prot;
	return prot & ~(unsigned)PMAP_WRITE;
}

static unsigned needed_prot(unsigned access)
{
	if (access & FAULT_WRITE)
		return PMAP_READ | PMAP_WRITE;
	return access & FAULT_EXEC ? PMAP_READ | PMAP_EXEC : PMAP_READ;
}

/* Stage 2. Memory that may be written or executed can be read as well: x86 has no other. */
static bool access_allowed(const struct vma *v, unsigned access)
{
	if (access & FAULT_WRITE)
		return v->flags & VMA_WRITE;
	if (access & FAULT_EXEC)
		return v->flags & VMA_EXEC;
	return v->flags & VMA_PROT;
}

static void count_cow(struct aspace *as)
{
	__atomic_add_fetch(&as->faults.cow, 1, __ATOMIC_RELAXED);
}

/* Does the VMA ask for more than a frame of this CPU? One load and test where it does not. */
static inline bool is_special(const struct fault *f)
{
	return unlikely(f->vma->flags & fault_special_flags);
}

static inline struct page *anon_frame(const struct fault *f, unsigned flags)
{
	return is_special(f) ? anon_frame_special(f->vma, f->addr, flags) : frame_alloc(0, flags, FRAME_ANON);
}

/* A private copy of a frame, or NULL. */
static struct page *copy_frame(const struct fault *f, const struct page *from)
{
	struct page *copy;

	if (frame_is_zero(from))
		return anon_frame(f, FRAME_ZERO);
	copy = anon_frame(f, 0);
	if (copy)
		arch_copy_page(page_address(copy), page_address(from));
	return copy;
}

/*
 * The entry for `old` now holds `new`, with a reference if that is another frame. -EAGAIN: `old` was gone; -EBUSY: the
 * table is shared.
 */
static __noinline int replace(const struct fault *f, pfn_t old, pfn_t new, unsigned prot)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &f->as->pmap);
	err = pmap_replace(&f->as->pmap, f->addr, old, new, prot, &batch);
	if (!err)
		tlb_flush(&batch);
	return err;
}

/* Stage 3b, a private write to a frame that others may see. */
static enum fault_result copy_on_write(const struct fault *f, pfn_t old)
{
	struct page *copy = copy_frame(f, pfn_to_page(old));
	int err;

	if (!copy)
		return FAULT_NO_MEMORY;
	anon_family_set(f->vma);
	err = replace(f, old, page_to_pfn(copy), vma_pmap_prot(f->vma->flags));
	if (err) {
		frame_put(copy);
		return err == -EBUSY ? FAULT_SHARED_TABLE : FAULT_DONE;
	}
	count_cow(f->as);
	return FAULT_DONE;
}

/* Stage 3b, a huge entry: it gets its rights back, or is taken apart when somebody else has the block too. */
static __noinline enum fault_result existing_huge(const struct fault *f, const struct pmap_leaf *leaf)
{
	int err = replace(f, leaf->pfn, leaf->pfn, vma_pmap_prot(f->vma->flags));

	return err == -EBUSY ? FAULT_SHARED_TABLE : FAULT_DONE;
}

/* Stage 3b: the entry is there. Where it changes while we look, the program's next try sees how. */
static enum fault_result existing(const struct fault *f, const struct pmap_leaf *leaf)
{
	unsigned need = needed_prot(f->access), may;

	if ((leaf->prot & need) == need)
		return FAULT_DONE;
	if (leaf->table_shared)
		return FAULT_SHARED_TABLE;
	if (leaf->size_bytes > PAGE_SIZE)
		return existing_huge(f, leaf);
	may = entry_prot(f->vma, pfn_to_page(leaf->pfn));
	if ((may & need) != need)
		return copy_on_write(f, leaf->pfn);
	(void)replace(f, leaf->pfn, leaf->pfn, may);
	return FAULT_DONE;
}

/*
 * Enters a frame, with the caller's reference to it, where nothing was mapped. When something is mapped after
 * all (another thread was faster, or a page that was PROT_NONE until now has kept its frame), that serves.
 */
static enum fault_result enter(const struct fault *f, struct page *page, unsigned prot)
{
	int err = pmap_enter(&f->as->pmap, f->addr, page_to_pfn(page), prot);
	struct pmap_leaf leaf;

	if (likely(!err))
		return FAULT_DONE;
	frame_put(page);
	if (err != -EEXIST)
		return err == -EBUSY ? FAULT_SHARED_TABLE : FAULT_NO_MEMORY;
	return pmap_query(&f->as->pmap, f->addr, &leaf) ? existing(f, &leaf) : FAULT_DONE;
}

/* Stage 3a, anonymous memory. */
static enum fault_result missing_anon(const struct fault *f)
{
	unsigned prot = vma_pmap_prot(f->vma->flags);
	struct page *page;

	if (f->access & FAULT_WRITE) {
		if (is_special(f)) {
			if (huge_is_wanted(f->as, f->vma->flags) &&
			    missing_huge(f->as, f->vma, f->addr) == FAULT_DONE)
				return FAULT_DONE;
			page = anon_frame_special(f->vma, f->addr, FRAME_ZERO);
		} else {
			page = frame_alloc(0, FRAME_ZERO, FRAME_ANON);
		}
		if (unlikely(!page))
			return FAULT_NO_MEMORY;
		anon_family_set(f->vma);
		return enter(f, page, prot);
	}
	frame_get(zero_frame);
	return enter(f, zero_frame, prot & ~(unsigned)PMAP_WRITE);
}

/* The object's page for the address, with a reference. Takes the object's mutex; may sleep. */
static enum fault_result object_page(const struct fault *f, struct page **page)
{
	struct mobj *obj = f->vma->object;
	u64 offset = f->vma->object_offset + (f->addr - f->vma->range.start);
	u64 size = __atomic_load_n(&obj->size_bytes, __ATOMIC_ACQUIRE);
	int err;

	if (offset >= ALIGN_UP(size, PAGE_SIZE))
		return FAULT_PAST_END;
	err = mobj_page(obj, offset >> PAGE_SHIFT, MOBJ_CREATE, page);
	if (err)
		return err == -ENOMEM ? FAULT_NO_MEMORY : FAULT_IO;
	return FAULT_DONE;
}

/* A page of an object, with its neighbours. Takes over the reference. */
static enum fault_result enter_for_reading(const struct fault *f, struct page *page)
{
	unsigned prot = entry_prot(f->vma, page);
	enum fault_result result = enter(f, page, prot);

	if (result == FAULT_DONE)
		fault_around(f->as, f->vma, f->addr, prot);
	return result;
}

/* Stage 3a, file and shared memory. */
static enum fault_result missing_object(const struct fault *f)
{
	bool private_write = (f->access & FAULT_WRITE) && !(f->vma->flags & VMA_SHARED);
	struct page *page, *copy;
	enum fault_result result;

	/* Linux decides on the family before it looks for the page, which may lie past the end of the file. */
	if (private_write)
		anon_family_set(f->vma);
	result = object_page(f, &page);
	if (result != FAULT_DONE)
		return result;
	if (!(f->access & FAULT_WRITE))
		return enter_for_reading(f, page);
	if (!private_write)
		return enter(f, page, entry_prot(f->vma, page));
	copy = copy_frame(f, page);
	frame_put(page);
	if (!copy)
		return FAULT_NO_MEMORY;
	count_cow(f->as);
	return enter(f, copy, vma_pmap_prot(f->vma->flags));
}

static enum fault_result missing(const struct fault *f)
{
	vma_note_entry(f->vma);
	return likely(!f->vma->object) ? missing_anon(f) : missing_object(f);
}

/*
 * Stage 2 says no. To fetch an instruction where nothing is entered is, to the CPU, an attempt to read until the entry is
 * there: what is wrong with the page is told before what is wrong with the rights.
 */
static __noinline enum fault_result refused(struct aspace *as, struct vma *v, u64 addr, unsigned access)
{
	enum fault_result result = FAULT_DONE;

	if ((access & FAULT_EXEC) && !(access & FAULT_PRESENT) && access_allowed(v, FAULT_READ))
		result = fault_page(as, v, addr, (access & ~(unsigned)FAULT_EXEC) | FAULT_READ);
	return result == FAULT_DONE ? FAULT_NO_ACCESS : result;
}

/* Stages 2 and 3, for the page at addr, which lies in v. as->lock held for reading at least. */
enum fault_result fault_page(struct aspace *as, struct vma *v, u64 addr, unsigned access)
{
	const struct fault f = {.as = as, .vma = v, .addr = addr, .access = access};
	struct pmap_leaf leaf;

	DEBUG_ASSERT(rwlock_is_held(&as->lock) && range_contains(v->range, addr));
	if (unlikely(!access_allowed(v, access)))
		return refused(as, v, addr, access);
	if (unlikely(v->flags & VMA_MAY_GUARD) && pmap_query(&as->pmap, addr, &leaf) &&
	    frame_is_guard(pfn_to_page(leaf.pfn)))
		return FAULT_GUARD;
	if ((access & FAULT_PRESENT) && pmap_query(&as->pmap, addr, &leaf))
		return existing(&f, &leaf);
	return missing(&f);
}

/* Stage 1 and on; *grow is set when only a growing stack can help. */
static enum fault_result fault_locked(struct aspace *as, u64 addr, unsigned access, bool *grow)
{
	struct vma *v = aspace_find(as, addr);

	*grow = false;
	if (unlikely(!v))
		return FAULT_NO_VMA;
	if (unlikely(v->range.start > addr)) {
		*grow = v->flags & VMA_GROWSDOWN;
		return FAULT_NO_VMA;
	}
	return fault_page(as, v, addr, access);
}

__noinline int own_table(struct aspace *as, u64 addr)
{
	struct tlb_batch batch;
	int err;

	DEBUG_ASSERT(rwlock_is_write_held(&as->lock));
	tlb_batch_init(&batch, &as->pmap);
	err = pmap_own(&as->pmap, addr, &batch);
	tlb_flush(&batch);
	return err;
}

int fault_own_table(struct aspace *as, u64 addr)
{
	int err;

	rwlock_write(&as->lock);
	err = own_table(as, addr);
	rwlock_write_done(&as->lock);
	return err;
}

enum fault_result aspace_fault(struct aspace *as, u64 addr, unsigned access)
{
	enum fault_result result;
	bool grow;

	addr = ALIGN_DOWN(addr, PAGE_SIZE);
	for (;;) {
		rwlock_read(&as->lock);
		result = fault_locked(as, addr, access, &grow);
		rwlock_read_done(&as->lock);
		if (likely(result == FAULT_DONE))
			break;
		if (grow && stack_grow(as, addr))
			continue;
		if (result == FAULT_SHARED_TABLE && !fault_own_table(as, addr))
			continue;
		if (result != FAULT_SHARED_TABLE && result != FAULT_NO_MEMORY)
			break;
		result = FAULT_NO_MEMORY;
		if (!memory_make_room())
			break;
	}
	/* Those that are served are counted by who made them: a thread has memory of its own for that. */
	if (unlikely(result != FAULT_DONE))
		__atomic_add_fetch(&as->faults.refused, 1, __ATOMIC_RELAXED);
	return result;
}
