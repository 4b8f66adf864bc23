/* SPDX-License-Identifier: MIT */
/*
 * The operations of test_mm_model.c: for each the call, what the model expects of it, and what it does to the model. The
 * one that needs most words, mremap, is in mm_model_remap.h.
 */
#ifndef MM_MODEL_OPS_H
#define MM_MODEL_OPS_H

#include "mm_model.h"

static s64 run_map(struct world *w, struct operation *op)
{
	const struct map_request req = {
		.addr = op->how & (MAP_AT | MAP_AT_FREE) ? addr_of(op->at.start) : 0,
		.len = len_of(op->at) - below(P),
		.vma_flags = op->prot | (op->kind == SHARED ? VMA_SHARED : 0),
		.how = op->how,
		.object = op->kind != ANON && !op->object ? file : NULL,
		.object_offset = op->index * P,
	};

	return aspace_map(w->as, &req, &op->addr_out);
}

static void do_map(struct world *w, struct operation op)
{
	static const u32 hows[] = {MAP_AT, MAP_AT_FREE, 0};
	unsigned pages = pages_in(op.at), start;
	bool is_file;
	s64 expected = 0;

	op.run = run_map;
	op.kind = (enum kind)(ANON + below(3));
	is_file = op.kind == PRIVATE || (op.kind == SHARED && below(2));
	op.index = is_file ? (unsigned)below(FILE_PAGES) : 0;
	op.object = op.kind == SHARED && !is_file; /* any but the file */
	op.how = hows[below(3)];
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
	if (op.object)
		op.object = new_object(pages);
	for (unsigned i = op.at.start; i < op.at.end; i++)
		w->page[i] = (struct model_page){.kind = op.kind,
						 .prot = op.prot,
						 .object = op.object,
						 .index = op.index + (i - op.at.start)};
}

static s64 run_unmap(struct world *w, struct operation *op)
{
	return aspace_unmap(w->as, addr_of(op->at.start), len_of(op->at));
}

static void model_unmap(struct world *w, struct extent e)
{
	for (unsigned i = e.start; i < e.end; i++)
		w->page[i] = (struct model_page){.kind = NOTHING};
}

static void do_unmap(struct world *w, struct operation op)
{
	op.run = run_unmap;
	assert_int_equal(run_with_failures(w, &op, 0, -ENOMEM), 0);
	model_unmap(w, op.at);
}

static s64 run_protect(struct world *w, struct operation *op)
{
	return aspace_protect(w->as, addr_of(op->at.start), len_of(op->at), op->prot);
}

static void do_protect(struct world *w, struct operation op)
{
	s64 expected = all_mapped(w, op.at) ? 0 : -ENOMEM;

	op.run = run_protect;
	/* With locked memory it goes VMA by VMA, and fills what becomes writable. */
	op.flags = w->as->locked_pages ? OP_PARTS : 0;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	for (unsigned i = op.at.start; i < op.at.end && w->page[i].kind != NOTHING; i++)
		w->page[i].prot = op.prot;
}

static s64 run_brk(struct world *w, struct operation *op)
{
	return (s64)aspace_brk(w->as, addr_of(op->new_pages));
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
	s64 expected;

	op.run = run_brk;
	op.new_pages = (unsigned)below(below(4) ? 6 : PAGES + 1);
	allowed = model_brk_allowed(w, op.new_pages);
	expected = (s64)addr_of(allowed ? op.new_pages : w->heap_pages);
	assert_int_equal(run_with_failures(w, &op, expected, (s64)addr_of(w->heap_pages)), expected);
	if (!allowed)
		return;
	for (unsigned i = w->heap_pages; i < op.new_pages; i++)
		w->page[i] = (struct model_page){.kind = ANON, .prot = RW};
	for (unsigned i = op.new_pages; i < w->heap_pages; i++)
		w->page[i] = (struct model_page){.kind = NOTHING};
	w->heap_pages = op.new_pages;
}

static s64 run_touch(struct world *w, struct operation *op)
{
	u8 byte = op->byte_in;
	enum fault_result r = fake_access(addr_of(op->at.start), op->access, &byte);

	(void)w;
	op->byte_out = byte;
	return r;
}

static void do_touch(struct world *w, struct operation op)
{
	static const unsigned accesses[] = {FAULT_READ, FAULT_WRITE, FAULT_WRITE, FAULT_EXEC};
	struct model_page *p = &w->page[op.at.start];
	enum fault_result expected;

	op.run = run_touch;
	op.flags = OP_FILLS;
	op.access = accesses[below(4)];
	op.byte_in = (u8)below(256);
	expected = model_touch(p, op.access);
	assert_int_equal(run_with_failures(w, &op, expected, FAULT_NO_MEMORY), expected);
	if (expected == FAULT_DONE && op.access == FAULT_WRITE)
		model_write(p, op.byte_in);
	else if (expected == FAULT_DONE)
		compare_value(p, op.byte_out);
}

/* --- mlock --- */

static s64 run_lock(struct world *w, struct operation *op)
{
	return aspace_lock(w->as, addr_of(op->at.start), len_of(op->at), op->prot);
}

/*
 * Private pages of the file are left out: a lock copies them, and a failure would leave it open which ones. (Where a hole
 * ends the range nothing is filled.)
 */
static void do_lock(struct world *w, struct operation op)
{
	static const u32 locks[] = {0, VMA_LOCKED, VMA_LOCKED | VMA_LOCK_ON_FAULT};
	s64 expected = all_mapped(w, op.at) ? 0 : -ENOMEM;
	unsigned i;

	op.run = run_lock;
	op.flags = OP_PARTS | OP_EAGAIN;
	op.prot = locks[below(3)];
	for (i = op.at.start; i < op.at.end; i++) {
		const struct model_page *p = &w->page[i];

		if (op.prot && p->kind == PRIVATE)
			return;
		/* What cannot be read even by the kernel cannot be filled. */
		if (op.prot == VMA_LOCKED && (!p->prot || p->guard || is_past_end(p)))
			expected = -ENOMEM;
	}
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	for (i = op.at.start; i < op.at.end && w->page[i].kind != NOTHING; i++) {
		w->page[i].flags &= ~(u32)VMA_LOCKED;
		w->page[i].flags |= op.prot & VMA_LOCKED;
	}
}

/* --- madvise --- */

static s64 run_advise(struct world *w, struct operation *op)
{
	return aspace_advise(w->as, addr_of(op->at.start), len_of(op->at), op->advice);
}

/* What a page says to a piece of advice: 0, or the error that ends the call. */
static s64 model_advise_page(const struct model_page *p, int advice)
{
	bool locked = p->flags & VMA_LOCKED;

	switch (advice) {
	case MADV_DONTNEED:
	case MADV_COLD:
	case MADV_GUARD_INSTALL:
		return locked ? -EINVAL : 0;
	case MADV_FREE:
		return locked || p->kind != ANON ? -EINVAL : 0;
	case MADV_WIPEONFORK:
		return p->kind != ANON ? -EINVAL : 0;
	case MADV_REMOVE:
		return locked || p->kind == ANON ? -EINVAL : p->kind == PRIVATE ? -EACCES : 0;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		if (!(p->prot & (advice == MADV_POPULATE_READ ? VMA_READ : VMA_WRITE)))
			return -EINVAL;
		return p->guard || is_past_end(p) ? -EFAULT : 0;
	default:
		return 0;
	}
}

static void model_advise(struct model_page *p, int advice)
{
	switch (advice) {
	case MADV_GUARD_INSTALL:
		p->guard = true;
		model_drop(p);
		break;
	case MADV_DONTNEED:
		model_drop(p);
		break;
	case MADV_GUARD_REMOVE:
		p->guard = false;
		break;
	case MADV_FREE:
		p->lazy = true;
		break;
	case MADV_DONTFORK:
		p->flags |= VMA_NO_FORK;
		break;
	case MADV_DOFORK:
		p->flags &= ~(u32)VMA_NO_FORK;
		break;
	case MADV_WIPEONFORK:
		p->flags |= VMA_WIPE_ON_FORK;
		break;
	case MADV_KEEPONFORK:
		p->flags &= ~(u32)VMA_WIPE_ON_FORK;
		break;
	case MADV_REMOVE:
		if (!is_past_end(p))
			objects[p->object].cell[p->index] = 0;
		break;
	case MADV_POPULATE_WRITE:
		/* A copy, and no longer given up; nobody wrote. */
		if (p->kind == PRIVATE && !p->own)
			model_write(p, *model_value(p));
		break;
	default:
		break;
	}
}

static void do_advise(struct world *w, struct operation op)
{
	static const int advices[] = {
		MADV_DONTNEED,	    MADV_DONTNEED,	 MADV_FREE,   MADV_COLD,       MADV_GUARD_INSTALL,
		MADV_GUARD_REMOVE,  MADV_DONTFORK,	 MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_REMOVE,
	};
	bool fills, hole = false;
	s64 expected = 0;
	unsigned i, end;

	op.run = run_advise;
	op.advice = advices[below(ARRAY_SIZE(advices))];
	op.flags = OP_PARTS | OP_EAGAIN;
	fills = op.advice == MADV_POPULATE_READ || op.advice == MADV_POPULATE_WRITE;
	for (end = op.at.start; end < op.at.end && !expected; end += !expected) {
		if (w->page[end].kind != NOTHING)
			expected = model_advise_page(&w->page[end], op.advice);
		else if (fills)
			expected = -ENOMEM;
		else
			hole = true;
	}
	if (!expected && hole)
		expected = -ENOMEM;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	for (i = op.at.start; i < end; i++)
		if (w->page[i].kind != NOTHING)
			model_advise(&w->page[i], op.advice);
}

#endif
