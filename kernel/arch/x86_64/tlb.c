/* SPDX-License-Identifier: MIT */
/*
 * TLB flushing as a few named operations (U11). A batch remembers single pages up to the number from which one full
 * flush is cheaper, and holds the frames that may be reused only after the flush.
 *
 * Other CPUs: a pmap knows where it is active. Only the first CPU runs programs so far, and remote_flush() asserts
 * just that; when more of them run, it is where the shootdown interrupt is sent.
 */
#include <arch/cpu.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <moat/panic.h>

static bool active_here(const struct pmap *pmap)
{
	return this_cpu()->loaded_pmap == pmap;
}

static void remote_flush(const struct pmap *pmap)
{
	ASSERT((pmap->active & ~(1u << cpu_id())) == 0);
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
	if (b->pages) {
		if (active_here(b->pmap)) {
			if (b->pages > TLB_SINGLE_MAX)
				write_cr3(read_cr3());
			else
				for (u32 i = 0; i < b->pages; i++)
					invlpg(b->addr[i]);
		}
		remote_flush(b->pmap);
	}
	for (u32 i = 0; i < b->frame_count; i++)
		frame_put(b->frames[i]);
	b->pages = 0;
	b->frame_count = 0;
}

void tlb_flush_page(struct pmap *pmap, u64 addr)
{
	if (active_here(pmap))
		invlpg(addr);
	remote_flush(pmap);
}

void tlb_flush_range(struct pmap *pmap, struct range r)
{
	if (range_len(r) > TLB_SINGLE_MAX * PAGE_SIZE) {
		tlb_flush_pmap(pmap);
		return;
	}
	for (u64 at = r.start; active_here(pmap) && at < r.end; at += PAGE_SIZE)
		invlpg(at);
	remote_flush(pmap);
}

void tlb_flush_pmap(struct pmap *pmap)
{
	if (active_here(pmap))
		write_cr3(read_cr3());
	remote_flush(pmap);
}

/* Global entries go only when CR4.PGE is toggled (SDM 3A, 4.10.4.1). */
void tlb_flush_all(void)
{
	u64 cr4 = read_cr4();

	write_cr4(cr4 & ~(u64)CR4_PGE);
	write_cr4(cr4);
}
