/* SPDX-License-Identifier: MIT */
/*
 * The life of an address space.
 *
 * Lock order: as->lock, then an object's mutex, then the pmap. What an operation takes out of the address
 * space it detaches under as->lock and frees after it. Frames go back only when every TLB has forgotten them:
 * tlb_batch.
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <moat/heap.h>
#include <moat/panic.h>
#include "aspace_internal.h"

u64 vma_count_max = 65530;
struct page *zero_frame, *guard_frame; /* [I once made] */

/* Makes the frame that *place is to name, once. */
static bool special_frame_ready(struct page **place)
{
	struct page *none = NULL, *page;

	if (likely(__atomic_load_n(place, __ATOMIC_ACQUIRE)))
		return true;
	page = frame_alloc(0, FRAME_ZERO, FRAME_KERNEL);
	if (!page)
		return false;
	if (!__atomic_compare_exchange_n(place, &none, page, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		frame_put(page);
	return true;
}

struct aspace *aspace_create(void)
{
	static u64 last_id; /* [a] */
	struct aspace *as;

	if (!special_frame_ready(&zero_frame) || !special_frame_ready(&guard_frame))
		return NULL;
	as = kzalloc(sizeof(*as));
	if (!as)
		return NULL;
	if (pmap_init(&as->pmap)) {
		kfree(as);
		return NULL;
	}
	as->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	ref_init(&as->refs, 1);
	ref_init(&as->pins, 1);
	rwlock_init(&as->lock, RANK_ASPACE);
	RB_INIT(&as->vmas);
	as->mmap_top = USER_TOP;
	as->limit_as_bytes = UINT64_MAX;
	as->limit_data_bytes = UINT64_MAX;
	as->limit_stack_bytes = MIB(8);
	as->limit_lock_bytes = UINT64_MAX;
	return as;
}

void aspace_get(struct aspace *as)
{
	ref_get(&as->refs);
}

void aspace_put(struct aspace *as)
{
	struct vma_list dead = SLIST_HEAD_INITIALIZER(dead);

	if (!ref_put(&as->refs))
		return;
	if (as->lazy_listed)
		lazy_free_forget(as);
	rwlock_write(&as->lock);
	unmap_whole_vmas(as, (struct range){0, USER_TOP}, &dead);
	rwlock_write_done(&as->lock);
	DEBUG_ASSERT(as->vma_count == 0 && as->mapped_pages == 0 && pmap_resident_pages(&as->pmap) == 0);
	vma_list_free(&dead);
	kfree(as->spare);
	pmap_destroy(&as->pmap);
	aspace_unpin(as);
}

void aspace_pin(struct aspace *as)
{
	ref_get(&as->pins);
}

void aspace_unpin(struct aspace *as)
{
	if (ref_put(&as->pins))
		kfree(as);
}
