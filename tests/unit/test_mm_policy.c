/* SPDX-License-Identifier: MIT */
/*
 * Memory policies and moving pages on a machine of two nodes: which node a page comes from, by thread and by VMA; what can
 * be moved and what says why not.
 *
 *     RAM      3 MiB             18 MiB             35 MiB        CPU 0 and 2 are on node 0, 1 and 3 on node 1
 *     nodes     |000000000000000000|111111111111111111|
 */
#include <linux/mman.h>
#include "mm/advise.h"
#include "mm_fixture.h"
#include <moat/mempolicy.h>

#define BOUNDARY MIB(18)

static const u8 cpu_nodes[] = {0, 1, 0, 1};
static struct mempolicy thread_policy;

static struct mempolicy *current_policy(void)
{
	return &thread_policy;
}

static int setup(void **state)
{
	struct numa_topology t;
	struct aspace *as;

	numa_init(&t, 2);
	assert_int_equal(numa_add_range(&t, FAKE_RAM_BASE, BOUNDARY - FAKE_RAM_BASE, 0), 0);
	assert_int_equal(numa_add_range(&t, BOUNDARY, MIB(64), 1), 0);
	frames_set_topology(&t, cpu_nodes, 4);
	fake_start(TEST_RAM);
	as = aspace_create();
	assert_non_null(as);
	fake_use_aspace(as);
	thread_policy = (struct mempolicy){.mode = MPOL_DEFAULT};
	mempolicy_register_current(current_policy);
	mempolicy_enable();
	*state = as;
	return 0;
}

static int teardown(void **state)
{
	int result;

	fake_set_cpu(0);
	mempolicy_register_current(NULL);
	result = aspace_teardown(state);
	mempolicy_enable(); /* one node now: off */
	return result;
}

#define POLICY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static struct mempolicy policy(unsigned mode, u64 nodes)
{
	struct mempolicy p;

	assert_int_equal(mempolicy_make(mode, 0, nodes, &p), 0);
	return p;
}

static int node_of(struct aspace *as, u64 page)
{
	return aspace_page_node(as, AT + page * P, NODE_QUERY, 0);
}

/* The nodes of pages that are written to now, as digits; - where there is no memory. */
static const char *touched(struct aspace *as, u64 first, unsigned pages)
{
	static char text[64];

	for (unsigned i = 0; i < pages; i++) {
		enum fault_result r = try_access(AT + (first + i) * P, FAULT_WRITE);

		text[i] = r == FAULT_DONE ? (char)('0' + node_of(as, first + i)) : '-';
	}
	text[pages] = '\0';
	return text;
}

static void test_make(void **state)
{
	struct mempolicy p, q;

	(void)state;
	assert_int_equal(mempolicy_make(MPOL_MAX, 0, 1, &p), -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_BIND, MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1, &p),
			 -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_DEFAULT, 0, 1, &p), -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_LOCAL, 0, 1, &p), -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_LOCAL, MPOL_F_STATIC_NODES, 0, &p), -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_PREFERRED, MPOL_F_RELATIVE_NODES, 0, &p), -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_BIND, 0, 0, &p), -EINVAL);
	assert_int_equal(mempolicy_make(MPOL_BIND, 0, 1ull << 2, &p), -EINVAL); /* not there */
	assert_int_equal(mempolicy_make(MPOL_DEFAULT, 0, 0, &p), 0);
	assert_true(mempolicy_is_default(p));
	/* The nearest to nothing is local; of several the first is preferred. */
	assert_int_equal(mempolicy_make(MPOL_PREFERRED, 0, 0, &p), 0);
	assert_int_equal(p.mode, MPOL_LOCAL);
	assert_int_equal(mempolicy_make(MPOL_PREFERRED, 0, 3, &p), 0);
	assert_int_equal(p.nodes, 1);
	/* Relative ones go round. */
	assert_int_equal(mempolicy_make(MPOL_BIND, MPOL_F_RELATIVE_NODES, 1ull << 5, &p), 0);
	assert_int_equal(p.nodes, 2);
	assert_int_equal(mempolicy_make(MPOL_BIND, MPOL_F_RELATIVE_NODES, 1ull << 63 | 1, &p), 0);
	assert_int_equal(p.nodes, 3);
	assert_int_equal(mempolicy_make(MPOL_BIND, 0, 2, &q), 0);
	assert_false(mempolicy_equal(p, q));
	assert_true(mempolicy_equal(q, q));
}

/* The thread's policy, on a CPU of each node. */
static void test_thread(void **state)
{
	static const struct {
		unsigned mode;
		u64 nodes;
		const char *on_0, *on_1;
	} cases[] = {
		{MPOL_DEFAULT, 0, "0000", "1111"},	  {MPOL_LOCAL, 0, "0000", "1111"},
		{MPOL_BIND, 2, "1111", "1111"},		  {MPOL_BIND, 3, "0000", "1111"},
		{MPOL_PREFERRED, 2, "1111", "1111"},	  {MPOL_PREFERRED_MANY, 1, "0000", "0000"},
		{MPOL_PREFERRED_MANY, 3, "0000", "1111"}, {MPOL_INTERLEAVE, 3, "0101", "0101"},
		{MPOL_INTERLEAVE, 2, "1111", "1111"},
	};
	struct aspace *as = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		map_at(as, AT, 8 * P, RW);
		thread_policy = policy(cases[i].mode, cases[i].nodes);
		fake_set_cpu(0);
		assert_string_equal(touched(as, 0, 4), cases[i].on_0);
		fake_set_cpu(1);
		assert_string_equal(touched(as, 4, 4), cases[i].on_1);
		aspace_check(as);
	}
}

/* The VMA's policy wins; neighbours with different ones stay apart, and join when they agree. */
static void test_vma(void **state)
{
	struct aspace *as = *state;
	struct mempolicy got;

	thread_policy = policy(MPOL_BIND, 1);
	map_at(as, AT, 8 * P, RW);
	poke(AT, 1); /* one family, or they would stay apart for ever */
	assert_int_equal(aspace_set_policy(as, AT + 2 * P, 4 * P, policy(MPOL_BIND, 2)), 0);
	aspace_check(as);
	assert_string_equal(draw(as, 8), "ww|wwww|ww");
	assert_string_equal(touched(as, 0, 8), "00111100");
	assert_int_equal(aspace_policy_at(as, AT + 2 * P, &got), 0);
	assert_true(mempolicy_equal(got, policy(MPOL_BIND, 2)));
	assert_int_equal(aspace_policy_at(as, AT + 8 * P, &got), -EFAULT);
	assert_int_equal(aspace_set_policy(as, AT, 8 * P, policy(MPOL_DEFAULT, 0)), 0);
	aspace_check(as);
	assert_string_equal(draw(as, 8), "wwwwwwww");
	/* By place: the same page has the same node whatever came before. */
	assert_int_equal(aspace_set_policy(as, AT, 8 * P, policy(MPOL_INTERLEAVE, 3)), 0);
	assert_int_equal(aspace_discard(as, AT, 8 * P), 0);
	assert_int_equal(touched(as, 5, 1)[0] != touched(as, 4, 1)[0], 1);
	assert_int_equal(touched(as, 1, 1)[0] == touched(as, 3, 1)[0], 1);
}

static void test_set_errors(void **state)
{
	const struct mempolicy bind = policy(MPOL_BIND, 2);
	struct aspace *as = *state;
	u64 max = vma_count_max;

	map_at(as, AT, 4 * P, RW);
	map_at(as, AT + 5 * P, P, RW);
	assert_int_equal(aspace_set_policy(as, AT + 1, P, bind), -EINVAL);
	assert_int_equal(aspace_set_policy(as, AT, UINT64_MAX, bind), -EINVAL);
	assert_int_equal(aspace_set_policy(as, AT, UINT64_MAX - P + 1, bind), -EINVAL);
	assert_int_equal(aspace_set_policy(as, USER_TOP, P, bind), -EFAULT);
	assert_int_equal(aspace_set_policy(as, AT, 0, bind), 0);
	assert_int_equal(aspace_set_policy(as, AT, 6 * P, bind), -EFAULT);
	assert_string_equal(draw(as, 6), "wwww.w");
	vma_count_max = as->vma_count;
	assert_int_equal(aspace_set_policy(as, AT + P, P, bind), -ENOMEM);
	vma_count_max = max;
	for (u64 n = 1; n <= 2; n++) {
		heap_fail_after(n);
		assert_int_equal(aspace_set_policy(as, AT + P, P, bind), -ENOMEM);
		heap_fail_after(0);
		aspace_check(as);
		assert_string_equal(draw(as, 6), "wwww.w");
	}
}

/* Strict or not: node 1 is full. */
static void test_full_node(void **state)
{
	static struct page *held[TEST_RAM / P];
	struct aspace *as = *state;
	u64 n = 0;

	map_at(as, AT, 4 * P, RW);
	poke(AT + 3 * P, 1);
	while ((held[n] = frame_alloc_from(1, 1u << 1, 0, 0, FRAME_KERNEL)) != NULL)
		n++;
	thread_policy = policy(MPOL_BIND, 2);
	assert_string_equal(touched(as, 0, 1), "-");
	thread_policy = policy(MPOL_PREFERRED_MANY, 2);
	assert_string_equal(touched(as, 0, 1), "0");
	thread_policy = policy(MPOL_PREFERRED, 2);
	assert_string_equal(touched(as, 1, 1), "0");
	assert_int_equal(aspace_page_node(as, AT, NODE_MOVE_OWN, 1), -ENOMEM);
	assert_int_equal(node_of(as, 0), 0);
	while (n)
		frame_put(held[--n]);
}

static void test_query_errors(void **state)
{
	struct aspace *as = *state;
	struct mobj *obj = mobj_create(NULL, NULL);

	assert_int_equal(mobj_resize(obj, P), 0);
	assert_int_equal(node_of(as, 0), -EFAULT);
	map_at(as, AT, 4 * P, RW);
	assert_int_equal(node_of(as, 0), -ENOENT);
	assert_int_equal(peek(AT), 0);
	assert_int_equal(node_of(as, 0), -EFAULT); /* the frame of zeros */
	assert_int_equal(aspace_advise(as, AT + P, P, MADV_GUARD_INSTALL), 0);
	assert_int_equal(node_of(as, 1), -ENOENT);
	map_object(as, AT + 4 * P, P, RW | VMA_SHARED, obj, 0);
	poke(AT + 4 * P, 1);
	assert_int_equal(node_of(as, 4), 0);
	assert_int_equal(aspace_page_node(as, AT + 4 * P, NODE_MOVE_OWN, 1), -EBUSY);
	map_object(as, AT + 5 * P, P, VMA_READ | VMA_SPECIAL, obj, 0);
	assert_int_equal(peek(AT + 5 * P), 1);
	assert_int_equal(node_of(as, 5), -EFAULT);
	mobj_put(obj);
}

static void test_move(void **state)
{
	struct aspace *as = *state, *child;

	map_at(as, AT, 2 * P, RW);
	poke(AT + 5, 42);
	assert_int_equal(node_of(as, 0), 0);
	assert_int_equal(aspace_page_node(as, AT + 5, NODE_MOVE_OWN, 0), 0); /* it is there */
	assert_int_equal(aspace_page_node(as, AT + 5, NODE_MOVE_OWN, 1), 1);
	aspace_check(as);
	fake_tlb_check();
	assert_int_equal(node_of(as, 0), 1);
	assert_int_equal(peek(AT + 5), 42);
	poke(AT + 5, 43);
	assert_int_equal(pmap_resident_pages(&as->pmap), 1);
	/* Read-only stays so. */
	assert_int_equal(aspace_protect(as, AT, P, VMA_READ), 0);
	assert_int_equal(aspace_page_node(as, AT, NODE_MOVE_OWN, 0), 0);
	assert_int_equal(try_access(AT, FAULT_WRITE), FAULT_NO_ACCESS);
	assert_int_equal(aspace_protect(as, AT, P, RW), 0);
	assert_int_equal(aspace_fork(as, &child), 0);
	assert_int_equal(aspace_page_node(as, AT, NODE_MOVE_OWN, 1), -EACCES);
	aspace_put(child);
	assert_int_equal(aspace_page_node(as, AT, NODE_MOVE_OWN, 1), 1);
	assert_int_equal(peek(AT + 5), 43);
}

/* Whole ranges: 40 pages on node 0, every fourth one shared with an object or missing. */
static void test_move_range(void **state)
{
	static const u8 to_1[NODES_MAX] = {1, 1}, stay[NODES_MAX] = {0, 1};
	const struct range all = {AT, AT + 40 * P};
	struct aspace *as = *state, *child;

	map_at(as, AT, 40 * P, RW);
	for (u64 i = 0; i < 40; i++)
		if (i % 4)
			poke(AT + i * P, (u8)i);
	assert_int_equal(aspace_misplaced(as, all, to_1), 30);
	assert_int_equal(aspace_misplaced(as, all, stay), 0);
	assert_int_equal(aspace_move_range(as, all, stay), 0);
	assert_int_equal(aspace_fork(as, &child), 0);
	/* The child has them too: none may move. */
	assert_int_equal(aspace_move_range(as, (struct range){AT, AT + 4 * P}, to_1), 3);
	aspace_put(child);
	assert_int_equal(aspace_move_range(as, all, to_1), 0);
	assert_int_equal(aspace_misplaced(as, all, to_1), 0);
	aspace_check(as);
	for (u64 i = 0; i < 40; i++) {
		assert_int_equal(node_of(as, i), i % 4 ? 1 : -ENOENT);
		if (i % 4)
			assert_int_equal(peek(AT + i * P), i);
	}
}

/* A huge page by policy, and moving a page out of it. */
static void test_huge(void **state)
{
	struct aspace *as = *state;
	struct pmap_leaf leaf;
	int err;

	thread_policy = policy(MPOL_BIND, 2);
	map_at(as, AT, HUGE_BYTES, RW);
	assert_int_equal(aspace_advise(as, AT, HUGE_BYTES, MADV_HUGEPAGE), 0);
	poke(AT, 1);
	poke(AT + 3 * P, 3);
	assert_int_equal(node_of(as, 0), 1);
	assert_int_equal(aspace_page_node(as, AT + 3 * P, NODE_MOVE_OWN, 0), 0);
	aspace_check(as);
	assert_int_equal(node_of(as, 0), 1);
	assert_int_equal(peek(AT + 3 * P), 3);
	assert_true(pmap_query(&as->pmap, AT, &leaf));
	assert_int_equal(leaf.size_bytes, P);
	thread_policy = policy(MPOL_BIND, 1);
	err = aspace_collapse(as, AT, HUGE_BYTES); /* the fake machine has no huge entries */
	assert_true(err == 0 || err == -EINVAL);
	assert_int_equal(node_of(as, 3), 0);
	assert_int_equal(peek(AT + 3 * P), 3);
	aspace_check(as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICY_TEST(test_make),	      POLICY_TEST(test_thread),	    POLICY_TEST(test_vma),
		POLICY_TEST(test_set_errors), POLICY_TEST(test_full_node),  POLICY_TEST(test_query_errors),
		POLICY_TEST(test_move),	      POLICY_TEST(test_move_range), POLICY_TEST(test_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
