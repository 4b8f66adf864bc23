/* SPDX-License-Identifier: MIT */
/*
 * Page tables of one address space: four levels of 512 entries; the lower half of the top level is the space's own,
 * the upper half is copied from the kernel's table when the space is made and never changes after that.
 *
 *     PML4 ── entry ──> PDPT ── entry ──> PD ── entry ──> PT ── entry ──> frame
 *
 * The struct page of a table counts its live entries, so that an empty table is freed as soon as its last entry
 * goes, and destroying a space has nothing to search for.
 *
 * Upper entries of the user half carry every right (present, writable, user); leaves decide.
 */
#include <asm/errno.h>
#include <arch/impl/kernel_layout.h>
#include <arch/impl/percpu.h>
#include <arch/impl/x86.h>
#include <arch/mmu.h>
#include <moat/aspace.h>
#include <moat/panic.h>
#include <moat/string.h>
#include "boot_info.h"

#define LEVELS	    4
#define TABLE_FLAGS (PTE_P | PTE_W | PTE_U | PTE_A)
/*
 * A leaf without any right (PROT_NONE) holds its frame but is not present: ring 0 may not reach it from a user copy
 * either. A leaf is live when it is not zero.
 */
#define PTE_NO_ACCESS (1ull << 9)

static unsigned index_at(u64 addr, unsigned level)
{
	return addr >> (12 + 9 * level) & 511;
}

/* The frame that an entry of any level points to. */
static struct page *page_of(u64 entry)
{
	return pfn_to_page(paddr_to_pfn(paddr(entry & PTE_ADDR)));
}

static u64 *table_of(u64 entry)
{
	return direct_map(paddr(entry & PTE_ADDR));
}

static u64 leaf_flags(unsigned prot)
{
	if (!(prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC)))
		return PTE_NO_ACCESS | PTE_NX;
	return PTE_P | PTE_U | PTE_A | (prot & PMAP_WRITE ? PTE_W | PTE_D : 0) |
	       (prot & PMAP_EXEC ? 0 : PTE_NX);
}

static struct page *alloc_table(struct pmap *pmap)
{
	struct page *p = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);

	if (p) {
		p->table.live = 0;
		pmap->tables++;
	}
	return p;
}

/* Makes the table for the empty entry e of `table`; false when memory is out. Lock held. */
static __noinline bool add_table(struct pmap *pmap, const u64 *table, u64 *e)
{
	struct page *fresh = alloc_table(pmap);

	if (!fresh)
		return false;
	*e = pfn_to_paddr(page_to_pfn(fresh)).raw | TABLE_FLAGS;
	page_of(direct_map_paddr(table).raw)->table.live++;
	return true;
}

int pmap_init(struct pmap *pmap)
{
	const u64 *kernel = direct_map(paddr(boot_info.root_table));
	struct page *root;

	*pmap = (struct pmap){0};
	spin_init(&pmap->lock, RANK_PMAP);
	root = alloc_table(pmap);
	if (!root)
		return -ENOMEM;
	pmap->root = pfn_to_paddr(page_to_pfn(root));
	memcpy((u64 *)page_address(root) + 256, kernel + 256, 256 * sizeof(u64));
	return 0;
}

void pmap_destroy(struct pmap *pmap)
{
	struct page *root = pfn_to_page(paddr_to_pfn(pmap->root));

	if (this_cpu()->loaded_pmap == pmap)
		pmap_activate(NULL);
	ASSERT(root->table.live == 0 && pmap->tables == 1);
	frame_put(root);
}

void pmap_activate(struct pmap *pmap)
{
	struct cpu *c = this_cpu();

	if (c->loaded_pmap == pmap)
		return;
	if (c->loaded_pmap)
		__atomic_fetch_and(&c->loaded_pmap->active, ~(1u << c->id), __ATOMIC_RELAXED);
	if (pmap)
		__atomic_fetch_or(&pmap->active, 1u << c->id, __ATOMIC_RELAXED);
	c->loaded_pmap = pmap;
	write_cr3(pmap ? pmap->root.raw : boot_info.root_table);
}

/*
 * The last-level entry for addr with its table in *pt; NULL when a table on the way is missing and could not or (make
 * false) should not be made. Lock held.
 */
static u64 *find_entry(struct pmap *pmap, u64 addr, bool make, struct page **pt)
{
	u64 *table = direct_map(pmap->root), *e;

#pragma GCC unroll 3
	for (unsigned level = LEVELS - 1; level > 0; level--) {
		e = &table[index_at(addr, level)];
		if (unlikely(!(*e & PTE_P)) && !(make && add_table(pmap, table, e)))
			return NULL;
		table = table_of(*e);
	}
	*pt = page_of(direct_map_paddr(table).raw);
	return &table[index_at(addr, 0)];
}

/* Frees the tables above addr that have become empty, lowest first. Lock held. */
static void prune(struct pmap *pmap, u64 addr)
{
	u64 *path[LEVELS];
	u64 *table = direct_map(pmap->root);

	for (unsigned level = LEVELS - 1; level > 0; level--) {
		path[level] = &table[index_at(addr, level)];
		if (!(*path[level] & PTE_P)) {
			path[level] = NULL;
			for (unsigned l = level; l-- > 1;)
				path[l] = NULL;
			break;
		}
		table = table_of(*path[level]);
	}
	for (unsigned level = 1; level < LEVELS; level++) {
		struct page *t;
		if (!path[level])
			continue;
		t = page_of(*path[level]);
		if (t->table.live)
			return;
		*path[level] = 0;
		page_of(direct_map_paddr(path[level]).raw)->table.live--;
		pmap->tables--;
		frame_put(t);
	}
}

int pmap_enter(struct pmap *pmap, u64 addr, pfn_t pfn, unsigned prot)
{
	struct page *pt;
	u64 *e;
	int err = 0;

	DEBUG_ASSERT(IS_ALIGNED(addr, PAGE_SIZE) && addr >= USER_MIN && addr < USER_TOP);
	spin_lock(&pmap->lock);
	e = find_entry(pmap, addr, true, &pt);
	if (unlikely(!e)) {
		prune(pmap, addr);
		err = -ENOMEM;
	} else if (unlikely(*e)) {
		err = -EEXIST;
	} else {
		*e = pfn_to_paddr(pfn).raw | leaf_flags(prot);
		pt->table.live++;
	}
	spin_unlock(&pmap->lock);
	return err;
}

int pmap_replace(struct pmap *pmap, u64 addr, pfn_t old_pfn, pfn_t pfn, unsigned prot,
		 struct tlb_batch *batch)
{
	struct page *pt;
	u64 *e;

	spin_lock(&pmap->lock);
	e = find_entry(pmap, addr, false, &pt);
	if (!e || !*e || paddr_to_pfn(paddr(*e & PTE_ADDR)).raw != old_pfn.raw) {
		spin_unlock(&pmap->lock);
		return -EAGAIN;
	}
	*e = pfn_to_paddr(pfn).raw | leaf_flags(prot);
	spin_unlock(&pmap->lock);
	tlb_batch_add(batch, addr);
	if (old_pfn.raw != pfn.raw)
		tlb_batch_frame(batch, pfn_to_page(old_pfn));
	return 0;
}

/*
 * Calls fn for each live leaf in the range, skipping what has no table: the walk costs what is mapped, not
 * what could be. Lock held. fn returns false to stop.
 */
static void walk(struct pmap *pmap, struct range r,
		 bool (*fn)(struct pmap *, u64, u64 *, struct page *, void *), void *arg)
{
	for (u64 addr = r.start; addr < r.end;) {
		u64 *table = direct_map(pmap->root);
		unsigned level = LEVELS - 1;
		while (level > 0 && (table[index_at(addr, level)] & PTE_P)) {
			table = table_of(table[index_at(addr, level)]);
			level--;
		}
		if (level == 0) {
			struct page *pt = page_of(direct_map_paddr(table).raw & PTE_ADDR);
			do {
				u64 *e = &table[index_at(addr, 0)];
				if (*e && !fn(pmap, addr, e, pt, arg))
					return;
				addr += PAGE_SIZE;
			} while (addr < r.end && index_at(addr, 0) != 0);
		} else {
			u64 step = 1ull << (12 + 9 * level);
			addr = ALIGN_DOWN(addr, step) + step;
		}
	}
}

/* Entries that one step of pmap_remove takes out before it lets go of the lock to flush. */
#define REMOVAL_MAX 32
struct removal {
	u64 addr[REMOVAL_MAX];
	struct page *frames[REMOVAL_MAX];
	unsigned count;
	u64 next; /* where to go on */
};

static bool remove_one(struct pmap *pmap, u64 addr, u64 *e, struct page *pt, void *arg)
{
	struct removal *rm = arg;

	(void)pmap;
	if (rm->count == REMOVAL_MAX)
		return false;
	rm->addr[rm->count] = addr;
	rm->frames[rm->count++] = page_of(*e);
	*e = 0;
	pt->table.live--;
	rm->next = addr + PAGE_SIZE;
	return true;
}

static void prune_removed(struct pmap *pmap, const struct removal *rm)
{
	for (unsigned i = 0; i < rm->count; i++) {
		/* The last removed entry of each table is the one that can have emptied it. */
		if (i + 1 == rm->count || rm->addr[i] >> 21 != rm->addr[i + 1] >> 21)
			prune(pmap, rm->addr[i]);
	}
}

u64 pmap_remove(struct pmap *pmap, struct range r, struct tlb_batch *batch)
{
	u64 total = 0;

	for (;;) {
		struct removal rm;
		rm.count = 0;
		rm.next = r.end;
		spin_lock(&pmap->lock);
		walk(pmap, r, remove_one, &rm);
		prune_removed(pmap, &rm);
		spin_unlock(&pmap->lock);
		for (unsigned i = 0; i < rm.count; i++) {
			total += !frame_is_zero(rm.frames[i]);
			tlb_batch_add(batch, rm.addr[i]);
			tlb_batch_frame(batch, rm.frames[i]);
		}
		if (rm.count < REMOVAL_MAX)
			return total;
		r.start = rm.next;
	}
}

struct restriction {
	unsigned prot;
	struct tlb_batch *batch;
};

static bool restrict_one(struct pmap *pmap, u64 addr, u64 *e, struct page *pt, void *arg)
{
	const struct restriction *rs = arg;
	u64 was = *e;

	(void)pmap;
	(void)pt;
	if (!(rs->prot & PMAP_WRITE))
		*e &= ~(u64)PTE_W;
	if (!(rs->prot & PMAP_EXEC))
		*e |= PTE_NX;
	if (!(rs->prot & (PMAP_READ | PMAP_WRITE | PMAP_EXEC)))
		*e = (*e & PTE_ADDR) | leaf_flags(0);
	if (*e != was)
		tlb_batch_add(rs->batch, addr);
	return true;
}

void pmap_restrict(struct pmap *pmap, struct range r, unsigned prot, struct tlb_batch *batch)
{
	struct restriction rs = {prot, batch};

	spin_lock(&pmap->lock);
	walk(pmap, r, restrict_one, &rs);
	spin_unlock(&pmap->lock);
}

/* What a leaf entry and everything above it allow. */
static unsigned rights(u64 all_and, bool nx)
{
	if (!(all_and & PTE_P))
		return 0;
	return PMAP_READ | (all_and & PTE_W ? PMAP_WRITE : 0) | (nx ? 0 : PMAP_EXEC) |
	       (all_and & PTE_U ? PMAP_USER : 0);
}

bool pmap_query(struct pmap *pmap, u64 addr, struct pmap_leaf *out)
{
	u64 *table = direct_map(pmap->root);
	u64 all = ~0ull;
	bool nx = false, found = false;

	spin_lock(&pmap->lock);
	for (unsigned level = LEVELS; level-- > 0;) {
		u64 e = table[index_at(addr, level)];
		u64 bytes = 1ull << (12 + 9 * level);
		if (level == 0 ? !e : !(e & PTE_P))
			break;
		all &= e;
		nx |= (e & PTE_NX) != 0;
		if (level == 0 || (level < 3 && (e & PTE_PS))) {
			out->pfn = paddr_to_pfn(paddr((e & PTE_ADDR & ~(bytes - 1)) +
						      (addr & (bytes - 1) & ~(PAGE_SIZE - 1))));
			out->prot = rights(all, nx) | (e & PTE_D ? PMAP_DIRTY : 0) |
				    (e & PTE_A ? PMAP_ACCESSED : 0);
			out->size_bytes = bytes;
			found = true;
			break;
		}
		table = table_of(e);
	}
	spin_unlock(&pmap->lock);
	return found;
}

struct visit {
	bool (*fn)(u64 addr, const struct pmap_leaf *leaf, void *arg);
	void *arg;
};

static bool visit_one(struct pmap *pmap, u64 addr, u64 *e, struct page *pt, void *arg)
{
	const struct visit *v = arg;
	struct pmap_leaf leaf = {
		.pfn = paddr_to_pfn(paddr(*e & PTE_ADDR)),
		.prot = rights(*e, *e & PTE_NX) | (*e & PTE_D ? PMAP_DIRTY : 0) |
			(*e & PTE_A ? PMAP_ACCESSED : 0),
		.size_bytes = PAGE_SIZE,
	};

	(void)pmap;
	(void)pt;
	return v->fn(addr, &leaf, v->arg);
}

void pmap_for_each(struct pmap *pmap, struct range r, bool (*fn)(u64, const struct pmap_leaf *, void *),
		   void *arg)
{
	struct visit v = {fn, arg};

	spin_lock(&pmap->lock);
	walk(pmap, r, visit_one, &v);
	spin_unlock(&pmap->lock);
}
