/* SPDX-License-Identifier: MIT */
/*
 * What is done when no frame is left, before a fault gives up:
 *
 *     1  pages of files that can be read again from what lies below (object_fill.c)
 *     2  private pages that a program gave up (MADV_FREE) and has not written to since are taken away
 *     3  a process is ended, the one that holds most (the task room chooses: memory_register_oom)
 *
 * Pages of files in memory are the only copy of their contents and stay. Faults come here because an instruction cannot be
 * told that there is no memory. A system call is refused with ENOMEM, but not as long as there is something under 1 or 2:
 * when a node gets low the next call first gives up pages of files (memory_register_low), and calls that may want most of
 * memory at once, one page after the other, ask again (memory_retry).
 *
 * No lock is held at entry but such as may be held around a user copy (docs/locking.md).
 */
#include <moat/panic.h>
#include <moat/reclaim.h>
#include "aspace_internal.h"
#include "frame_internal.h"
#include "object_internal.h"

#define STEP 16 /* pages taken away between two looks for them */

static bool (*oom_kill)(void); /* [I after boot] */

static void (*on_low)(void); /* [I after boot] */

static struct spinlock lazy_lock = SPINLOCK_INIT(RANK_MAPS);
static LIST_HEAD(, aspace) lazy_spaces = LIST_HEAD_INITIALIZER(lazy_spaces); /* [lazy_lock] */

void memory_register_oom(bool (*kill)(void))
{
	oom_kill = kill;
}

void memory_register_low(void (*fn)(void))
{
	on_low = fn;
}

void memory_note_low(void)
{
	if (on_low && object_cache_is_promising())
		on_low();
}

void lazy_free_note(struct aspace *as)
{
	spin_lock(&lazy_lock);
	if (!as->lazy_listed)
		LIST_INSERT_HEAD(&lazy_spaces, as, lazy);
	as->lazy_listed = true;
	spin_unlock(&lazy_lock);
}

void lazy_free_forget(struct aspace *as)
{
	spin_lock(&lazy_lock);
	if (as->lazy_listed)
		LIST_REMOVE(as, lazy);
	as->lazy_listed = false;
	spin_unlock(&lazy_lock);
}

struct finding {
	u64 addr[STEP];
	unsigned count;
};

/* Under the lock of a table. */
static bool find_lazy(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	struct finding *f = arg;

	if (pfn_to_page(leaf->pfn)->owner == FRAME_ANON && leaf->size_bytes == PAGE_SIZE &&
	    !leaf->table_shared && leaf->prot && !(leaf->prot & PMAP_DIRTY))
		f->addr[f->count++] = addr;
	return f->count < STEP;
}

/* Takes away the lazily free pages of one VMA. as->lock held for writing. The number of them. */
static __noinline u64 reclaim_vma(struct aspace *as, const struct vma *v)
{
	struct range left = v->range;
	struct tlb_batch batch;
	struct finding f;
	u64 total = 0;

	tlb_batch_init(&batch, &as->pmap);
	do {
		f.count = 0;
		pmap_for_each(&as->pmap, left, find_lazy, &f);
		for (unsigned i = 0; i < f.count; i++)
			pmap_remove(&as->pmap, (struct range){f.addr[i], f.addr[i] + PAGE_SIZE},
				    PMAP_ONLY_LAZY, &batch);
		total += f.count;
		if (f.count)
			left.start = f.addr[f.count - 1] + PAGE_SIZE;
	} while (f.count == STEP);
	tlb_flush(&batch);
	return total;
}

static u64 reclaim_space(struct aspace *as)
{
	u64 total = 0;

	rwlock_write(&as->lock);
	for (struct vma *v = aspace_find(as, 0); v; v = vma_next(v)) {
		waitq_give_way();
		if (!v->object && !(v->flags & VMA_LOCKED))
			total += reclaim_vma(as, v);
	}
	rwlock_write_done(&as->lock);
	return total;
}

u64 memory_reclaim(void)
{
	struct aspace *as;
	u64 total = object_cache_reclaim();

	while (!total) {
		spin_lock(&lazy_lock);
		as = LIST_FIRST(&lazy_spaces);
		if (as) {
			LIST_REMOVE(as, lazy);
			as->lazy_listed = false;
			aspace_pin(as);
		}
		spin_unlock(&lazy_lock);
		if (!as)
			break;
		total = reclaim_space(as);
		aspace_unpin(as);
	}
	return total;
}

bool memory_retry(void)
{
	struct frame_stats stats;

	frame_stats_read(&stats);
	return stats.owned[FRAME_FREE] < stats.total / FRAMES_LOW_SHARE && memory_reclaim() > 0;
}

bool memory_make_room(void)
{
	return memory_reclaim() > 0 || (oom_kill && oom_kill());
}
