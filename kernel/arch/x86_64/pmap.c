/* SPDX-License-Identifier: MIT */
/*
 * Page tables of one address space: their life, single entries, queries. Ranges are in pmap_range.c, sharing between
 * parent and child in pmap_share.c, huge entries in pmap_huge.c; pmap_internal.h has the picture.
 *
 * The lower half of the top level is the space's own, the upper half is copied from the kernel's table when the space is
 * made and never changes after that.
 *
 * The struct page of a table counts its live entries, so that an empty table is freed as soon as its last entry goes,
 * and a walk ends at the last one. It also knows which groups of 8 entries need not be looked at (groups).
 *
 * Locks. Faults run in parallel, each under the address-space lock for reading, and take the lock of the last-level
 * table that they change; adding a table takes the pmap's. What holds the address-space lock for writing is alone with
 * its own tables, and takes locks only where queries look (tables that go: the pmap's) or another pmap does (a shared
 * table: its own).
 */
#include <asm/errno.h>
#include <arch/cpu.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <moat/aspace.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "boot_info.h"
#include "pmap_internal.h"

#define LEVELS 4

unsigned first_live(const u64 *table, unsigned i, u64 end)
{
	unsigned stop = (unsigned)MIN(end, ENTRIES);
	u64 groups = __atomic_load_n(&page_holding(table)->groups, __ATOMIC_RELAXED);

	while (i < stop) {
		u64 left = groups >> (i / GROUP);
		if (!left)
			return stop;
		if (!(left & 1))
			i = (i / GROUP + (unsigned)__builtin_ctzll(left)) * GROUP;
		do {
			if (i >= stop || table[i])
				return MIN(i, stop);
			i++;
		} while (i % GROUP != 0);
	}
	return stop;
}

struct page *alloc_table(struct pmap *pmap, unsigned frame_flags)
{
	struct page *p = frame_alloc(0, frame_flags, FRAME_TABLE);

	if (p) {
		spin_init(&p->table.lock, RANK_TABLE);
		p->table.live = 0;
		p->groups = 0;
		p->table.resident[0] = p->table.resident[1] = p->table.resident[2] = 0;
		__atomic_add_fetch(&pmap->tables, 1, __ATOMIC_RELAXED);
	}
	return p;
}

__noinline bool add_table(struct pmap *pmap, u64 *e)
{
	struct page *fresh = alloc_table(pmap, FRAME_ZERO);

	if (!fresh)
		return false;
	spin_lock(&pmap->lock);
	if (!*e) {
		__atomic_store_n(e, pfn_to_paddr(page_to_pfn(fresh)).raw | TABLE_FLAGS, __ATOMIC_RELEASE);
		count_entry(e);
		fresh = NULL;
	}
	spin_unlock(&pmap->lock);
	if (fresh) {
		__atomic_sub_fetch(&pmap->tables, 1, __ATOMIC_RELAXED);
		frame_mark_clear(fresh);
		frame_put(fresh);
	}
	return true;
}

int pmap_init(struct pmap *pmap)
{
	const u64 *kernel = direct_map(paddr(boot_info.root_table));
	struct page *root;

	spin_init(&pmap->lock, RANK_PMAP);
	root = alloc_table(pmap, 0);
	if (!root)
		return -ENOMEM;
	pmap->root = pfn_to_paddr(page_to_pfn(root));
	memset(page_address(root), 0, 256 * sizeof(u64));
	memcpy((u64 *)page_address(root) + 256, kernel + 256, 256 * sizeof(u64));
	return 0;
}

/* Frees the tables under an entry of `level`, which hold no leaves: a fault that ran out of memory left them. */
static void free_empty_tables(struct pmap *pmap, u64 *table, unsigned level)
{
	struct page *p = page_holding(table);

	for (unsigned i = 0; p->table.live; i++) {
		i = first_live(table, i, ENTRIES);
		ASSERT(is_table(table[i]) && level > 0);
		free_empty_tables(pmap, table_of(table[i]), level - 1);
		frame_mark_clear(page_of(table[i]));
		frame_put(page_of(table[i]));
		pmap->tables--;
		table[i] = 0;
		p->table.live--;
	}
}

void pmap_destroy(struct pmap *pmap)
{
	struct page *root = pfn_to_page(paddr_to_pfn(pmap->root));

	tlb_leave(pmap);
	free_empty_tables(pmap, page_address(root), LEVELS - 1);
	ASSERT(pmap->tables == 1 && pmap_resident_pages(pmap) == 0);
	frame_put(root);
}

/* Interrupts off: a request to leave the old tables must not come in between (ipi.c). */
void pmap_activate(struct pmap *pmap)
{
	struct cpu *c = this_cpu();
	struct pmap *old;
	u64 irq;

	/* The tables of the current thread (cpu.user_pmap) are not taken away between this and their use. */
	if (c->loaded_pmap == pmap)
		return;
	irq = cpu_irq_save();
	old = c->loaded_pmap;
	if (old != pmap) {
		/*
		 * Who changes entries sees the bit, or this CPU's first walk sees the change: an atomic operation on one side, a
		 * fence on the other (tlb.c). The bit of the old tables stays until they are not loaded any more.
		 */
		if (pmap)
			__atomic_fetch_or(&pmap->active, 1u << c->id, __ATOMIC_SEQ_CST);
		c->loaded_pmap = pmap;
		write_cr3(pmap ? pmap->root.raw : boot_info.root_table);
		if (old)
			__atomic_fetch_and(&old->active, ~(1u << c->id), __ATOMIC_SEQ_CST);
	}
	cpu_irq_restore(irq);
}

u64 *pd_entry(struct pmap *pmap, u64 addr)
{
	u64 *table = direct_map(pmap->root), *e;

#pragma GCC unroll 2
	for (unsigned level = LEVELS - 1; level > 1; level--) {
		e = &table[index_at(addr, level)];
		if (unlikely(!read_entry(e)) && !add_table(pmap, e))
			return NULL;
		table = table_of(*e);
	}
	return &table[index_at(addr, 1)];
}

static void count_in_table(struct pmap *pmap, struct page *table, unsigned owner, int pages)
{
	if (likely(owner_is_resident(owner))) {
		table->table.resident[owner - FRAME_CACHE] += (u16)pages;
		resident_add(pmap, owner, pages);
	}
}

int pmap_enter(struct pmap *pmap, u64 addr, pfn_t pfn, unsigned prot)
{
	u64 *pde = pd_entry(pmap, addr), *e, pd;
	struct page *table;
	int err = -EEXIST;

	DEBUG_ASSERT(IS_ALIGNED(addr, PAGE_SIZE) && addr >= USER_MIN && addr < USER_TOP);
	if (unlikely(!pde))
		return -ENOMEM;
	pd = read_entry(pde);
	if (unlikely(!pd)) {
		if (!add_table(pmap, pde))
			return -ENOMEM;
		pd = read_entry(pde);
	}
	if (unlikely(!is_own_table(pd)))
		return is_huge(pd) ? -EEXIST : -EBUSY;
	table = page_of(pd);
	e = &table_of(pd)[index_at(addr, 0)];
	spin_lock(&table->table.lock);
	if (likely(!*e)) {
		*e = leaf_entry(pfn, prot);
		count_entry_in(table, e);
		count_in_table(pmap, table, pfn_to_page(pfn)->owner, 1);
		err = 0;
	}
	spin_unlock(&table->table.lock);
	return err;
}

unsigned pmap_enter_many(struct pmap *pmap, u64 addr, struct page *const pages[], unsigned n, unsigned prot)
{
	u64 *pde = pd_lookup(pmap, addr), *e, pd = pde ? read_entry(pde) : 0, flags = leaf_flags(prot);
	u64 groups = 0;
	unsigned entered = 0, count = 0, owner = FRAME_FREE;
	struct page *table;

	DEBUG_ASSERT(IS_ALIGNED(addr, PAGE_SIZE) &&
		     addr % (PMAP_MANY * PAGE_SIZE) + n * PAGE_SIZE <= PMAP_MANY * PAGE_SIZE);
	if (unlikely(!is_own_table(pd)))
		return 0;
	table = page_of(pd);
	e = &table_of(pd)[index_at(addr, 0)];
	spin_lock(&table->table.lock);
	for (unsigned i = 0; i < n; i++) {
		if (!pages[i] || e[i])
			continue;
		e[i] = pfn_to_paddr(page_to_pfn(pages[i])).raw | flags;
		owner = pages[i]->owner;
		entered |= 1u << i;
		groups |= group_bit(&e[i]);
		count++;
	}
	table->table.live += (u16)count;
	table->groups |= groups;
	if (count)
		count_in_table(pmap, table, owner, (int)count);
	spin_unlock(&table->table.lock);
	return entered;
}

int pmap_replace(struct pmap *pmap, u64 addr, pfn_t old_pfn, pfn_t pfn, unsigned prot,
		 struct tlb_batch *batch)
{
	u64 *pde = pd_lookup(pmap, addr), *e, pd = pde ? read_entry(pde) : 0;
	struct page *table;
	bool same = false;

	if (unlikely(!pd))
		return -EAGAIN;
	if (unlikely(is_huge(pd)))
		return old_pfn.raw == pfn.raw ? replace_huge(pmap, addr, pde, pfn, prot, batch) : -EBUSY;
	if (unlikely(!is_own_table(pd)))
		return -EBUSY;
	table = page_of(pd);
	e = &table_of(pd)[index_at(addr, 0)];
	spin_lock(&table->table.lock);
	same = *e && paddr_to_pfn(paddr(*e & PTE_ADDR)).raw == old_pfn.raw;
	if (likely(same)) {
		*e = leaf_entry(pfn, prot);
		if (old_pfn.raw != pfn.raw) {
			count_in_table(pmap, table, pfn_to_page(old_pfn)->owner, -1);
			count_in_table(pmap, table, pfn_to_page(pfn)->owner, 1);
		}
	}
	spin_unlock(&table->table.lock);
	if (!same)
		return -EAGAIN;
	tlb_batch_add(batch, addr);
	if (old_pfn.raw != pfn.raw)
		tlb_batch_frame(batch, pfn_to_page(old_pfn));
	return 0;
}

/* What a leaf entry and everything above it allow. */
static unsigned rights(u64 all_and, u64 leaf)
{
	if (!(leaf & PTE_P))
		return 0;
	return PMAP_READ | (all_and & PTE_W ? PMAP_WRITE : 0) | (leaf & PTE_NX ? 0 : PMAP_EXEC) |
	       (all_and & PTE_U ? PMAP_USER : 0) | (leaf & PTE_D ? PMAP_DIRTY : 0) |
	       (leaf & PTE_A ? PMAP_ACCESSED : 0);
}

/* Describes the leaf e for addr; `above` is the AND of the entries over it. */
static void describe(u64 e, u64 above, u64 addr, unsigned level, struct pmap_leaf *out)
{
	u64 bytes = 1ull << (12 + 9 * level);

	out->pfn =
		paddr_to_pfn(paddr((e & PTE_ADDR & ~(bytes - 1)) + (addr & (bytes - 1) & ~(PAGE_SIZE - 1))));
	out->prot = rights(above & e, e);
	out->table_shared = level == 0 && !(above & PTE_W);
	out->size_bytes = bytes;
	out->pages = 1;
	out->owners = 0;
}

bool pmap_query(struct pmap *pmap, u64 addr, struct pmap_leaf *out)
{
	u64 *table = direct_map(pmap->root);
	u64 above = ~0ull;
	bool found = false;

	spin_lock(&pmap->lock);
	for (unsigned level = LEVELS; level-- > 0;) {
		u64 e = read_entry(&table[index_at(addr, level)]);
		if (!e)
			break;
		if (level == 0 || is_huge(e)) {
			describe(e, above, addr, level, out);
			found = true;
			break;
		}
		above &= e;
		table = table_of(e);
	}
	spin_unlock(&pmap->lock);
	return found;
}

bool pmap_query_held(struct pmap *pmap, u64 addr, struct pmap_leaf *out, struct page **held)
{
	const u64 *pde = pd_lookup(pmap, addr);
	u64 pd = pde ? read_entry(pde) : 0, e;
	struct page *table;

	*held = NULL;
	if (!pd)
		return false;
	if (is_huge(pd)) {
		describe(pd, ~0ull, addr, 1, out);
		return true;
	}
	table = page_of(pd);
	spin_lock(&table->table.lock);
	e = table_of(pd)[index_at(addr, 0)];
	if (e) {
		describe(e, pd, addr, 0, out);
		*held = page_of(e);
		frame_get(*held);
	}
	spin_unlock(&table->table.lock);
	return e != 0;
}

/* fn for the leaves of one last-level table in [addr, end). False when it said stop. */
static bool visit_table(u64 pd, u64 addr, u64 end, bool (*fn)(u64, const struct pmap_leaf *, void *),
			void *arg)
{
	struct page *table = page_of(pd);
	const u64 *entries = table_of(pd);
	u64 base = ALIGN_DOWN(addr, HUGE_BYTES);
	unsigned i = index_at(addr, 0), stop = (unsigned)((end - base) >> PAGE_SHIFT);
	bool go_on = true;

	spin_lock(&table->table.lock);
	while (go_on && (i = first_live(entries, i, stop)) < stop) {
		struct pmap_leaf leaf;
		u64 at = base + (u64)i * PAGE_SIZE;
		describe(entries[i++], pd, at, 0, &leaf);
		leaf.owners = frame_refs(table);
		go_on = fn(at, &leaf, arg);
	}
	spin_unlock(&table->table.lock);
	return go_on;
}

void pmap_for_each(struct pmap *pmap, struct range r, bool (*fn)(u64, const struct pmap_leaf *, void *),
		   void *arg)
{
	u64 *pde, next;
	bool go_on = true;

	for (u64 addr = r.start; go_on && (pde = next_pd_entry(pmap, &addr, r.end)); addr = next) {
		struct pmap_leaf leaf;
		u64 pd = read_entry(pde);

		next = MIN(ALIGN_DOWN(addr, HUGE_BYTES) + HUGE_BYTES, r.end);
		if (is_huge(pd)) {
			describe(pd, ~0ull, addr, 1, &leaf);
			leaf.pages = (next - addr) >> PAGE_SHIFT;
			go_on = fn(addr, &leaf, arg);
		} else {
			go_on = visit_table(pd, addr, next, fn, arg);
		}
	}
}

bool pmap_window_is_empty(struct pmap *pmap, u64 addr)
{
	const u64 *pde = pd_lookup(pmap, addr);

	return !pde || !read_entry(pde);
}

u64 pmap_resident(const struct pmap *pmap, enum frame_owner owner)
{
	u64 sum = 0;
	u32 cpu = 0;

	do {
		sum += __atomic_load_n(&pmap->cpu[cpu].resident[owner - FRAME_CACHE], __ATOMIC_RELAXED);
	} while (unlikely(++cpu < cpu_count()));
	return sum;
}

u64 pmap_resident_pages(const struct pmap *pmap)
{
	u64 sum = 0;
	u32 cpu = 0;

	do {
		const u64 *of = pmap->cpu[cpu].resident;

		sum += __atomic_load_n(&of[0], __ATOMIC_RELAXED) + __atomic_load_n(&of[1], __ATOMIC_RELAXED) +
		       __atomic_load_n(&of[2], __ATOMIC_RELAXED);
	} while (unlikely(++cpu < cpu_count()));
	return sum;
}

void note_peak(struct pmap *pmap)
{
	pmap->peak = pmap_peak_pages(pmap);
}

u64 pmap_peak_pages(const struct pmap *pmap)
{
	return MAX(pmap->peak, pmap_resident_pages(pmap));
}

bool pmap_is_alone(const struct pmap *pmap)
{
	u32 active = __atomic_load_n(&pmap->active, __ATOMIC_RELAXED);

	return (active & (active - 1)) == 0;
}

u64 pmap_table_pages(const struct pmap *pmap)
{
	return __atomic_load_n(&pmap->tables, __ATOMIC_RELAXED);
}
