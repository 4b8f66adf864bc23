/* SPDX-License-Identifier: MIT */
/*
 * The sentence that tells where an address lies, for the log and the report: the nearest VMA and how far it is, whether the
 * address hit something that is there to be hit, and what was done to it last.
 */
#include <moat/printf.h>
#include "aspace_internal.h"

/* Of two neighbours (either may be NULL) the one that addr is nearer to. */
static struct vma *nearer(struct vma *below, struct vma *above, u64 addr)
{
	if (!below || !above)
		return below ? below : above;
	return addr - below->range.end < above->range.start - addr ? below : above;
}

/* The VMA that ends at or below addr, when `above` is the first that ends after it. */
static struct vma *last_below(struct aspace *as, struct vma *above, u64 addr)
{
	struct vma *below = NULL;

	if (above)
		return vma_prev(above);
	for (struct vma *v = aspace_find(as, 0); v && v->range.end <= addr; v = vma_next(v))
		below = v;
	return below;
}

static const char *vma_word(const struct vma *v)
{
	return v->name			  ? v->name
	       : v->flags & VMA_GROWSDOWN ? "[stack]"
	       : v->file		  ? "(file)"
	       : v->object		  ? "(shared)"
					  : "(anonymous)";
}

static int explain_vma(const struct vma *v, u64 addr, char *buf, size_t size)
{
	const char *where = addr < v->range.start  ? "below"
			    : addr >= v->range.end ? "above the end of"
						   : "into";
	u64 bytes = addr < v->range.start  ? v->range.start - addr
		    : addr >= v->range.end ? addr - v->range.end
					   : addr - v->range.start;

	return ksnprintf(buf, size, "%#lx is %#lx bytes %s %lx-%lx %c%c%c%c %s", addr, bytes, where,
			 v->range.start, v->range.end, v->flags & VMA_READ ? 'r' : '-',
			 v->flags & VMA_WRITE ? 'w' : '-', v->flags & VMA_EXEC ? 'x' : '-',
			 v->flags & VMA_SHARED ? 's' : 'p', vma_word(v));
}

/* A VMA without rights beside one that has some is a guard of that one. */
static int explain_guard(struct vma *v, u64 addr, char *buf, size_t size)
{
	struct vma *below = vma_prev(v), *above = vma_next(v);

	if (below && (below->range.end != v->range.start || !(below->flags & VMA_PROT)))
		below = NULL;
	if (above && (above->range.start != v->range.end || !(above->flags & VMA_PROT)))
		above = NULL;
	v = nearer(below, above, addr);
	if (!v)
		return 0;
	return ksnprintf(buf, size, ", a guard: %#lx bytes %s %s",
			 v == below ? addr - v->range.end : v->range.start - addr,
			 v == below ? "above" : "below", vma_word(v));
}

static int explain_gap(const struct vma *above, u64 addr, char *buf, size_t size)
{
	if (!above || addr >= above->range.start || addr < vma_gap_start(above))
		return 0;
	return ksnprintf(buf, size, ", in the gap kept below it");
}

/* How much of a buffer of `size` bytes is used after n more characters were wanted. */
static size_t used(size_t at, int n, size_t size)
{
	return MIN(at + (n > 0 ? (size_t)n : 0), size - 1);
}

static void explain_locked(struct aspace *as, u64 addr, char *buf, size_t size)
{
	struct vma *above = aspace_find(as, addr), *v = above;
	bool inside = v && range_contains(v->range, addr);
	size_t at;

	if (!inside)
		v = nearer(last_below(as, above, addr), above, addr);
	if (v)
		at = used(0, explain_vma(v, addr, buf, size), size);
	else
		at = used(0, ksnprintf(buf, size, "%#lx: nothing is mapped", addr), size);
	if (inside && !(v->flags & VMA_PROT))
		at = used(at, explain_guard(v, addr, buf + at, size - at), size);
	else if (!inside && v == above)
		at = used(at, explain_gap(above, addr, buf + at, size - at), size);
	history_explain(as, addr, buf + at, size - at);
}

void aspace_explain(struct aspace *as, u64 addr, char *buf, size_t size)
{
	rwlock_read(&as->lock);
	explain_locked(as, addr, buf, size);
	rwlock_read_done(&as->lock);
}
