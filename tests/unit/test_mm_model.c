/* SPDX-License-Identifier: MIT */
/*
 * Random operations on an address space against a model that is a few bytes for each page.
 *
 *     | blocker |............ PAGES pages, heap.start at the first ...........| blocker |
 *               AT
 *
 * The blockers make every place predictable: what does not fit into the window has no place at all. After
 * each operation aspace_check looks at every invariant, the TLB is checked for stale entries, and every page
 * of the window is compared with the model.
 *
 * Each operation is also run with each of its allocations failing in turn. It must then say so, and have
 * changed nothing: same VMAs, same counts, same frames.
 */
#include <signal.h>
#include "mm_fixture.h"

#define PAGES	    48u
#define FILE_PAGES  12u
#define LIMIT_PAGES 40u
#define ROUNDS	    4000u
#define BLOCKER	    (VMA_SPECIAL | VMA_NORESERVE)

enum kind { NOTHING, ANON, SHARED, FILE_PRIVATE, FILE_SHARED };

struct model_page {
	enum kind kind;
	u32 prot;
	unsigned file_page; /* FILE_*: may lie past the end of the file */
	bool own;	    /* FILE_PRIVATE: has a copy of its own */
	u8 value;	    /* of the page's first byte, but for pages that show the file */
};

struct world {
	struct aspace *as;
	struct mobj *file;
	u64 rng;
	unsigned heap_pages;
	struct model_page page[PAGES];
	u8 file_value[FILE_PAGES];
};

struct extent {
	unsigned start, end; /* pages of the window, half-open */
};

static u64 below(struct world *w, u64 bound)
{
	return unit_random_below(&w->rng, bound);
}

static struct extent random_extent(struct world *w)
{
	unsigned start = (unsigned)below(w, PAGES), len = 1 + (unsigned)below(w, below(w, 4) ? 6 : PAGES);

	return (struct extent){start, MIN(start + len, PAGES)};
}

static u64 addr_of(unsigned page)
{
	return AT + page * P;
}

static u64 len_of(struct extent e)
{
	return (e.end - e.start) * P;
}

static unsigned mapped_in(const struct world *w, struct extent e)
{
	unsigned n = 0;

	for (unsigned i = e.start; i < e.end; i++)
		n += w->page[i].kind != NOTHING;
	return n;
}

static unsigned mapped(const struct world *w)
{
	return mapped_in(w, (struct extent){0, PAGES});
}

/* --- what must not change when an operation fails --- */

struct snapshot {
	u64 hash, frames, rss, data;
};

static struct snapshot snapshot(struct aspace *as)
{
	struct snapshot s = {.hash = 0xcbf29ce484222325,
			     .frames = frames_used(),
			     .rss = pmap_resident_pages(&as->pmap),
			     .data = as->data_pages};

	rwlock_read(&as->lock);
	for (struct vma *v = aspace_find(as, 0); v; v = vma_next(v)) {
		const u64 words[] = {v->range.start, v->range.end, v->flags, (u64)(uintptr_t)v->object,
				     v->object_offset};

		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			s.hash = (s.hash ^ words[i]) * 0x100000001b3;
	}
	rwlock_read_done(&as->lock);
	return s;
}

enum injection { NO_FAILURE, HEAP_FAILURE, FRAME_FAILURE };

static void inject(enum injection what, u64 n)
{
	heap_fail_after(what == HEAP_FAILURE ? n : 0);
	frame_fail_after(what == FRAME_FAILURE ? n : 0);
}

/* One operation, ready to be run again and again: returns what the call said. */
struct operation {
	s64 (*run)(struct world *w, struct operation *op);
	struct extent at;
	u32 prot;
	enum kind kind;
	unsigned file_page, new_heap_pages;
	unsigned access;
	u32 how;
	u64 addr_out;
	u8 byte_in, byte_out;
};

/*
 * Runs op with its first, second, ... allocation failing, until it says what it should say. `failure` is what
 * it says when memory is out.
 */
static s64 run_with_failures(struct world *w, struct operation *op, s64 expected, s64 failure)
{
	enum injection what = (enum injection)below(w, 3);
	struct snapshot before = snapshot(w->as), after;
	s64 result;

	if (expected == failure)
		what = NO_FAILURE;
	for (u64 n = 1;; n++) {
		inject(what, n);
		result = op->run(w, op);
		inject(NO_FAILURE, 0);
		aspace_check(w->as);
		fake_tlb_check();
		if (result == expected || what == NO_FAILURE)
			return result;
		assert_int_equal(result, failure);
		assert_true(n < 50);
		after = snapshot(w->as);
		assert_int_equal(after.hash, before.hash);
		assert_int_equal(after.rss, before.rss);
		assert_int_equal(after.data, before.data);
		/* A page that an object got stays with it, whether its entry could be made or not. */
		if (!op->access)
			assert_int_equal(after.frames, before.frames);
	}
}

/* --- the operations: the call, what the model expects of it, and what it does to the model --- */

static s64 run_map(struct world *w, struct operation *op)
{
	bool is_file = op->kind == FILE_PRIVATE || op->kind == FILE_SHARED;
	bool is_shared = op->kind == SHARED || op->kind == FILE_SHARED;
	const struct map_request req = {
		.addr = op->how & (MAP_AT | MAP_AT_FREE) ? addr_of(op->at.start) : 0,
		.len = len_of(op->at) - below(w, P),
		.vma_flags = op->prot | (is_shared ? VMA_SHARED : 0),
		.how = op->how,
		.object = is_file ? w->file : NULL,
		.object_offset = is_file ? op->file_page * P : 0,
	};

	return aspace_map(w->as, &req, &op->addr_out);
}

/* The highest free place for so many pages; false when there is none. */
static bool model_gap(const struct world *w, unsigned pages, unsigned *start)
{
	for (unsigned s = PAGES - pages + 1; s-- > 0;) {
		if (mapped_in(w, (struct extent){s, s + pages}) == 0) {
			*start = s;
			return true;
		}
	}
	return false;
}

static void model_map(struct world *w, const struct operation *op)
{
	for (unsigned i = op->at.start; i < op->at.end; i++)
		w->page[i] = (struct model_page){
			.kind = op->kind, .prot = op->prot, .file_page = op->file_page + (i - op->at.start)};
}

static void do_map(struct world *w, struct operation op)
{
	unsigned pages = op.at.end - op.at.start, start;
	static const u32 hows[] = {MAP_AT, MAP_AT_FREE, 0};
	s64 expected = 0;

	op.run = run_map;
	op.kind = (enum kind)(ANON + below(w, 4));
	op.file_page = (unsigned)below(w, FILE_PAGES);
	op.how = hows[below(w, 3)];
	if (op.how == 0) {
		if (!model_gap(w, pages, &start))
			expected = -ENOMEM;
		else
			op.at = (struct extent){start, start + pages};
	} else if (op.how == MAP_AT_FREE && mapped_in(w, op.at)) {
		expected = -EEXIST;
	}
	if (!expected && mapped(w) - mapped_in(w, op.at) + pages > LIMIT_PAGES)
		expected = -ENOMEM;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	if (expected)
		return;
	assert_int_equal(op.addr_out, addr_of(op.at.start));
	model_map(w, &op);
}

static s64 run_unmap(struct world *w, struct operation *op)
{
	return aspace_unmap(w->as, addr_of(op->at.start), len_of(op->at));
}

static void do_unmap(struct world *w, struct operation op)
{
	op.run = run_unmap;
	assert_int_equal(run_with_failures(w, &op, 0, -ENOMEM), 0);
	for (unsigned i = op.at.start; i < op.at.end; i++)
		w->page[i] = (struct model_page){.kind = NOTHING};
}

static s64 run_protect(struct world *w, struct operation *op)
{
	return aspace_protect(w->as, addr_of(op->at.start), len_of(op->at), op->prot);
}

static void do_protect(struct world *w, struct operation op)
{
	s64 expected = mapped_in(w, op.at) == op.at.end - op.at.start ? 0 : -ENOMEM;

	op.run = run_protect;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	for (unsigned i = op.at.start; i < op.at.end && w->page[i].kind != NOTHING; i++)
		w->page[i].prot = op.prot;
}

static s64 run_discard(struct world *w, struct operation *op)
{
	return aspace_discard(w->as, addr_of(op->at.start), len_of(op->at));
}

static void do_discard(struct world *w, struct operation op)
{
	s64 expected = mapped_in(w, op.at) == op.at.end - op.at.start ? 0 : -ENOMEM;

	op.run = run_discard;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	for (unsigned i = op.at.start; i < op.at.end; i++) {
		w->page[i].own = false;
		if (w->page[i].kind == ANON)
			w->page[i].value = 0;
	}
}

static s64 run_brk(struct world *w, struct operation *op)
{
	return (s64)aspace_brk(w->as, addr_of(op->new_heap_pages));
}

static bool model_brk_allowed(const struct world *w, unsigned pages)
{
	if (pages <= w->heap_pages)
		return true;
	/* One page stays free above, also below the upper blocker. */
	return pages < PAGES && mapped_in(w, (struct extent){w->heap_pages, pages + 1}) == 0 &&
	       mapped(w) + pages - w->heap_pages <= LIMIT_PAGES;
}

static void do_brk(struct world *w, struct operation op)
{
	bool allowed;

	op.run = run_brk;
	op.new_heap_pages = (unsigned)below(w, below(w, 4) ? 6 : PAGES + 1);
	allowed = model_brk_allowed(w, op.new_heap_pages);
	assert_int_equal(run_with_failures(w, &op, (s64)addr_of(allowed ? op.new_heap_pages : w->heap_pages),
					   (s64)addr_of(w->heap_pages)),
			 addr_of(allowed ? op.new_heap_pages : w->heap_pages));
	if (!allowed)
		return;
	for (unsigned i = w->heap_pages; i < op.new_heap_pages; i++)
		w->page[i] = (struct model_page){.kind = ANON, .prot = RW};
	for (unsigned i = op.new_heap_pages; i < w->heap_pages; i++)
		w->page[i] = (struct model_page){.kind = NOTHING};
	w->heap_pages = op.new_heap_pages;
}

static s64 run_touch(struct world *w, struct operation *op)
{
	u8 byte = op->byte_in;
	enum fault_result r = fake_access(addr_of(op->at.start), op->access, &byte);

	(void)w;
	op->byte_out = byte;
	return r;
}

/* The byte that the page shows: its own, or the file's. */
static u8 *model_value(struct world *w, struct model_page *p)
{
	if (p->kind == FILE_SHARED || (p->kind == FILE_PRIVATE && !p->own))
		return &w->file_value[p->file_page];
	return &p->value;
}

static enum fault_result model_touch(const struct model_page *p, unsigned access)
{
	u32 right = access == FAULT_WRITE ? VMA_WRITE : access == FAULT_EXEC ? VMA_EXEC : VMA_PROT;

	if (p->kind == NOTHING)
		return FAULT_NO_VMA;
	if (!(p->prot & right))
		return FAULT_NO_ACCESS;
	/*
	 * A copy that was made is there even when the rest of the file is not; the file never shrinks here.
	 */
	if ((p->kind == FILE_PRIVATE || p->kind == FILE_SHARED) && p->file_page >= FILE_PAGES)
		return FAULT_PAST_END;
	return FAULT_DONE;
}

static void do_touch(struct world *w, struct operation op)
{
	static const unsigned accesses[] = {FAULT_READ, FAULT_WRITE, FAULT_WRITE, FAULT_EXEC};
	struct model_page *p = &w->page[op.at.start];
	enum fault_result expected;

	op.run = run_touch;
	op.access = accesses[below(w, 4)];
	op.byte_in = (u8)below(w, 256);
	expected = model_touch(p, op.access);
	assert_int_equal(run_with_failures(w, &op, expected, FAULT_NO_MEMORY), expected);
	if (expected != FAULT_DONE)
		return;
	if (op.access != FAULT_WRITE) {
		assert_int_equal(op.byte_out, *model_value(w, p));
		return;
	}
	p->own = p->kind == FILE_PRIVATE;
	*model_value(w, p) = op.byte_in;
}

/* --- comparison --- */

static void compare_rights(struct world *w)
{
	rwlock_read(&w->as->lock);
	for (unsigned i = 0; i < PAGES; i++) {
		const struct model_page *p = &w->page[i];
		struct vma *v = aspace_find(w->as, addr_of(i));

		assert_int_equal(v && v->range.start <= addr_of(i), p->kind != NOTHING);
		if (p->kind != NOTHING)
			assert_int_equal(v->flags & VMA_PROT, p->prot);
	}
	rwlock_read_done(&w->as->lock);
}

/* Reads every page that can be read. */
static void compare_contents(struct world *w)
{
	for (unsigned i = 0; i < PAGES; i++) {
		struct model_page *p = &w->page[i];

		if (model_touch(p, FAULT_READ) == FAULT_DONE)
			assert_int_equal(peek(addr_of(i)), *model_value(w, p));
	}
}

static void world_init(struct world *w, struct aspace *as, u64 seed)
{
	const u64 low = AT - USER_MIN, high = USER_TOP - addr_of(PAGES);

	memset(w, 0, sizeof(*w));
	w->as = as;
	w->rng = seed;
	w->file = mobj_create(NULL, NULL);
	assert_int_equal(mobj_resize(w->file, FILE_PAGES * P), 0);
	map_at(as, USER_MIN, low, BLOCKER);
	map_at(as, addr_of(PAGES), high, BLOCKER);
	as->heap = (struct range){AT, AT};
	as->mmap_top = addr_of(PAGES);
	as->limit_as_bytes = low + high + LIMIT_PAGES * P;
}

static void random_step(struct world *w)
{
	static void (*const operations[])(struct world *, struct operation) = {
		do_map, do_map,	  do_unmap, do_protect, do_protect, do_discard,
		do_brk, do_touch, do_touch, do_touch,	do_touch,
	};
	static const u32 prots[] = {0, VMA_READ, RW, RW, VMA_READ | VMA_EXEC, VMA_PROT};
	const struct operation op = {.at = random_extent(w), .prot = prots[below(w, ARRAY_SIZE(prots))]};

	operations[below(w, ARRAY_SIZE(operations))](w, op);
}

static void run_model(void **state, u64 seed)
{
	struct world w;

	world_init(&w, *state, seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		random_step(&w);
		compare_rights(&w);
		if (round % 16 == 0)
			compare_contents(&w);
	}
	assert_int_equal(aspace_unmap(w.as, AT, PAGES * P), 0);
	assert_int_equal(pmap_resident_pages(&w.as->pmap), 0);
	mobj_put(w.file);
}

static void test_model_1(void **state)
{
	run_model(state, 1);
}

static void test_model_2(void **state)
{
	run_model(state, 20);
}

static void test_model_3(void **state)
{
	run_model(state, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASPACE_TEST(test_model_1),
		ASPACE_TEST(test_model_2),
		ASPACE_TEST(test_model_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
