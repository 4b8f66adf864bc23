/* SPDX-License-Identifier: MIT */
/*
 * The fake machine's page tables: a list of leaf tables in order of address, each one frame with 512 entries.
 * An entry is encoded as no real machine does it, so that nothing above can rely on bits:
 *
 *     0 = empty, else  [ 53 bits: frame number, inverted | old | 1 | dirty | X | W | R | 5 bits: a fixed mark ]
 *
 * An entry without R, W and X is one that PROT_NONE keeps.
 */
#include <stdlib.h>
#include <asm/errno.h>
#include <arch/impl/fake.h>
#include <arch/mmu.h>
#include <moat/panic.h>
#include <moat/string.h>

#define TABLE_BYTES   MIB(2)
#define TABLE_ENTRIES 512
#define ENTRY_MARK    0x11ull
#define ENTRY_R	      (1ull << 5)
#define ENTRY_W	      (1ull << 6)
#define ENTRY_X	      (1ull << 7)
#define ENTRY_D	      (1ull << 8)
#define ENTRY_VALID   (1ull << 9)
#define ENTRY_OLD     (1ull << 10) /* not used since pmap_clean */
#define ENTRY_SHIFT   11

struct fake_table {
	struct fake_table *next;
	u64 start; /* first address */
	struct page *frame;
};

void (*fake_race)(u64 addr);

static u64 encode(pfn_t pfn, unsigned prot)
{
	return ~pfn.raw << ENTRY_SHIFT | ENTRY_VALID | ENTRY_MARK | (prot & PMAP_READ ? ENTRY_R : 0) |
	       (prot & PMAP_WRITE ? ENTRY_W : 0) | (prot & PMAP_EXEC ? ENTRY_X : 0);
}

/* A private page is dirty from the start. */
static u64 dirt(pfn_t pfn, unsigned prot)
{
	return (prot & PMAP_WRITE) || pfn_to_page(pfn)->owner == FRAME_ANON ? ENTRY_D : 0;
}

static pfn_t entry_pfn(u64 entry)
{
	return (pfn_t){~entry << 8 >> (8 + ENTRY_SHIFT)};
}

static unsigned entry_prot(u64 entry)
{
	unsigned prot = (entry & ENTRY_R ? PMAP_READ : 0) | (entry & ENTRY_W ? PMAP_WRITE : 0) |
			(entry & ENTRY_X ? PMAP_EXEC : 0);

	ASSERT((entry & 0x1f) == ENTRY_MARK && (entry & ENTRY_VALID));
	return prot ? prot | PMAP_USER | (entry & ENTRY_OLD ? 0 : PMAP_ACCESSED) |
			       (entry & ENTRY_D ? PMAP_DIRTY : 0)
		    : 0;
}

static u64 *entries(const struct fake_table *t)
{
	return page_address(t->frame);
}

/* The link that holds, or would hold, the table for addr. */
static struct fake_table **table_link(struct pmap *pmap, u64 addr)
{
	struct fake_table **link = &pmap->tables;

	while (*link && (*link)->start + TABLE_BYTES <= addr)
		link = &(*link)->next;
	return link;
}

static u64 *entry_at(struct pmap *pmap, u64 addr)
{
	struct fake_table *t = *table_link(pmap, addr);

	if (!t || t->start > addr)
		return NULL;
	return &entries(t)[(addr - t->start) >> PAGE_SHIFT];
}

void fake_set_dirty(struct pmap *pmap, u64 addr)
{
	u64 *entry = entry_at(pmap, addr);

	*entry = (*entry | ENTRY_D) & ~ENTRY_OLD;
}

static u64 *entry_or_new_table(struct pmap *pmap, u64 addr)
{
	struct fake_table **link = table_link(pmap, addr), *t;
	u64 *entry = entry_at(pmap, addr);
	struct page *frame;

	if (entry)
		return entry;
	frame = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);
	if (!frame)
		return NULL;
	frame->table.live = 0;
	t = malloc(sizeof(*t));
	ASSERT(t);
	*t = (struct fake_table){.next = *link, .start = ALIGN_DOWN(addr, TABLE_BYTES), .frame = frame};
	*link = t;
	return entry_at(pmap, addr);
}

static void check_user_range(struct range r)
{
	ASSERT(IS_ALIGNED(r.start, PAGE_SIZE) && IS_ALIGNED(r.end, PAGE_SIZE));
	ASSERT(r.start <= r.end && r.end <= USER_TOP);
}

static void check_user_page(u64 addr)
{
	check_user_range((struct range){addr, addr + PAGE_SIZE});
}

/* Lets the test's other thread run first. */
static void run_race(u64 addr)
{
	void (*race)(u64) = fake_race;

	fake_race = NULL;
	if (race)
		race(addr);
}

int pmap_init(struct pmap *pmap)
{
	spin_init(&pmap->lock, RANK_PMAP);
	pmap->tables = NULL;
	memset(pmap->resident, 0, sizeof(pmap->resident));
	pmap->peak = 0;
	pmap->root = frame_alloc(0, FRAME_ZERO, FRAME_TABLE);
	return pmap->root ? 0 : -ENOMEM;
}

void pmap_destroy(struct pmap *pmap)
{
	ASSERT(!pmap->tables);
	fake_tlb_forget_pmap(pmap);
	frame_put(pmap->root);
}

void pmap_activate(struct pmap *pmap)
{
	(void)pmap;
}

/* Counts the frame of an entry that comes (+1) or goes (-1). */
static void count_resident(struct pmap *pmap, pfn_t pfn, int pages)
{
	unsigned owner = pfn_to_page(pfn)->owner;

	if (owner >= FRAME_CACHE && owner <= FRAME_ANON)
		pmap->resident[owner - FRAME_CACHE] += (u64)pages;
}

static int enter_locked(struct pmap *pmap, u64 addr, pfn_t pfn, unsigned prot)
{
	u64 *entry = entry_or_new_table(pmap, addr);

	if (!entry)
		return -ENOMEM;
	if (*entry)
		return -EEXIST;
	*entry = encode(pfn, prot) | dirt(pfn, prot);
	(*table_link(pmap, addr))->frame->table.live++;
	count_resident(pmap, pfn, 1);
	return 0;
}

int pmap_enter(struct pmap *pmap, u64 addr, pfn_t pfn, unsigned prot)
{
	int err;

	check_user_page(addr);
	run_race(addr);
	spin_lock(&pmap->lock);
	err = enter_locked(pmap, addr, pfn, prot);
	spin_unlock(&pmap->lock);
	return err;
}

unsigned pmap_enter_many(struct pmap *pmap, u64 addr, struct page *const pages[], unsigned n, unsigned prot)
{
	unsigned entered = 0;

	ASSERT(addr % (PMAP_MANY * PAGE_SIZE) + n * PAGE_SIZE <= PMAP_MANY * PAGE_SIZE);
	run_race(addr);
	spin_lock(&pmap->lock);
	for (unsigned i = 0; i < n && entry_at(pmap, addr); i++) {
		if (pages[i] && !enter_locked(pmap, addr + i * PAGE_SIZE, page_to_pfn(pages[i]), prot))
			entered |= 1u << i;
	}
	spin_unlock(&pmap->lock);
	return entered;
}

int pmap_replace(struct pmap *pmap, u64 addr, pfn_t old_pfn, pfn_t pfn, unsigned prot,
		 struct tlb_batch *batch)
{
	int err = -EAGAIN;
	u64 *entry;

	check_user_page(addr);
	run_race(addr);
	spin_lock(&pmap->lock);
	entry = entry_at(pmap, addr);
	if (entry && *entry && entry_pfn(*entry).raw == old_pfn.raw) {
		*entry = encode(pfn, prot) | dirt(pfn, prot);
		tlb_batch_add(batch, addr);
		count_resident(pmap, old_pfn, -1);
		count_resident(pmap, pfn, 1);
		if (old_pfn.raw != pfn.raw)
			tlb_batch_frame(batch, pfn_to_page(old_pfn));
		err = 0;
	}
	spin_unlock(&pmap->lock);
	return err;
}

/* Calls fn for every entry of the range that is not empty; stops when it returns false. Pmap lock held. */
static void walk(struct pmap *pmap, struct range r, bool (*fn)(u64 addr, u64 *entry, void *arg), void *arg)
{
	check_user_range(r);
	for (struct fake_table *t = *table_link(pmap, r.start); t && t->start < r.end; t = t->next) {
		u64 end = MIN(t->start + TABLE_BYTES, r.end);

		for (u64 addr = MAX(t->start, r.start); addr < end; addr += PAGE_SIZE) {
			u64 *entry = &entries(t)[(addr - t->start) >> PAGE_SHIFT];

			if (*entry && !fn(addr, entry, arg))
				return;
		}
	}
}

struct removal {
	struct pmap *pmap;
	struct tlb_batch *batch;
	unsigned flags;
};

static bool remove_one(u64 addr, u64 *entry, void *arg)
{
	struct removal *rm = arg;
	struct page *frame = pfn_to_page(entry_pfn(*entry));

	if ((rm->flags & PMAP_KEEP_ANON) && frame->owner == FRAME_ANON)
		return true;
	if ((rm->flags & PMAP_ONLY_LAZY) && (frame->owner != FRAME_ANON || (*entry & ENTRY_D)))
		return true;
	count_resident(rm->pmap, entry_pfn(*entry), -1);
	*entry = 0;
	(*table_link(rm->pmap, addr))->frame->table.live--;
	tlb_batch_add(rm->batch, addr);
	tlb_batch_frame(rm->batch, frame);
	return true;
}

static void free_empty_tables(struct pmap *pmap)
{
	struct fake_table **link = &pmap->tables, *t;

	while ((t = *link) != NULL) {
		if (t->frame->table.live) {
			link = &t->next;
			continue;
		}
		*link = t->next;
		frame_put(t->frame);
		free(t);
	}
}

void pmap_remove(struct pmap *pmap, struct range r, unsigned flags, struct tlb_batch *batch)
{
	struct removal rm = {.pmap = pmap, .batch = batch, .flags = flags};

	spin_lock(&pmap->lock);
	pmap->peak = pmap_peak_pages(pmap);
	walk(pmap, r, remove_one, &rm);
	free_empty_tables(pmap);
	spin_unlock(&pmap->lock);
}

struct restriction {
	struct tlb_batch *batch;
	unsigned prot;
};

static bool restrict_one(u64 addr, u64 *entry, void *arg)
{
	const struct restriction *rs = arg;

	*entry = encode(entry_pfn(*entry), entry_prot(*entry) & rs->prot) | (*entry & (ENTRY_D | ENTRY_OLD));
	tlb_batch_add(rs->batch, addr);
	return true;
}

void pmap_restrict(struct pmap *pmap, struct range r, unsigned prot, struct tlb_batch *batch)
{
	struct restriction rs = {.batch = batch, .prot = prot};

	spin_lock(&pmap->lock);
	walk(pmap, r, restrict_one, &rs);
	spin_unlock(&pmap->lock);
}

static bool allow_one(u64 addr, u64 *entry, void *arg)
{
	pfn_t pfn = entry_pfn(*entry);

	(void)addr;
	if (pfn_to_page(pfn)->owner == FRAME_ANON && frame_refs(pfn_to_page(pfn)) == 1)
		*entry |= encode(pfn, *(const unsigned *)arg);
	return true;
}

void pmap_allow(struct pmap *pmap, struct range r, unsigned prot)
{
	spin_lock(&pmap->lock);
	walk(pmap, r, allow_one, &prot);
	spin_unlock(&pmap->lock);
}

static struct pmap_leaf leaf_of(u64 entry)
{
	return (struct pmap_leaf){
		.pfn = entry_pfn(entry), .prot = entry_prot(entry), .size_bytes = PAGE_SIZE, .pages = 1};
}

bool pmap_query(struct pmap *pmap, u64 addr, struct pmap_leaf *out)
{
	u64 *entry;
	bool found;

	addr = ALIGN_DOWN(addr, PAGE_SIZE);
	spin_lock(&pmap->lock);
	entry = entry_at(pmap, addr);
	found = entry && *entry;
	if (found)
		*out = leaf_of(*entry);
	spin_unlock(&pmap->lock);
	return found;
}

bool pmap_query_held(struct pmap *pmap, u64 addr, struct pmap_leaf *out, struct page **held)
{
	*held = NULL;
	if (!pmap_query(pmap, addr, out))
		return false;
	if (out->size_bytes == PAGE_SIZE) {
		*held = pfn_to_page(out->pfn);
		frame_get(*held);
	}
	return true;
}

struct visit {
	bool (*fn)(u64 addr, const struct pmap_leaf *leaf, void *arg);
	void *arg;
};

static bool visit_one(u64 addr, u64 *entry, void *arg)
{
	const struct visit *v = arg;
	const struct pmap_leaf leaf = leaf_of(*entry);

	return v->fn(addr, &leaf, v->arg);
}

void pmap_for_each(struct pmap *pmap, struct range r,
		   bool (*fn)(u64 addr, const struct pmap_leaf *leaf, void *arg), void *arg)
{
	struct visit v = {fn, arg};

	spin_lock(&pmap->lock);
	walk(pmap, r, visit_one, &v);
	spin_unlock(&pmap->lock);
}

struct cleaning {
	struct tlb_batch *batch;
	unsigned bits;
};

static bool clean_one(u64 addr, u64 *entry, void *arg)
{
	const struct cleaning *c = arg;

	if (c->bits & PMAP_DIRTY)
		*entry &= ~ENTRY_D;
	if (c->bits & PMAP_ACCESSED)
		*entry |= ENTRY_OLD;
	tlb_batch_add(c->batch, addr);
	return true;
}

void pmap_clean(struct pmap *pmap, struct range r, unsigned bits, struct tlb_batch *batch)
{
	struct cleaning c = {.batch = batch, .bits = bits};

	walk(pmap, r, clean_one, &c);
}

/* Tables are never shared here and no entry is huge: nothing is to be made ready but the destination of a move. */
int pmap_own(struct pmap *pmap, u64 addr, struct tlb_batch *batch)
{
	(void)pmap;
	(void)batch;
	check_user_page(addr);
	return 0;
}

int pmap_prepare(struct pmap *pmap, struct range r, enum pmap_change change, struct tlb_batch *batch)
{
	(void)pmap;
	(void)change;
	(void)batch;
	check_user_range(r);
	return 0;
}

int pmap_prepare_move(struct pmap *pmap, struct range from, u64 to, struct tlb_batch *batch)
{
	(void)batch;
	for (u64 at = from.start; at < from.end; at += PAGE_SIZE)
		if (entry_at(pmap, at) && !entry_or_new_table(pmap, to + (at - from.start)))
			return -ENOMEM;
	return 0;
}

void pmap_move(struct pmap *pmap, struct range from, u64 to, struct tlb_batch *batch)
{
	spin_lock(&pmap->lock);
	for (u64 at = from.start; at < from.end; at += PAGE_SIZE) {
		u64 dest = to + (at - from.start), *entry = entry_at(pmap, at), *there = entry_at(pmap, dest);

		if (!entry || !*entry)
			continue;
		ASSERT(there && !*there);
		*there = *entry;
		*entry = 0;
		(*table_link(pmap, at))->frame->table.live--;
		(*table_link(pmap, dest))->frame->table.live++;
	}
	free_empty_tables(pmap);
	spin_unlock(&pmap->lock);
	tlb_batch_all(batch);
}

struct forking {
	struct pmap *child;
	int err;
};

static bool fork_one(u64 addr, u64 *entry, void *arg)
{
	struct forking *f = arg;
	struct page *frame = pfn_to_page(entry_pfn(*entry));

	if (frame->owner == FRAME_ANON)
		*entry &= ~ENTRY_W;
	f->err = enter_locked(f->child, addr, entry_pfn(*entry), entry_prot(*entry));
	if (!f->err)
		frame_get(frame);
	return !f->err;
}

int pmap_fork(struct pmap *child, struct pmap *parent, struct tlb_batch *batch)
{
	struct forking f = {.child = child};

	walk(parent, (struct range){0, USER_TOP}, fork_one, &f);
	tlb_batch_all(batch);
	return f.err;
}

int pmap_enter_huge(struct pmap *pmap, u64 addr, struct page *block, unsigned prot)
{
	(void)pmap;
	(void)addr;
	(void)block;
	(void)prot;
	return -EEXIST; /* this machine has no huge entries */
}

int pmap_collapse(struct pmap *pmap, u64 addr, struct page *block, unsigned prot, struct tlb_batch *batch)
{
	(void)pmap;
	(void)addr;
	(void)block;
	(void)prot;
	(void)batch;
	return -EINVAL;
}

bool pmap_window_is_empty(struct pmap *pmap, u64 addr)
{
	return !entry_at(pmap, addr);
}

u64 pmap_resident(const struct pmap *pmap, enum frame_owner owner)
{
	return pmap->resident[owner - FRAME_CACHE];
}

u64 pmap_resident_pages(const struct pmap *pmap)
{
	return pmap->resident[0] + pmap->resident[1] + pmap->resident[2];
}

u64 pmap_peak_pages(const struct pmap *pmap)
{
	return MAX(pmap->peak, pmap_resident_pages(pmap));
}

u64 pmap_table_pages(const struct pmap *pmap)
{
	u64 count = 1;

	for (const struct fake_table *t = pmap->tables; t; t = t->next)
		count++;
	return count;
}

bool pmap_is_alone(const struct pmap *pmap)
{
	(void)pmap;
	return true;
}
