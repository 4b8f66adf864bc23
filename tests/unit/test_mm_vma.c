/* SPDX-License-Identifier: MIT */
/*
 * VMAs as values: where a split cuts, what may be joined. And the check itself: it must notice what is
 * broken.
 */
#include <signal.h>
#include "mm_fixture.h"

static struct vma vma(u64 start, u64 end, u32 flags)
{
	return (struct vma){
		.range = {AT + start * P, AT + end * P}, .flags = flags, .object_offset = AT + start * P};
}

/*
 *     |-------- v --------|   ->   |---- v ----|-- high --|
 *     0                   8        0           5          8
 */
static void test_split(void **state)
{
	struct mobj obj;
	struct vma v = vma(0, 8, RW), high;

	(void)state;
	v.object = &obj;
	v.object_offset = 3 * P;
	v.name = "name";
	vma_split(&v, &high, AT + 5 * P);
	assert_int_equal(v.range.start, AT);
	assert_int_equal(v.range.end, AT + 5 * P);
	assert_int_equal(v.object_offset, 3 * P);
	assert_int_equal(high.range.start, AT + 5 * P);
	assert_int_equal(high.range.end, AT + 8 * P);
	assert_int_equal(high.object_offset, 8 * P);
	assert_ptr_equal(high.object, &obj);
	assert_int_equal(high.flags, RW);
	assert_string_equal(high.name, "name");
	assert_true(vma_can_merge(&v, &high));
	assert_false(vma_can_merge(&high, &v));
}

static void test_split_anonymous(void **state)
{
	struct vma v = vma(0, 2, RW), high;

	(void)state;
	vma_split(&v, &high, AT + P);
	assert_int_equal(high.object_offset, AT + P);
	assert_true(vma_can_merge(&v, &high));
}

static void split_at_edge(void *at)
{
	struct vma v = vma(0, 8, RW), high;

	vma_split(&v, &high, AT + *(u64 *)at);
}

static void test_split_needs_an_inside(void **state)
{
	u64 bad[] = {0, 8 * P, 9 * P, P + 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_panics(split_at_edge, &bad[i]);
}

/* Each thing that keeps two neighbours apart, one at a time. */
static void test_can_merge(void **state)
{
	static char obj_a, obj_b, file_a;
	const struct vma low = vma(0, 4, RW), high = vma(4, 6, RW);
	struct vma l = low, h = high;

	(void)state;
	assert_true(vma_can_merge(&l, &h));
	h.range.start += P;
	assert_false(vma_can_merge(&l, &h)); /* a gap between */
	h = high;
	h.flags = VMA_READ;
	assert_false(vma_can_merge(&l, &h));
	h = high;
	h.flags |= VMA_NORESERVE;
	assert_false(vma_can_merge(&l, &h));
	h = high;
	h.name = "[stack]";
	assert_false(vma_can_merge(&l, &h));
	l.name = h.name;
	assert_true(vma_can_merge(&l, &h)); /* two pieces of one stack */
	l = low;
	h = high;
	l.object = (struct mobj *)&obj_a;
	l.object_offset = 0;
	assert_false(vma_can_merge(&l, &h));
	h.object = (struct mobj *)&obj_b;
	h.object_offset = 4 * P;
	assert_false(vma_can_merge(&l, &h));
	h.object = l.object;
	assert_true(vma_can_merge(&l, &h));
	h.object_offset = 5 * P;
	assert_false(vma_can_merge(&l, &h));
	h.object_offset = 4 * P;
	h.file = (struct file *)&file_a;
	assert_false(vma_can_merge(&l, &h));
	l.file = h.file;
	assert_true(vma_can_merge(&l, &h));
	l.flags |= VMA_SPECIAL;
	h.flags |= VMA_SPECIAL;
	assert_false(vma_can_merge(&l, &h));
}

/*
 * Families of private pages: which merge. "parent's" is a family that a fork made.
 *     none + none, none + own, own + own: yes;  own + another: no;  none + parent's: no;  parent's + the same: yes
 */
static void test_families(void **state)
{
	struct vma low = vma(0, 4, RW), high = vma(4, 6, RW);

	(void)state;
	low.anon_family = 7;
	assert_true(vma_can_merge(&low, &high));
	high.anon_family = 8;
	assert_false(vma_can_merge(&low, &high));
	high.anon_family = 7;
	high.anon_from_fork = low.anon_from_fork = true;
	assert_true(vma_can_merge(&low, &high));
	low.anon_family = 0;
	low.anon_from_fork = false;
	assert_false(vma_can_merge(&low, &high));
}

/* aspace_check, tested: each of these is a defect that it must see. */
static void break_count(void *as)
{
	((struct aspace *)as)->vma_count++;
	aspace_check(as);
}

static void break_mapped(void *as)
{
	((struct aspace *)as)->mapped_pages--;
	aspace_check(as);
}

static void break_data(void *as)
{
	((struct aspace *)as)->data_pages--;
	aspace_check(as);
}

static void break_rss(void *as)
{
	((struct aspace *)as)->pmap.resident[0]++;
	aspace_check(as);
}

static struct vma *vma_at(struct aspace *as, u64 addr)
{
	struct vma *v;

	rwlock_read(&as->lock);
	v = aspace_find(as, addr);
	rwlock_read_done(&as->lock);
	return v;
}

static void break_overlap(void *as)
{
	vma_at(as, AT)->range.end += 5 * P;
	aspace_check(as);
}

static void break_alignment(void *as)
{
	vma_at(as, AT)->range.end += 1;
	aspace_check(as);
}

static void break_rights(void *as)
{
	vma_at(as, AT)->flags = VMA_READ; /* a page is mapped writable */
	((struct aspace *)as)->data_pages -= 4;
	aspace_check(as);
}

static void break_subtree(void *as)
{
	vma_at(as, AT)->longest++;
	aspace_check(as);
}

static void break_merge(void *as)
{
	vma_at(as, AT + 8 * P)->flags |= VMA_EXEC; /* now like its neighbour */
	aspace_check(as);
}

static void break_sharing(void *as)
{
	struct pmap_leaf leaf;

	if (pmap_query(&((struct aspace *)as)->pmap, AT, &leaf))
		frame_get(pfn_to_page(leaf.pfn));
	aspace_check(as);
}

static void break_tlb(void *arg)
{
	struct aspace *as = arg;
	struct tlb_batch batch;

	tlb_batch_init(&batch, &as->pmap);
	pmap_restrict(&as->pmap, (struct range){AT, AT + P}, PMAP_READ, &batch);
	poke(AT, 1); /* without the flush */
}

static void test_check_sees_defects(void **state)
{
	static void (*const defects[])(void *) = {
		break_count,  break_mapped,  break_data,  break_rss,	 break_overlap, break_alignment,
		break_rights, break_subtree, break_merge, break_sharing, break_tlb,
	};
	struct aspace *as = *state;

	map_at(as, AT, 4 * P, RW);
	map_at(as, AT + 8 * P, P, VMA_READ);
	map_at(as, AT + 9 * P, P, VMA_READ | VMA_EXEC);
	poke(AT, 1);
	for (size_t i = 0; i < ARRAY_SIZE(defects); i++)
		assert_panics(defects[i], as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MM_TEST(test_split),	 MM_TEST(test_split_anonymous), MM_TEST(test_split_needs_an_inside),
		MM_TEST(test_can_merge), MM_TEST(test_families),	ASPACE_TEST(test_check_sees_defects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
