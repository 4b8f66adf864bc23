/* SPDX-License-Identifier: MIT */
/* Where the parts of a new address space go; the drawing is in exec_layout.h. */
#include <asm/errno.h>

#include <moat/aspace.h>

#include "exec_layout.h"

#define STACK_RESERVE_MIN MIB(128)
#define STACK_RESERVE_MAX (USER_TOP / 6 * 5)
#define TABLE_SPAN	  MIB(2) /* what one page table maps */

static u64 mmap_top(u64 stack_limit_bytes, u64 stack_random_max, u64 random_bytes)
{
	u64 reserve = MIN(stack_limit_bytes, STACK_RESERVE_MAX) + stack_random_max + STACK_GAP;

	reserve = MAX(reserve, STACK_RESERVE_MIN);
	reserve = MIN(reserve, STACK_RESERVE_MAX);
	return ALIGN_UP(USER_TOP - reserve - random_bytes, PAGE_SIZE);
}

/* A page between the stack's top and the end of the page table that maps it, so that the vDSO needs none of
 * its own. */
static u64 vdso_place(u64 stack_top, u64 vdso_bytes, u64 random)
{
	u64 end = MIN(ALIGN_UP(stack_top + vdso_bytes, TABLE_SPAN), USER_TOP);
	u64 places;

	if (stack_top + vdso_bytes > USER_TOP)
		return 0;
	places = ((end - vdso_bytes - stack_top) >> PAGE_SHIFT) + 1;
	return stack_top + ((random % places) << PAGE_SHIFT);
}

void exec_layout_choose(const struct layout_random *r, u64 stack_limit_bytes, u64 vdso_bytes,
			struct exec_layout *out)
{
	if (!r) {
		*out = (struct exec_layout){
			.pie_base = PIE_BASE,
			.stack_top = USER_TOP,
			.mmap_top = mmap_top(stack_limit_bytes, 0, 0),
		};
		return;
	}
	*out = (struct exec_layout){
		.pie_base = PIE_BASE + (r->pie % MMAP_RANDOM_PAGES << PAGE_SHIFT),
		.stack_top = USER_TOP - (r->stack % STACK_RANDOM_PAGES << PAGE_SHIFT),
		.mmap_top = mmap_top(stack_limit_bytes, STACK_RANDOM_PAGES << PAGE_SHIFT,
				     r->mmap % MMAP_RANDOM_PAGES << PAGE_SHIFT),
		.sp_drop = ALIGN_DOWN(r->sp % SP_RANDOM_BYTES, 16),
		.brk_gap = r->brk % BRK_RANDOM_PAGES << PAGE_SHIFT,
	};
	out->vdso_hint = vdso_place(out->stack_top, vdso_bytes, r->vdso);
}

int exec_layout_bias(struct range pages, u64 align, u64 base, u64 *bias_out)
{
	u64 start = ALIGN_DOWN(base, align);
	struct range placed;

	if (start < USER_MIN || !range_make(start, range_len(pages), &placed) || placed.end > USER_TOP)
		return -ENOMEM;
	/* The bias may be "negative": all sums with it are made modulo 2^64 and end inside `placed`. */
	*bias_out = start - pages.start;
	return 0;
}
