/* SPDX-License-Identifier: MIT */
/* room: mm */
/* What the files of the address space share: VMAs as values, their tree, the steps of an operation. */
#ifndef MM_ASPACE_INTERNAL_H
#define MM_ASPACE_INTERNAL_H

#include <asm/errno.h>
#include <moat/aspace.h>
#include <moat/commit.h>
#include <moat/heap.h>

SLIST_HEAD(vma_list, vma);

#define ZAP_FRESH \
	UINT64_MAX /* vma.zap_generation before it is in the tree: no page of the object is entered yet */

/* vma.c: pure */
/* neighbour is low or high: the family that the other one's first private page may join, or 0 */
u64 vma_family_of_neighbour(const struct vma *low, const struct vma *high, const struct vma *neighbour);

static inline u64 vma_pages(const struct vma *v)
{
	return range_len(v->range) >> PAGE_SHIFT;
}

/* Does it count for RLIMIT_DATA? */
static inline bool vma_flags_are_data(u32 flags)
{
	return (flags & (VMA_WRITE | VMA_SHARED | VMA_GROWSDOWN)) == VMA_WRITE;
}

/* enum pmap_prot that a page of such a VMA may have at most: x86 knows no memory that can be written or executed but not read. */
static inline unsigned vma_pmap_prot(u32 flags)
{
	unsigned prot = flags & VMA_PROT;

	_Static_assert((int)PMAP_READ == (int)VMA_READ && (int)PMAP_WRITE == (int)VMA_WRITE &&
			       (int)PMAP_EXEC == (int)VMA_EXEC,
		       "the same bits");
	return prot ? prot | PMAP_READ : 0;
}

/* start, or the start of the gap below a stack */
static inline u64 vma_gap_start(const struct vma *v)
{
	if (likely(!(v->flags & VMA_GROWSDOWN)))
		return v->range.start;
	return v->range.start > STACK_GAP ? v->range.start - STACK_GAP : 0;
}

/* Before a page of v is entered. as->lock held for reading at least. */
static inline void vma_note_entry(struct vma *v)
{
	if (unlikely(!__atomic_load_n(&v->entered, __ATOMIC_RELAXED)))
		__atomic_store_n(&v->entered, true, __ATOMIC_RELAXED);
}

/* anon_family.c */
void anon_family_set(struct vma *v);
void anon_family_inherit(struct vma *child);

/* Does memory with these flags count as committed when it is mapped (commit.c)? */
static inline bool vma_flags_are_accounted(u32 flags)
{
	return (flags & (VMA_WRITE | VMA_SHARED | VMA_NORESERVE)) == VMA_WRITE;
}

/* object_seal.c: can a mapping with these flags write to its object, or be made to? */
bool vma_flags_may_write_object(u32 flags);

/* vma_tree.c: as->lock held for writing, for the last two at least for reading */
void vma_tree_insert(struct aspace *as, struct vma *v);
/* The same where its neighbours are known; NULL: it has none on that side. */
void vma_tree_insert_between(struct aspace *as, struct vma *v, struct vma *prev, struct vma *next);
void vma_tree_remove(struct aspace *as, struct vma *v);
/* To another, free place. Its object lists it all the while: no zap misses it. */
void vma_tree_move(struct aspace *as, struct vma *v, struct range range, u64 object_offset);
/* Before high, which shows the same object, is taken out and becomes a part of low. */
void vma_absorb_in_object(struct vma *low, const struct vma *high);
void vma_tree_resize(struct aspace *as, struct vma *v, struct range range);
void vma_tree_reflag(struct aspace *as, struct vma *v, u32 flags);
struct vma *vma_prev(struct vma *v);
struct vma *vma_prev_of(struct aspace *as, struct vma *next); /* the last one where next is NULL */
void vma_tree_check(struct aspace *as); /* panics when what it knows of free space is wrong */
/*
 * The highest place for len bytes in the window, clear of VMAs and of stack gaps; false when there is none.
 */
bool aspace_find_gap(struct aspace *as, u64 len, struct range window, u64 *addr);

/* vma_life.c */
struct vma *__must_check
vma_alloc(struct aspace *as); /* all zero but for its address space; no lock needed */
void vma_get_backing(struct vma *v);
/* References to its object and file. */
static inline void vma_take_backing(struct vma *v)
{
	if (v->object || v->file)
		vma_get_backing(v);
}
void vma_list_drop(struct vma_list *list);
/* Drops them and frees; their address spaces are there; no lock held. */
static inline void vma_list_free(struct vma_list *list)
{
	if (!SLIST_EMPTY(list))
		vma_list_drop(list);
}

/*
 * carve.c: makes the edges of a range edges of VMAs. Prepare checks and allocates, commit cannot fail; what
 * commit did not need, done frees. as->lock held for writing during the first two.
 */
struct carve {
	struct vma *low, *high; /* new upper halves for the splits at range.start and range.end, or NULL */
};
int __must_check carve_prepare(struct aspace *as, struct range r, struct carve *c);
/* The same where the first VMA of r is known: most often it is all of r, and there is nothing to do. */
static inline int __must_check carve_prepare_at(struct aspace *as, const struct vma *first, struct range r,
						struct carve *c)
{
	*c = (struct carve){0};
	if (first->range.start == r.start && first->range.end == r.end)
		return 0;
	return carve_prepare(as, r, c);
}
void carve_split(struct aspace *as, struct range r,
		 struct carve *c); /* what carve_commit does where there is a split */
static inline unsigned carve_count(const struct carve *c)
{
	return (c->low != NULL) + (c->high != NULL);
}
static inline void carve_commit(struct aspace *as, struct range r, struct carve *c)
{
	if (carve_count(c))
		carve_split(as, r, c);
}
static inline void carve_done(struct carve *c)
{
	if (carve_count(c)) {
		kfree(c->low);
		kfree(c->high);
	}
}
/* Joins v with its neighbours where they can be one: the joined VMA. What is left over goes to `dead`. */
struct vma *vma_merge_around(struct aspace *as, struct vma *v, struct vma_list *dead);
/* With the upper neighbour only. */
void vma_merge_above(struct aspace *as, struct vma *v, struct vma_list *dead);
/*
 * Puts v, which no page is entered for, at its range, which is free, as part of a neighbour where that can be: v is then
 * dead. next: the VMA above, or NULL. as->lock held for writing.
 */
void vma_add(struct aspace *as, struct vma *v, struct vma *next, struct vma_list *dead);

/* unmap.c: as->lock held for writing. Takes what is mapped in r out. 0, or -ENOMEM with nothing changed. */
int __must_check unmap_range(struct aspace *as, struct range r, struct vma_list *dead);
/* The same where the edges of r are VMA edges and every table is the address space's own. */
void unmap_whole_vmas(struct aspace *as, struct range r, struct vma_list *dead);

int __must_check unmap_locked(struct aspace *as, struct range r, struct vma_list *dead);
/* Is a VMA of r sealed? */
bool range_is_sealed(struct aspace *as, struct range r);

/*
 * reflag.c: gives all VMAs of r (holes are passed over) their flags less `clear` and with `set`, splitting and joining;
 * flags of VMA_ADVICE, VMA_SEALED. 0 or -ENOMEM with nothing changed. as->lock held for writing.
 */
int __must_check reflag_range(struct aspace *as, struct range r, u32 clear, u32 set, struct vma_list *dead);
/* Where the VMAs that lie without a hole from r.start on end: r.end, or the first hole. as->lock held. */
u64 mapped_end(struct aspace *as, struct range r);

/*
 * advise_pages.c: what pmap_remove with these flags takes out, but no guard, which outlives also the object's pages. 0, or
 * -ENOMEM with a part of it done. as->lock held for writing.
 */
int __must_check remove_but_guards(struct aspace *as, struct range r, unsigned flags,
				   struct tlb_batch *batch);

/* lock.c: may so many more pages with these flags be locked? 0, -EAGAIN. as->lock held. */
int lock_limit_check(const struct aspace *as, u32 flags, u64 pages);
/*
 * Faults in what is mapped in r in VMAs that have the flags (VMA_LOCKED, or 0: all) and not VMA_LOCK_ON_FAULT; goes on behind
 * a VMA with an error. No lock held.
 */
void aspace_fill(struct aspace *as, struct range r, u32 flags);
/* populate.c: faults in one page of a VMA that has the flags and any right; for writing if it is private and writable. */
int populate_own(struct aspace *as, u64 addr, u32 flags);

/* map.c: a free place for len bytes, at hint (0: none) if that is free; -ENOMEM. as->lock held. */
int __must_check place_anywhere(struct aspace *as, u64 hint, u64 len, struct range *r);
/* map.c: would `pages` more, of which `data` private and writable, exceed a limit? as->lock held. */
bool aspace_exceeds_limits(const struct aspace *as, u64 pages, u64 data_pages);

/* fault.c */
enum fault_result fault_page(struct aspace *as, struct vma *v, u64 addr, unsigned access);
/* The table for addr becomes the address space's own: 0 or -ENOMEM. as->lock held for writing. */
int __must_check own_table(struct aspace *as, u64 addr);
/* After FAULT_SHARED_TABLE: 0 or -ENOMEM. Takes as->lock for writing. */
int __must_check fault_own_table(struct aspace *as, u64 addr);
/*
 * huge.c: a write to private memory whose VMA has one of these flags may need more than a frame of this CPU: a huge page,
 * or a frame by a memory policy. The latter gives it (NULL: out of memory).
 */
extern u32 fault_special_flags; /* [a] */
struct page *anon_frame_special(const struct vma *v, u64 addr, unsigned flags);
/* huge.c: a write to an empty window of v; FAULT_NOT_HUGE: map a single page. as->lock held for reading. */
enum fault_result missing_huge(struct aspace *as, struct vma *v, u64 addr);
/* fault_around.c: enters the object's pages around addr that are there, with rights prot. as->lock held. */
void fault_around(struct aspace *as, const struct vma *v, u64 addr, unsigned prot);
/* history.c: as->lock held for writing; for reading. The second appends to an explanation: its length as ksnprintf's. */
void history_add(struct aspace *as, enum map_op op, struct range r);
int history_explain(const struct aspace *as, u64 addr, char *buf, size_t size);
/* reclaim.c: as has lazily free pages; forget it before it goes. Any lock of mm but spinlocks may be held. */
void lazy_free_note(struct aspace *as);
void lazy_free_forget(struct aspace *as);
/* stack.c */
bool stack_grow(struct aspace *as, u64 addr);

/* Decodes (addr, len) of munmap(2) and its kin: page-aligned start, length rounded up; -EINVAL. */
static inline int __must_check user_range(u64 addr, u64 len, struct range *r)
{
	u64 rounded = ALIGN_UP(len, PAGE_SIZE);

	if (!IS_ALIGNED(addr, PAGE_SIZE) || (len && !rounded) || !range_make(addr, rounded, r))
		return -EINVAL;
	return 0;
}

#endif
