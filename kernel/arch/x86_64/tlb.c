/* SPDX-License-Identifier: MIT */
/*
 * TLB flushing as a few named operations (U11). A batch remembers single pages up to the number from which one full
 * flush is cheaper, and holds the frames that may be reused only after the flush.
 *
 * Other CPUs: a pmap knows where it is loaded (pmap->active), and those CPUs are interrupted together and waited for (ipi.c).
 * A whole batch is one round.
 */
#include <arch/cpu.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <moat/panic.h>
#include "pmap_internal.h"
#include "smp.h"

static bool active_here(const struct pmap *pmap)
{
	return this_cpu()->loaded_pmap == pmap;
}

/* The other CPUs that may know entries of this pmap, which were changed before. */
static u32 remote_cpus(const struct pmap *pmap)
{
	/* Between the changes and the look at who must hear of them; pmap_activate has the other half. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&pmap->active, __ATOMIC_SEQ_CST) & ~(1u << cpu_id());
}

/* Flushes `count` pages, or everything where they are more than TLB_SINGLE_MAX. */
static void flush(struct pmap *pmap, u32 count, const u64 addr[])
{
	struct flush_request r = {
		.what = count > TLB_SINGLE_MAX ? FLUSH_PMAP : FLUSH_PAGES,
		.pmap = pmap,
		.count = count,
		.addr = addr,
	};
	u32 others = remote_cpus(pmap);

	if (active_here(pmap)) {
		if (count > TLB_SINGLE_MAX)
			write_cr3(read_cr3());
		else
			for (u32 i = 0; i < count; i++)
				invlpg(addr[i]);
	}
	if (unlikely(others))
		smp_flush(others, &r);
}

void pmap_barrier(const struct pmap *pmap)
{
	struct flush_request r = {.what = FLUSH_NOTHING};
	u32 others;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	others = pmap ? remote_cpus(pmap) : smp_others();
	/* To serve a request is an interrupt, which serialises, and an atomic step, which orders memory. */
	if (others)
		smp_flush(others, &r);
}

void tlb_leave(struct pmap *pmap)
{
	struct flush_request r = {.what = FLUSH_LEAVE, .pmap = pmap};
	u32 others = remote_cpus(pmap);

	if (active_here(pmap))
		pmap_activate(NULL);
	if (others)
		smp_flush(others, &r);
	ASSERT(pmap->active == 0);
}

void tlb_flush_kernel(void)
{
	struct flush_request request = {.what = FLUSH_KERNEL};
	u32 others;

	tlb_flush_all();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	others = smp_others();
	if (others)
		smp_flush(others, &request);
}

void tlb_batch_init(struct tlb_batch *b, struct pmap *pmap)
{
	b->pmap = pmap;
	b->pages = 0;
	b->frame_count = 0;
}

void tlb_batch_add(struct tlb_batch *b, u64 addr)
{
	if (b->pages < TLB_SINGLE_MAX)
		b->addr[b->pages] = addr;
	if (b->pages <= TLB_SINGLE_MAX)
		b->pages++;
}

void tlb_batch_all(struct tlb_batch *b)
{
	b->pages = TLB_SINGLE_MAX + 1;
}

void tlb_batch_frame(struct tlb_batch *b, struct page *frame)
{
	if (b->frame_count == TLB_BATCH_FRAMES)
		tlb_flush(b);
	b->frames[b->frame_count++] = frame;
}

void tlb_flush(struct tlb_batch *b)
{
	/* What was taken out without an address, such as an upper table, is known by some address. */
	if (b->pages == 0 && b->frame_count > 0)
		tlb_batch_all(b);
	if (b->pages)
		flush(b->pmap, b->pages, b->addr);
	for (u32 i = 0; i < b->frame_count; i++)
		frame_put(b->frames[i]);
	b->pages = 0;
	b->frame_count = 0;
}

void tlb_flush_page(struct pmap *pmap, u64 addr)
{
	flush(pmap, 1, &addr);
}

void tlb_flush_range(struct pmap *pmap, struct range r)
{
	u64 addr[TLB_SINGLE_MAX];
	u32 n = 0;

	if (range_len(r) > TLB_SINGLE_MAX * PAGE_SIZE) {
		tlb_flush_pmap(pmap);
		return;
	}
	for (u64 at = r.start; at < r.end; at += PAGE_SIZE)
		addr[n++] = at;
	flush(pmap, n, addr);
}

void tlb_flush_pmap(struct pmap *pmap)
{
	flush(pmap, TLB_SINGLE_MAX + 1, NULL);
}

/* Global entries go only when CR4.PGE is toggled (SDM 3A, 4.10.4.1). */
void tlb_flush_all(void)
{
	u64 cr4 = read_cr4();

	write_cr4(cr4 & ~(u64)CR4_PGE);
	write_cr4(cr4);
}
