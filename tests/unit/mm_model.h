/* SPDX-License-Identifier: MIT */
/*
 * The model of address spaces for test_mm_model.c: a few bytes for each page of a window, and for each object what the
 * first byte of each of its pages is.
 *
 *     | blocker |............ PAGES pages, heap.start at the first ...........| blocker |
 *               AT
 *
 * The blockers make every place predictable: what does not fit into the window has no place at all. A fork makes one more
 * address space with a model of its own; objects are known to all.
 */
#ifndef MM_MODEL_H
#define MM_MODEL_H

#include <linux/mman.h>
#include "mm/advise.h"
#include "mm_fixture.h"

#define PAGES	    48u
#define FILE_PAGES  12u
#define LIMIT_PAGES 40u
#define BLOCKER	    (VMA_SPECIAL | VMA_NORESERVE)
#define OBJECTS	    20000u
#define CELLS	    (1u << 19)

enum kind { NOTHING, ANON, SHARED, PRIVATE };

struct model_page {
	enum kind kind;
	u32 prot;
	unsigned object; /* SHARED, PRIVATE: of objects[]; 0 is the file */
	unsigned index;	 /* and the page in it: may lie past its end */
	bool own;	 /* PRIVATE: has a copy of its own */
	bool guard;	 /* MADV_GUARD_INSTALL */
	bool lazy;	 /* ANON: given up, may become zero at any time */
	u32 flags;	 /* VMA_LOCKED, VMA_NO_FORK, VMA_WIPE_ON_FORK */
	u8 value;	 /* of the page's first byte, but for pages that show an object */
};

#define MODEL_FLAGS ((u32)(VMA_LOCKED | VMA_NO_FORK | VMA_WIPE_ON_FORK))

struct model_object {
	u8 *cell; /* the first byte of each page */
	unsigned pages;
};

struct world {
	struct aspace *as;
	unsigned heap_pages;
	struct model_page page[PAGES];
};

static struct model_object objects[OBJECTS];
static u8 cells[CELLS];
static unsigned object_count, cell_count, forks;
static struct mobj *file;
static u64 rng;

struct extent {
	unsigned start, end; /* pages of the window, half-open */
};

static inline u64 below(u64 bound)
{
	return unit_random_below(&rng, bound);
}

static inline unsigned pages_in(struct extent e)
{
	return e.end - e.start;
}

/* Anything; mostly without a hole. */
static inline struct extent random_extent(const struct world *w)
{
	unsigned start = (unsigned)below(PAGES), len = 1 + (unsigned)below(below(4) ? 6 : PAGES), end;

	while (below(8) && w->page[start].kind == NOTHING)
		start = (unsigned)below(PAGES);
	end = MIN(start + len, PAGES);
	if (below(3) && w->page[start].kind != NOTHING)
		for (end = start + 1; end < start + len && end < PAGES && w->page[end].kind != NOTHING; end++)
			;
	return (struct extent){start, end};
}

static inline u64 addr_of(unsigned page)
{
	return AT + page * P;
}

static inline u64 len_of(struct extent e)
{
	return pages_in(e) * P;
}

static inline unsigned mapped_in(const struct world *w, struct extent e)
{
	unsigned n = 0;

	for (unsigned i = e.start; i < e.end; i++)
		n += w->page[i].kind != NOTHING;
	return n;
}

static inline unsigned mapped(const struct world *w)
{
	return mapped_in(w, (struct extent){0, PAGES});
}

static inline bool all_mapped(const struct world *w, struct extent e)
{
	return mapped_in(w, e) == pages_in(e);
}

/* The highest free place for so many pages; false when there is none. */
static inline bool model_gap(const struct world *w, unsigned pages, unsigned *start)
{
	for (unsigned s = PAGES >= pages ? PAGES - pages + 1 : 0; s-- > 0;) {
		if (mapped_in(w, (struct extent){s, s + pages}) == 0) {
			*start = s;
			return true;
		}
	}
	return false;
}

static inline unsigned new_object(unsigned pages)
{
	assert_true(object_count < OBJECTS && cell_count + pages <= CELLS);
	objects[object_count] = (struct model_object){.cell = &cells[cell_count], .pages = pages};
	memset(&cells[cell_count], 0, pages);
	cell_count += pages;
	return object_count++;
}

static inline bool is_past_end(const struct model_page *p)
{
	return (p->kind == SHARED || p->kind == PRIVATE) && p->index >= objects[p->object].pages;
}

/* The byte that the page shows: its own, or the object's. */
static inline u8 *model_value(struct model_page *p)
{
	if (p->kind == SHARED || (p->kind == PRIVATE && !p->own))
		return &objects[p->object].cell[p->index];
	return &p->value;
}

static inline enum fault_result model_touch(const struct model_page *p, unsigned access)
{
	u32 right = access == FAULT_WRITE ? VMA_WRITE : access == FAULT_EXEC ? VMA_EXEC : VMA_PROT;

	if (p->kind == NOTHING)
		return FAULT_NO_VMA;
	/* To fetch an instruction is to read first. */
	if (!(p->prot & (access == FAULT_EXEC ? (u32)VMA_PROT : right)))
		return FAULT_NO_ACCESS;
	if (p->guard)
		return FAULT_GUARD;
	if (is_past_end(p))
		return FAULT_PAST_END;
	return p->prot & right ? FAULT_DONE : FAULT_NO_ACCESS;
}

/* What a page that loses its entry shows: zeros, or the object. */
static inline void model_drop(struct model_page *p)
{
	p->own = p->lazy = false;
	p->value = 0;
}

/* The page was written to. */
static inline void model_write(struct model_page *p, u8 value)
{
	p->own = p->kind == PRIVATE;
	p->lazy = false;
	*model_value(p) = value;
}

/* --- what must not change when an operation fails --- */

struct snapshot {
	u64 hash, frames, rss, data;
};

static inline struct snapshot snapshot(struct aspace *as)
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

static inline void inject(enum injection what, u64 n)
{
	heap_fail_after(what == HEAP_FAILURE ? n : 0);
	frame_fail_after(what == FRAME_FAILURE ? n : 0);
}

enum op_flags {
	OP_FILLS = 1 << 0, /* pages that it got stay when it fails later */
	OP_PARTS =
		1
		<< 1, /* done VMA by VMA: what came before the failure stays, and to ask again ends the same */
	OP_ONCE = 1 << 2,   /* cannot be asked again: nothing is made to fail */
	OP_EAGAIN = 1 << 3, /* want of memory may also be told by EAGAIN */
};

/* One operation, ready to be run again and again: returns what the call said. */
struct operation {
	s64 (*run)(struct world *w, struct operation *op);
	struct extent at;
	u32 prot;
	enum kind kind;
	unsigned object, index, new_pages;
	unsigned access;
	unsigned flags; /* enum op_flags */
	int advice;
	u32 how;
	u64 to, addr_out;
	u8 byte_in, byte_out;
};

static inline void check_unchanged(const struct world *w, const struct operation *op, struct snapshot before)
{
	struct snapshot after = snapshot(w->as);

	if (op->flags & OP_PARTS)
		return;
	assert_int_equal(after.hash, before.hash);
	assert_int_equal(after.rss, before.rss);
	assert_int_equal(after.data, before.data);
	/*
	 * A page that an object got stays with it, whether its entry could be made or not; so do tables that were copied
	 * because another address space had them too.
	 */
	if (!(op->flags & OP_FILLS) && !forks)
		assert_int_equal(after.frames, before.frames);
}

/*
 * Runs op with its first, second, ... allocation failing, until it says what it should say. `failure` is what
 * it says when memory is out.
 */
static inline s64 run_with_failures(struct world *w, struct operation *op, s64 expected, s64 failure)
{
	enum injection what = (enum injection)below(3);
	struct snapshot before = snapshot(w->as);
	s64 result;

	if (expected == failure || (op->flags & OP_ONCE))
		what = NO_FAILURE;
	for (u64 n = 1;; n++) {
		inject(what, n);
		result = op->run(w, op);
		inject(NO_FAILURE, 0);
		aspace_check(w->as);
		fake_tlb_check();
		if (result == expected || what == NO_FAILURE)
			return result;
		if (!(op->flags & OP_EAGAIN) || result != -EAGAIN)
			assert_int_equal(result, failure);
		assert_true(n < 200);
		check_unchanged(w, op, before);
	}
}

/* --- comparison --- */

static inline void compare_rights(struct world *w)
{
	rwlock_read(&w->as->lock);
	for (unsigned i = 0; i < PAGES; i++) {
		const struct model_page *p = &w->page[i];
		struct vma *v = aspace_find(w->as, addr_of(i));

		assert_int_equal(v && v->range.start <= addr_of(i), p->kind != NOTHING);
		if (p->kind == NOTHING)
			continue;
		assert_int_equal(v->flags & VMA_PROT, p->prot);
		assert_int_equal(v->flags & MODEL_FLAGS, p->flags);
	}
	rwlock_read_done(&w->as->lock);
}

/* What the page showed is what the model says; memory that was given up may have gone meanwhile. */
static inline void compare_value(struct model_page *p, u8 seen)
{
	if (p->lazy && !seen)
		p->value = 0;
	assert_int_equal(seen, *model_value(p));
}

/* Reads every page that can be read. */
static inline void compare_contents(struct world *w)
{
	fake_use_aspace(w->as);
	for (unsigned i = 0; i < PAGES; i++) {
		if (model_touch(&w->page[i], FAULT_READ) == FAULT_DONE)
			compare_value(&w->page[i], peek(addr_of(i)));
	}
}

#endif
