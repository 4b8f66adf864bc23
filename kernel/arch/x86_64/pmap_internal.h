/* SPDX-License-Identifier: MIT */
/* room: arch */
/*
 * What the files of the page tables share: how entries look and how to come to them.
 *
 *     PML4 ── entry ──> PDPT ── entry ──> PD ── entry ──> PT ── entry ──> frame        four levels of 512 entries
 *                                          │
 *                                          └── huge entry (PTE_PS) ──> block of 2 MiB
 *
 * An entry is live when it is not zero. A PD entry that points to a PT has PTE_W when the PT is this pmap's own, and not
 * when it is, or was, shared with another pmap. Entries above carry every right; leaves decide.
 */
#ifndef X86_PMAP_INTERNAL_H
#define X86_PMAP_INTERNAL_H

#include <arch/impl/x86.h>
#include <arch/mmu.h>

#define TABLE_FLAGS (PTE_P | PTE_W | PTE_U | PTE_A)
#define ENTRIES	    512u
#define GROUP	    8u /* entries for each bit of page.groups */
/*
 * A leaf without any right (PROT_NONE) holds its frame but is not present: ring 0 may not reach it from a user copy
 * either.
 */
#define PTE_NO_ACCESS (1ull << 9)

static inline unsigned index_at(u64 addr, unsigned level)
{
	return addr >> (12 + 9 * level) & (ENTRIES - 1);
}

/* The frame that an entry of any level points to. */
static inline struct page *page_of(u64 entry)
{
	return pfn_to_page(paddr_to_pfn(paddr(entry & PTE_ADDR)));
}

static inline u64 *table_of(u64 entry)
{
	return direct_map(paddr(entry & PTE_ADDR));
}

/* The struct page of the table that an entry lies in. */
static inline struct page *page_holding(const u64 *entry)
{
	return page_of(direct_map_paddr(entry).raw);
}

/* The bit of page.groups for the entry e. */
static inline u64 group_bit(const u64 *e)
{
	return 1ull << ((u64)e % PAGE_SIZE / (GROUP * sizeof(*e)));
}

/* Counts the entry e of a table, which has become live; its lock, or the pmap's, is held. */
static inline void count_entry_in(struct page *table, const u64 *e)
{
	table->table.live++;
	table->groups |= group_bit(e);
}

static inline void count_entry(const u64 *e)
{
	count_entry_in(page_holding(e), e);
}

static inline bool is_table(u64 entry)
{
	return (entry & (PTE_P | PTE_PS)) == PTE_P;
}

static inline bool is_huge(u64 entry)
{
	return entry & PTE_PS;
}

static inline bool is_own_table(u64 entry)
{
	return (entry & (PTE_P | PTE_PS | PTE_W)) == (PTE_P | PTE_W);
}

static inline u64 leaf_flags(unsigned prot)
{
	if (!(prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC)))
		return PTE_NO_ACCESS | PTE_NX;
	return PTE_P | PTE_U | PTE_A | (prot & PMAP_WRITE ? PTE_W | PTE_D : 0) |
	       (prot & PMAP_EXEC ? 0 : PTE_NX);
}

/*
 * The entry for a frame. A private page is dirty from the start, whatever may be done with it: one that is not has been
 * given up by MADV_FREE (pmap_clean).
 */
static inline u64 leaf_entry(pfn_t pfn, unsigned prot)
{
	return pfn_to_paddr(pfn).raw | leaf_flags(prot) | (pfn_to_page(pfn)->owner == FRAME_ANON ? PTE_D : 0);
}

static inline u64 read_entry(const u64 *e)
{
	return __atomic_load_n(e, __ATOMIC_ACQUIRE);
}

/* Counts a frame of this owner in a table or a pmap: which of the three, or none. */
static inline bool owner_is_resident(unsigned owner)
{
	return owner >= FRAME_CACHE && owner <= FRAME_ANON;
}

static inline void resident_add(struct pmap *pmap, unsigned owner, s64 pages)
{
	pmap->cpu[cpu_id()].resident[owner - FRAME_CACHE] += (u64)pages;
}

/* pmap.c */
/* The first live entry of a table from `i` on, before `end`; min(end, ENTRIES) when there is none. */
unsigned first_live(const u64 *table, unsigned i, u64 end);
/* The PD entry for addr, with the tables above it; NULL when memory is out. Address-space lock: read. */
u64 *pd_entry(struct pmap *pmap, u64 addr);
/* The same without making any: NULL when one is missing. */
static inline u64 *pd_lookup(struct pmap *pmap, u64 addr)
{
	u64 e = read_entry((u64 *)direct_map(pmap->root) + index_at(addr, 3));

	if (likely(e))
		e = read_entry(table_of(e) + index_at(addr, 2));
	return likely(e) ? table_of(e) + index_at(addr, 1) : NULL;
}
/* Makes the table for the empty entry e; false when memory is out. Takes the pmap lock. */
bool add_table(struct pmap *pmap, u64 *e);
struct page *alloc_table(struct pmap *pmap, unsigned frame_flags);
/* Keeps the highest number of resident pages; before it falls. Address-space lock: write. */
void note_peak(struct pmap *pmap);

/* tlb.c */
/* No CPU has the tables of this pmap loaded any more, and none will: no thread uses it. */
void tlb_leave(struct pmap *pmap);

/* pmap_range.c */
/*
 * The first live PD entry that covers some of [*addr, end), with *addr moved up to what it covers; or NULL. Missing tables
 * are passed over whatever their level. Gives way to others now and then: no spinlock held.
 */
u64 *find_pd_entry(struct pmap *pmap, u64 *addr, u64 end);
static inline u64 *next_pd_entry(struct pmap *pmap, u64 *addr, u64 end)
{
	return *addr < end ? find_pd_entry(pmap, addr, end) : NULL;
}
/* Takes the live PD entry e, for addr, out, and the tables above that this leaves empty. Address-space lock: write. */
void clear_pd_entry(struct pmap *pmap, u64 addr, u64 *e, struct tlb_batch *batch);

/* pmap_share.c */
/* Drops this pmap's share of a last-level table; the last one drops its frames too. Address-space lock: write. */
void drop_table(struct pmap *pmap, struct page *table, struct tlb_batch *batch);

/* pmap_huge.c */
int split_huge(struct pmap *pmap, u64 addr, u64 *pde, struct tlb_batch *batch);
int replace_huge(struct pmap *pmap, u64 addr, u64 *pde, pfn_t pfn, unsigned prot, struct tlb_batch *batch);
void remove_huge(struct pmap *pmap, u64 addr, u64 *pde, struct tlb_batch *batch);

#endif
