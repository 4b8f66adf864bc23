/* SPDX-License-Identifier: MIT */
/*
 * mremap in test_mm_model.c. Where a VMA ends is asked of the address space (which pages merge has tests of its own); all
 * else the model knows.
 */
#ifndef MM_MODEL_REMAP_H
#define MM_MODEL_REMAP_H

#include "mm_model_ops.h"

#define NOWHERE (~0u)

static s64 run_remap(struct world *w, struct operation *op)
{
	const struct remap_request req = {.addr = addr_of(op->at.start),
					  .old_len = len_of(op->at),
					  .new_len = op->new_pages * P,
					  .new_addr = op->to == NOWHERE ? 0 : addr_of((unsigned)op->to),
					  .how = op->how};

	return aspace_remap(w->as, &req, &op->addr_out);
}

/* The page after the VMA that holds the page. */
static unsigned vma_end(struct world *w, unsigned page)
{
	struct vma *v;
	unsigned end;

	rwlock_read(&w->as->lock);
	v = aspace_find(w->as, addr_of(page));
	end = (unsigned)((v->range.end - AT) / P);
	rwlock_read_done(&w->as->lock);
	return end;
}

/* The page that follows p by so many in one mapping, when it was never touched. */
static struct model_page grown(struct model_page p, unsigned by)
{
	p.index += by;
	p.guard = false;
	model_drop(&p);
	return p;
}

/* Pages of `op` as they look at the new place. */
static void model_move(struct world *w, const struct operation *op, unsigned to)
{
	struct model_page moved[PAGES];
	unsigned old = pages_in(op->at), stay = MIN(old, op->new_pages);

	for (unsigned i = 0; i < op->new_pages; i++)
		moved[i] = i < old ? w->page[op->at.start + i] : grown(w->page[op->at.start], i);
	for (unsigned i = op->at.start; i < op->at.end; i++) {
		if (w->page[i].kind != NOTHING && (op->how & REMAP_KEEP))
			w->page[i] = grown(w->page[i], 0);
		else
			w->page[i] = (struct model_page){.kind = NOTHING};
	}
	for (unsigned i = 0; i < op->new_pages; i++) {
		/* The holes of several VMAs leave alone what they come to lie on. */
		if (i < stay && moved[i].kind == NOTHING)
			continue;
		w->page[to + i] = moved[i];
	}
}

static bool has_flag(const struct world *w, struct extent e, u32 flag)
{
	for (unsigned i = e.start; i < e.end; i++)
		if (w->page[i].flags & flag)
			return true;
	return false;
}

static s64 expect_grow(const struct world *w, const struct operation *op)
{
	return mapped(w) + op->new_pages - pages_in(op->at) > LIMIT_PAGES ? -ENOMEM : 0;
}

/* Without a place: in place, or at *to. */
static s64 expect_resize(struct world *w, const struct operation *op, unsigned *to)
{
	unsigned old = pages_in(op->at), end = op->at.start + op->new_pages;

	*to = op->at.start;
	if (op->new_pages <= old)
		return 0;
	if (vma_end(w, op->at.start) < op->at.end)
		return -EFAULT;
	if (expect_grow(w, op))
		return -ENOMEM;
	if (vma_end(w, op->at.start) == op->at.end && end <= PAGES &&
	    !mapped_in(w, (struct extent){op->at.end, end}))
		return 0;
	return (op->how & REMAP_MAY_MOVE) && model_gap(w, op->new_pages, to) ? 0 : -ENOMEM;
}

static void do_resize(struct world *w, struct operation op)
{
	unsigned to;
	s64 expected = expect_resize(w, &op, &to);

	/* Shrinking lets whatever lies there go. */
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	if (expected)
		return;
	assert_int_equal(op.addr_out, addr_of(to));
	if (op.new_pages <= pages_in(op.at))
		model_unmap(w, (struct extent){op.at.start + op.new_pages, op.at.end});
	else
		model_move(w, &op, to);
}

/* To a place that is given, which is emptied; one VMA. */
static void do_move_to(struct world *w, struct operation op)
{
	unsigned to = (unsigned)op.to, old = pages_in(op.at);
	struct extent dest = {to, to + op.new_pages};
	bool overlap = op.at.start < dest.end && dest.start < op.at.end;
	s64 expected = 0;
	bool emptied = true;

	op.flags = OP_PARTS;
	if (overlap)
		expected = -EINVAL;
	else if (MIN(old, op.new_pages) > vma_end(w, op.at.start) - op.at.start)
		expected = -EFAULT;
	else if (op.new_pages > old)
		expected = expect_grow(w, &op);
	if (expected)
		emptied = false;
	else if ((op.how & REMAP_KEEP) && mapped(w) - mapped_in(w, dest) + op.new_pages > LIMIT_PAGES)
		expected = -ENOMEM;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	if (!emptied)
		return;
	model_unmap(w, dest);
	if (expected)
		return;
	assert_int_equal(op.addr_out, addr_of(to));
	model_move(w, &op, to);
}

/* Several VMAs to a place, each by itself: what fails in the middle cannot be asked again. */
static void do_move_all(struct world *w, struct operation op)
{
	unsigned to = (unsigned)op.to;
	struct extent dest = {to, to + op.new_pages};
	bool overlap = op.at.start < dest.end && dest.start < op.at.end;

	op.flags = OP_ONCE;
	assert_int_equal(run_with_failures(w, &op, overlap ? -EINVAL : 0, -ENOMEM), overlap ? -EINVAL : 0);
	if (overlap)
		return;
	assert_int_equal(op.addr_out, addr_of(to));
	model_move(w, &op, to);
}

/* MREMAP_DONTUNMAP, anywhere. */
static void do_keep(struct world *w, struct operation op)
{
	unsigned to = 0;
	s64 expected = 0;

	op.how = REMAP_MAY_MOVE | REMAP_KEEP;
	op.new_pages = pages_in(op.at);
	if (vma_end(w, op.at.start) < op.at.end)
		expected = -EFAULT;
	else if (mapped(w) + op.new_pages > LIMIT_PAGES || !model_gap(w, op.new_pages, &to))
		expected = -ENOMEM;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	if (expected)
		return;
	assert_int_equal(op.addr_out, addr_of(to));
	model_move(w, &op, to);
}

/* old_len 0: shared memory a second time, anywhere. */
static void do_duplicate(struct world *w, struct operation op)
{
	unsigned to = 0;
	s64 expected = 0;

	op.at.end = op.at.start;
	op.how = REMAP_MAY_MOVE;
	if (w->page[op.at.start].kind != SHARED)
		expected = -EINVAL;
	else if (expect_grow(w, &op) || !model_gap(w, op.new_pages, &to))
		expected = -ENOMEM;
	assert_int_equal(run_with_failures(w, &op, expected, -ENOMEM), expected);
	if (expected)
		return;
	assert_int_equal(op.addr_out, addr_of(to));
	for (unsigned i = 0; i < op.new_pages; i++)
		w->page[to + i] = grown(w->page[op.at.start], i);
}

static void do_remap(struct world *w, struct operation op)
{
	bool several;

	op.run = run_remap;
	op.to = NOWHERE;
	op.new_pages = 1 + (unsigned)below(below(4) ? 8 : PAGES);
	op.how = below(3) ? REMAP_MAY_MOVE : 0;
	if (w->page[op.at.start].kind == NOTHING) {
		assert_int_equal(run_with_failures(w, &op, -EFAULT, -ENOMEM), -EFAULT);
		return;
	}
	/* Which of two that become one stay locked is not the model's to know. */
	if (has_flag(w, op.at, VMA_LOCKED))
		return;
	switch (below(5)) {
	case 0:
		do_keep(w, op);
		break;
	case 1:
		do_duplicate(w, op);
		break;
	case 2:
		op.how = REMAP_MAY_MOVE | REMAP_AT;
		several = below(2);
		if (several)
			op.new_pages = pages_in(op.at);
		else if (below(3) == 0 && vma_end(w, op.at.start) >= op.at.end) {
			op.how |= REMAP_KEEP;
			op.new_pages = pages_in(op.at);
		} else if (op.new_pages == pages_in(op.at)) {
			op.new_pages++;
		}
		if (op.new_pages > PAGES)
			return;
		op.to = below(PAGES - op.new_pages + 1);
		if (several)
			do_move_all(w, op);
		else
			do_move_to(w, op);
		break;
	default:
		do_resize(w, op);
	}
}

#endif
