/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 page tables, random operations on three of them against a model of one short record for each page.
 *
 *     window      0          1          2          3
 *            |----------|----------|----------|----------|      2 MiB each
 *            BASE                  512 GiB: another entry at the top level
 *
 * After each operation every table of the three is walked by hand: live entries, resident pages, references of tables and
 * of frames must be what the entries say, and each page must show the tag that the model has for it. Allocations fail now
 * and then; an operation that says so must have changed nothing that a program can see.
 *
 * Rights to write are an upper bound: a table that was shared, or a frame that was, has lost some, and a fault gives them
 * back.
 */
#include "mm_fixture.h"
#include "pmap_internal.h"

#define SPACES	3u
#define WINDOWS 4u
#define PAGES	(WINDOWS * ENTRIES)
#define BASE	(GIB(512) - 2 * HUGE_BYTES)
#define STEPS	3000u
#define RIGHTS	(PMAP_READ | PMAP_WRITE | PMAP_EXEC)

struct shown {
	bool present, dirty;
	u8 owner;
	unsigned prot;
	u64 tag; /* first word of the frame */
};

struct span {
	unsigned start, end; /* pages, half-open */
};

static struct pmap pmaps[SPACES];
static struct shown model[SPACES][PAGES];
static u64 rng, next_tag;
static u32 expected_refs[(FAKE_RAM_BASE + TEST_RAM) / PAGE_SIZE];

static u64 below(u64 bound)
{
	return unit_random_below(&rng, bound);
}

static u64 at(unsigned page)
{
	return BASE + page * PAGE_SIZE;
}

static struct range range_of(struct span s)
{
	return (struct range){at(s.start), at(s.end)};
}

/* A few pages, or up to several windows, often with edges on edges of windows. */
static struct span random_span(void)
{
	unsigned start = (unsigned)below(PAGES), len = 1 + (unsigned)below(below(3) ? 20 : PAGES);

	if (below(3) == 0)
		start -= start % ENTRIES;
	if (below(3) == 0)
		len += ENTRIES - 1 - (len - 1) % ENTRIES;
	return (struct span){start, MIN(start + len, PAGES)};
}

static unsigned random_prot(void)
{
	static const unsigned prots[] = {PMAP_READ, PMAP_READ | PMAP_WRITE, PMAP_READ | PMAP_WRITE,
					 PMAP_READ | PMAP_EXEC, RIGHTS};

	return prots[below(ARRAY_SIZE(prots))];
}

static struct page *tagged_frame(enum frame_owner owner)
{
	struct page *p = frame_alloc(0, 0, owner);

	assert_non_null(p);
	*(u64 *)page_address(p) = ++next_tag;
	return p;
}

static struct shown shown_by(const struct page *p, unsigned prot)
{
	return (struct shown){.present = true,
			      .dirty = (prot & PMAP_WRITE) || p->owner == FRAME_ANON,
			      .owner = p->owner,
			      .prot = prot,
			      .tag = *(u64 *)page_address(p)};
}

/* --- what must always hold --- */

static unsigned pointing_to(const struct page *table)
{
	unsigned n = 0;

	for (unsigned s = 0; s < SPACES; s++)
		for (unsigned w = 0; w < WINDOWS; w++) {
			u64 *pde = pd_lookup(&pmaps[s], at(w * ENTRIES));

			n += pde && is_table(*pde) && page_of(*pde) == table;
		}
	return n;
}

static void check_last_level(u64 pde)
{
	struct page *table = page_of(pde);
	const u64 *e = table_of(pde);
	unsigned live = 0, resident[3] = {0}, users = pointing_to(table);

	assert_int_equal(frame_refs(table), users);
	assert_true(users == 1 || !(pde & PTE_W));
	for (unsigned i = 0; i < ENTRIES; i++) {
		if (!e[i])
			continue;
		live++;
		resident[page_of(e[i])->owner - FRAME_CACHE]++;
	}
	assert_int_equal(table->table.live, live);
	for (unsigned o = 0; o < 3; o++)
		assert_int_equal(table->table.resident[o], resident[o]);
}

/* Counts the references of what an entry of a PD holds; a table that is shared is counted with its first user. */
static void count_refs(unsigned space, unsigned window, u64 pde)
{
	struct page *held = page_of(pde);

	if (is_huge(pde)) {
		for (u64 i = 0; i < (held->order == HUGE_ORDER ? 1 : HUGE_PAGES); i++)
			expected_refs[page_to_pfn(held + i).raw]++;
		return;
	}
	for (unsigned s = 0; s <= space; s++)
		for (unsigned w = 0; w < (s == space ? window : WINDOWS); w++) {
			u64 *other = pd_lookup(&pmaps[s], at(w * ENTRIES));

			if (other && is_table(*other) && page_of(*other) == held)
				return;
		}
	for (unsigned i = 0; i < ENTRIES; i++)
		if (table_of(pde)[i])
			expected_refs[page_to_pfn(page_of(table_of(pde)[i])).raw]++;
}

/* Tables of `level` and below: how many there are, with their live counts right. */
static u64 count_tables(const u64 *table, unsigned level)
{
	unsigned live = 0, end = level == 3 ? ENTRIES / 2 : ENTRIES;
	u64 n = 1;

	for (unsigned i = 0; i < end; i++) {
		live += table[i] != 0;
		if (is_table(table[i]))
			n += level == 1 ? 1 : count_tables(table_of(table[i]), level - 1);
	}
	assert_int_equal(page_holding(table)->table.live, live);
	return n;
}

static void check_space(unsigned s)
{
	u64 resident[3] = {0};

	assert_int_equal(pmap_table_pages(&pmaps[s]), count_tables(direct_map(pmaps[s].root), 3));
	for (unsigned w = 0; w < WINDOWS; w++) {
		u64 *pde = pd_lookup(&pmaps[s], at(w * ENTRIES));

		if (!pde || !*pde)
			continue;
		if (is_table(*pde))
			check_last_level(*pde);
		count_refs(s, w, *pde);
	}
	for (unsigned i = 0; i < PAGES; i++)
		if (model[s][i].present)
			resident[model[s][i].owner - FRAME_CACHE]++;
	for (unsigned o = 0; o < 3; o++)
		assert_int_equal(pmap_resident(&pmaps[s], FRAME_CACHE + o), resident[o]);
}

static bool frame_is_alone(const struct pmap_leaf *leaf)
{
	u64 head = leaf->size_bytes == PAGE_SIZE ? leaf->pfn.raw : ALIGN_DOWN(leaf->pfn.raw, HUGE_PAGES);

	return frame_refs(pfn_to_page((pfn_t){head})) == 1 && !leaf->table_shared;
}

static void check_page(unsigned s, unsigned i)
{
	const struct shown *m = &model[s][i];
	struct pmap_leaf leaf;

	assert_int_equal(pmap_query(&pmaps[s], at(i), &leaf), m->present);
	if (!m->present)
		return;
	assert_int_equal(*(u64 *)page_address(pfn_to_page(leaf.pfn)), m->tag);
	assert_int_equal(leaf.prot & RIGHTS & ~PMAP_WRITE, m->prot & ~PMAP_WRITE);
	assert_true(!(leaf.prot & PMAP_WRITE) || (m->prot & PMAP_WRITE));
	if (m->owner == FRAME_ANON)
		assert_true(!(leaf.prot & PMAP_WRITE) || frame_is_alone(&leaf));
	else if (!leaf.table_shared)
		assert_int_equal(leaf.prot & PMAP_WRITE, m->prot & PMAP_WRITE);
	if (m->prot)
		assert_int_equal(!!(leaf.prot & PMAP_DIRTY), m->dirty);
}

static bool count_leaf(u64 addr, const struct pmap_leaf *leaf, void *arg)
{
	(void)addr;
	*(u64 *)arg += leaf->pages;
	return true;
}

static void check_all(void)
{
	const u64 first = FAKE_RAM_BASE / PAGE_SIZE;

	memset(expected_refs, 0, sizeof(expected_refs));
	for (unsigned s = 0; s < SPACES; s++) {
		u64 leaves = 0;

		check_space(s);
		pmap_for_each(&pmaps[s], (struct range){0, USER_TOP}, count_leaf, &leaves);
		assert_int_equal(leaves, pmap_resident_pages(&pmaps[s]));
		for (unsigned i = 0; i < PAGES; i++)
			check_page(s, i);
	}
	for (u64 i = first; i < ARRAY_SIZE(expected_refs); i++)
		if (expected_refs[i])
			assert_int_equal(frame_refs(pfn_to_page((pfn_t){i})), expected_refs[i]);
}

/* --- the operations; each on space s --- */

/* Sometimes lets the n-th allocation fail. */
static void maybe_fail(void)
{
	if (below(3) == 0)
		frame_fail_after(1 + below(6));
}

static int own(unsigned s, unsigned page)
{
	struct tlb_batch batch;
	int err;

	tlb_batch_init(&batch, &pmaps[s]);
	err = pmap_own(&pmaps[s], at(page), &batch);
	tlb_flush(&batch);
	return err;
}

static void do_enter(unsigned s)
{
	unsigned page = (unsigned)below(PAGES), prot = random_prot();
	struct page *frame = tagged_frame(FRAME_CACHE + below(3));
	int err;

	maybe_fail();
	while ((err = pmap_enter(&pmaps[s], at(page), page_to_pfn(frame), prot)) == -EBUSY) {
		err = own(s, page);
		if (err)
			break;
	}
	frame_fail_after(0);
	if (!err) {
		assert_false(model[s][page].present);
		model[s][page] = shown_by(frame, prot);
		return;
	}
	assert_true(err == -ENOMEM || (err == -EEXIST && model[s][page].present));
	frame_put(frame);
}

static void do_enter_many(unsigned s)
{
	unsigned page = (unsigned)ALIGN_DOWN(below(PAGES), PMAP_MANY), entered;
	struct page *frames[PMAP_MANY];
	enum frame_owner owner = below(2) ? FRAME_CACHE : FRAME_SHMEM;

	for (unsigned i = 0; i < PMAP_MANY; i++)
		frames[i] = below(3) ? tagged_frame(owner) : NULL;
	entered = pmap_enter_many(&pmaps[s], at(page), frames, PMAP_MANY, PMAP_READ);
	for (unsigned i = 0; i < PMAP_MANY; i++) {
		if (entered & 1u << i) {
			assert_true(frames[i] && !model[s][page + i].present);
			model[s][page + i] = shown_by(frames[i], PMAP_READ);
		} else if (frames[i]) {
			assert_true(!entered || model[s][page + i].present);
			frame_put(frames[i]);
		}
	}
}

static struct page *tagged_block(void)
{
	struct page *block = frame_alloc(HUGE_ORDER, 0, FRAME_ANON);

	for (unsigned i = 0; block && i < HUGE_PAGES; i++)
		*(u64 *)page_address(block + i) = ++next_tag;
	return block;
}

static void model_block(unsigned s, unsigned page, struct page *block, unsigned prot)
{
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		model[s][page + i] = (struct shown){.present = true,
						    .dirty = true,
						    .owner = FRAME_ANON,
						    .prot = prot,
						    .tag = *(u64 *)page_address(block + i)};
}

static void do_enter_huge(unsigned s)
{
	unsigned page = (unsigned)below(WINDOWS) * ENTRIES, prot = random_prot();
	bool empty = pmap_window_is_empty(&pmaps[s], at(page));
	struct page *block = tagged_block();
	int err;

	if (!block)
		return;
	maybe_fail();
	err = pmap_enter_huge(&pmaps[s], at(page), block, prot);
	frame_fail_after(0);
	if (err) {
		assert_int_equal(err, empty ? -ENOMEM : -EEXIST);
		frame_put(block);
		return;
	}
	assert_true(empty);
	model_block(s, page, block, prot);
}

static void do_collapse(unsigned s)
{
	unsigned page = (unsigned)below(WINDOWS) * ENTRIES, prot = random_prot();
	struct page *block = tagged_block();
	struct tlb_batch batch;
	int err;

	if (!block)
		return;
	tlb_batch_init(&batch, &pmaps[s]);
	err = pmap_collapse(&pmaps[s], at(page), block, prot, &batch);
	tlb_flush(&batch);
	if (err) {
		assert_int_equal(err, -EINVAL);
		frame_put(block);
	} else {
		model_block(s, page, block, prot);
	}
}

/* As a write fault does it: the frame is taken over where nobody else has it, else replaced by a copy. */
static void do_replace(unsigned s)
{
	unsigned page = (unsigned)below(PAGES), prot = model[s][page].prot;
	struct tlb_batch batch;
	struct pmap_leaf leaf;
	struct page *fresh;
	int err;

	if (!pmap_query(&pmaps[s], at(page), &leaf))
		return;
	tlb_batch_init(&batch, &pmaps[s]);
	if (leaf.table_shared || leaf.size_bytes > PAGE_SIZE)
		assert_int_equal(pmap_replace(&pmaps[s], at(page), (pfn_t){1}, (pfn_t){1}, 0, &batch),
				 leaf.table_shared ? -EBUSY : -EAGAIN);
	maybe_fail();
	err = own(s, page);
	frame_fail_after(0);
	if (err) {
		assert_int_equal(err, -ENOMEM);
		return;
	}
	assert_true(pmap_query(&pmaps[s], at(page), &leaf));
	assert_true(!leaf.table_shared && leaf.size_bytes == PAGE_SIZE);
	if (frame_refs(pfn_to_page(leaf.pfn)) == 1 && below(2)) {
		err = pmap_replace(&pmaps[s], at(page), leaf.pfn, leaf.pfn, prot | PMAP_WRITE, &batch);
		model[s][page].prot |= PMAP_READ | PMAP_WRITE;
		model[s][page].dirty = true;
	} else {
		fresh = tagged_frame(FRAME_ANON);
		err = pmap_replace(&pmaps[s], at(page), leaf.pfn, page_to_pfn(fresh), prot, &batch);
		model[s][page] = shown_by(fresh, prot);
	}
	tlb_flush(&batch);
	assert_int_equal(err, 0);
}

/* Prepares a change of the span. False: memory was out, nothing may change. */
static bool prepare(unsigned s, struct span span, enum pmap_change change, struct tlb_batch *batch)
{
	int err;

	tlb_batch_init(batch, &pmaps[s]);
	maybe_fail();
	err = pmap_prepare(&pmaps[s], range_of(span), change, batch);
	frame_fail_after(0);
	assert_true(!err || err == -ENOMEM);
	if (err)
		tlb_flush(batch);
	return !err;
}

static void do_remove(unsigned s)
{
	unsigned flags = below(3) ? 0 : PMAP_KEEP_ANON;
	struct span span = random_span();
	struct tlb_batch batch;

	if (!prepare(s, span, flags ? PMAP_CHANGE : PMAP_REMOVE, &batch))
		return;
	pmap_remove(&pmaps[s], range_of(span), flags, &batch);
	tlb_flush(&batch);
	for (unsigned i = span.start; i < span.end; i++)
		if (!flags || model[s][i].owner != FRAME_ANON)
			model[s][i] = (struct shown){0};
}

static void do_restrict(unsigned s)
{
	static const unsigned cuts[] = {0, PMAP_READ, PMAP_READ | PMAP_EXEC, PMAP_READ | PMAP_WRITE};
	unsigned prot = cuts[below(ARRAY_SIZE(cuts))];
	struct span span = random_span();
	struct tlb_batch batch;

	if (!prepare(s, span, PMAP_CHANGE, &batch))
		return;
	pmap_restrict(&pmaps[s], range_of(span), prot, &batch);
	tlb_flush(&batch);
	for (unsigned i = span.start; i < span.end; i++)
		model[s][i].prot &= prot;
}

static void do_clean(unsigned s)
{
	struct span span = random_span();
	struct tlb_batch batch;

	if (!prepare(s, span, PMAP_CHANGE, &batch))
		return;
	pmap_clean(&pmaps[s], range_of(span), PMAP_DIRTY | PMAP_ACCESSED, &batch);
	tlb_flush(&batch);
	for (unsigned i = span.start; i < span.end; i++)
		model[s][i].dirty = false;
}

static void do_move(unsigned s)
{
	struct span from = random_span();
	unsigned len = from.end - from.start, to = (unsigned)below(PAGES - len + 1);
	struct tlb_batch batch;
	int err;

	if (below(2))
		to = to - to % ENTRIES + from.start % ENTRIES;
	if (to + len > PAGES || (to < from.end && from.start < to + len))
		return;
	for (unsigned i = to; i < to + len; i++)
		if (model[s][i].present)
			return;
	tlb_batch_init(&batch, &pmaps[s]);
	maybe_fail();
	err = pmap_prepare_move(&pmaps[s], range_of(from), at(to), &batch);
	frame_fail_after(0);
	if (!err) {
		pmap_move(&pmaps[s], range_of(from), at(to), &batch);
		for (unsigned i = 0; i < len; i++) {
			model[s][to + i] = model[s][from.start + i];
			model[s][from.start + i] = (struct shown){0};
		}
	}
	tlb_flush(&batch);
	assert_true(!err || err == -ENOMEM);
}

static void make_empty(unsigned s)
{
	const struct range all = {USER_MIN, USER_TOP};
	struct tlb_batch batch;

	tlb_batch_init(&batch, &pmaps[s]);
	frame_fail_after(1); /* to remove everything takes no memory */
	assert_int_equal(pmap_prepare(&pmaps[s], all, PMAP_REMOVE, &batch), 0);
	frame_fail_after(0);
	pmap_remove(&pmaps[s], all, 0, &batch);
	tlb_flush(&batch);
	pmap_destroy(&pmaps[s]);
	memset(model[s], 0, sizeof(model[s]));
}

static void start_pmap(struct pmap *pmap)
{
	*pmap = (struct pmap){0};
	assert_int_equal(pmap_init(pmap), 0);
}

static void do_fork(unsigned s)
{
	unsigned child = (s + 1 + (unsigned)below(SPACES - 1)) % SPACES;
	struct tlb_batch batch;
	int err;

	make_empty(child);
	start_pmap(&pmaps[child]);
	tlb_batch_init(&batch, &pmaps[s]);
	maybe_fail();
	err = pmap_fork(&pmaps[child], &pmaps[s], &batch);
	frame_fail_after(0);
	tlb_flush(&batch);
	if (err) {
		assert_int_equal(err, -ENOMEM);
		make_empty(child);
		start_pmap(&pmaps[child]);
	} else {
		memcpy(model[child], model[s], sizeof(model[s]));
	}
}

static void run(u64 seed)
{
	static void (*const operations[])(unsigned) = {
		do_enter,      do_enter,   do_enter,   do_enter,    do_enter_many, do_enter_many,
		do_enter_huge, do_replace, do_replace, do_restrict, do_collapse,   do_clean,
		do_remove,     do_move,	   do_move,    do_fork,
	};

	rng = seed;
	memset(model, 0, sizeof(model));
	for (unsigned s = 0; s < SPACES; s++)
		start_pmap(&pmaps[s]);
	for (unsigned step = 0; step < STEPS; step++) {
		operations[below(ARRAY_SIZE(operations))]((unsigned)below(SPACES));
		check_all();
	}
	for (unsigned s = 0; s < SPACES; s++)
		make_empty(s);
}

/*
 * A destination that ends in a window where the source begins: the source has nothing there, and gets a table for what
 * comes from the window after it.
 *
 *     window            0          1          2
 *     source                    |------[=====)         nothing | one page
 *     destination       [---=====)
 */
static void test_move_into_window_of_source(void **state)
{
	const struct span from = {600, 1100};
	struct tlb_batch batch;
	struct pmap_leaf leaf;
	struct page *frame = tagged_frame(FRAME_ANON);

	(void)state;
	start_pmap(&pmaps[0]);
	assert_int_equal(pmap_enter(&pmaps[0], at(1030), page_to_pfn(frame), PMAP_READ), 0);
	tlb_batch_init(&batch, &pmaps[0]);
	assert_int_equal(pmap_prepare_move(&pmaps[0], range_of(from), at(100), &batch), 0);
	pmap_move(&pmaps[0], range_of(from), at(100), &batch);
	tlb_flush(&batch);
	assert_true(pmap_query(&pmaps[0], at(530), &leaf));
	assert_ptr_equal(pfn_to_page(leaf.pfn), frame);
	make_empty(0);
}

static void test_random(void **state)
{
	const char *first = getenv("SEED"), *count = getenv("N");
	u64 seed = first ? strtoull(first, NULL, 0) : 1, end = seed + (count ? strtoull(count, NULL, 0) : 3);

	(void)state;
	for (; seed < end; seed++) {
		if (count)
			fprintf(stderr, "seed %lu\n", (unsigned long)seed);
		run(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_move_into_window_of_source),
		MM_TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
